// The picture of the work: a gold pan in a river, seen from above. Grains are hashes, nuggets are shares that
// the pool accepted, larger by difficulty on a log scale. It draws what it is told and nothing else: with no
// hashes there are no grains.
"use strict";

const frameTime = 33;  // ms: 30 pictures a second are enough, and spare the battery
const grainLimit = 260;
const nuggetLimit = 90;
const golden = Math.PI * (3 - Math.sqrt(5)); // the angle that packs a disc evenly

export class Pan {
  #canvas; #context; #colors = {};
  #width = 0; #height = 0; #scale = 1;
  #grains = []; #nuggets = []; #found = 0;
  #owed = 0; #rate = 0; #flow = 0;
  #running = false; #last = 0; #still;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
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

  // share adds a nugget. luck is the share's difficulty over the difficulty asked for, at least 1.
  share(luck) {
    const i = this.#found++;
    const size = 0.035 + 0.022 * Math.min(4, Math.log10(Math.max(1, luck)) * 1.6);
    const r = 0.86 * Math.sqrt(((i * 7) % nuggetLimit + 0.5) / nuggetLimit);
    this.#nuggets.push({x: r * Math.cos(i * golden), y: r * Math.sin(i * golden), size, seed: i, born: performance.now()});
    if (this.#nuggets.length > nuggetLimit) this.#nuggets.shift();
    if (!this.#running || this.#still.matches) this.#draw();
  }

  #settled() {
    const a = Math.random() * 2 * Math.PI, r = Math.sqrt(Math.random()) * 0.95;
    return {x: r * Math.cos(a), y: r * Math.sin(a), age: 0.4, life: Infinity, size: 0.5 + Math.random(), turn: 0};
  }

  #measure() {
    const box = this.#canvas.getBoundingClientRect();
    this.#scale = Math.min(2, window.devicePixelRatio || 1);
    this.#width = box.width;
    this.#height = box.height;
    this.#canvas.width = Math.round(box.width * this.#scale);
    this.#canvas.height = Math.round(box.height * this.#scale);
    const style = getComputedStyle(document.documentElement);
    for (const name of ["deep", "water", "grain", "gold", "gold-text", "raised", "muted", "surface", "line"]) {
      this.#colors[name] = style.getPropertyValue("--color-" + name).trim();
    }
  }

  #tick() {
    if (this.#running && !this.#still.matches) {
      this.#last = performance.now();
      requestAnimationFrame((now) => this.#frame(now));
    } else {
      this.#draw();
    }
  }

  #frame(now) {
    if (!this.#running || this.#still.matches) return;
    if (now - this.#last >= frameTime) {
      this.#advance(Math.min(0.1, (now - this.#last) / 1000));
      this.#last = now;
      this.#draw();
    }
    requestAnimationFrame((next) => this.#frame(next));
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
    const c = this.#context, color = this.#colors;
    c.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    c.globalAlpha = 1;
    c.fillStyle = color.deep;
    c.fillRect(0, 0, this.#width, this.#height);
    this.#river();

    const radius = Math.min(this.#width, this.#height) * 0.44;
    const cx = this.#width / 2, cy = this.#height / 2;
    c.translate(cx, cy);
    const disc = (r, fill, dy = 0) => {
      c.fillStyle = fill;
      c.beginPath();
      c.arc(0, dy * radius, r * radius, 0, 2 * Math.PI);
      c.fill();
    };
    c.globalAlpha = 0.25;
    disc(1.03, "#000", 0.03);
    c.globalAlpha = 1;
    disc(1, color.muted);
    disc(0.97, color.grain);
    disc(0.9, color.muted, 0.01);
    disc(0.87, color.grain, 0.015);
    disc(0.81, color.deep, 0.015);
    c.globalAlpha = 0.35;
    disc(0.78, color.water, 0.02);
    c.globalAlpha = 1;

    const bowl = radius * 0.76;
    for (const n of this.#nuggets) this.#nugget(n, bowl);
    for (const g of this.#grains) {
      const inside = g.x * g.x + g.y * g.y < 1;
      const span = inside ? bowl : radius;
      c.globalAlpha = Math.max(0, Math.min(0.9, g.age * 1.5, (g.life - g.age) * 0.7));
      c.fillStyle = color.grain;
      const s = Math.max(1.2, g.size * radius * 0.018);
      c.fillRect(g.x * span - s / 2, g.y * span - s / 2, s, s);
    }
    c.globalAlpha = 1;
  }

  #river() {
    const c = this.#context;
    c.strokeStyle = this.#colors.water;
    c.lineWidth = 1.5;
    c.lineCap = "round";
    const rows = Math.max(4, Math.round(this.#height / 26));
    for (let i = 0; i < rows; i++) {
      const y = (i + 0.5) * this.#height / rows;
      c.globalAlpha = 0.16 + 0.12 * ((i * 5) % 3) / 2;
      const speed = 14 + (i * 7) % 5 * 5;
      const period = 150 + (i * 11) % 4 * 40;
      const shift = (this.#flow * speed + i * 83) % period;
      for (let x = shift - period; x < this.#width + period; x += period) {
        c.beginPath();
        c.moveTo(x, y);
        c.quadraticCurveTo(x + period * 0.14, y - 5, x + period * 0.28, y);
        c.quadraticCurveTo(x + period * 0.42, y + 5, x + period * 0.56, y);
        c.stroke();
      }
    }
  }

  #nugget(n, bowl) {
    const c = this.#context, color = this.#colors;
    const age = (performance.now() - n.born) / 1000;
    const drop = this.#still.matches ? 1 : Math.min(1, age / 0.5);
    const size = n.size * bowl * (0.4 + 0.6 * drop) * 1.6;
    const x = n.x * bowl, y = n.y * bowl;
    if (age < 1.6 && !this.#still.matches) {
      c.globalAlpha = Math.max(0, 0.7 - age * 0.45);
      c.strokeStyle = color.gold;
      c.lineWidth = 2;
      c.beginPath();
      c.arc(x, y, size * (1 + age * 1.6), 0, 2 * Math.PI);
      c.stroke();
    }
    c.globalAlpha = drop;
    const corner = (k, reach) => {
      const wobble = 0.78 + 0.22 * Math.abs(Math.sin(n.seed * 12.9898 + k * 4.1414));
      const a = k / 7 * 2 * Math.PI + n.seed;
      return [x + Math.cos(a) * size * wobble * reach, y + Math.sin(a) * size * wobble * reach * 0.9];
    };
    const shape = (reach, dx, dy) => {
      c.beginPath();
      for (let k = 0; k < 7; k++) {
        const [px, py] = corner(k, reach);
        c.lineTo(px + dx, py + dy);
      }
      c.closePath();
    };
    c.fillStyle = color.gold;
    shape(1, 0, 0);
    c.fill();
    c.globalAlpha = 0.55 * drop;
    c.fillStyle = "#ffe0a0";
    shape(0.5, -size * 0.18, -size * 0.2);
    c.fill();
    c.globalAlpha = 1;
  }
}
