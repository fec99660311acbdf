// A lane: one worker, one kernel, one core. It hashes what the control worker hands it over their own port, and
// only under the consent token that the control worker made after the person's tap. It fetches its kernel from
// the page's own origin and nothing else, has no clock of its own to start by, and no other way in.
//
// The kernel is kernel.wasm (package goldpan/core/hasher/kernel says what it promises), in a memory of this
// lane's own. Where the browser has no vectors, or the kernel misses a known block, it is Goldpan's generic code.
//
// From the page, once:  {type: "lane", port, module, algorithm}
// From the control worker, over the port:
//   {type: "consent", token, limit}        once, before anything else; limit is percent of this lane's time
//   {type: "limit", token, limit}          another limit from now on
//   {type: "work", token, epoch, work}     hash this from nonce 0 on, and drop what came before
//   {type: "rest"}                         hash nothing until the next work
// To the control worker, over the port:
//   {type: "ready", kernel}                "wasm" or "generic"
//   {type: "progress", epoch, hashes, header}  hashes since the last report; the header that was hashed last
//   {type: "hits", epoch, nonces}          unchecked: the control worker hashes each again
//   {type: "done", epoch}                  all 2^32 nonces of this work are used
//   {type: "fault", reason}
"use strict";

const nonces = 2 ** 32;
const batchTime = 20;   // ms: new work and Stop wait that long at most; shorter batches begin to cost
const reportTime = 250; // ms
const slept = 1000;     // ms: a batch that took longer met a sleep, which is no work to rest from

let port = null;
let kernel = null;  // {name, load(work) → error or "", scan(first, count) → Uint32Array: scanned, then the hits}
let token = null;   // the consent
let limit = 100;    // percent
let waiting = null; // work that came before the kernel was ready
let work = null, epoch = 0, next = 0;
const four = 4;         // nonces that the kernel takes at once: a batch of another number wastes places
let batch = 16;     // nonces a batch; grows and shrinks to keep to batchTime
let counted = 0, reported = 0;
let begun = false;

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
  reported = begun ? performance.now() : 0; // of the first batch the page hears at once
  begun = true;
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
    batch = four * Math.max(1, Math.round(Math.min(batch * 2, Math.max(batch / 2, wanted)) / four));
  }
  if (next >= nonces) {
    report();
    work = null;
    port.postMessage({type: "done", epoch});
    return;
  }
  if (performance.now() - reported >= reportTime) report();
  again(Math.min(took, slept) * (100 - limit) / limit);
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
      if (message.limit > 0 && message.limit <= 100) limit = message.limit;
    }
    break;
  case "limit":
    if (token !== null && message.token === token && message.limit > 0 && message.limit <= 100) limit = message.limit;
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

// A module that is valid where WebAssembly has vectors: one function, which returns one.
const vectors = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b,       // type: () → v128
  3, 2, 1, 0,                      // one function of it
  10, 8, 1, 6, 0,                  // its code, without locals:
  0x41, 0, 0xfd, 17, 0x0b,         // i32.const 0, i32x4.splat, end
]);

// What the kernel must find before it is trusted: the genesis blocks of Bitcoin and Litecoin, as work. The nonce
// to find stands in the header's last word.
const golden = {
  sha256d: "339a90bcf0bf58637daccc90a8ca591ee9d8c8c3c803014f3687b1961bf91947" +
    "0000000100000000000000000000000000000000000000000000000000000000" +
    "00000000fdeda33bb2127b7a3e2cc77a618f7667c31bc87f32518a88aab89f3a" +
    "4a5e1e4b495fab291d00ffff7c2bac1d" +
    "0000000000000000000000000000000000000000000000000000ffff00000000" + "00000000",
  scrypt: "9359993f451f4a336229301f98566b2c92417e143b4d09259f51774ae56d83ab" +
    "0000000100000000000000000000000000000000000000000000000000000000" +
    "00000000edd4ced9b7f73011e29badfaafff2353a13232a36cdf3e7ce6be97fd" +
    "97ddfbba4e8eaab91e0ffff07c3f51cd" +
    "000000000000000000000000000000000000000000000000000000f0ff0f0000" + "01000000",
};

// fast starts the kernel with vectors, or throws.
async function fast(algorithm) {
  if (!WebAssembly.validate(vectors)) throw new Error("no vectors");
  const answer = await fetch("kernel.wasm");
  if (!answer.ok) throw new Error("kernel.wasm: " + answer.status);
  const {instance} = await WebAssembly.instantiate(await answer.arrayBuffer(), {});
  const {memory, load, scan} = instance.exports;
  const size = 148, kind = 144, hitsAt = 256; // the kernel's memory: the work first, then the hits
  const bytes = new Uint8Array(memory.buffer, 0, size), hits = new Uint32Array(memory.buffer, hitsAt, 65);
  const known = Uint8Array.from(golden[algorithm].match(/../g), (pair) => parseInt(pair, 16));
  const lent = {
    name: "wasm",
    load(work) {
      if (work.length !== size) return "it has another size";
      if (work[kind] !== known[kind]) return "it is for another algorithm";
      bytes.set(work);
      load();
      return "";
    },
    scan(first, count) {
      const scanned = scan(first, count) >>> 0;
      const found = new Uint32Array(1 + hits[0]);
      found[0] = scanned;
      found.set(hits.subarray(1, found.length), 1);
      return found;
    },
  };
  const nonce = new DataView(known.buffer).getUint32(32 + 76), count = 7;
  lent.load(known);
  for (let before = 0; before < 4; before++) { // in each of the four places of a vector
    const [scanned, ...found] = lent.scan(nonce - before, count);
    if (scanned !== count || found.length !== 1 || found[0] !== nonce) throw new Error("it misses a known block");
  }
  return lent;
}

// generic starts Goldpan's own program, which leaves its scan function behind.
async function generic(module, algorithm) {
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
    const {module, algorithm} = event.data;
    kernel = await fast(algorithm).catch(() => generic(module, algorithm));
  } catch (e) {
    return fault("the kernel did not start: " + e.message);
  }
  port.postMessage({type: "ready", kernel: kernel.name});
  if (waiting) { const message = waiting; waiting = null; take(message); }
};
