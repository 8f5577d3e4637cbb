// The offline page: takes a pasted or scanned code, asks check.js, and shows one of the verdicts the page brings along
// as templates. The key list in use, its version and the root of the first visit stay in this browser.
import { acceptList, bareToken, check } from "./check.js";

const STORE = "quxiang.keys";
const MONTH = 30 * 86_400_000;
const SHANGHAI = 8 * 3_600_000;
const verdict = document.getElementById("verdict");
const listCard = document.getElementById("list");
const form = document.getElementById("ask");
const input = document.getElementById("token");
const scanned = /\/v\/([^/]+)$/i.exec(location.pathname);

let known = null; // {text, root, synced, list}
let asked = scanned ? scanned[1] : "";

if (window.crypto && crypto.subtle) {
  document.getElementById("needs-script").hidden = true;
  form.hidden = listCard.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    asked = input.value;
    show().then(() => verdict.scrollIntoView({ block: "start" }));
  });
  start();
}

async function start() {
  known = await remembered();
  if (known) await show();
  const fault = await synchronise();
  for (const each of listCard.querySelectorAll("[data-fault]")) each.hidden = each.dataset.fault !== fault;
  showList();
  await show();
}

// The list of an earlier visit; looked at as critically as a new one, since others may write here, too.
async function remembered() {
  try {
    const { text, root, synced } = JSON.parse(localStorage.getItem(STORE));
    const { list } = await acceptList(text, 0, root);
    return list ? { text, root, synced, list } : null;
  } catch {
    return null;
  }
}

// Fetches the list, from the server or from what the service worker kept; returns why it was not taken, or null.
async function synchronise() {
  try {
    const answer = await fetch(verdict.dataset.keyList, { cache: "no-cache" });
    if (!answer.ok) return null;
    const text = await answer.text();
    const { fault, list, fingerprint } = await acceptList(text, known ? known.list.version : 0, known && known.root);
    if (fault) return fault;
    const synced = Date.parse(answer.headers.get("Date")) || Date.now();
    known = { text, root: fingerprint, synced: Math.max(synced, known ? known.synced : 0), list };
    localStorage.setItem(STORE, JSON.stringify({ text, root: known.root, synced: known.synced }));
  } catch {
    // Nobody there, or a browser that keeps nothing: what is known stays in use.
  }
  return null;
}

async function show() {
  if (!asked.trim()) return;
  const now = new Date();
  const found = known ? await check(withoutQuery(asked), known.list, now.toISOString()) : { genuineness: "no_list" };
  const told = document.getElementById(found.genuineness).content.cloneNode(true);
  const isGenuine = found.genuineness === "genuine";
  const isScanLink = !["malformed", "no_list"].includes(found.genuineness);
  fill(told, {
    ...(known ? { synced: moment(known.synced), listed: known.list.host } : {}),
    served: Boolean(scanned),
    now: moment(now),
    number: found.number,
    issued: found.issued && moment(Date.parse(found.issued)).slice(0, 16),
    lastDay: found.last_day,
    isPast: isGenuine && found.is_past,
    isNotPast: isGenuine && !found.is_past,
    otherHost: isOnOtherHost(asked),
    online: isScanLink && new URL(`../../V/${bareToken(withoutQuery(asked)).toUpperCase()}`, import.meta.url).href,
  });
  verdict.replaceChildren(told);
  document.title = verdict.querySelector("h1").firstChild.textContent.trim();
}

function showList() {
  if (!known) return fill(listCard, { none: true });
  const { version, issuer, host } = known.list;
  return fill(listCard, {
    synced: moment(known.synced),
    isOld: Date.now() - known.synced > MONTH,
    version, issuer, host,
    root: known.root.match(/.{8}/g).join(" "),
  });
}

// Writes values into [data-fill] and [data-link], and takes every [data-if] away whose value is missing.
function fill(within, values) {
  for (const each of within.querySelectorAll("[data-if]")) if (!values[each.dataset.if]) each.remove();
  for (const each of within.querySelectorAll("[data-fill]")) each.textContent = values[each.dataset.fill];
  for (const each of within.querySelectorAll("[data-link]")) each.href = values[each.dataset.link];
}

// An address copied from the address bar may end in a question or a fragment; a token has neither.
function withoutQuery(text) {
  return text.trim().replace(/[?#][^]*$/, "");
}

function isOnOtherHost(text) {
  try {
    const { protocol, host } = new URL(text.trim());
    return Boolean(known) && protocol.startsWith("http") && host !== known.list.host.split("/")[0].toLowerCase();
  } catch {
    return false;
  }
}

function moment(at) {
  return new Date(Number(at) + SHANGHAI).toISOString().slice(0, 19).replace("T", " ");
}
