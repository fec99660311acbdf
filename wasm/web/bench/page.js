// Measures the page's own lane: bare, under the page's control worker at a pool, beside other libraries and beside the
// native kernel. All take turns in short rounds, so that a busy machine is unfair to nobody; the median round counts.
// They begin afresh a few times: where a worker's code and memory come to lie is worth some percent either way.
const launches = 3, rounds = 5, span = 1000; // ms
const warm = 1500;              // ms, until the browser has compiled what it runs for good
const jobs = 120, stops = 30;
const token = "a token that is long enough to be consent";
const beside = new URLSearchParams(location.search).get("peers") === "true" ? ["hash-wasm", "@noble/hashes"] : [];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Watched is a lane's worker, and what its probe tells.
class Watched {
  #hear = new Set();
  total = 0; // hashes

  constructor(port, algorithm, module, alive = false) {
    const {port1, port2} = new MessageChannel();
    this.worker = new Worker("/probe.js");
    port2.onmessage = ({data}) => {
      if (data.type === "hashed") this.total += data.hashes;
      for (const hear of this.#hear) hear(data);
    };
    this.worker.postMessage({type: "lane", port, module, algorithm, probe: port1, alive}, [port, port1]);
  }

  // listen calls hear with each message until it returns true.
  listen(hear) {
    return new Promise((done) => {
      const each = (message) => {
        if (!hear(message)) return;
        this.#hear.delete(each);
        done();
      };
      this.#hear.add(each);
    });
  }

  // rate counts from one report to another.
  async rate(ms) {
    let begun = null, hashes = 0, took = 0;
    await this.listen(({type, hashes: more, clock}) => {
      if (type !== "hashed") return false;
      if (begun === null) { begun = clock; return false; }
      hashes += more;
      took = clock - begun;
      return took >= ms;
    });
    return hashes / took * 1000;
  }

  rested() {
    return this.listen(({type, what}) => type === "heard" && what === "rest");
  }
}

// bare hosts lane.js as the control worker does, with one work for ever.
async function bare(algorithm, alive) {
  const {port1, port2} = new MessageChannel();
  const lane = new Watched(port1, algorithm, null, alive);
  const kernel = await new Promise((resolve, reject) => {
    port2.onmessage = ({data}) => data.type === "ready" ? resolve(data.kernel) : reject(new Error(data.reason));
  });
  if (kernel !== "wasm") throw new Error("the lane runs the kernel " + kernel);
  port2.onmessage = null;
  port2.postMessage({type: "consent", token, limit: 100});
  let epoch = 0;
  const begin = () => {
    const work = new Uint8Array(148); // an empty header and a target that nothing meets
    work[144] = algorithm === "scrypt" ? 1 : 0;
    port2.postMessage({type: "work", token, epoch: ++epoch, work});
  };
  return {
    lane, begin,
    async rate(ms) {
      begin();
      const rate = await lane.rate(ms), rested = lane.rested();
      port2.postMessage({type: "rest"});
      await rested;
      return rate;
    },
    end: () => lane.worker.terminate(),
  };
}

// engine mines as the page does: its control worker, at a pool, with lanes.
async function engine(algorithm, module, count) {
  const control = new Worker("/control.js"), lanes = [], ports = [];
  for (let i = 0; i < count; i++) {
    const {port1, port2} = new MessageChannel();
    lanes.push(new Watched(port1, algorithm, module));
    ports.push(port2);
  }
  let snapshot = {}, failed = null;
  control.onmessage = ({data}) => {
    if (data.type === "snapshot") snapshot = data;
    if (data.type === "ended" && failed) failed(new Error(data.reason));
  };
  const gone = new Promise((_, reject) => { failed = reject; });
  gone.catch(() => {});
  const first = Promise.all(lanes.map((lane) => lane.listen(({type}) => type === "hashed")));
  control.postMessage({
    type: "start", module, ports, pool: location.origin.replace(/^http/, "ws") + "/stratum", user: algorithm, algorithm,
  }, ports);
  const all = (promise) => Promise.race([promise, gone]);
  await all(first);
  const rest = async () => {
    const rested = Promise.all(lanes.map((lane) => lane.rested()));
    control.postMessage({type: "pause"});
    await all(rested);
  };
  return {
    lanes, rest,
    resume: () => control.postMessage({type: "resume"}),
    async rate(ms) {
      control.postMessage({type: "resume"});
      const rate = await all(lanes[0].rate(ms));
      await rest();
      return rate;
    },
    // counted is what the control worker has counted of what the lanes did.
    async counted() {
      await pause(1500);
      return snapshot.hashes / lanes.reduce((sum, lane) => sum + lane.total, 0);
    },
    end: () => {
      for (const lane of lanes) lane.worker.terminate();
      control.postMessage({type: "stop"});
      setTimeout(() => control.terminate(), 300);
    },
  };
}

async function peer(library, algorithm) {
  const worker = new Worker("peer.js", {type: "module"});
  const ask = (message) => new Promise((resolve, reject) => {
    worker.onmessage = ({data}) => data.error ? reject(new Error(library + ": " + data.error)) : resolve(data.rate);
    worker.onerror = () => reject(new Error(library + " did not load"));
    worker.postMessage(message);
  });
  await ask({library, algorithm, ms: 10});
  return {rate: (ms) => ask({library, algorithm, ms}), end: () => worker.terminate()};
}

async function native(algorithm) {
  let kernel = "";
  return {
    async rate() {
      const answer = await (await fetch("/native?algorithm=" + algorithm)).json();
      kernel = answer.kernel;
      return answer.hashrate;
    },
    kernel: () => kernel,
    end: () => {},
  };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

// late is the 99th percentile.
function late(values) {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1];
}

// newWork returns how long each job took to reach the last lane.
async function newWork(mining) {
  const heard = mining.lanes.map((lane) => {
    const times = [];
    lane.listen(({type, what, at}) => { if (type === "heard" && what === "work") times.push(at); });
    return times;
  });
  const sent = await (await fetch("/jobs?count=" + jobs)).json();
  await pause(500);
  return sent.map((at) => Math.max(...heard.map((times) => {
    const when = times.find((time) => time >= Math.floor(at));
    if (when === undefined) throw new Error("a job did not reach a lane");
    return when - at;
  })));
}

// stopping returns how long after its end each lane still gave a sign of life, and the time to the next, which it was
// not to give: it may have hashed on until then.
async function stopping(algorithm) {
  const times = [];
  for (let i = 0; i < stops; i++) {
    const one = await bare(algorithm, true), signs = [];
    one.lane.listen(({type, at}) => { if (type === "alive") signs.push(at); });
    one.begin();
    await pause(300 + Math.random() * 50);
    const ended = Date.now();
    one.end();
    await pause(150);
    const batches = signs.map((at, j) => at - (signs[j - 1] ?? at)).filter((apart) => apart > 1);
    times.push(Math.max(0, signs.at(-1) - ended) + median(batches));
  }
  return times;
}

// launch adds the rates of one set of workers, and returns which part of its hashes the control worker has counted.
async function launch(algorithm, module, how, rates) {
  const all = {goldpan: await bare(algorithm), engine: await engine(algorithm, module, 1), native: how};
  await all.engine.rest();
  for (const library of beside) all[library] = await peer(library, algorithm);
  for (const worker of Object.values(all)) await worker.rate(warm);
  for (let i = 0; i < rounds; i++) {
    for (const [name, worker] of Object.entries(all)) (rates[name] ??= []).push(await worker.rate(span));
  }
  const counted = await all.engine.counted();
  for (const worker of Object.values(all)) worker.end();
  return counted;
}

async function measure(algorithm) {
  const module = await WebAssembly.compileStreaming(fetch("/goldpan.wasm"));
  const how = await native(algorithm), rates = {}, counts = [];
  for (let i = 0; i < launches; i++) counts.push(await launch(algorithm, module, how, rates));
  const lanes = Math.max(1, (navigator.hardwareConcurrency || 2) >> 1);
  const mining = await engine(algorithm, module, lanes);
  await pause(warm);
  const reached = await newWork(mining);
  mining.end();
  const ended = await stopping(algorithm);
  return {
    goldpan: median(rates.goldpan), native: median(rates.native), nativeKernel: how.kernel(),
    peers: Object.fromEntries(beside.map((library) => [library, median(rates[library])])),
    // Each round beside the one before it: that is what a busy machine changes least.
    delivered: median(rates.engine.map((rate, i) => rate / rates.goldpan[i])),
    counted: Math.min(...counts), lanes, newWork: late(reached), stop: late(ended),
  };
}

window.answer = null;
window.begin = (algorithm) => {
  window.answer = null;
  measure(algorithm).then((result) => { window.answer = result; }, (e) => { window.answer = {error: e.message}; });
};
