// One phone: its chat, its bottom menu, its typing bar.

import { draw, element, isWeb, stamp } from "./bubbles.js";
import { openBrowser, openScan, openSheet } from "./layers.js";

const PAUSE_BETWEEN_STAMPS = 300;
const SCANNING = ["scancode_push", "scancode_waitmsg"];

export class Chat {
  constructor(name, index, world) {
    this.name = name;
    this.world = world;
    this.root = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.root.querySelector(selector);
    this.layer = this.find(".layer");
    this.lastStamp = 0;
    this.seen = 0;
    this.typing = false; // typing bar instead of menu
    this.menu = undefined;
    this.tone = `tone${index % 4}`;
    this.find(".caption").textContent = name;
    this.root.dataset.phone = name;
    this.listen();
  }

  act(act, more = {}) {
    return this.world.act({ phone: this.name, act, ...more });
  }

  listen() {
    const on = (selector, type, run) => this.find(selector).addEventListener(type, run);
    const input = this.find("textarea");
    on(".follow", "click", () => this.act("follow"));
    on(".more", "click", () => this.openMore());
    on(".back", "click", () => this.openMore());
    on(".to-keys", "click", () => (this.switchTo(true), input.focus()));
    on(".to-menu", "click", () => this.switchTo(false));
    on(".plus", "click", () => this.toggleTools());
    on(".typebar", "submit", (event) => (event.preventDefault(), this.say()));
    input.addEventListener("input", () => this.sizeInput());
    input.addEventListener("focus", () => this.toggleTools(false));
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.say();
    });
    this.find(".tools").addEventListener("click", (event) => this.useTool(event.target.closest("button")?.dataset.tool));
    on(".choose", "change", (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (file) this.world.sendPicture(this.name, file);
    });
    this.root.addEventListener("click", (event) => {
      if (!event.target.closest(".cell")) this.closeSubmenus();
    });
  }

  say() {
    const input = this.find("textarea");
    const text = input.value;
    if (!text.trim()) return;
    input.value = "";
    this.sizeInput();
    this.act("say", { text });
  }

  sizeInput() {
    const input = this.find("textarea");
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    this.find(".send").hidden = !input.value;
    this.find(".plus").hidden = Boolean(input.value);
  }

  toggleTools(open = this.find(".tools").hidden) {
    this.find(".tools").hidden = !open;
    this.find(".plus").setAttribute("aria-expanded", String(open));
    if (open) this.toEnd();
  }

  useTool(tool) {
    if (!tool) return;
    if (tool === "picture") this.find(".choose").click();
    else if (tool === "scan") this.scan((text) => this.arrive(text));
    else this.act(tool);
    this.toggleTools(false);
  }

  scan(done) {
    openScan(this.layer, { decode: (file) => this.world.decode(file), done });
  }

  // Where a scanned code leads: the account's own codes are the server's business, web addresses open here.
  arrive(text) {
    this.act("scan", { text });
    if (isWeb(text) && new URL(text).host !== "weixin.qq.com") this.open(text);
    else if (!isWeb(text)) this.world.toast(`扫描结果：${text}`);
  }

  open(address) {
    openBrowser(this.layer, this.world.here(address));
  }

  openMore() {
    const entries = this.world.narrow() ? this.world.deskEntries(this) : [];
    entries.push(["扫一扫", () => this.scan((text) => this.arrive(text))]);
    if (this.following) entries.push(["取消关注", () => this.act("unfollow"), true]);
    else entries.push(["关注公众号", () => this.act("follow")]);
    openSheet(this.layer, entries);
  }

  // --- what the feed says

  update(phone, feed) {
    this.find(".screen .title").textContent = phone.typing ? "对方正在输入…" : feed.account.name;
    this.find(".profile h2").textContent = feed.account.name;
    this.find(".profile .avatar").textContent = feed.account.name.slice(0, 1);
    this.showFollowing(phone.following);
    this.showMenu(feed.menu);
    this.add(phone.bubbles, feed);
  }

  showFollowing(following) {
    if (following === this.following) return;
    this.following = following;
    this.find(".chat").hidden = this.find(".foot").hidden = !following;
    this.find(".profile").hidden = following;
    if (following) this.toEnd();
  }

  add(bubbles, feed) {
    const fresh = bubbles.filter((bubble) => bubble.number > this.seen);
    if (!fresh.length) return;
    const chat = this.find(".chat");
    const hands = {
      tap: (text, menu_id) => this.act("tap", { text, menu_id }),
      open: (address) => this.open(address),
      here: (address) => this.world.here(address),
      account: feed.account.name.slice(0, 1),
      initial: this.name.slice(-1),
      tone: this.tone,
    };
    for (const bubble of fresh) {
      if (bubble.at - this.lastStamp > PAUSE_BETWEEN_STAMPS) chat.append(element("p", { class: "stamp" }, stamp(bubble.at)));
      this.lastStamp = bubble.at;
      this.seen = bubble.number;
      chat.append(draw(bubble, hands));
    }
    this.toEnd();
  }

  toEnd() {
    const chat = this.find(".chat");
    requestAnimationFrame(() => (chat.scrollTop = chat.scrollHeight));
  }

  // --- the bottom menu

  showMenu(menu) {
    const drawn = JSON.stringify(menu);
    if (drawn === this.menu) return;
    this.menu = drawn;
    const cells = (menu?.button ?? []).map((button) => this.cell(button));
    this.find(".menubar .buttons").replaceChildren(...cells);
    this.find(".to-menu").hidden = !cells.length;
    this.switchTo(!cells.length);
  }

  switchTo(typing) {
    this.find(".menubar").hidden = typing;
    this.find(".typebar").hidden = !typing;
    if (!typing) this.toggleTools(false);
  }

  cell(button) {
    const entries = button.sub_button ?? [];
    const head = element("button", { type: "button", class: entries.length ? "has-more" : null }, button.name);
    const cell = element("div", { class: "cell" }, head);
    if (!entries.length) {
      head.addEventListener("click", () => this.press(button));
      return cell;
    }
    const list = element("div", { class: "submenu", hidden: true });
    for (const entry of entries) {
      const pressEntry = () => (this.closeSubmenus(), this.press(entry));
      list.append(element("button", { type: "button", onclick: pressEntry }, entry.name));
    }
    cell.append(list);
    head.addEventListener("click", () => {
      const open = list.hidden;
      this.closeSubmenus();
      list.hidden = !open;
    });
    return cell;
  }

  closeSubmenus() {
    this.root.querySelectorAll(".submenu").forEach((list) => (list.hidden = true));
  }

  press(button) {
    const key = button.key ?? button.name;
    if (SCANNING.includes(button.type)) {
      this.scan((scanned) => {
        this.act("menu", { key, scanned });
        if (button.type === "scancode_push" && isWeb(scanned)) this.open(scanned);
      });
      return;
    }
    this.act("menu", { key });
    if (button.type === "view") this.open(button.url);
  }
}
