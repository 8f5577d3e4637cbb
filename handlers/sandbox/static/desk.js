// The table with the phones: polls the feed once a second, faster while somebody waits for an answer.

import { Chat } from "./chat.js";
import { Panel } from "./panel.js";

const CALM = 1000;
const EAGER = 200;
const TOAST_TIME = 2600;

class Desk {
  constructor() {
    this.chats = new Map();
    this.newest = 0;
    this.waiting = 0;
    this.baseUrl = location.origin;
    this.toastTimer = 0;
    this.panelView = new Panel(document.getElementById("panel"), this);
    document.getElementById("add-phone").addEventListener("click", () => this.addPhone());
    document.getElementById("show-panel").addEventListener("click", () => this.showPanel(document.getElementById("panel").hidden));
    this.loop();
  }

  narrow() {
    return matchMedia("(max-width: 719px)").matches;
  }

  // Pages of this very server are opened under the address the person used (localhost or 127.0.0.1).
  here(address) {
    const url = new URL(address);
    return url.origin === this.baseUrl ? location.origin + url.pathname + url.search + url.hash : url.href;
  }

  async loop() {
    await this.poll();
    this.timer = setTimeout(() => this.loop(), this.waiting ? EAGER : CALM);
  }

  hurry() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.loop(), EAGER / 2);
  }

  async poll() {
    if (this.polling) return;
    this.polling = true;
    try {
      const answer = await fetch(`/sandbox/feed?after=${this.newest}`, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      this.update(await answer.json());
      document.body.classList.remove("offline");
    } catch {
      document.body.classList.add("offline");
    } finally {
      this.polling = false;
    }
  }

  update(feed) {
    this.baseUrl = new URL(feed.base_url).origin;
    feed.phones.forEach((phone, index) => {
      let chat = this.chats.get(phone.name);
      if (!chat) {
        chat = new Chat(phone.name, index, this);
        this.chats.set(phone.name, chat);
        document.getElementById("phones").append(chat.root);
        if (this.chats.size === 1 || phone.name === sessionStorage.getItem("phone")) this.activate(phone.name);
      }
      chat.update(phone, feed);
      this.newest = Math.max(this.newest, ...phone.bubbles.map((bubble) => bubble.number));
    });
    this.panelView.update(feed);
  }

  activate(name) {
    sessionStorage.setItem("phone", name);
    for (const [other, chat] of this.chats) chat.root.classList.toggle("active", other === name);
  }

  deskEntries(current) {
    const others = [...this.chats.keys()].filter((name) => name !== current.name);
    const entries = others.map((name) => [`切换到${name}`, () => this.activate(name)]);
    return [...entries, ["添加手机", () => this.addPhone()], ["开发者面板", () => this.showPanel(true)]];
  }

  showPanel(open) {
    document.getElementById("panel").hidden = !open;
    document.getElementById("show-panel").setAttribute("aria-expanded", String(open));
    this.hurry();
  }

  async post(address, body) {
    this.waiting += 1;
    this.hurry();
    const options = body instanceof FormData ? { body } : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    try {
      const answer = await fetch(address, { method: "POST", ...options });
      const told = await answer.json();
      if (told.error) this.toast(told.error);
      return told;
    } catch {
      this.toast("网络不可用");
      return {};
    } finally {
      this.waiting -= 1;
      this.hurry();
    }
  }

  act(what) {
    return this.post("/sandbox/act", what);
  }

  panel(what) {
    return this.post("/sandbox/panel", what);
  }

  async addPhone() {
    const { name } = await this.post("/sandbox/phones", {});
    if (!name) return;
    await this.poll();
    if (this.chats.has(name)) this.activate(name);
    this.chats.get(name)?.root.scrollIntoView({ inline: "end" });
  }

  sendPicture(phone, file) {
    const form = new FormData();
    form.append("phone", phone);
    form.append("picture", file);
    return this.post("/sandbox/picture", form);
  }

  async decode(file) {
    const form = new FormData();
    form.append("picture", file);
    const { text } = await this.post("/sandbox/decode", form);
    if (text === "") this.toast("没有发现二维码");
    return text || null;
  }

  toast(text) {
    const box = document.getElementById("toast");
    box.textContent = text;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (box.textContent = ""), TOAST_TIME);
  }
}

new Desk();
