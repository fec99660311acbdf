// A lane that is watched: lane.js itself, and beside it a port that tells when it heard and said what.
//
// From the bench, with the lane's own first message: {probe: a port, alive: tell of every look at the clock too}
// To the bench: {type: "hashed", hashes}, {type: "heard", what: "work" or "rest"}, {type: "alive"}, each with at, in
// milliseconds since 1970, and clock, in milliseconds of a clock that never jumps.
"use strict";

importScripts("lane.js");
const begin = self.onmessage;
const clock = performance.now.bind(performance);

self.onmessage = (event) => {
  const {port, probe, alive} = event.data;
  const tell = (message) => probe.postMessage({...message, at: Date.now(), clock: clock()});
  port.addEventListener("message", ({data}) => {
    if (data.type !== "consent") tell({type: "heard", what: data.type});
  });
  const post = port.postMessage.bind(port);
  port.postMessage = (message) => {
    if (message.type === "progress") tell({type: "hashed", hashes: message.hashes});
    post(message);
  };
  if (alive) {
    performance.now = () => {
      tell({type: "alive"});
      return clock();
    };
  }
  begin(event);
};
