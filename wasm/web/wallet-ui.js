// The wallet's words and building blocks. Its texts are wallet.LANGUAGE.json, written as the page's are; they come with
// the wallet, not with the page.
import {language, number} from "./words.js";

let texts = {};
let tag = "";
let plurals = null;

// load fetches the texts of the page's language.
export async function load() {
  if (tag === language()) return;
  const answer = await fetch("wallet." + language() + ".json");
  if (!answer.ok) throw new Error(String(answer.status));
  texts = await answer.json();
  tag = language();
  plurals = new Intl.PluralRules(tag);
}

// t is the text of a key with its {places} filled; numbers are written as the language writes them.
export function t(key, places = {}) {
  let found = texts[key];
  if (found === undefined) return "";
  if (typeof found === "object") found = found[plurals.select(places.n)] ?? found.other;
  return found.replace(/\{(\w+)\}/g, (_, name) => {
    const value = places[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

export const has = (key) => key in texts;

// when writes a time in seconds since 1970.
export const when = (seconds) => new Intl.DateTimeFormat(tag, {dateStyle: "medium", timeStyle: "short"}).format(seconds * 1000);

// day writes the day of it.
export const day = (seconds) => new Intl.DateTimeFormat(tag, {dateStyle: "medium"}).format(seconds * 1000);

// amount writes a decimal string as the language does, without the zeros at its end.
export function amount(s) {
  const [whole, part = ""] = s.replace("-", "").split(".");
  const point = new Intl.NumberFormat(tag).formatToParts(1.5).find((p) => p.type === "decimal").value;
  const rest = part.replace(/0+$/, "");
  return (s.startsWith("-") ? "\u2212" : "") + new Intl.NumberFormat(tag).format(BigInt(whole)) + (rest ? point + rest : "");
}

// decimal is an amount that a person typed, for the wallet's program: with a point, and without what could be taken for
// either a point or the mark between thousands, as 1.000 where a comma is the point. It fails with {code: "amount"}.
export function decimal(typed) {
  const s = typed.replace(/[\s\u00a0\u202f]/g, "");
  const point = new Intl.NumberFormat(tag).formatToParts(1.5).find((p) => p.type === "decimal").value;
  const other = point === "." ? "," : ".";
  if (s === "") return "";
  if (!/^\d*[.,]?\d*$/.test(s) || !/\d/.test(s) || (/^[1-9]\d{0,2}[.,]\d{3}$/.test(s) && s.includes(other))) throw {code: "amount"};
  return s.replace(",", ".");
}

// percent writes a part of 1.
export const percent = (n) => new Intl.NumberFormat(tag, {style: "percent", maximumSignificantDigits: 2}).format(n);

// fault says what went wrong: {code, …} as the wallet's program gives it.
export function fault(e) {
  const code = "wallet.error." + (e && e.code);
  if (e && e.code === "word") return t(e.near ? "wallet.error.word.near" : "wallet.error.word", e);
  return has(code) ? t(code) : t("wallet.error.other", {text: (e && e.text) || ""});
}

// el makes an element: el("p.quiet#id", {property: value}, children…). A property with a hyphen, role or for is an
// attribute; one that begins with on listens.
export function el(what, properties = {}, ...children) {
  const [, name, classes, id] = /^([a-z0-9]+)((?:\.[\w-]+)*)(?:#([\w-]+))?$/.exec(what);
  const e = document.createElement(name);
  if (classes) e.className = classes.slice(1).replaceAll(".", " ");
  if (id) e.id = id;
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (key.includes("-") || key === "role" || key === "for") e.setAttribute(key, value);
    else e[key] = value;
  }
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// button is a button with a text; gold is the one that matters on a screen.
export const button = (key, on, kind = "plain", id) => el("button." + kind + (id ? "#" + id : ""), {type: "button", onclick: on}, t(key));

export const notice = (key, places, bad = false) => el("p.wallet-note" + (bad ? ".bad" : ""), {}, t(key, places));

// field is a label and what is typed below it; help stands under it.
let fields = 0;
export function field(key, input, help) {
  input.id ||= "wallet-field-" + ++fields;
  const parts = [el("label", {for: input.id}, t(key)), input];
  if (help) {
    const note = el("p.quiet", {id: input.id + "-help"}, help);
    input.setAttribute("aria-describedby", note.id);
    parts.push(note);
  }
  return el("div.wallet-field", {}, parts);
}

// secret is a field for a passphrase, with a switch that shows it.
export function secret(key, id, {fresh = false, optional = false, help = ""} = {}) {
  const input = el("input#" + id, {type: "password", autocomplete: fresh ? "new-password" : "current-password", maxLength: 256,
    autocapitalize: "off", spellcheck: false, required: !optional});
  const box = field(key, input, help);
  const look = el("button.plain.wallet-look", {type: "button", "aria-pressed": "false", onclick: () => {
    const open = input.type === "password";
    input.type = open ? "text" : "password";
    look.setAttribute("aria-pressed", String(open));
  }}, t("wallet.look"));
  const row = el("div.wallet-secret");
  input.replaceWith(row);
  row.append(input, look);
  return {box, input};
}

// form is a form whose one button works: it is off meanwhile, and what fails is said beside it.
export function form(key, on, ...children) {
  const why = el("p.problem", {role: "alert", hidden: true});
  const go = el("button.gold", {type: "submit"}, t(key));
  const busy = el("p.quiet.wallet-busy", {role: "status"});
  const f = el("form.wallet-form", {noValidate: true, onsubmit: async (event) => {
    event.preventDefault();
    why.hidden = true;
    go.disabled = true;
    busy.textContent = t("wallet.busy");
    try {
      await on();
    } catch (e) {
      why.textContent = fault(e);
      why.hidden = false;
    } finally {
      go.disabled = false;
      busy.textContent = "";
    }
  }}, children, why, go, busy);
  return f;
}

// picture draws a QR code from its rows, with the quiet zone.
export function picture(rows, name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  const size = rows.length + 8;
  svg.setAttribute("viewBox", "0 0 " + size + " " + size);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name);
  svg.setAttribute("class", "wallet-qr");
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(ns, "path");
  let d = "";
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) d += "M" + (run.index + 4) + " " + (y + 4) + "h" + run[0].length + "v1h-" + run[0].length + "z";
  });
  path.setAttribute("d", d);
  svg.append(path);
  return svg;
}

// save hands a file to the person.
export function save({name, type, data}) {
  const bytes = Uint8Array.from(atob(data || ""), (c) => c.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], {type}));
  el("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// file reads what a person chose, as base64.
export async function file(input) {
  const [chosen] = input.files;
  if (!chosen || chosen.size > 20 << 20) throw {code: "nobackup"};
  const bytes = new Uint8Array(await chosen.arrayBuffer());
  let s = "";
  for (let at = 0; at < bytes.length; at += 8192) s += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(s);
}
