// The workers: a control worker and its lanes. They are made after the tap and ended with Stop.
import {hidden} from "./manners.js";

// Mining is one stretch of work: a control worker and its lanes, made after a tap and ended for good by end.
export class Mining {
  #control; #lanes = []; #hear; #ended = false;
  startedAt = performance.now();

  constructor(module, lanes, info, hear) {
    this.#hear = hear;
    const ports = [];
    this.#control = new Worker("control.js");
    this.#control.onmessage = (event) => this.#pass(event.data);
    this.#control.onerror = () => this.#fail();
    for (let i = 0; i < lanes; i++) {
      const lane = new Worker("lane.js");
      const {port1, port2} = new MessageChannel();
      lane.onerror = () => this.#fail();
      lane.postMessage({type: "lane", port: port1, module, algorithm: info.algorithm}, [port1]);
      this.#lanes.push(lane);
      ports.push(port2);
    }
    this.#control.postMessage({
      type: "start", module, ports,
      pool: location.origin.replace(/^http/, "ws") + "/stratum",
      user: info.payout, algorithm: info.algorithm,
    }, ports);
    if (hidden()) this.pause(true);
  }

  pause(on) {
    this.#control.postMessage({type: on ? "pause" : "resume"});
  }

  // end stops the hashing now. The control worker gets a moment to say goodbye to the pool.
  end() {
    if (this.#ended) return;
    this.#ended = true;
    for (const lane of this.#lanes) lane.terminate();
    const control = this.#control;
    control.onmessage = control.onerror = null;
    control.postMessage({type: "stop"});
    setTimeout(() => control.terminate(), 300);
  }

  #pass(message) {
    if (!this.#ended) this.#hear(message);
  }

  #fail() {
    this.#pass({type: "ended", reason: "a part of this page did not load. A content blocker may have stopped it: if you want to mine, allow this page there, then load it again"});
  }
}

let module = null; // the compiled program, kept for the next start

export async function program() {
  if (!module) module = WebAssembly.compileStreaming(fetch("goldpan.wasm"));
  try {
    return await module;
  } catch (e) {
    module = null;
    throw e;
  }
}
