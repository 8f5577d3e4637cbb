// Bubbles as DOM. Text only ever enters through textContent; addresses are checked again here although the server
// has already cut the text into stretches: a message must never run code in this page.

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") node.addEventListener("click", value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export function isWeb(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}

function icon(path, className = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", className);
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

function picture(address) {
  const local = address.startsWith("/sandbox/media/");
  return local || isWeb(address) ? element("img", { src: address, alt: "图片", referrerpolicy: "no-referrer" }) : "[图片]";
}

function words(segments, hands) {
  return segments.map((part) => {
    if (part.kind === "tap") {
      const send = (event) => {
        event.preventDefault();
        hands.tap(part.target, part.menu_id);
      };
      return element("a", { href: "#", role: "button", onclick: send }, part.label);
    }
    if (part.kind === "link" && isWeb(part.target)) return link(part.label, part.target, hands);
    return document.createTextNode(part.label);
  });
}

function link(label, address, hands, className = null) {
  const open = (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    hands.open(address);
  };
  return element("a", { href: hands.here(address), class: className, rel: "noopener noreferrer", onclick: open }, label);
}

function card(bubble, hands) {
  const inside = element("div", {}, element("h3", {}, bubble.title));
  if (bubble.kind === "template") {
    const rows = bubble.rows.flatMap(([label, value]) => [element("dt", {}, label), element("dd", {}, value)]);
    inside.append(element("dl", {}, ...rows));
  } else if (bubble.text) inside.append(element("p", {}, bubble.text));
  const box = element("article", { class: "notice" });
  if (bubble.picture && isWeb(bubble.picture)) box.append(picture(bubble.picture));
  box.append(inside);
  if (isWeb(bubble.url)) box.append(link(bubble.kind === "template" ? "查看详情" : "阅读全文", bubble.url, hands, "open"));
  return box;
}

function body(bubble, hands) {
  switch (bubble.kind) {
    case "image":
      return element("div", { class: "bubble bare" }, picture(bubble.picture));
    case "voice":
      return element("div", { class: "bubble voice" }, icon("M8 9.5a4 4 0 0 1 0 5M11.5 7a8 8 0 0 1 0 10M15 4.5a12 12 0 0 1 0 15"), "3″");
    case "video":
      return element("div", { class: "bubble video" }, icon("M9 7l9 5-9 5z", "solid"));
    case "location":
      return element("div", { class: "bubble card" }, bubble.text, element("div", { class: "map" }, icon("M12 21s7-6.2 7-11.3A7 7 0 0 0 5 9.7C5 14.8 12 21 12 21z", "solid")));
    case "link":
      return element("div", { class: "bubble card" }, bubble.text, element("small", {}, "链接"));
    default:
      return element("div", { class: "bubble" }, ...words(bubble.segments, hands));
  }
}

export function draw(bubble, hands) {
  if (bubble.side === "system") return element("p", { class: `system ${bubble.kind === "banner" ? "banner" : ""}` }, bubble.text);
  if (bubble.kind === "template" || bubble.kind === "news") return card(bubble, hands);
  const face = element("div", { class: `avatar ${bubble.side} ${hands.tone}`, "aria-hidden": "true" }, bubble.side === "me" ? hands.initial : hands.account);
  return element("div", { class: `say ${bubble.side}` }, face, body(bubble, hands));
}

const DAYS = ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"];

export function stamp(seconds, now = new Date()) {
  const at = new Date(seconds * 1000);
  const clock = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(at)) / 86400000);
  if (days <= 0) return clock;
  if (days === 1) return `昨天 ${clock}`;
  if (days < 7) return `${DAYS[at.getDay()]} ${clock}`;
  return `${at.getFullYear()}年${at.getMonth() + 1}月${at.getDate()}日 ${clock}`;
}
