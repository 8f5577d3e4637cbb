// Checks a token against the key list, without a server: genuine or not. Whether a report is still in force only the
// register can say. Written from the published format and not from the server's code, so that the two prove each
// other: tests/vectors holds what both must answer.
import { Point, CURVE } from "./noble-ed25519.js";

const TOKEN_DOMAIN = "quxiang-verify-v1\0";
const LIST_DOMAIN = "quxiang-keys-v1\0";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BODY_BYTES = 28;
const CLOCK_MAY_BE_SLOW = 10 * 60_000;
const DAY = 86_400_000;
const SHANGHAI = 8 * 3_600_000;

// Says what a token is: {genuineness}, and for "genuine" and "clock" also {number, issued, last_day, is_past}.
// token: 148 characters, or an address that ends in /V/ and these; list: from acceptList; clock: an ISO moment.
export async function check(token, list, clock) {
  const raw = decode(bareToken(token));
  if (raw === null || raw[0] !== 1) return { genuineness: "malformed" };
  const key = list.qr.find((each) => each.kid === raw[1]);
  if (key === undefined) return { genuineness: "unknown_key" };
  if (key.state === "retired") return { genuineness: "retired_key" };
  const body = raw.slice(0, BODY_BYTES);
  if (!(await isSigned(bytesOf(key.public), raw.slice(BODY_BYTES), joined(utf8(TOKEN_DOMAIN), body)))) {
    return { genuineness: "bad_signature" };
  }
  return dated(new DataView(body.buffer), Date.parse(clock));
}

// Accepts a published key list: {list, fingerprint}, or {fault} saying why not. atLeast: the highest version seen
// before; root: the fingerprint pinned at first use, or null.
export async function acceptList(text, atLeast = 0, root = null) {
  const list = await shaped(text);
  if (list === null) return { fault: "list_malformed" };
  const { signature, ...signed } = list;
  if (!(await isSigned(bytesOf(list.root), bytesOf(signature), utf8(LIST_DOMAIN + canonical(signed))))) {
    return { fault: "list_bad_signature" };
  }
  const fingerprint = hex(await digest("SHA-256", bytesOf(list.root)));
  if (root !== null && root.toLowerCase() !== fingerprint) return { fault: "list_other_root" };
  if (list.version < atLeast) return { fault: "list_rollback" };
  return { list, fingerprint };
}

export function bareToken(text) {
  return text.trim().replace(/^[^]*\/v\//i, "");
}

function dated(body, now) {
  const issued = body.getUint32(6) * 60_000;
  const lastDay = body.getUint16(10) * DAY;
  const isClockWrong = now < issued - CLOCK_MAY_BE_SLOW;
  return {
    genuineness: isClockWrong ? "clock" : "genuine",
    number: String(body.getUint32(2)).padStart(8, "0"),
    issued: new Date(issued).toISOString().replace(".000Z", "Z"),
    last_day: new Date(lastDay).toISOString().slice(0, 10),
    // The last day ends at 23:59:59 in Shanghai; a wrong clock says nothing about it.
    is_past: !isClockWrong && now > lastDay - SHANGHAI + DAY - 1000,
  };
}

// Base32 without padding in its one canonical spelling: the four spare bits at the end are zero.
function decode(token) {
  if (!/^[A-Za-z2-7]{148}$/.test(token)) return null;
  const raw = new Uint8Array(92);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const character of token.toUpperCase()) {
    held = ((held << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) raw[at++] = (held >> (bits -= 8)) & 0xff;
  }
  return (held & ((1 << bits) - 1)) === 0 ? raw : null;
}

// RFC 8032 without the cofactor: S·B − k·A must be, byte for byte, the R of the signature. Refused besides: S not
// below the group's order, points not written canonically or of small order.
async function isSigned(key, signature, message) {
  const [r, s] = [signature.slice(0, 32), number(signature.slice(32))];
  const k = number(await digest("SHA-512", joined(r, key, message))) % CURVE.n;
  if (s >= CURVE.n) return false;
  try {
    const minusA = Point.fromBytes(key).negate();
    if (minusA.isSmallOrder()) return false;
    const both = Point.BASE.add(minusA);
    let sum = Point.ZERO;
    for (let bit = 252n; bit >= 0n; bit--) {
      const [inS, inK] = [(s >> bit) & 1n, (k >> bit) & 1n];
      sum = sum.double();
      if (inS || inK) sum = sum.add(inS ? (inK ? both : Point.BASE) : minusA);
    }
    return !sum.isSmallOrder() && hex(sum.toBytes()) === hex(r);
  } catch {
    return false; // no point of the curve
  }
}

// The list as JSON, or null unless it has exactly the published shape.
async function shaped(text) {
  try {
    // Outside its strings a list holds whole numbers only, so that every language reads and signs the same.
    if (text.length > 1_000_000 || /[^\s{}[\]:,0-9]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ""))) return null;
    const list = JSON.parse(text);
    return isList(list) && (await areFingerprints(list.report)) ? list : null;
  } catch {
    return null;
  }
}

function isList(list) {
  const states = (keys, state) => keys.filter((each) => each.state === state).length;
  const differ = (keys, name) => new Set(keys.map((each) => each[name])).size === keys.length;
  return (
    has(list, ["host", "issued_at", "issuer", "qr", "report", "root", "signature", "version"]) &&
    Number.isSafeInteger(list.version) && list.version >= 1 && isMoment(list.issued_at) &&
    isText(list.issuer) && isText(list.host) && isBytes(list.root, 32) && isBytes(list.signature, 64) &&
    Array.isArray(list.qr) && list.qr.every(isQrKey) && differ(list.qr, "kid") && differ(list.qr, "public") &&
    states(list.qr, "current") === 1 && states(list.qr, "next") === 1 &&
    Array.isArray(list.report) && list.report.every(isReportKey) && differ(list.report, "certificate") &&
    states(list.report, "current") === 1
  );
}

function isQrKey(key) {
  return (
    has(key, ["kid", "public", "since", "state"]) && Number.isInteger(key.kid) && key.kid >= 0 && key.kid <= 255 &&
    isBytes(key.public, 32) && ["current", "next", "former", "retired"].includes(key.state) && isMoment(key.since)
  );
}

function isReportKey(key) {
  return (
    has(key, ["certificate", "fingerprint", "since", "state"]) && isBytes(key.certificate) &&
    ["current", "former", "retired"].includes(key.state) && isMoment(key.since)
  );
}

async function areFingerprints(keys) {
  const found = await Promise.all(keys.map((each) => digest("SHA-256", bytesOf(each.certificate))));
  return found.every((each, index) => hex(each) === keys[index].fingerprint);
}

function has(value, names) {
  return typeof value === "object" && value !== null && Object.keys(value).sort().join() === names.join();
}

function isText(value) {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}

function isMoment(value) {
  if (typeof value !== "string" || !/^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return false;
  const moment = new Date(value);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().replace(".000Z", "Z") === value;
}

// base64url without padding, in its one canonical spelling.
function isBytes(value, length) {
  if (typeof value !== "string" || !/^[\w-]+$/.test(value)) return false;
  const raw = bytesOf(value);
  const again = btoa(String.fromCharCode(...raw)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  return again === value && (length === undefined || raw.length === length);
}

function bytesOf(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

async function digest(algorithm, bytes) {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
}

function joined(...parts) {
  return Uint8Array.from(parts.flatMap((each) => [...each]));
}

function utf8(text) {
  return new TextEncoder().encode(text);
}

function hex(bytes) {
  return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
}

function number(bytes) {
  return BigInt(`0x${hex([...bytes].reverse())}`);
}
