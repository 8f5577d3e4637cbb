// Keys for people who review hundreds of entries; every page works the same without this file.
"use strict";

(() => {
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const queue = one("[data-queue]");
  const entries = all(".entry");
  const boxOf = (entry) => entry.querySelector("input[type=checkbox]");
  let here = -1;

  function press(button) {
    if (button) button.click();
  }

  function go(step) {
    const link = one(step > 0 ? "[data-next]" : "[data-previous]");
    if (link) {
      link.click();
    } else if (entries.length) {
      if (here >= 0) entries[here].classList.remove("here");
      here = Math.min(Math.max(here + step, 0), entries.length - 1);
      entries[here].classList.add("here");
      boxOf(entries[here]).focus({ preventScroll: true });
      entries[here].scrollIntoView({ block: "center" });
    }
  }

  function writeReason() {
    const reason = one("[data-reason]");
    if (reason) reason.open = true;
    const field = one("textarea[name=reason]");
    if (field) field.focus();
  }

  function pick(number) {
    const box = all("[data-reason] input[name=pick]")[number - 1];
    if (!box) return;
    one("[data-reason]").open = true;
    box.checked = !box.checked;
    box.focus();
  }

  const keys = {
    j: () => go(1),
    k: () => go(-1),
    x: () => here >= 0 && press(boxOf(entries[here])),
    Enter: () => here >= 0 && press(entries[here].querySelector(".who a")),
    a: () => press(one("[data-approve] button") || (queue && queue.querySelector("button[value=approve]"))),
    r: writeReason,
    u: () => one("[data-approve]") && press(one(".turn a")),
    "?": () => { const help = one("[data-keys]"); help.open = !help.open; },
  };

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    const isTyping = at.matches("textarea, select, input:not([type=checkbox])");
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && at.closest("form")) {
      event.preventDefault();
      press(at.closest("form").querySelector("button[value=return]"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && event.key === "a") return;
    if (event.key === "Escape" && isTyping) { at.blur(); return; }
    if (isTyping) return;
    if (event.key === "Enter" && at.matches("a, button, summary")) return;
    const act = keys[event.key] || (/^[1-9]$/.test(event.key) && (() => pick(Number(event.key))));
    if (!act) return;
    event.preventDefault();
    act();
  });

  // Two clicks are one decision. The button's value travels only if it is not disabled before the form is read.
  all("form[method=post]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  }));
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

  const everything = one("[data-all]");
  if (everything) {
    everything.closest("label").hidden = false;
    everything.addEventListener("change", () => entries.forEach((entry) => { boxOf(entry).checked = everything.checked; }));
  }
  all("[data-filter] select").forEach((select) => select.addEventListener("change", () => select.form.submit()));
})();
