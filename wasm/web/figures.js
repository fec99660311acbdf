// Figures: the numbers of mining and the live picture of the work, as a control worker's snapshots tell them.
import {Pan} from "./pan.js";
import {count, number, percent, scaled, short, text, time} from "./words.js";

const $ = (id) => document.getElementById(id);

let pan = null;
let asked = 0; // the difficulty that shares must reach
let shown = null; // what was shown last, to show it again in another language

const nothing = {hashes: 0, accepted: 0, rejected: 0, stale: 0, best: 0, seconds: 0};

// open makes the picture, once it is to be seen.
export function open() {
  if (!pan) pan = new Pan($("pan"));
}

let calmed = null;
let found = 0; // shares accepted today

let lying = 0; // nuggets in the calm pan

// calm shows the pan and the river at rest, before anything runs, with what this device found today.
export function calm() {
  calmed ??= new Pan($("calm"));
  for (; lying < Math.min(found, 90); lying++) calmed.share(1, true);
}

// still stops the picture.
export function still() {
  if (pan) pan.run(false);
}

// quiet says that nothing is hashed now: the picture rests, and there is no speed.
export function quiet() {
  still();
  hero(null, shown?.totals ?? nothing);
}

// accepted is how many shares this page found so far.
export const accepted = () => shown?.totals.accepted ?? 0;

// clear shows the figures of no work.
export function clear(totals = shown?.totals ?? nothing) {
  still();
  $("mining").classList.toggle("empty", totals.hashes === 0);
  write(null, totals);
}

// again writes what is shown once more, in the language of now.
export function again() {
  write(shown?.s ?? null, shown?.totals ?? nothing);
}

// snapshot shows one snapshot: the totals of this page, and how much was done since the last.
export function snapshot(s, totals, done, passed, seen) {
  asked = s.difficulty;
  $("mining").classList.remove("empty");
  if (pan) {
    pan.run(s.state === "mining" && seen);
    pan.hashes(done, passed);
  }
  write(s, totals);
}

// share lets a nugget fall into the pan.
export function share(s) {
  if (pan) pan.share(asked > 0 ? s.difficulty / asked : 1);
  fresh("accepted");
  if (s.difficulty >= (shown?.totals.best ?? 0)) fresh("best");
}

// fresh sets a figure off for a moment.
function fresh(id) {
  const box = $(id).parentElement;
  box.classList.add("fresh");
  setTimeout(() => box.classList.remove("fresh"), 1500);
}

function write(s, totals) {
  shown = {s, totals};
  hero(s, totals);
  put("accepted", number(totals.accepted));
  put("rejected", number(totals.rejected));
  put("late", totals.stale > 0 ? text("figure.late", {late: totals.stale}) : "");
  put("best", totals.best > 0 ? short(totals.best) : text("figure.best.none"));
  put("hashes", count(totals.hashes));
  $("hashes").dataset.count = totals.hashes;
  put("uptime", time(totals.seconds));
  if (s) work(s);
}

// hero shows the figure that counts most: the speed at work, and at rest what was found. A speed of nought is never
// shown: the first seconds are measured, and before the first hash there is none.
function hero(s, totals) {
  $("mining").classList.toggle("none", s?.state !== "mining" && totals.hashes === 0);
  if (s?.state === "mining") return speed(s.hashrate);
  if (totals.hashes > 0) {
    put("hashrate", number(totals.accepted));
    return put("hashrate-unit", text("figure.found", {n: totals.accepted}));
  }
  put("hashrate", "–");
  put("hashrate-unit", text("figure.hashrate", {scale: ""}).trim());
}

function speed(rate) {
  const {value, scale, large} = scaled(rate);
  put("hashrate", rate > 0 ? value : "…");
  put("hashrate-unit", rate > 0 ? text(large ? "figure.hashrate.large" : "figure.hashrate", {scale}).trim() : text("figure.hashrate.none"));
}

function work(s) {
  put("difficulty", s.difficulty > 0 ? short(s.difficulty) : "–");
  if (s.header) $("work").hidden = false;
  put("header", s.header);
  put("nonce", s.header ? number(s.nonce) : "");
  put("kernel", s.kernel ? text("work.method.code", {algorithm: s.algorithm, kernel: s.kernel}) : s.algorithm);
  const hash = zeros(s.hash), target = zeros(s.target || "");
  mark("hash", s.hash, hash);
  mark("target", s.target || "", target);
  $("target-row").hidden = $("race").hidden = !s.target || !s.hash;
  if ($("race").hidden) return;
  put("zeros", text("work.zeros", {hash, target}));
  $("zeros-bar").style.inlineSize = 100 * Math.min(1, hash / Math.max(1, target)) + "%";
}

const zeros = (hex) => hex.length - hex.replace(/^0+/, "").length;

// mark writes a number in hex with its leading zeros set apart.
function mark(id, hex, zeros) {
  const e = $(id);
  if (e.textContent === hex) return;
  const lead = document.createElement("span");
  lead.className = "zeros";
  lead.textContent = hex.slice(0, zeros);
  e.replaceChildren(lead, hex.slice(zeros));
}

// today shows today's totals of this device.
export function today({hashes, accepted}) {
  found = accepted;
  put("before-today", text("before.today", {n: accepted}));
  $("before-today").hidden = accepted === 0;
  put("today", text("figure.today.shares", {n: accepted}));
  put("today-hashes", hashes > 0 ? text("figure.today.hashes", {count: count(hashes)}) : "");
}

// battery shows how full the battery is, 0 to 1; null where the browser does not tell.
export function battery(level, charging) {
  $("battery").hidden = level === null;
  if (level === null) return;
  put("battery-percent", percent(level));
  put("battery-text", text(charging ? "figure.charging" : "figure.battery", {percent: percent(level)}));
  $("battery-level").setAttribute("width", Math.max(1.5, 18 * level));
  $("battery").classList.toggle("charging", charging);
  $("battery").classList.toggle("low", level < 0.2 && !charging);
}

function put(id, text) {
  const e = $(id);
  if (e.textContent !== text) e.textContent = text;
}
