//go:build !js

// Command bench measures the page in real browsers, and prints one JSON line an algorithm and peer:
//
//	go run ./wasm/web/bench -peers DIR [-browser chromium|firefox|webkit]
//	go run ./wasm/web/bench -soak 2h [-algorithm sha256d|scrypt]
//	go run ./wasm/web/bench -shown 1m [-algorithm sha256d|scrypt]
//
// DIR is a node_modules with what package.json beside this file names. In Chromium the page's lane runs beside those
// libraries, in the other browsers alone; everywhere beside the native kernel of the same vector width, and beside
// itself under the page's own control worker, which mines at a pool that this program plays. All take turns in short
// rounds, so that a busy machine is unfair to nobody, in workers made three times afresh, and the median round counts.
// The page is the one that was built last.
//
// With -shown it compares what the page shows a person, over so long a time, with the bare lanes' rate: as many of them, in the
// same tab, half of that time before and half after.
//
// With -soak it mines in one tab of Chromium for so long, and prints a line a minute: rate, memory, processor time.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"goldpan/core/hasher"
	"goldpan/wasm/web"
	"goldpan/wasm/web/browsertest"
)

//go:embed index.html page.js peer.js probe.js
var files embed.FS

// patience bounds one browser's measurement.
const patience = 15 * time.Minute

