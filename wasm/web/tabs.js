// One tab at a time: of several tabs of this browser only one mines.

const kept = "goldpan.tab"; // when a tab last mined, in ms since 1970; none since its Stop
const fresh = 70_000;       // ms for which that tab may be there still: browsers let hidden ones tell once a minute
const name = crypto.getRandomValues(new Uint32Array(2)).join("-");
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("goldpan") : null;
let claim = "none";   // "asking" while other tabs may still object, "held" from then on until Stop
let since = 0;        // when it was held, in ms since 1970
let objected = null;  // ends the question that is being asked
let lost = () => {};

if (tabs) {
  tabs.onmessage = ({data}) => {
    switch (data.type) {
    case "claim": // of two tabs that ask in the same moment, the one with the smaller name goes on
      if (claim === "held" || (claim === "asking" && name < data.from)) tabs.postMessage({type: "taken", to: data.from});
      break;
    case "taken":
      if (data.to === name && objected) objected();
      break;
    case "held": // a tab that slept, or was too busy to object, meets the one that began meanwhile: the later goes on
      if (claim === "asking") objected();
      else if (claim === "held") {
        if (since > data.since || (since === data.since && name > data.from)) return remind();
        claim = "none";
        lost();
      }
    }
  };
}

// alone asks the other tabs, and is true if none of them mines. gone is called if another tab mines all the same, later on.
// Stop gives the claim back.
export function alone(gone) {
  release();
  lost = gone;
  return new Promise((resolve) => {
    const answer = (free) => {
      clearTimeout(timer); // or it would answer for a later start
      objected = null;
      claim = free ? "held" : "none";
      since = Date.now();
      if (free) remind();
      resolve(free);
    };
    // A tab that mines may be too busy to object at once, and one that has crashed never does.
    const timer = tabs ? setTimeout(answer, another() ? 5000 : 250, true) : 0;
    objected = () => answer(false);
    claim = "asking";
    if (tabs) tabs.postMessage({type: "claim", from: name});
    else answer(true);
  });
}

// another tells whether another tab has mined just now.
function another() {
  try { return Math.abs(Date.now() - Number(localStorage.getItem(kept))) < fresh; } catch { return false; }
}

// remind tells the other tabs that this one mines.
export function remind() {
  if (!tabs || claim !== "held") return;
  tabs.postMessage({type: "held", from: name, since});
  try { localStorage.setItem(kept, Date.now()); } catch { /* the channel says it */ }
}

// release gives the claim back.
export function release() {
  if (objected) objected();
  if (claim === "held") try { localStorage.removeItem(kept); } catch { /* it is not there */ }
  claim = "none";
  lost = () => {};
}
