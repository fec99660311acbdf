// One library's hash over a header whose nonce counts up, as a miner would call it. The first answer of each is
// held against Bitcoin's and Litecoin's genesis blocks.
import {createSHA256, scrypt as scryptWasm} from "/peers/hash-wasm/dist/index.esm.min.js";
import {sha256} from "/peers/@noble/hashes/sha2.js";
import {scrypt as scryptNoble} from "/peers/@noble/hashes/scrypt.js";

const cost = {N: 1024, r: 1, p: 1, dkLen: 32};
let hasher = null; // made with the first message: who awaits at the top of a module misses messages
const once = (b) => hasher.init().update(b).digest("binary");

const hashes = {
  "hash-wasm": {
    sha256d: (header) => once(once(header)),
    scrypt: (header) => scryptWasm({
      password: header, salt: header, costFactor: cost.N, blockSize: cost.r, parallelism: cost.p, hashLength: cost.dkLen,
      outputType: "binary",
    }),
  },
  "@noble/hashes": {
    sha256d: (header) => sha256(sha256(header)),
    scrypt: (header) => scryptNoble(header, header, cost),
  },
};

const genesis = {
  sha256d: {
    header: "01000000" + "00".repeat(32) + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
    hash: "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000",
  },
  scrypt: {
    header: "01000000" + "00".repeat(32) + "d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1ecd513f7c",
    hash: "001e67b013726fd7382e9acb69165b4b6316227fb3156b5b414ba6340c050000",
  },
};

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (b) => Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");

async function rate(library, algorithm, ms) {
  const hash = hashes[library][algorithm];
  const header = bytes(genesis[algorithm].header), view = new DataView(header.buffer);
  if (hex(await hash(header)) !== genesis[algorithm].hash) throw new Error("a wrong hash");
  const batch = algorithm === "scrypt" ? 8 : 2048;
  let nonce = 0;
  const begun = performance.now();
  while (performance.now() - begun < ms) {
    for (let i = 0; i < batch; i++) {
      view.setUint32(76, nonce++, true);
      const h = hash(header);
      if (h instanceof Promise) await h;
    }
  }
  return nonce / (performance.now() - begun) * 1000;
}

self.onmessage = async ({data}) => {
  try {
    hasher ??= await createSHA256();
    self.postMessage({rate: await rate(data.library, data.algorithm, data.ms)});
  } catch (e) {
    self.postMessage({error: e.message});
  }
};
