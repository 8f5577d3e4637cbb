// What slides over a chat: the in-app browser, the action sheet, and 扫一扫.

import { element } from "./bubbles.js";

const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export function openBrowser(layer, address) {
  const view = template("browser");
  const frame = view.querySelector("iframe");
  const title = view.querySelector(".title");
  const back = view.querySelector(".goback");
  const outside = view.querySelector(".outside");
  const url = new URL(address);
  let pages = 0;
  title.textContent = url.host;
  outside.href = address;
  // A page of another site must not steer this window; our own pages need no cage.
  if (url.origin !== location.origin) frame.setAttribute("sandbox", "allow-scripts allow-forms allow-same-origin allow-popups allow-downloads");
  frame.addEventListener("load", () => {
    pages += 1;
    back.hidden = pages < 2;
    try {
      title.textContent = frame.contentDocument.title || url.host;
      if (frame.contentWindow.location.protocol.startsWith("http")) outside.href = frame.contentWindow.location.href;
    } catch {
      title.textContent = url.host;
    }
  });
  back.addEventListener("click", () => {
    pages -= 2;
    history.back();
  });
  view.querySelector(".close").addEventListener("click", () => layer.replaceChildren());
  frame.src = address; // before it is in the document: an empty first page would count as a step to go back to
  layer.replaceChildren(view);
}

export function openSheet(layer, entries) {
  const close = () => layer.replaceChildren();
  const buttons = entries.map(([label, run, warn]) =>
    element("button", { type: "button", class: warn ? "warn" : null, onclick: () => (close(), run()) }, label),
  );
  buttons.push(element("button", { type: "button", class: "cancel", onclick: close }, "取消"));
  layer.replaceChildren(element("div", { class: "sheet", role: "menu" }, ...buttons));
  layer.addEventListener("click", (event) => event.target === layer && close(), { once: true });
}

export function openScan(layer, { decode, done }) {
  const form = template("scan");
  const text = form.querySelector("textarea");
  form.querySelector(".cancel").addEventListener("click", () => layer.replaceChildren());
  form.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) text.value = (await decode(file)) ?? text.value;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = text.value.trim();
    if (!found) return;
    layer.replaceChildren();
    done(found);
  });
  layer.replaceChildren(form);
  text.focus();
}
