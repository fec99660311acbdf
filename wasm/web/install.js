// Installing: where the browser allows it, the page gets its service worker, which lets a person keep Goldpan beside
// their other apps. Browsers ask for a secure origin; in a frame there is none.

if (window.isSecureContext && "serviceWorker" in navigator && window.top === window) {
  window.addEventListener("load", () => {
    navigator.serviceWorker.register("sw.js", {updateViaCache: "none"}).catch(() => { /* the page works without */ });
  });
}
