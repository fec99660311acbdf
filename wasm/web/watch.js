// The watch: if a part of the page does not come, because a content blocker stops it or the connection is bad, the
// page says so instead of loading for ever. It needs no other part, waits for none, and looks once.

document.addEventListener("click", ({target}) => {
  if (target.id === "reload") location.reload();
});

const patience = 15_000; // ms

setTimeout(() => {
  if (document.body.dataset.state !== "loading") return;
  document.getElementById("loading").hidden = true;
  document.getElementById("broken").hidden = false;
}, patience);
