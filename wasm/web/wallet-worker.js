// The wallet's worker: it holds the wallet's program, so that neither the key derivation nor a server's answers hold up
// the page. wallet.js makes it when a person opens the wallet.
//
// From the page: {id, name, ask}: a call of package counter, with its object.
// To the page: {id, ok} or {id, error: {code, …}}; {changed: true}: the wallet stands otherwise; {fault: true}: the
// program did not come, or has ended.
"use strict";

let call = null;
const early = []; // calls that came before the program

function pass({id, name, ask}) {
  call(name, JSON.stringify(ask), (answer) => self.postMessage({id, ...JSON.parse(answer)}));
}

self.goldpanChanged = () => self.postMessage({changed: true});
self.goldpanReady = (listener) => {
  call = listener;
  for (const message of early.splice(0)) pass(message);
};
self.onmessage = (event) => {
  if (call) pass(event.data); else early.push(event.data);
};

(async () => {
  try {
    importScripts("wasm_exec.js");
    const go = new Go();
    go.argv = ["goldpan-wallet"];
    const {instance} = await WebAssembly.instantiateStreaming(fetch("goldpan-wallet.wasm"), go.importObject);
    await go.run(instance); // it does not return but by a fault
  } catch { /* told below */ }
  self.postMessage({fault: true});
})();
