// Manners: what the page owes the person's device.

export function hidden() {
  return document.visibilityState === "hidden";
}

let lock = null; // keeps the screen on

// stayAwake keeps the screen on while wanted() is true and the page is seen.
export async function stayAwake(wanted) {
  if (!navigator.wakeLock || hidden()) return;
  try {
    const got = await navigator.wakeLock.request("screen");
    if (wanted() && !lock) lock = got; else got.release();
  } catch { /* the system said no, on a low battery for one: mining pauses with the screen */ }
}

export function letSleep() {
  if (lock) lock.release();
  lock = null;
}

// slept says that the browser has let the screen go by itself.
export function slept() {
  lock = null;
}
