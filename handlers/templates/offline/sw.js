// Keeps the offline page on this device and hands it out only when the server does not answer: for itself, and in place
// of a scanned code. A scan page is never kept, and whatever the server says goes through untouched.
"use strict";

const CACHE = "quxiang-offline-{{ version }}";
const PAGES = {{ pages | tojson }};
const PARTS = {{ parts | tojson }};
const KEY_LIST = {{ key_list | tojson }};
const PATIENCE = 5000;
const LIST_AGE = 3_600_000;
const ROOT = new URL("./", self.location).pathname;
// Pages this worker answered from the cache; they get all their parts from there, too: at once, and of one version.
const served = new Set();

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keep([...Object.values(PAGES), ...PARTS, KEY_LIST]));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("quxiang-offline-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const isScan = /^v\/[^/]+$/i.test(url.pathname.slice(ROOT.length));
  if (request.mode === "navigate" && (isScan || url.pathname === PAGES.zh)) event.respondWith(page(event, url));
  else if (url.pathname === KEY_LIST) event.respondWith(keyList(event));
  else if (PARTS.includes(url.pathname)) event.respondWith(part(event, url));
});

async function page(event, url) {
  try {
    const answer = await answered(event.request);
    event.waitUntil(refresh());
    return answer;
  } catch {
    served.add(event.resultingClientId);
    return kept(url.searchParams.get("lang") === "en" ? PAGES.en : PAGES.zh);
  }
}

async function part(event, url) {
  if (served.has(event.clientId)) return kept(url.pathname);
  try {
    return await answered(event.request);
  } catch {
    return kept(url.pathname);
  }
}

async function keyList(event) {
  if (served.has(event.clientId)) return kept(KEY_LIST);
  try {
    const answer = await answered(event.request);
    if (!answer.ok) throw new Error(answer.status);
    const copy = answer.clone();
    event.waitUntil(caches.open(CACHE).then((cache) => cache.put(KEY_LIST, copy)));
    return answer;
  } catch {
    return kept(KEY_LIST);
  }
}

// The server's answer; fails when there is none within five seconds, or only the word that something is broken.
function answered(request) {
  return new Promise((resolve, reject) => {
    setTimeout(reject, PATIENCE);
    fetch(request).then((answer) => (answer.status < 500 ? resolve(answer) : reject()), reject);
  });
}

async function kept(path) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path, { ignoreVary: true })) || Response.error();
}

// While the server is there: a new key list, and the page with the school's telephone, once an hour.
async function refresh() {
  const date = Date.parse((await kept(KEY_LIST)).headers.get("Date"));
  if (!(Date.now() - date < LIST_AGE)) await keep([KEY_LIST, ...Object.values(PAGES)]).catch(() => {});
}

async function keep(paths) {
  const cache = await caches.open(CACHE);
  await cache.addAll(paths.map((path) => new Request(path, { cache: "reload" })));
}
