//go:build !js

package web

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"goldpan/core/hasher"
	"goldpan/core/hasher/kernel"
	"goldpan/wasm/web/browsertest"
)

// kernelCase is one scan, and the hits that Go's generic code has for it.
type kernelCase struct {
	work         *hasher.Work
	first, count uint32
	scanned      uint32
	hits         []uint32
}

// cases collects scans for the page's kernel.
type cases struct {
	all    []kernelCase
	nonces int
	random *rand.Rand
}

// stretch adds scans of nonces of one header: each is hashed once, for all targets and counts.
func (c *cases) stretch(a hasher.Algorithm, h hasher.Header, first uint32, length int, targets func(sums [][32]byte) [][32]byte, counts ...uint32) {
	sums := make([][32]byte, length)
	for i := range sums {
		binary.LittleEndian.PutUint32(h[76:], first+uint32(i))
		sums[i] = a.Sum(&h)
	}
	for _, target := range targets(sums) {
		limit := target
		slices.Reverse(limit[:])
		for _, count := range counts {
			one := kernelCase{work: hasher.NewWork(a, &h, target), first: first, count: count}
			for _, sum := range sums[:count] {
				slices.Reverse(sum[:])
				if bytes.Compare(sum[:], limit[:]) <= 0 {
					one.hits = append(one.hits, first+one.scanned)
				}
				one.scanned++
				if len(one.hits) == kernel.MaxHits {
					break
				}
			}
			c.nonces += int(one.scanned)
			c.all = append(c.all, one)
		}
	}
}

func (c *cases) header() (h hasher.Header) {
	for i := range h {
		h[i] = byte(c.random.Uint32())
	}
	return h
}

// beside returns a little-endian number moved by a small one; it wraps.
func beside(n [32]byte, by int) [32]byte {
	for i := 0; i < len(n) && by != 0; i++ {
		v := int(n[i]) + by
		n[i] = byte(v)
		by = v >> 8
	}
	return n
}

// published adds real blocks, whose nonces stand in every place of the range: those of core/hasher/testdata, and
// Dogecoin's genesis block from Dogecoin Core's chainparams.cpp.
func (c *cases) published(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../core/hasher/testdata/headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "\nscrypt 01000000"+strings.Repeat("00", 32)+"696ad20e2dd4365c7459b4a4a5af743d5e92c6da3229e6532cd605f6533f2a5b"+"24a6a152f0ff0f1e67860100 -"...)
	found := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[0] == "#" {
			continue
		}
		found++
		var h hasher.Header
		if n, err := hex.Decode(h[:], []byte(fields[1])); err != nil || n != len(h) {
			t.Fatalf("%s: %v", fields[1], err)
		}
		a, nonce := hasher.Algorithm(fields[0]), binary.LittleEndian.Uint32(h[76:])
		hash := a.Sum(&h)
		want, err := hex.DecodeString(fields[2])
		if err != nil { // what is published is the target
			hash = [32]byte{27: 0xf0, 28: 0xff, 29: 0x0f}
		} else if slices.Reverse(want); !bytes.Equal(want, hash[:]) {
			t.Fatalf("%s of %s is not %s", a, fields[1], fields[2])
		}
		for before := range uint32(17) {
			at := len(c.all)
			c.stretch(a, h, nonce-before, 17, func([][32]byte) [][32]byte { return [][32]byte{hash} }, 17)
			if hits := c.all[at].hits; len(hits) != 1 || hits[0] != nonce {
				t.Fatalf("a known block is not found: %d", hits)
			}
		}
		if fields[2] != "-" {
			c.stretch(a, h, nonce, 1, func([][32]byte) [][32]byte { return [][32]byte{beside(hash, -1)} }, 1)
		}
	}
	if found != 5 {
		t.Fatalf("%d blocks, want 5", found)
	}
}

