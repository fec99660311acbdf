// The film: a minute of nothing that plays out of sight and keeps a screen on where the browser has no wake lock (a
// page over plain http). It plays only by the person's own switch. wasm/web/build makes it.

const video = document.getElementById("film");

// A film that loops by itself lets some systems sleep; one that is begun again does not.
video.addEventListener("ended", () => {
  video.currentTime = 0;
  video.play().catch(() => {});
});

// film plays the film, or ends it. It is true if the film plays now.
export async function film(on) {
  if (!on) {
    if (!video.src) return false;
    video.pause();
    video.removeAttribute("src");
    video.load();
    return false;
  }
  if (video.src && !video.paused) return true;
  video.src = "still.mp4";
  try {
    await video.play();
    return true;
  } catch {
    return !video.paused; // this browser does not play it, so the screen may go off; or it was ended and begun again meanwhile
  }
}
