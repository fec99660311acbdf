// Serves the bench page, opens it in a browser, measures the native kernels beside it, and prints one JSON line an
// algorithm and peer:
//
//   node run.mjs --page DIR --peers DIR [--browser chromium|firefox]
//
// DIR of the page is what wasm/web/build wrote, DIR of the peers a node_modules. It runs in the root of the tree.
import {spawn, spawnSync} from "node:child_process";
import {once} from "node:events";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {createServer} from "node:http";
import {tmpdir} from "node:os";
import path from "node:path";
import {setTimeout as sleep} from "node:timers/promises";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";

const {values: options} = parseArgs({options: {
  page: {type: "string"}, peers: {type: "string"}, browser: {type: "string", default: "chromium"},
}});

const patience = 180_000; // ms
const native = {sha256d: ["avx2", "generic"], scrypt: ["sse2", "generic"]}; // the first that this machine has
const folders = {"/page/": options.page, "/peers/": options.peers, "/": path.dirname(fileURLToPath(import.meta.url))};
const types = {".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm"};

// The page's own policy, so that the lane runs under what it runs under at home.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

function file(url) {
  const [prefix, folder] = Object.entries(folders).find(([prefix]) => url.startsWith(prefix));
  const name = path.resolve(folder, url === "/" ? "index.html" : url.slice(prefix.length));
  if (!name.startsWith(path.resolve(folder) + path.sep) || !(path.extname(name) in types)) throw new Error("not served");
  return [types[path.extname(name)], readFileSync(name)];
}

function serve(answered) {
  return createServer((request, response) => {
    if (request.method === "POST") {
      let body = "";
      request.on("data", (part) => { body += part; });
      request.on("end", () => { response.end(); answered(JSON.parse(body)); });
      return;
    }
    try {
      const [type, body] = file(new URL(request.url, "http://localhost").pathname);
      response.setHeader("Content-Type", type);
      response.setHeader("Content-Security-Policy", policy);
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
}

const browsers = {
  chromium: {
    names: ["chromium", "chromium-browser", "google-chrome"],
    flags: (profile) => ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check",
      "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--disable-dev-shm-usage", "--no-proxy-server", "--user-data-dir=" + profile],
  },
  firefox: {
    names: ["firefox-esr", "firefox"],
    flags: (profile) => ["--headless", "--no-remote", "--profile", profile],
  },
};

function measureInBrowser() {
  return new Promise((resolve, reject) => {
    const kind = browsers[options.browser];
    const name = kind?.names.find((n) => spawnSync("sh", ["-c", `command -v ${n}`]).status === 0);
    if (!name) throw new Error("this machine has no browser " + options.browser);
    const profile = mkdtempSync(path.join(tmpdir(), "goldpan-bench-"));
    let child = null;
    const end = async (settle, value) => {
      clearTimeout(timer);
      server.closeAllConnections();
      server.close();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await once(child, "exit");
      }
      // The browser's other processes end a little later, and write until then.
      for (let tries = 0; ; tries++) {
        try {
          rmSync(profile, {recursive: true, force: true});
          return settle(value);
        } catch (e) {
          if (tries === 50) return reject(e);
          await sleep(100);
        }
      }
    };
    const timer = setTimeout(() => end(reject, new Error("the browser did not answer")), patience);
    const server = serve((answer) => {
      if (answer.error) end(reject, new Error("in the browser: " + answer.error)); else end(resolve, answer);
    });
    server.listen(0, "127.0.0.1", () => {
      child = spawn(name, [...kind.flags(profile), `http://127.0.0.1:${server.address().port}/`], {stdio: "ignore"});
    });
  });
}

// measureNative returns the rate of the first kernel that this machine has.
function measureNative(algorithm) {
  for (const kernel of native[algorithm]) {
    const run = spawnSync("go", ["run", "./app/cli", "bench", "--json", "--algorithm", algorithm, "--kernel", kernel, "--seconds", "2"],
      {encoding: "utf8"});
    const lines = run.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    const bench = lines.find((line) => line.type === "bench");
    if (run.status === 0 && bench) return bench;
  }
  throw new Error("no native kernel could be measured for " + algorithm);
}

const natively = () => Object.fromEntries(Object.keys(native).map((algorithm) => [algorithm, measureNative(algorithm)]));

try {
  // Native before and after, for the machine may not be as fast all the time.
  const before = natively(), rates = await measureInBrowser(), after = natively();
  for (const [algorithm, {goldpan, ...peers}] of Object.entries(rates)) {
    const nativeRate = (before[algorithm].hashrate + after[algorithm].hashrate) / 2;
    for (const [peer, rate] of Object.entries(peers)) {
      console.log(JSON.stringify({
        type: "bench-web", browser: options.browser, algorithm, hashrate: goldpan, peer, peer_hashrate: rate,
        ratio: goldpan / rate, native_kernel: before[algorithm].kernel, native_ratio: goldpan / nativeRate,
      }));
    }
  }
} catch (e) {
  console.error("goldpan: " + e.message);
  process.exitCode = 1;
}