// edges adds odd counts, the wrap, the first nonce and the last, with no hit, some, all and too many; and targets
// that differ from a hash in one word.
func (c *cases) edges(a hasher.Algorithm) {
	counts, longest := []uint32{0, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 63, 64, 65, 67}, 67
	if a == hasher.Scrypt {
		counts = []uint32{0, 1, 2, 3, 5, 7, 67}
	}
	for _, first := range []uint32{0, 1, 0x7ffffffe, 0xfffffff8, 0xfffffffd, 0xfffffffe, 0xffffffff} {
		c.stretch(a, c.header(), first, longest, func([][32]byte) [][32]byte {
			return [][32]byte{{}, beside([32]byte{31: 0x20}, -1), beside([32]byte{}, -1)}
		}, counts...)
	}
	for range 3 {
		c.stretch(a, c.header(), c.random.Uint32(), 3, func(sums [][32]byte) (targets [][32]byte) {
			for _, hash := range sums[:2] {
				targets = append(targets, hash, beside(hash, -1), beside(hash, 1))
				for word := range 8 {
					for _, by := range []uint32{1, 1<<32 - 1, 1 << 31} {
						near := hash
						binary.LittleEndian.PutUint32(near[4*word:], binary.LittleEndian.Uint32(hash[4*word:])+by)
						targets = append(targets, near)
					}
				}
			}
			return targets
		}, 3)
	}
}

// seeded adds headers, ranges and targets that nobody chose.
func (c *cases) seeded(a hasher.Algorithm, n int) {
	most := uint32(8)
	if a == hasher.Scrypt {
		most = 4
	}
	for range n {
		first, count := c.random.Uint32(), 1+c.random.Uint32N(most)
		if c.random.Uint32N(8) == 0 {
			first = -c.random.Uint32N(count + 1) // it wraps, or ends with the last
		}
		c.stretch(a, c.header(), first, int(count), func(sums [][32]byte) [][32]byte {
			return [][32]byte{beside(sums[c.random.IntN(len(sums))], c.random.IntN(3)-1)}
		}, count)
	}
}

// bytes lays the cases out for kernelWorker, as words.
func (c *cases) bytes() (b []byte) {
	for _, one := range c.all {
		b = append(b, one.work.Bytes()...)
		for _, v := range append([]uint32{one.first, one.count, one.scanned, uint32(len(one.hits))}, one.hits...) {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	return b
}

// kernelWorker runs the kernel over the cases, as a lane would, and says how many scans and hits were right.
const kernelWorker = `"use strict";
const workWords = 37, hitsAt = 64; // words of the memory
self.onmessage = async () => {
	try {
		const [code, cases] = await Promise.all(["kernel.wasm", "cases"].map((name) => fetch(name).then((a) => a.arrayBuffer())));
		const {instance} = await WebAssembly.instantiate(code, {});
		const {memory, load, scan} = instance.exports;
		const lent = new Uint32Array(memory.buffer), words = new Uint32Array(cases);
		let at = 0, done = 0, nonces = 0, hits = 0;
		while (at < words.length) {
			const work = words.subarray(at, at += workWords);
			const [first, count, scanned, found] = words.subarray(at, at += 4);
			const want = words.subarray(at, at += found);
			lent.set(work);
			load();
			const got = scan(first, count) >>> 0;
			const same = got === scanned && lent[hitsAt] === found && want.every((nonce, i) => lent[hitsAt + 1 + i] === nonce);
			if (!same) throw new Error("case " + done + ": scanned " + got + " with hits " + lent.subarray(hitsAt + 1, hitsAt + 1 + lent[hitsAt]));
			if (!work.every((word, i) => lent[i] === word)) throw new Error("case " + done + ": the scan changed its work");
			done++, nonces += got, hits += found;
		}
		self.postMessage([done, nonces, hits].join(" "));
	} catch (e) {
		self.postMessage(String(e));
	}
};`

// TestKernelInBrowsers holds the page's kernel to Go's generic code in every browser. GOLDPAN_CASES sets how many
// cases are seeded an algorithm.
func TestKernelInBrowsers(t *testing.T) {
	t.Parallel()
	c := &cases{random: rand.New(rand.NewPCG(2014, 2027))}
	c.published(t)
	seeded := map[hasher.Algorithm]int{hasher.SHA256d: 3000, hasher.Scrypt: 150}
	for _, a := range hasher.Algorithms() {
		c.edges(a)
		if n, err := strconv.Atoi(os.Getenv("GOLDPAN_CASES")); err == nil {
			seeded[a] = n
		}
		c.seeded(a, seeded[a])
	}
	laid, hits := c.bytes(), 0
	for _, one := range c.all {
		hits += len(one.hits)
	}
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'")
		switch r.URL.Path {
		case "/kernel.wasm":
			w.Write(kernel.Module())
		case "/cases":
			w.Write(laid)
		case "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, kernelWorker)
		default:
			fmt.Fprint(w, "<!doctype html><title>kernel</title>")
		}
	}))
	for _, name := range browsertest.All() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			p := inBrowser(t, name)
			p.Navigate(address + "/")
			p.Eval(`(() => {
				const worker = new Worker("worker.js");
				worker.onmessage = ({data}) => { window.answer = data; };
				worker.onerror = () => { window.answer = "the worker failed"; };
				worker.postMessage(0);
				return true;
			})()`, new(bool))
			p.AwaitLong("window.answer")
			if answer, want := p.Text("answer"), fmt.Sprint(len(c.all), " ", c.nonces, " ", hits); answer != want {
				t.Fatalf("cases, nonces and hits: %s, want %s", answer, want)
			}
			t.Logf("%d cases, %d nonces, %d hits", len(c.all), c.nonces, hits)
		})
	}
}

