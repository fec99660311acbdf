// Today: what this device has done since midnight, by its own clock. It is kept in this browser and nowhere else.

const kept = "goldpan.today";
let memory = null;  // what was kept last
let full = false;   // the browser did not keep it: what it has is older

function day() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].join("-");
}

// read is what was done today so far: {hashes, accepted, seconds}.
export function read() {
  let found = memory;
  try { if (!full) found = JSON.parse(localStorage.getItem(kept)) ?? memory; } catch { /* nothing, or nothing readable, is kept */ }
  if (found?.day !== day()) return {hashes: 0, accepted: 0, seconds: 0};
  const sound = (n) => (Number.isFinite(n) && n >= 0 ? n : 0);
  return {hashes: sound(found.hashes), accepted: sound(found.accepted), seconds: sound(found.seconds)};
}

// add adds to today's totals and returns them.
export function add({hashes = 0, accepted = 0, seconds = 0}) {
  const now = read();
  const sum = {hashes: now.hashes + hashes, accepted: now.accepted + accepted, seconds: now.seconds + seconds};
  memory = {day: day(), ...sum};
  try {
    localStorage.setItem(kept, JSON.stringify(memory));
    full = false;
  } catch {
    full = true; // it lasts for this visit then
  }
  return sum;
}
