// Words and numbers for people.

export function plural(n, one, many) {
  return n.toLocaleString() + " " + (n === 1 ? one : many);
}

export function sentence(text) {
  if (!text) return "";
  const t = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(t) ? t : t + ".";
}

// words gives a count with three figures and the scale in words: ["412", "thousand "].
export function words(n) {
  for (const [size, name] of [[1e12, "trillion "], [1e9, "billion "], [1e6, "million "], [1e4, "thousand "]]) {
    if (n >= size) {
      const v = n / (size === 1e4 ? 1e3 : size);
      return [v.toLocaleString(undefined, {maximumFractionDigits: v < 10 ? 2 : v < 100 ? 1 : 0}), name];
    }
  }
  return [Math.round(n).toLocaleString(), ""];
}

export function number(n) {
  return n.toLocaleString(undefined, {maximumSignificantDigits: 3});
}

export function time(s) {
  s = Math.floor(s);
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + two(s % 60) + " s";
  return Math.floor(s / 3600) + " h " + two(Math.floor(s / 60) % 60) + " min";
}
