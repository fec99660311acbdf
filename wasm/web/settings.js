// Settings: how hard this device may work, as the person set it. They are kept in this browser.

const $ = (id) => document.getElementById(id);
const kept = "goldpan.settings";

// cores is how many cores the browser speaks of.
export const cores = Math.max(1, navigator.hardwareConcurrency || 2);

const half = Math.max(1, Math.floor(cores / 2));
const bound = (n, low, high, fallback) => (Number.isFinite(n) ? Math.min(high, Math.max(low, Math.round(n))) : fallback);

// settings is what is set: lanes (cores), power (percent of their time), plugged (mine only when plugged in), floor
// (percent of the battery, below which mining pauses; 0 for none), awake (keep the screen on without a wake lock).
export function settings() {
  return {
    lanes: bound($("lanes").valueAsNumber, 1, cores, half),
    power: bound($("power").valueAsNumber, 10, 100, 100),
    plugged: $("plugged").checked,
    floor: bound($("floor").valueAsNumber, 0, 80, 20),
    awake: $("awake").checked,
  };
}

// open sets the controls as they were left. awake is not kept: a film needs the person's tap at each visit.
export function open() {
  let was = {};
  try { was = JSON.parse(localStorage.getItem(kept)) ?? {}; } catch { /* the defaults then */ }
  $("lanes").max = cores;
  $("lanes").value = bound(was.lanes, 1, cores, half);
  $("power").value = bound(was.power, 10, 100, 100);
  $("plugged").checked = was.plugged === true;
  $("floor").value = bound(was.floor, 0, 80, 20);
}

// changed calls listener({name, trusted}) when a change is made to stay. Only what the person did is trusted.
export function changed(listener) {
  for (const name of ["lanes", "power", "plugged", "floor", "awake"]) {
    $(name).addEventListener("change", (event) => {
      if (event.isTrusted) keep();
      listener({name, trusted: event.isTrusted});
    });
  }
}

function keep() {
  const {lanes, power, plugged, floor} = settings();
  try { localStorage.setItem(kept, JSON.stringify({lanes, power, plugged, floor})); } catch { /* this visit only */ }
}
