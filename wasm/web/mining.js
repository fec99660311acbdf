// The workers: a control worker and its lanes. They are made after the tap and ended with Stop.

// Mining is one stretch of work: a control worker and its lanes, made after a tap and ended for good by end.
//
//   module   the compiled program
//   info     what is mined and who is paid, as the person agreed to it
//   device   {invitation, credential}: what makes this device known to the gateway; "" where there is none
//   lanes, percent   how many lanes, and how much of their time
//   most     how many lanes there may ever be
//   paused   why they rest for now, as a word; ""
//   hear     takes what the control worker says (control.js lists it)
export class Mining {
  #control; #lanes = []; #spare = []; #begin; #hear; #ended = false; #paused = "";

  constructor({module, info, device, lanes, most, percent, paused, hear}) {
    this.#hear = hear;
    const ports = [];
    this.#control = new Worker("control.js");
    this.#control.onmessage = (event) => this.#pass(event.data);
    this.#control.onerror = () => this.#fail();
    // The control worker has a way to each lane that there may ever be; what it says waits there for the lane.
    for (let i = 0; i < Math.max(lanes, most); i++) {
      const {port1, port2} = new MessageChannel();
      this.#spare.push(port1);
      ports.push(port2);
    }
    this.#begin = (port) => {
      const lane = new Worker("lane.js");
      lane.onerror = () => this.#fail();
      lane.postMessage({type: "lane", port, module, algorithm: info.algorithm}, [port]);
      this.#lanes.push(lane);
    };
    this.#grow(lanes);
    this.#control.postMessage({
      type: "start", module, ports, lanes, percent, origin: location.origin,
      pool: location.origin.replace(/^http/, "ws") + "/stratum",
      user: info.payout, algorithm: info.algorithm,
      invitation: device.invitation, credential: device.credential, payee: info.payee_name, address: info.payout,
    }, ports);
    this.pause(paused);
  }

  // pause lets the lanes rest for a reason, or work again without one.
  pause(code) {
    if (code === this.#paused) return;
    this.#paused = code;
    this.#control.postMessage(code ? {type: "pause", code} : {type: "resume"});
  }

  // effort sets how many lanes work, and the power: the percent of their time that they may. The others go on meanwhile, and
  // those that are no longer wanted rest. More come only if served says that they can be had.
  effort({lanes, power}, served) {
    if (served) this.#grow(lanes);
    this.#control.postMessage({type: "rules", lanes, percent: power});
  }

  #grow(lanes) {
    while (this.#lanes.length < lanes && this.#spare.length > 0) this.#begin(this.#spare.shift());
  }

  // kept answers a credential.
  kept(ok) {
    this.#control.postMessage({type: "kept", ok});
  }

  // wake connects afresh: the device slept.
  wake() {
    this.#control.postMessage({type: "wake"});
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
    this.#pass({type: "ended", code: "part"});
  }
}

let module = null;   // the compiled program, kept for the next start
let fetching = null; // its fetch, while it is on its way

export async function program() {
  if (!module) {
    const given = fetching = new AbortController();
    module = WebAssembly.compileStreaming(fetch("goldpan.wasm", {signal: given.signal}))
      .finally(() => { if (fetching === given) fetching = null; });
  }
  const asked = module;
  try {
    return await asked;
  } catch (e) {
    if (module === asked) module = null;
    throw e;
  }
}

// abandon gives up a program that does not come, so that the next start asks for it anew: browsers wait for ever.
export function abandon() {
  if (!fetching) return;
  fetching.abort();
  fetching = module = null;
}
