// One tab at a time: of several tabs of this browser only one mines.

const name = crypto.getRandomValues(new Uint32Array(2)).join("-");
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("goldpan") : null;
let claim = "none"; // "asking" while other tabs may still object, "held" from then on until Stop
let objected = null;

if (tabs) {
  tabs.onmessage = ({data}) => {
    // Of two tabs that ask in the same moment, the one with the smaller name goes on.
    if (data.type === "claim" && (claim === "held" || (claim === "asking" && name < data.from))) {
      tabs.postMessage({type: "taken", to: data.from});
    }
    if (data.type === "taken" && data.to === name && objected) objected();
  };
}

// alone asks the other tabs, and is true if none of them mines. Stop gives the claim back.
export function alone() {
  claim = tabs ? "asking" : "held";
  if (!tabs) return Promise.resolve(true);
  return new Promise((resolve) => {
    const answer = (free) => {
      objected = null;
      if (claim === "asking") claim = free ? "held" : "none";
      resolve(free);
    };
    const timer = setTimeout(answer, 250, true);
    objected = () => {
      clearTimeout(timer); // or it would answer for a later start
      answer(false);
    };
    tabs.postMessage({type: "claim", from: name});
  });
}

// release gives the claim back.
export function release() {
  claim = "none";
}