func main() {
	peers := flag.String("peers", "", "the node_modules to compare with, in Chromium")
	only := flag.String("browser", "", "measure in this browser alone")
	soaks := flag.Duration("soak", 0, "mine in one tab for so long")
	shows := flag.Duration("shown", 0, "compare what the page shows with its bare lanes, for so long each")
	algorithm := flag.String("algorithm", string(hasher.Scrypt), "what to mine with -soak and -shown")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	mines, err := hasher.ParseAlgorithm(*algorithm)
	switch {
	case err != nil:
	case *soaks > 0:
		err = soak(ctx, *soaks, mines)
	case *shows > 0:
		err = show(ctx, *shows, mines)
	default:
		err = run(ctx, *peers, browsertest.Name(*only))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goldpan:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, peers string, only browsertest.Name) error {
	if !web.Built() {
		return errors.New("the page is not built: make page")
	}
	if only != "" && !slices.Contains(browsertest.All(), only) {
		return fmt.Errorf("no browser is called %q", string(only))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(peers), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { server.Close(); <-served }()
	for _, name := range browsertest.All() {
		if only != "" && name != only {
			continue
		}
		fmt.Fprintf(os.Stderr, "goldpan: measuring in %s; this takes some minutes\n", name)
		if err := measure(ctx, name, "http://"+listener.Addr().String()+"/bench/?peers="+strconv.FormatBool(name == browsertest.Chromium)); err != nil {
			return err
		}
	}
	return nil
}

// result is what page.js has measured for an algorithm. Rates are hashes a second, times milliseconds.
type result struct {
	Goldpan      float64            `json:"goldpan"`
	Peers        map[string]float64 `json:"peers"`
	Native       float64            `json:"native"`
	NativeKernel string             `json:"nativeKernel"`
	Delivered    float64            `json:"delivered"`
	Counted      float64            `json:"counted"`
	Lanes        int                `json:"lanes"`
	NewWork      float64            `json:"newWork"`
	Stop         float64            `json:"stop"`
}

// line is what is printed of it.
type line struct {
	Type      string           `json:"type"`
	Browser   browsertest.Name `json:"browser"`
	Algorithm hasher.Algorithm `json:"algorithm"`
	Hashrate  float64          `json:"hashrate"`

	Peer         string  `json:"peer,omitempty"`
	PeerHashrate float64 `json:"peer_hashrate,omitempty"`
	Ratio        float64 `json:"ratio,omitempty"`

	NativeKernel string  `json:"native_kernel"`
	NativeRatio  float64 `json:"native_ratio"`

	Delivered float64 `json:"delivered"`       // of the lane's rate, when the control worker leads it at a pool
	Counted   float64 `json:"counted"`         // the control worker's own count of those hashes, as a part of them
	Lanes     int     `json:"lanes"`           // how many for the next
	NewWork   float64 `json:"new_work_ms_p99"` // from the pool's message to the last lane
	Stop      float64 `json:"stop_ms_p99"`     // from Stop to a lane's last sign of life, and one batch more
}

func measure(ctx context.Context, name browsertest.Name, address string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b, err := browsertest.Launch(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Navigate(ctx, address); err != nil {
		return err
	}
	for _, a := range hasher.Algorithms() {
		var answer struct {
			Error string
			result
		}
		if err := b.Eval(ctx, fmt.Sprintf("(begin(%q), true)", a), new(bool)); err != nil {
			return err
		}
		for done := false; !done; {
			if err := b.Eval(ctx, "window.answer !== null", &done); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s did not answer: %w", name, ctx.Err())
			case <-time.After(500 * time.Millisecond):
			}
		}
		if err := b.Eval(ctx, "window.answer", &answer); err != nil {
			return err
		}
		if answer.Error != "" {
			return fmt.Errorf("in %s: %s", name, answer.Error)
		}
		if err := report(name, a, answer.result); err != nil {
			return err
		}
	}
	return nil
}

func report(name browsertest.Name, a hasher.Algorithm, r result) error {
	l := line{
		Type: "bench-web", Browser: name, Algorithm: a, Hashrate: r.Goldpan,
		NativeKernel: r.NativeKernel, NativeRatio: r.Goldpan / r.Native,
		Delivered: r.Delivered, Counted: r.Counted, Lanes: r.Lanes, NewWork: r.NewWork, Stop: r.Stop,
	}
	out := json.NewEncoder(os.Stdout)
	if len(r.Peers) == 0 {
		return out.Encode(l)
	}
	for _, peer := range []string{"hash-wasm", "@noble/hashes"} {
		l.Peer, l.PeerHashrate, l.Ratio = peer, r.Peers[peer], r.Goldpan/r.Peers[peer]
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// handler serves the page, what measures it, the libraries beside it, and the pool.
func handler(peers string) http.Handler {
	pool := newPool()
	page := web.Handler(web.Options{
		Info: func() web.Info { return web.Info{} }, Stratum: pool.server.ServeConn,
		Allow: func(host string) bool { return host == "127.0.0.1" },
	})
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/bench/", strict(http.StripPrefix("/bench", http.FileServerFS(files))))
	mux.Handle("/probe.js", strict(http.FileServerFS(files)))
	if peers != "" {
		mux.Handle("/peers/", strict(http.StripPrefix("/peers", http.FileServer(http.Dir(filepath.Clean(peers))))))
	}
	mux.HandleFunc("/jobs", func(w http.ResponseWriter, r *http.Request) {
		count, err := strconv.Atoi(r.FormValue("count"))
		if err != nil || count < 1 || count > 1000 {
			http.Error(w, "count", http.StatusBadRequest)
			return
		}
		answer(w, func() (any, error) { return pool.jobs(r.Context(), count) })
	})
	mux.HandleFunc("/native", func(w http.ResponseWriter, r *http.Request) {
		answer(w, func() (any, error) { return native(r.Context(), hasher.Algorithm(r.FormValue("algorithm"))) })
	})
	return mux
}

func answer(w http.ResponseWriter, f func() (any, error)) {
	v, err := f()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked is gone
}

// strict gives an answer the page's own policy, so that the lane runs under what it runs under at home.
func strict(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ws://"+r.Host)
		h.ServeHTTP(w, r)
	})
}

// native measures the native kernel that the browser's vectors are held against, for a round.
func native(ctx context.Context, a hasher.Algorithm) (any, error) {
	want := map[hasher.Algorithm]string{hasher.SHA256d: "avx2", hasher.Scrypt: "sse2"}[a]
	all := hasher.Kernels(a)
	if len(all) == 0 {
		return nil, hasher.ErrAlgorithm
	}
	k := all[len(all)-1]
	for _, one := range all {
		if one.Name == want {
			k = one
		}
	}
	m := hasher.Measure(ctx, k, 1, time.Second)
	return map[string]any{"kernel": k.Name, "hashrate": m.Hashrate()}, nil
}
