// The service worker: it lets the page be installed, and open with a friendly word when the computer that serves it is
// off, is silent, or stands behind a proxy that cannot reach it. It asks that computer first, each time, so it never
// shows an old page while a newer one can be had. What it shows then is the kept page whole and nothing else: no part of
// it comes from the server, so no two versions meet, and it learns of nobody who is paid and can start nothing.
//
// The build writes what the page's frame consists of, and a name for just these bytes.
"use strict";

const version = "goldpan-VERSION";
const frame = ["FRAME"];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(version).then((cache) =>
    cache.addAll(frame.map((path) => new Request(path, {cache: "no-cache"})))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("goldpan-") && name !== version) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

const words = /^\/text\.[a-z-]+\.json$/; // only the languages that somebody reads are kept
const patience = 10_000;                // ms that the server may be silent
const away = [502, 503, 504];           // what a proxy says of a server that it cannot reach
const without = new Set();              // the clients that have the kept page

self.addEventListener("fetch", (event) => {
  const {request} = event;
  const {origin, pathname} = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (frame.includes(pathname)) event.respondWith(open(event, pathname));
  } else if (without.has(event.clientId)) {
    event.respondWith(kept(pathname).then((part) => part ?? Response.error()));
  } else if (words.test(pathname)) {
    event.respondWith(keep(request, pathname));
  }
});

const kept = (pathname) => caches.match(pathname, {cacheName: version});

// open answers with the server's page, or with the kept one where there is none to be had.
async function open({request, resultingClientId}, pathname) {
  const given = new AbortController(); // a question that stayed open would hold up the next visit's
  const fresh = fetch(request, {signal: given.signal}).catch(() => null);
  const silence = new Promise((done) => setTimeout(done, patience, null));
  const answer = await Promise.race([fresh, silence]);
  if (answer && !away.includes(answer.status)) return answer;
  const page = resultingClientId && await kept(pathname);
  if (!page) return answer ?? await fresh ?? Response.error();
  given.abort();
  without.add(resultingClientId);
  return page;
}

// keep hands on what the server gives, and keeps a copy where there is room.
async function keep(request, pathname) {
  const fresh = await fetch(request);
  if (fresh.ok) await caches.open(version).then((cache) => cache.put(pathname, fresh.clone())).catch(() => {});
  return fresh;
}
