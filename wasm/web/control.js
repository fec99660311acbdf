// The control worker: it holds Goldpan's own program (the pool connection, the jobs, the check of every share)
// and tells the lanes what to hash. The page starts it after the person's tap and ends it with Stop.
//
// From the page: {type: "start", module, ports, pool, user, algorithm} once, then {type: "pause"},
// {type: "resume"}, {type: "stop"}.
// To the page: {type: "snapshot", …}, {type: "share", …}, {type: "ended", reason}.
"use strict";

let begun = false;

self.onmessage = async (event) => {
  const message = event.data;
  if (message.type !== "start") {
    // The Go program looks at this when it begins, and sets the function to hear of later changes.
    if (message.type === "pause") self.goldpanPaused = true;
    if (message.type === "resume") self.goldpanPaused = false;
    if (message.type === "stop") self.goldpanStopped = true;
    if (self.goldpanHear) self.goldpanHear(message.type);
    return;
  }
  if (begun) return;
  begun = true;
  self.goldpanPaused = self.goldpanPaused || false;
  self.goldpanStart = message;
  self.goldpanFault = (reason) => self.postMessage({type: "ended", reason});
  try {
    importScripts("wasm_exec.js");
    const go = new Go();
    go.argv = ["goldpan", "control"];
    const instance = await WebAssembly.instantiate(message.module, go.importObject);
    await go.run(instance);
    self.goldpanFault("the program ended");
  } catch (e) {
    self.goldpanFault(e.message);
  }
};
