// Manners: what the page owes the person's device. It rests while nobody looks and while the battery is low, notices
// a sleep, keeps the screen on while it is wanted, and counts the day that a yes holds for.

export function hidden() {
  return document.visibilityState === "hidden";
}

// ---- The screen -----------------------------------------------------------------------------------------

let lock = null; // keeps the screen on

// stayAwake keeps the screen on while wanted() is true and the page is seen.
export async function stayAwake(wanted) {
  if (!navigator.wakeLock || lock || hidden() || !wanted()) return;
  try {
    const got = await navigator.wakeLock.request("screen");
    if (!wanted() || lock) return await got.release();
    lock = got;
    // The browser lets it go when the page is hidden, and the system when the battery is low.
    got.addEventListener("release", () => { if (lock === got) lock = null; });
  } catch { /* the system said no, on a low battery for one: mining pauses with the screen */ }
}

export function letSleep() {
  if (lock) lock.release();
  lock = null;
}

// ---- The battery ----------------------------------------------------------------------------------------

let power = null; // the browser's battery, where it tells
let low = false;

// battery calls changed(level, charging) at once and whenever that changes; changed(null) where the browser does not tell.
export async function battery(changed) {
  try {
    power = await navigator.getBattery();
  } catch { // there is no such function, or the browser does not want to
    return changed(null);
  }
  const tell = () => changed(power.level, power.charging);
  power.addEventListener("levelchange", tell);
  power.addEventListener("chargingchange", tell);
  tell();
}

const margin = 3; // percent over the floor to mine again, or it would go on and off

// pause is why mining has to rest now, as a word: hidden, unplugged, battery; "" if it may go on.
export function pause({plugged, floor}) {
  if (hidden()) return "hidden";
  if (!power || power.charging) return low = false, "";
  if (plugged) return "unplugged";
  const percent = power.level * 100;
  low = floor > 0 && percent < floor + (low ? margin : 0);
  return low ? "battery" : "";
}

// ---- Sleep ----------------------------------------------------------------------------------------------

const beat = 2000, missed = 20_000, away = 60_000; // ms

// beats calls again() every two seconds, or as often as the browser lets it, and woke(true) after the device has slept,
// woke(false) after the page has been away for long or the network is back: connections of before may be dead without
// a word.
export function beats(again, woke) {
  let last = Date.now(), seen = !hidden(), left = last;
  setInterval(() => {
    const now = Date.now();
    const slept = seen && !hidden() && now - last > missed; // a hidden page's timers are slowed, which is no sleep
    last = now;
    seen = !hidden();
    again();
    if (slept) woke(true);
  }, beat);
  document.addEventListener("visibilitychange", () => {
    const now = Date.now();
    if (hidden()) left = now;
    else if (now - left > away) woke(false);
    last = now;
    seen = !hidden();
  });
  window.addEventListener("online", () => woke(false));
}

// ---- Consent --------------------------------------------------------------------------------------------

const day = 24 * 60 * 60 * 1000; // ms

// Consent is the person's yes. It holds for the visit and for a day at most, by two clocks: the one on the wall may be
// set back, and the other may stand still while the device sleeps.
export class Consent {
  #wall = Date.now();
  #ran = performance.now();

  over() {
    return Date.now() - this.#wall >= day || performance.now() - this.#ran >= day;
  }
}
