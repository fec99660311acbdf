// The picture of the work: a gold pan in a river, seen from above. Grains are hashes, nuggets are shares that
// the pool accepted, larger by difficulty on a log scale. It draws what it is told and nothing else: with no
// hashes there are no grains.
//
// What does not move is drawn once for each size and scheme: the river's bed, and the pan with the nuggets that have come
// to rest in it. A frame lays the rest upon them.
"use strict";

const frameTime = 50;  // ms: 20 pictures a second are enough for so slow a river, and spare the battery
const grainLimit = 260;
const nuggetLimit = 90;
const shine = 2.2;      // s that a fresh nugget shines
const bowl = 0.74;      // the water in the pan, of the pan's radius
const reach = 1.2;      // how far the pan with its shadow reaches, of the pan's radius
const gold = {dark: "#9a6208", body: "#e2a126", light: "#ffe0a0"}; // a nugget's sides, as in the mark
const outward = 0.381966, around = 0.5497; // steps that strew few and many evenly over a disc; the best of some tried

export class Pan {
  #canvas; #context; #colors = {}; #bed = null; #pan = null;
  #width = 0; #height = 0; #scale = 1;
  #grains = []; #nuggets = []; #found = 0;
  #owed = 0; #rate = 0; #flow = 0;
  #running = false; #loop = 0; #last = 0; #still;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", {alpha: false});
    this.#still = matchMedia("(prefers-reduced-motion: reduce)");
    const again = () => { this.#measure(); this.#draw(); };
    new ResizeObserver(again).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    this.#still.addEventListener("change", () => { this.#tick(); });
  }

