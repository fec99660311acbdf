//go:build !js

package gateway

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// A pool that is lost and gives the same work again, on another connection and under another name: what a device has
// found of it still counts once, and its search goes on elsewhere.
func TestSameWorkOnAnotherConnection(t *testing.T) {
	w, src, _ := played(t, Config{})
	j := task("a", 1, 4, 8, 100)
	src.handler.Job(j)
	one := script(t, w)
	one.begin("one")
	one.ready()
	found, begun := one.share(0), one.job.Time
	if code := one.submit("one", one.job.ID, found); code != 0 {
		t.Fatalf("code %d", code)
	}
	src.handler.Job(nil)
	again := *j
	again.Conn, again.ID = 2, "b"
	src.handler.Job(&again)
	one.ready()
	if one.job.Time <= begun {
		t.Error("the same search again")
	}
	if code := one.submit("one", one.job.ID, found); code != stratum.CodeDuplicate {
		t.Errorf("what it had found before: code %d", code)
	}
	if code := one.submit("one", one.job.ID, one.share(0)); code != 0 {
		t.Errorf("what it finds now: code %d", code)
	}
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	if w.book.counted["one"] != 2 {
		t.Errorf("%d shares counted", w.book.counted["one"])
	}
}

// A device whose difficulty changes while new work goes round to thousands has it as new work, and what it finds of the
// old counts no more.
func TestWorkIsCleanWhoeverSendsIt(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 300))
	one := script(t, w)
	one.begin("one")
	one.ready()
	old, found := one.job.ID, one.share(0)

	w.mu.Lock() // the round has begun, and has not come to this device
	u, s := w.upstreams[0], w.devices["one"]
	next := task("b", 1, 4, 8, 300)
	next.Prev[0] = 1
	u.jobs++
	u.job, u.last, u.clean = next, next, u.jobs
	u.prepare(next)
	w.mu.Unlock()
	if code := one.submit("one", old, found); code != stratum.CodeJobNotFound {
		t.Errorf("a share of the old work: code %d", code)
	}
	w.mu.Lock()
	s.offer(w.now(), false)
	w.mu.Unlock()
	for {
		l := one.next()
		if l.Method != "mining.notify" || one.job.ID == old {
			continue
		}
		if clean := string(l.Params[8]); clean != "true" {
			t.Errorf("clean is %s", clean)
		}
		return
	}
}

// once is a pool that gives one connection and refuses a second.
type once struct {
	*source
	err error
}

func (o once) Run(ctx context.Context) error {
	if o.err != nil {
		return o.err
	}
	return o.source.Run(ctx)
}

// A pool that refuses a further connection leaves those alone who mine on the first.
func TestPoolRefusesFurtherConnection(t *testing.T) {
	all := make(chan *source, 100)
	opened := 0
	w := open(t, Config{Pools: pools(t), Source: func(f stratum.FailoverConfig) Source {
		o := once{source: &source{handler: f.Client.Handler}}
		if opened++; opened > 1 {
			o.err = errors.New("one is enough")
		}
		all <- o.source
		return o
	}})
	await(t, all).handler.Job(task("a", 1, 4, 4, 300)) // too little to divide
	one := script(t, w)
	one.begin("one")
	one.ready()
	for range 3 {
		if _, code := script(t, w).ask("mining.subscribe"); code != stratum.CodeOther {
			t.Errorf("a second device: code %d", code)
		}
	}
	if code := one.submit("one", one.job.ID, one.share(0)); code != 0 {
		t.Errorf("the first device: code %d", code)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if opened != 2 || len(w.upstreams) != 1 {
		t.Errorf("asked for %d connections, %d are left", opened, len(w.upstreams))
	}
}

// A device that comes back is asked for what it did before, whatever it suggests.
func TestComingBackShedsNoDifficulty(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 1e9))
	w.mu.Lock()
	w.rates["one"] = 1e6
	w.mu.Unlock()
	one := script(t, w)
	_, _ = one.ask("mining.suggest_difficulty", 64/unitOf(hasher.SHA256d))
	one.begin("one")
	one.ready()
	_, _ = one.ask("mining.suggest_difficulty", 64/unitOf(hasher.SHA256d))
	_, _ = one.ask("mining.ping") // what was sent meanwhile has been read
	if hashes := one.job.Difficulty * unitOf(hasher.SHA256d); hashes < 1e4 {
		t.Errorf("asked for %.0f hashes", hashes)
	}
}

// Whoever was not invited takes no place from those who were: it gives way to the next, and leaves nothing used up.
func TestUninvitedTakeNoPlace(t *testing.T) {
	w, src, _ := played(t, Config{MaxUpstreams: 1})
	src.handler.Job(task("a", 1, 4, 4, 300)) // one place
	for range 3 {
		left := script(t, w)
		if _, code := left.ask("mining.subscribe"); code != 0 {
			t.Fatalf("code %d", code)
		}
		_ = left.c.Close()
		until(t, "it has left", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.upstreams[0].count() == 0
		})
	}
	stays := script(t, w)
	if _, code := stays.ask("mining.subscribe"); code != 0 {
		t.Fatalf("code %d", code)
	}
	one := script(t, w)
	one.begin("one")
	one.ready()
	if code := one.submit("one", one.job.ID, one.share(0)); code != 0 {
		t.Errorf("code %d", code)
	}
	if stays.in.Scan() {
		t.Errorf("it was told %s", stays.in.Text())
	}
	if _, code := script(t, w).ask("mining.subscribe"); code != stratum.CodeOther {
		t.Errorf("one that mines gives way: code %d", code)
	}
}

// A device that asks for version rolling after its first job may roll from the next on.
func TestLateVersionRolling(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 300))
	one := script(t, w)
	one.begin("one")
	one.ready()
	mask := map[string]any{"version-rolling.mask": "1fffe000"}
	if _, code := one.ask("mining.configure", []string{"version-rolling"}, mask); code != 0 {
		t.Fatalf("code %d", code)
	}
	next := task("b", 1, 4, 8, 300)
	next.Prev[0] = 1
	src.handler.Job(next)
	one.ready()
	one.job.VersionMask = 0x2000
	for nonce := uint32(0); ; nonce++ {
		sol := pow.Solution{Extranonce2: make([]byte, 4), Version: one.job.Version | 0x2000, Time: one.job.Time, Nonce: nonce}
		if _, ok := one.job.Check(sol); !ok {
			continue
		}
		if _, code := one.ask("mining.submit", "one", one.job.ID, "00000000", fmt.Sprintf("%08x", sol.Time), fmt.Sprintf("%08x", nonce), "00002000"); code != 0 {
			t.Errorf("code %d", code)
		}
		return
	}
}
