// Measures the page's own lane beside other libraries, one worker after the other, and sends the rates to run.mjs.
// They take turns in short rounds, so that a busy machine is unfair to nobody; the median round counts.
const rounds = 15, span = 500; // ms
const warm = 1500; // ms, until the browser has compiled what it runs for good
const algorithms = ["sha256d", "scrypt"];

// lane hosts lane.js as the page does: same messages, same kernel.
async function lane(algorithm) {
  const worker = new Worker("/page/lane.js");
  const {port1, port2} = new MessageChannel();
  const token = "a token that is long enough to be consent";
  let hear = null, epoch = 0;
  const ready = new Promise((resolve, reject) => {
    hear = (m) => m.type === "ready" ? resolve(m.kernel) : reject(new Error(m.reason));
  });
  port2.onmessage = ({data}) => hear(data);
  worker.postMessage({type: "lane", port: port1, module: null, algorithm}, [port1]);
  const kernel = await ready;
  if (kernel !== "wasm") throw new Error("the lane runs the kernel " + kernel);
  port2.postMessage({type: "consent", token, limit: 100});
  const work = new Uint8Array(148); // an empty header and a target that nothing meets
  work[144] = algorithm === "scrypt" ? 1 : 0;
  return {
    // The lane reports what it hashed now and then: time runs from one report to another.
    rate: (ms) => new Promise((resolve, reject) => {
      let begun = 0, hashes = 0;
      const mine = ++epoch;
      hear = (m) => {
        if (m.type === "fault") return reject(new Error(m.reason));
        if (m.type !== "progress" || m.epoch !== mine) return;
        const now = performance.now();
        if (begun === 0) { begun = now; return; }
        hashes += m.hashes;
        if (now - begun < ms) return;
        hear = () => {};
        port2.postMessage({type: "rest"});
        resolve(hashes / (now - begun) * 1000);
      };
      port2.postMessage({type: "work", token, epoch: mine, work: work.slice()});
    }),
    end: () => worker.terminate(),
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

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function measure(algorithm) {
  const all = {
    goldpan: await lane(algorithm),
    "hash-wasm": await peer("hash-wasm", algorithm),
    "@noble/hashes": await peer("@noble/hashes", algorithm),
  };
  const rates = {};
  for (const [name, worker] of Object.entries(all)) {
    rates[name] = [];
    await worker.rate(warm);
  }
  for (let i = 0; i < rounds; i++) {
    for (const [name, worker] of Object.entries(all)) rates[name].push(await worker.rate(span));
  }
  for (const worker of Object.values(all)) worker.end();
  return Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, median(values)]));
}

let answer = {};
try {
  for (const algorithm of algorithms) answer[algorithm] = await measure(algorithm);
} catch (e) {
  answer = {error: e.message};
}
await fetch("/answer", {method: "POST", body: JSON.stringify(answer)});
