// The control worker: it holds Goldpan's own program (the gateway or pool, the jobs, the check of every share) and
// tells the lanes what to hash. The page starts it after the person's tap and ends it with Stop.
//
// From the page, once: {type: "start", module, ports, lanes, pool, user, algorithm, percent, origin, invitation, credential,
// payee, address}; there is a port for each lane that may ever be, and lanes of them are at work; invitation (a link) and
// credential are "" where there is none; payee and address are what the person agreed to. Then
//   {type: "pause", code}      hidden, battery, unplugged: all lanes rest
//   {type: "resume"}
//   {type: "rules", lanes, percent}   how many lanes work, and the percent of their time
//   {type: "kept", ok}         the answer to a credential
//   {type: "wake"}             the device slept: connect afresh
//   {type: "stop"}
// To the page:
//   {type: "snapshot", …}, {type: "share", …}
//   {type: "credential", credential}   to be kept before anything else is done with it
//   {type: "welcome", payee, address}  who is paid, proved by the gateway
//   {type: "refused", code, reason, login, proven}  the gateway does not take this device; nothing runs any more
//   {type: "ended", code, reason}      nothing runs any more
"use strict";

let begun = false;
let hear = null;  // the program's own ear
const early = []; // what came before it listened

self.goldpanReady = (listener) => {
  hear = listener;
  for (const message of early.splice(0)) hear(message);
};

function pass(message) {
  if (message.type === "kept") return self.goldpanKept && self.goldpanKept(message.ok);
  if (hear) hear(message); else early.push(message);
}

self.onmessage = async (event) => {
  const message = event.data;
  if (message.type !== "start") return pass(message);
  if (begun) return;
  begun = true;
  self.goldpanStart = message;
  self.goldpanFault = (reason) => self.postMessage({type: "ended", code: "", reason});
  try {
    importScripts("wasm_exec.js");
  } catch {
    return self.postMessage({type: "ended", code: "part"});
  }
  try {
    const go = new Go();
    go.argv = ["goldpan", "control"];
    const instance = await WebAssembly.instantiate(message.module, go.importObject);
    await go.run(instance); // it does not return but by a fault
    self.postMessage({type: "ended", code: "ended", reason: "the program ended by itself"});
  } catch (e) {
    self.goldpanFault(e.message);
  }
};
