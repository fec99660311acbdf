// A lane: one worker, one kernel, one core. It hashes what the control worker hands it over their own port, and
// only under the consent token that the control worker made after the person's tap. It has no network, no clock
// of its own to start by, and no other way in.
//
// From the page, once:  {type: "lane", port, module, algorithm}
// From the control worker, over the port:
//   {type: "consent", token, limit}        once, before anything else; limit is percent of this lane's time
//   {type: "work", token, epoch, work}     hash this from nonce 0 on, and drop what came before
//   {type: "rest"}                         hash nothing until the next work
// To the control worker, over the port:
//   {type: "ready", kernel}
//   {type: "progress", epoch, hashes, header}  hashes since the last report; the header that was hashed last
//   {type: "hits", epoch, nonces}          unchecked: the control worker hashes each again
//   {type: "done", epoch}                  all 2^32 nonces of this work are used
//   {type: "fault", reason}
"use strict";

const nonces = 2 ** 32;
const batchTime = 50;   // ms: short enough that new work and Stop are felt at once
const reportTime = 250; // ms

let port = null;
let kernel = null;  // {name, load(work) → error or "", scan(first, count) → Uint32Array: scanned, then the hits}
let token = null;   // the consent
let limit = 100;    // percent
let waiting = null; // work that came before the kernel was ready
let work = null, epoch = 0, next = 0;
let batch = 256;    // nonces a batch; grows and shrinks to keep to batchTime
let counted = 0, reported = 0;

// Between two batches the lane goes through its own message queue, so that the port's messages are heard. A
// timer would do the same and be throttled to 4 ms.
const turn = new MessageChannel();
let turning = false;
turn.port1.onmessage = () => { turning = false; step(); };
function again(pause = 0) {
  if (turning) return; // one chain of batches, however much work comes and goes
  turning = true;
  if (pause > 0) setTimeout(turn.port1.onmessage, pause); else turn.port2.postMessage(null);
}

function report() {
  reported = performance.now();
  if (counted > 0) {
    port.postMessage({type: "progress", epoch, hashes: counted, header: header()});
    counted = 0;
  }
}

// header is the block header as it was hashed last: the work holds it as twenty words after the midstate's
// eight, each turned round, and leaves the nonce open.
function header() {
  const from = new DataView(work.buffer, work.byteOffset, work.byteLength), to = new DataView(new ArrayBuffer(80));
  for (let i = 0; i < 19; i++) to.setUint32(4 * i, from.getUint32(32 + 4 * i, true));
  to.setUint32(76, next - 1, true);
  return new Uint8Array(to.buffer);
}

function rest() {
  if (work) report();
  work = waiting = null;
}

// take begins new work. What was counted is reported first, under the epoch that it was hashed for.
function take(message) {
  rest();
  const wrong = kernel.load(message.work);
  if (wrong) return fault("the work cannot be used: " + wrong);
  work = message.work;
  epoch = message.epoch;
  next = 0;
  reported = performance.now();
  again();
}

function step() {
  if (!work) return;
  const count = Math.min(batch, nonces - next);
  const begun = performance.now();
  let found;
  try {
    found = kernel.scan(next, count);
  } catch (e) {
    return fault("the kernel failed: " + e.message);
  }
  const took = performance.now() - begun;
  const scanned = found[0]; // fewer than count if there were too many hits to carry
  next += scanned;
  counted += scanned;
  if (found.length > 1) {
    report();
    port.postMessage({type: "hits", epoch, nonces: found.slice(1)});
  }
  if (scanned === batch) {
    const wanted = took > 0 ? batch * batchTime / took : batch * 2;
    batch = Math.max(16, Math.round(Math.min(batch * 2, Math.max(batch / 2, wanted))));
  }
  if (next >= nonces) {
    report();
    work = null;
    port.postMessage({type: "done", epoch});
    return;
  }
  if (performance.now() - reported >= reportTime) report();
  again(took * (100 - limit) / limit);
}

function fault(reason) {
  work = waiting = null;
  port.postMessage({type: "fault", reason});
}

function hear(event) {
  const message = event.data;
  switch (message.type) {
  case "consent":
    if (token === null && typeof message.token === "string" && message.token.length >= 32) {
      token = message.token;
      if (message.limit >= 1 && message.limit <= 100) limit = message.limit;
    }
    break;
  case "work":
    if (token === null || message.token !== token) return fault("there is no consent for this work");
    if (kernel) take(message); else waiting = message;
    break;
  case "rest":
    rest();
    break;
  }
}

// load starts the kernel: Goldpan's generic code, compiled to wasm, which leaves its scan function behind.
async function load(module, algorithm) {
  importScripts("wasm_exec.js");
  const go = new Go();
  go.argv = ["goldpan", "lane", algorithm];
  const ready = new Promise((resolve, reject) => {
    self.goldpanLane = (name, load, scan) => resolve({name, load, scan});
    self.goldpanFault = (reason) => reject(new Error(reason));
  });
  const instance = await WebAssembly.instantiate(module, go.importObject);
  go.run(instance).then(() => self.goldpanFault("the kernel ended"));
  return ready;
}

self.onmessage = async (event) => {
  if (port || event.data.type !== "lane") return;
  port = event.data.port;
  port.onmessage = hear;
  try {
    kernel = await load(event.data.module, event.data.algorithm);
  } catch (e) {
    return fault("the kernel did not start: " + e.message);
  }
  port.postMessage({type: "ready", kernel: kernel.name});
  if (waiting) { const message = waiting; waiting = null; take(message); }
};
