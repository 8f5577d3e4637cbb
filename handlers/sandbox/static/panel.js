// The developer panel: mode, faults, tokens, last pushes.

import { element, stamp } from "./bubbles.js";

const MODES = [["plain", "明文"], ["compatible", "兼容"], ["safe", "安全"]];
const PUSH = [["duplicate", "重复推送"], ["delay", "回复变慢"], ["drop", "丢掉回复"]];
const CALL = [["40001", "40001 令牌失效"], ["40164", "40164 IP 不在名单"], ["43117", "43117 对此人太频繁"], ["45009", "45009 额度用完"], ["45011", "45011 发得太快"], ["45015", "45015 超出时限"], ["45047", "45047 超出条数"], ["-1", "-1 系统繁忙"], ["hang", "接口变慢"], ["lost", "做了但没有答复"]];
const CHSI = [["chsi-down", "学信网停机"], ["chsi-hang", "学信网变慢"]];
const OUTCOMES = { answer: "已回复", silence: "不回复", nothing: "无应答", fault: "格式错误" };

export class Panel {
  constructor(root, world) {
    this.root = root;
    this.world = world;
    this.times = element("input", { type: "number", min: 1, max: 100, value: 1 });
    this.seconds = element("input", { type: "number", min: 0, max: 60, value: 6, step: 0.5 });
    this.mode = element("div", { class: "choices" });
    this.waiting = element("ul");
    this.tokens = element("ul");
    this.pushes = element("tbody");
    root.append(...this.parts());
  }

  parts() {
    const button = (label, run) => element("button", { type: "button", onclick: run }, label);
    const faults = (list) => element("div", { class: "choices" }, ...list.map(([fault, label]) => button(label, () => this.arm(fault))));
    const close = element("button", { type: "button", class: "close", onclick: () => this.world.showPanel(false) }, "关闭");
    const head = ["时间", "内容", "次", "结果", "秒"].map((text) => element("th", {}, text));
    return [
      element("h2", {}, "开发者面板", close),
      element("h3", {}, "消息加解密方式"), this.mode,
      element("h3", {}, "注入故障"),
      element("label", {}, "次数", this.times), element("label", {}, "秒数", this.seconds),
      element("h3", {}, "下一次消息推送"), faults(PUSH),
      element("h3", {}, "下一次平台接口调用"), faults(CALL),
      element("h3", {}, "学信网"), faults(CHSI),
      element("h3", {}, "等待生效的故障"), this.waiting,
      element("div", { class: "choices" }, button("全部取消", () => this.world.panel({ clear: true })), button("令牌全部作废", () => this.world.panel({ forget_tokens: true }))),
      element("h3", {}, "access_token"), this.tokens,
      element("h3", {}, "最近的推送"),
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), this.pushes),
    ];
  }

  arm(fault) {
    this.world.panel({ fault, times: Number(this.times.value) || 1, seconds: Number(this.seconds.value) || 0 });
  }

  update(feed) {
    if (this.root.hidden) return;
    const list = (rows, none) => (rows.length ? rows : [none]).map((text) => element("li", {}, text));
    this.mode.replaceChildren(...MODES.map(([mode, label]) => element("button", { type: "button", "aria-pressed": String(mode === feed.account.mode), onclick: () => this.world.panel({ mode }) }, label)));
    this.waiting.replaceChildren(...list(feed.faults.map((fault) => `${fault.name} × ${fault.times}${fault.seconds ? `，${fault.seconds} 秒` : ""}`), "没有"));
    this.tokens.replaceChildren(...list(feed.tokens.map((token) => `${token.kind}：还有 ${token.seconds} 秒`), "还没有人取过"));
    this.pushes.replaceChildren(...feed.pushes.map((push) => this.row(push)));
  }

  row(push) {
    const bad = push.outcome === "nothing" || push.outcome === "fault";
    const outcome = element("td", { class: bad ? "bad" : null, title: push.reason }, OUTCOMES[push.outcome], bad ? `：${push.reason}` : "");
    const attempt = push.attempt || "副本";
    return element("tr", {}, element("td", {}, stamp(push.at)), element("td", {}, String(push.what)), element("td", {}, String(attempt)), outcome, element("td", {}, push.seconds.toFixed(2)));
  }
}
