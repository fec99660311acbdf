// The service worker: it lets the page be installed, and open with a friendly word when the computer that serves it is
// off. It asks that computer first, each time, so it never shows an old page while a newer one can be had; it answers
// for nothing that says who is paid or that mines, and it starts nothing.
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

self.addEventListener("fetch", (event) => {
  const {request} = event;
  const {origin, pathname} = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (frame.includes(pathname) || words.test(pathname)) event.respondWith(answer(request, pathname));
});

async function answer(request, pathname) {
  const cache = await caches.open(version);
  try {
    const fresh = await fetch(request);
    if (fresh.ok && words.test(pathname)) await cache.put(pathname, fresh.clone());
    return fresh;
  } catch (reason) {
    const kept = await cache.match(pathname);
    if (!kept) throw reason;
    return kept;
  }
}