  // run says whether work is going on. At rest the picture stands still and costs nothing.
  run(on) {
    if (on === this.#running) return;
    this.#running = on;
    if (!on) { this.#rate = 0; this.#owed = 0; }
    this.#tick();
  }

  // hashes reports how many hashes were done over the last so many seconds. A grain is not one hash but a
  // step on a log scale: a phone and a desktop both show a river that one can look at.
  hashes(count, seconds) {
    const rate = count > 0 && seconds > 0 ? Math.log10(1 + count / seconds) * 5 : 0;
    this.#rate = rate;
    if (this.#still.matches && count > 0) {
      for (let i = 0; i < rate && this.#grains.length < 120; i++) this.#grains.push(this.#settled());
      this.#draw();
    }
  }

  // share adds a nugget. luck is the share's difficulty over the difficulty asked for, at least 1; one that was found
  // before lies there already.
  share(luck, before = false) {
    const i = this.#found++;
    const size = 0.06 + 0.022 * Math.min(4, Math.log10(Math.max(1, luck)) * 1.3);
    const place = i % nuggetLimit; // a new one lies where the oldest lay
    const r = 0.84 * Math.sqrt((0.1 + place * outward) % 1), a = 2 * Math.PI * place * around;
    this.#nuggets.push({x: r * Math.cos(a), y: r * Math.sin(a), size, seed: i, born: before ? -Infinity : performance.now()});
    if (this.#nuggets.length > nuggetLimit) this.#nuggets.shift();
    if (!this.#running || this.#still.matches) this.#draw();
  }

  #settled() {
    const a = Math.random() * 2 * Math.PI, r = Math.sqrt(Math.random()) * 0.95;
    return {x: r * Math.cos(a), y: r * Math.sin(a), age: 1, life: Infinity, size: 0.5 + Math.random(), turn: 0};
  }

  #measure() {
    const box = this.#canvas.getBoundingClientRect();
    this.#scale = Math.min(2, window.devicePixelRatio || 1);
    this.#width = box.width;
    this.#height = box.height;
    this.#canvas.width = Math.round(box.width * this.#scale);
    this.#canvas.height = Math.round(box.height * this.#scale);
    const style = getComputedStyle(document.documentElement);
    for (const name of ["deep", "water", "grain"]) {
      this.#colors[name] = style.getPropertyValue("--color-" + name).trim();
    }
    if (this.#width === 0) return;
    this.#bed = this.#layer(this.#width, this.#height);
    this.#drawBed(this.#bed);
    const across = 2 * reach * this.#radius;
    this.#pan = this.#layer(across, across);
    this.#pan.translate(across / 2, across / 2);
    this.#drawPan(this.#pan);
    for (const n of this.#nuggets) n.rests = false;
  }

  // layer is for what is drawn once and laid upon the canvas again and again.
  #layer(width, height) {
    const layer = document.createElement("canvas");
    layer.width = Math.ceil(width * this.#scale);
    layer.height = Math.ceil(height * this.#scale);
    const c = layer.getContext("2d");
    c.scale(this.#scale, this.#scale);
    return c;
  }

  get #radius() { return Math.min(this.#width, this.#height) * 0.45; }

  #tick() {
    const loop = ++this.#loop; // one that runs already ends
    this.#last = performance.now();
    if (this.#running && !this.#still.matches) this.#next(loop);
    else this.#draw();
  }

  // next asks for a frame when it is due, and not before: each one that is asked for costs the browser a whole turn.
  #next(loop) {
    setTimeout(() => requestAnimationFrame((now) => {
      if (loop !== this.#loop) return;
      this.#advance(Math.max(0, Math.min(0.1, (now - this.#last) / 1000)));
      this.#last = now;
      this.#draw();
      this.#next(loop);
    }), frameTime - 12); // the browser draws a little later
  }

  #advance(seconds) {
    this.#flow += seconds;
    this.#owed += this.#rate * seconds;
    while (this.#owed >= 1) {
      this.#owed--;
      if (this.#grains.length >= grainLimit) continue;
      // They come down the river, from the left.
      this.#grains.push({
        x: -1.3 - Math.random() * 0.8, y: (Math.random() - 0.5) * 2.4,
        age: 0, life: 5 + Math.random() * 6, size: 0.5 + Math.random(), turn: 0.5 + Math.random() * 0.8,
      });
    }
    for (const g of this.#grains) {
      g.age += seconds;
      const r = Math.hypot(g.x, g.y);
      if (r > 0.93) { // still in the river: on to the pan
        g.x += (0.55 - g.x * 0.12) * seconds;
        g.y -= g.y * 0.3 * seconds;
      } else {        // in the pan: round and slowly in
        const a = Math.atan2(g.y, g.x) + g.turn * seconds;
        const in_ = Math.max(0.05, r - (0.05 + 0.06 * g.size) * seconds);
        g.x = in_ * Math.cos(a);
        g.y = in_ * Math.sin(a);
      }
    }
    this.#grains = this.#grains.filter((g) => g.age < g.life);
  }

  #draw() {
    if (this.#width === 0) this.#measure();
    if (this.#width === 0) return;
    const c = this.#context;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.globalAlpha = 1;
    c.drawImage(this.#bed.canvas, 0, 0);
    c.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    this.#river(c);

    // Whoever pans moves the pan a little, round and round.
    const radius = this.#radius, sway = 0.018 * radius;
    c.globalAlpha = 1;
    const whole = (x) => Math.round(x * this.#scale) / this.#scale; // whole dots are copied, parts of them are mixed
    const dx = sway * Math.cos(this.#flow * 1.9), dy = sway * Math.sin(this.#flow * 1.9);
    const x = whole(this.#width / 2 + dx - reach * radius), y = whole(this.#height / 2 + dy - reach * radius);
    for (const n of this.#nuggets) {
      if (!n.rests && this.#age(n) >= shine) this.#lay(n, radius * bowl);
    }
    c.drawImage(this.#pan.canvas, x, y, this.#pan.canvas.width / this.#scale, this.#pan.canvas.height / this.#scale);
    c.translate(x + reach * radius, y + reach * radius);
    for (const n of this.#nuggets) this.#nugget(c, n, radius * bowl);
    for (const g of this.#grains) {
      const span = g.x * g.x + g.y * g.y < 1 ? radius * bowl : radius;
      c.globalAlpha = Math.max(0, Math.min(0.95, g.age * 1.5, (g.life - g.age) * 0.7));
      c.fillStyle = g.size > 1.15 ? this.#colors.pale : this.#colors.sand;
      const s = Math.max(1.4, g.size * radius * 0.021);
      c.fillRect(g.x * span - s / 2, g.y * span - s / 2, s, s);
    }
    c.globalAlpha = 1;
  }

  // drawBed draws the river without its movement: deeper in the middle, with pebbles at its banks.
  #drawBed(c) {
    const {deep, water, grain} = this.#colors;
    const width = this.#width, height = this.#height;
    const dark = light(deep) < 0.5;
    this.#colors.sand = dark ? mix(grain, "#ffffff", 0.1) : mix(grain, "#000000", 0.3);
    this.#colors.pale = mix(grain, "#ffffff", dark ? 0.55 : 0.25);
    const depth = c.createLinearGradient(0, 0, 0, height);
    depth.addColorStop(0, mix(deep, water, dark ? 0.12 : 0.08));
    depth.addColorStop(0.5, mix(deep, water, dark ? 0.3 : 0.3));
    depth.addColorStop(1, mix(deep, water, dark ? 0.08 : 0.14));
    c.fillStyle = depth;
    c.fillRect(0, 0, Math.ceil(width), Math.ceil(height)); // a part of a dot would be dark
    const chance = (i, k) => { const x = Math.sin(i * 127.1 + k * 311.7) * 43758.5453; return x - Math.floor(x); };
    for (let i = 0; i < Math.round(width / 14); i++) {
      const bank = chance(i, 1) < 0.5 ? 0 : height;
      const size = 4 + 13 * chance(i, 2) ** 2;
      const x = chance(i, 3) * width, y = bank + (bank ? -1 : 1) * (chance(i, 4) ** 1.6 * height * 0.17 - size * 0.3);
      const flat = 0.6 + 0.25 * chance(i, 5), lean = (chance(i, 6) - 0.5) * 0.8;
      const stone = (fill, dx, dy, part) => {
        c.fillStyle = fill;
        c.beginPath();
        c.ellipse(x + dx, y + dy, size * part, size * flat * part, lean, 0, 2 * Math.PI);
        c.fill();
      };
      stone(mix(deep, "#000000", dark ? 0.5 : 0.28), 1.5, 2.5, 1);
      stone(mix(deep, grain, (dark ? 0.2 : 0.35) + 0.25 * chance(i, 7)), 0, 0, 1);
      stone(mix(deep, grain, (dark ? 0.34 : 0.2) + 0.2 * chance(i, 7)), -size * 0.18, -size * 0.2 * flat, 0.6);
    }
  }

  // drawPan draws the pan in the light from above on the left: rim, wall, riffles, and the water in it.
  #drawPan(c) {
    const {deep, water, grain} = this.#colors;
    const dark = light(deep) < 0.5, radius = this.#radius;
    const steel = dark ? mix(grain, "#22333d", 0.35) : grain;
    const ball = (at, r, ...stops) => {
      const g = c.createRadialGradient(at * radius, at * radius, 0, at * radius, at * radius, r * radius);
      for (const [where, color] of stops) g.addColorStop(where, color);
      return g;
    };
    const slope = (from, to) => {
      const g = c.createLinearGradient(-0.7 * radius, -0.7 * radius, 0.7 * radius, 0.7 * radius);
      g.addColorStop(0, from);
      g.addColorStop(1, to);
      return g;
    };
    const disc = (r, fill, d = 0) => {
      c.fillStyle = fill;
      c.beginPath();
      c.arc(d * radius, d * radius, r * radius, 0, 2 * Math.PI);
      c.fill();
    };
    const arc = (r, from, to, width, color) => {
      c.strokeStyle = color;
      c.lineWidth = width * radius;
      c.beginPath();
      c.arc(0, 0, r * radius, from, to);
      c.stroke();
    };
    c.lineCap = "round";
    disc(1.14, ball(0.05, 1.12, [0.8, "rgba(0, 0, 0, 0.42)"], [1, "rgba(0, 0, 0, 0)"]), 0.05);
    disc(1, slope(mix(steel, "#ffffff", 0.55), mix(steel, "#000000", 0.45)));
    disc(0.965, slope(mix(steel, "#000000", 0.5), mix(steel, "#ffffff", 0.3)));
    disc(0.945, slope(mix(steel, "#000000", 0.38), mix(steel, "#ffffff", 0.12)));
    for (const r of [0.895, 0.845, 0.795]) { // the riffles, which hold the gold back
      arc(r, -0.3 * Math.PI, 0.8 * Math.PI, 0.014, mix(steel, "#000000", 0.5));
      arc(r - 0.013, -0.28 * Math.PI, 0.78 * Math.PI, 0.01, mix(steel, "#ffffff", dark ? 0.25 : 0.35));
    }
    disc(bowl + 0.02, slope(mix(steel, "#000000", 0.55), mix(steel, "#000000", 0.2)));
    disc(bowl, ball(-0.2, 1.05, ...(dark
      ? [[0, mix(water, deep, 0.25)], [0.6, mix(water, deep, 0.52)], [1, mix(water, deep, 0.75)]]
      : [[0, mix(water, "#ffffff", 0.72)], [0.6, mix(water, "#ffffff", 0.48)], [1, mix(water, "#ffffff", 0.18)]])));
    arc(0.66, 1.05 * Math.PI, 1.38 * Math.PI, 0.022, "rgba(255, 255, 255, " + (dark ? 0.28 : 0.75) + ")");
    arc(0.66, 1.44 * Math.PI, 1.48 * Math.PI, 0.022, "rgba(255, 255, 255, " + (dark ? 0.28 : 0.75) + ")");
    arc(0.67, 0.1 * Math.PI, 0.4 * Math.PI, 0.012, "rgba(255, 255, 255, " + (dark ? 0.1 : 0.4) + ")");
  }

  #river(c) {
    c.strokeStyle = this.#colors.water;
    c.lineWidth = 1.5;
    c.lineCap = "round";
    const rows = Math.max(4, Math.round(this.#height / 26));
    for (let i = 0; i < rows; i++) {
      const y = (i + 0.5) * this.#height / rows;
      c.globalAlpha = 0.2 + 0.2 * ((i * 5) % 3) / 2;
      const speed = 14 + (i * 7) % 5 * 5;
      const period = 150 + (i * 11) % 4 * 40;
      const shift = (this.#flow * speed + i * 83) % period;
      c.beginPath();
      for (let x = shift - period; x < this.#width; x += period) {
        c.moveTo(x, y);
        c.quadraticCurveTo(x + period * 0.14, y - 5, x + period * 0.28, y);
        c.quadraticCurveTo(x + period * 0.42, y + 5, x + period * 0.56, y);
      }
      c.stroke();
    }
  }

  // age is how long ago a nugget came, in seconds. A picture that stands still has only old ones.
  #age(n) {
    return this.#still.matches || !this.#running ? Infinity : (performance.now() - n.born) / 1000;
  }

  // lay puts a nugget that moves no more into the pan for good.
  #lay(n, span) {
    n.rests = true;
    this.#lump(this.#pan, n, n.x * span, n.y * span, n.size * span * 1.5);
  }

  #nugget(c, n, span) {
    const age = this.#age(n);
    const fall = Math.min(1, age / 0.45);
    const size = n.size * span * 1.5 * (1 + 1.2 * (1 - fall) ** 2); // it comes down from above
    const x = n.x * span, y = n.y * span - (1 - fall) ** 2 * span * 0.5;
    if (fall === 1 && age < shine) { // rings on the water
      const since = age - 0.45;
      c.strokeStyle = gold.light;
      c.lineWidth = 2;
      for (const late of [0, 0.35]) {
        const part = (since - late) / (shine - 0.8);
        if (part < 0 || part > 1) continue;
        c.globalAlpha = 0.8 * (1 - part);
        c.beginPath();
        c.arc(x, y, size * (1 + part * 2), 0, 2 * Math.PI);
        c.stroke();
      }
    }
    c.globalAlpha = Math.min(1, 0.3 + fall);
    if (!n.rests) this.#lump(c, n, x, y, size);
    const turn = (this.#flow / 7 + n.seed * 0.37) % 1 * 3; // an old one glints a third of the time
    const glint = age < shine ? age / shine : this.#running && turn < 1 ? turn : 0;
    if (glint > 0) this.#star(c, x - size * 0.25, y - size * 0.3, size * 0.9 * Math.sin(Math.PI * glint));
    c.globalAlpha = 1;
  }

  // lump is the gold itself: its shadow, its sides and the light on it.
  #lump(c, n, x, y, size) {
    const shape = (fill, reach, dx, dy) => {
      c.fillStyle = fill;
      c.beginPath();
      for (let k = 0; k < 8; k++) {
        const wobble = 0.76 + 0.24 * Math.abs(Math.sin(n.seed * 12.9898 + k * 4.1414));
        const a = k / 8 * 2 * Math.PI + n.seed;
        c.lineTo(x + Math.cos(a) * size * wobble * reach + dx * size, y + Math.sin(a) * size * wobble * reach * 0.9 + dy * size);
      }
      c.closePath();
      c.fill();
    };
    shape("rgba(0, 0, 0, 0.3)", 1.04, 0.12, 0.2);
    shape(gold.dark, 1, 0, 0.06);
    shape(gold.body, 0.86, -0.07, -0.05);
    shape(gold.light, 0.42, -0.2, -0.2);
  }

  // star is the glint of the light on gold.
  #star(c, x, y, reach) {
    c.globalAlpha = 0.95;
    c.fillStyle = "#fff6dc";
    c.beginPath();
    for (let k = 0; k < 8; k++) {
      const r = k % 2 ? reach * 0.16 : reach, a = k / 8 * 2 * Math.PI;
      c.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
    }
    c.closePath();
    c.fill();
  }
}

const parts = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

// mix lies between two colours, each #rrggbb: the first at 0, the second at 1.
function mix(from, to, at) {
  const a = parts(from), b = parts(to);
  return "#" + a.map((v, i) => Math.round(v + (b[i] - v) * at).toString(16).padStart(2, "0")).join("");
}

// light is how light a colour is, from 0 to 1.
function light(color) {
  const [r, g, b] = parts(color);
  return (0.3 * r + 0.59 * g + 0.11 * b) / 255;
}