// laneHost hosts lane.js on the page as the control worker does, until it has done so many hashes.
const laneHost = `(algorithm, work, enough) => new Promise((resolve, reject) => {
	const worker = new Worker("lane.js"), {port1, port2} = new MessageChannel();
	const token = "a token that is long enough to be consent";
	let kernel = "", hashes = 0, sure = 0, hits = [];
	port2.onmessage = ({data}) => {
		switch (data.type) {
		case "ready":
			kernel = data.kernel;
			port2.postMessage({type: "consent", token, limit: 100});
			port2.postMessage({type: "work", token, epoch: 1, work: Uint8Array.from(work)});
			break;
		case "hits":
			hits.push(...data.nonces);
			break;
		case "progress": // the hits of what it counts may come behind it, those of the one before have come
			sure = hashes;
			hashes += data.hashes;
			if (sure < enough) break;
			worker.terminate();
			resolve({kernel, hashes: sure, hits: hits.filter((nonce) => nonce < sure)});
			break;
		default:
			reject(new Error(data.reason ?? data.type));
		}
	};
	worker.postMessage({type: "lane", port: port1, module: null, algorithm}, [port1]);
})`

// TestLaneInBrowsers: lane.js runs the fast kernel in every browser, from the page itself, and misses nothing.
func TestLaneInBrowsers(t *testing.T) {
	t.Parallel()
	files := builtPage(t)
	if _, err := fs.Stat(files, "lane.js"); err != nil {
		t.Fatal(err)
	}
	address, _ := serve(t, newServer(files, newPool(t).options()))
	for _, name := range browsertest.All() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			p := inBrowser(t, name)
			p.Navigate(address + "/")
			for _, a := range hasher.Algorithms() {
				enough, target := 100_000, beside([32]byte{30: 0x10}, -1) // one of 4,096 is a hit
				if a == hasher.Scrypt {
					enough, target = 100, beside([32]byte{31: 0x20}, -1) // one of 8
				}
				h := hasher.Header{4: 1, 60: byte(len(name))}
				work := hasher.NewWork(a, &h, target)
				numbers := make([]string, 0, hasher.WorkSize)
				for _, v := range work.Bytes() {
					numbers = append(numbers, strconv.Itoa(int(v)))
				}
				var got struct {
					Kernel string
					Hashes uint32
					Hits   []uint32
				}
				p.Eval(fmt.Sprintf("(%s)(%q, [%s], %d)", laneHost, a, strings.Join(numbers, ","), enough), &got)
				if got.Kernel != "wasm" {
					t.Errorf("%s: the lane runs the kernel %q", a, got.Kernel)
				}
				// A fast machine has done more by then than generic code can look at.
				looked := min(got.Hashes, uint32(3*enough))
				got.Hits = slices.DeleteFunc(got.Hits, func(nonce uint32) bool { return nonce >= looked })
				slices.Sort(got.Hits)
				var want []uint32
				for nonce := range looked {
					header := work.HeaderWith(nonce)
					sum := a.Sum(&header)
					slices.Reverse(sum[:])
					limit := target
					slices.Reverse(limit[:])
					if bytes.Compare(sum[:], limit[:]) <= 0 {
						want = append(want, nonce)
					}
				}
				if !slices.Equal(got.Hits, want) || len(want) == 0 {
					t.Errorf("%s: %d hits in %d nonces, want %d", a, len(got.Hits), looked, len(want))
				}
			}
			if said := p.Errors(); len(said) > 0 {
				t.Errorf("the page complains: %q", said)
			}
		})
	}
}
