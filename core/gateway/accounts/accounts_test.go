//go:build !js

package accounts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"goldpan/core/disk"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("GOLDPAN_ACCOUNTS_CHILD"); path != "" {
		child(path)
		return
	}
	goleak.VerifyTestMain(m)
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func noon() *clock { return &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func mustOpen(t *testing.T, c Config) *Book {
	t.Helper()
	b, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T, b *Book, window time.Duration) map[string]Account {
	t.Helper()
	all, err := b.Report(t.Context(), window)
	must(t, err)
	m := map[string]Account{}
	for _, a := range all {
		m[a.Device] = a
	}
	return m
}

// Whatever is added in whatever groups, over restarts and roll-ups: the sums are
// those of the shares, in the totals and in the stretches of time alike.
func TestSums(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := noon()
		config := Config{Path: filepath.Join(t.TempDir(), "a.db"), Now: c.now}
		b := mustOpen(t, config)
		wanted := map[string]Account{}
		var n uint64
		for range 400 {
			switch r.IntN(20) {
			case 0:
				must(t, b.Close())
				b = mustOpen(t, config)
				if b.Committed() != n {
					t.Fatalf("%d shares after a restart, want %d", b.Committed(), n)
				}
			case 1, 2:
				must(t, b.Flush())
			case 3:
				c.t = c.t.Add(time.Duration(r.Int64N(int64(30 * 24 * time.Hour))))
			default:
				c.t = c.t.Add(time.Duration(r.Int64N(int64(time.Minute))))
				s := Share{Device: fmt.Sprint("d", r.IntN(4)), Result: Result(r.IntN(3)), Credit: math.Exp(r.Float64()*60 - 20), Best: math.Exp(r.Float64() * 40), At: c.t}
				n++
				if got := b.Add(s); got != n {
					t.Fatalf("number %d, want %d", got, n)
				}
				a := wanted[s.Device]
				count(&a, s)
				wanted[s.Device] = a
			}
		}
		must(t, b.Flush())
		got := report(t, b, 100*365*24*time.Hour)
		if len(got) != len(wanted) {
			t.Fatalf("%d devices, want %d", len(got), len(wanted))
		}
		var parts float64
		for id, w := range wanted {
			g := got[id]
			parts += g.Part
			if g.Recent != g.Work {
				t.Errorf("seed %d: %s: stretches sum to %v, totals to %v", seed, id, g.Recent, g.Work)
			}
			g.Device, g.Recent, g.Hashrate, g.Part, g.Online, g.First, g.Last, g.BestAt = "", Work{}, 0, 0, 0, time.Time{}, time.Time{}, time.Time{}
			if g != w {
				t.Errorf("seed %d: %s: %+v, want %+v", seed, id, g, w)
			}
		}
		if math.Abs(parts-1) > 1e-9 {
			t.Errorf("the parts sum to %v", parts)
		}
		must(t, b.Close())
	}
}

func count(a *Account, s Share) {
	switch s.Result {
	case Accepted:
		a.Accepted++
		a.Work = a.Work.Plus(WorkOf(s.Credit))
		a.Best = max(a.Best, s.Best)
	case Stale:
		a.Stale++
	case Rejected:
		a.Rejected++
	}
}

func TestWork(t *testing.T) {
	for _, c := range []struct {
		d    float64
		want Work
	}{
		{0, Work{}}, {-1, Work{}}, {math.NaN(), Work{}}, {math.Inf(1), Work{Whole: 1 << 40}}, {1e300, Work{Whole: 1 << 40}},
		{1, Work{Whole: 1}}, {1.5, Work{Whole: 1, Parts: 1 << 31}}, {1.0 / (1 << 32), Work{Parts: 1}}, {math.Nextafter(2, 0), Work{Whole: 2}},
	} {
		if got := WorkOf(c.d); got != c.want {
			t.Errorf("%v: %v, want %v", c.d, got, c.want)
		}
	}
	if s := (Work{1, 1<<32 - 1}).Plus(Work{2, 2}); s != (Work{4, 1}) {
		t.Errorf("carry: %v", s)
	}
}

func TestRatesAndBest(t *testing.T) {
	c := noon()
	b := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "a.db"), Now: c.now, Hashes: 1000})
	b.Add(Share{Device: "a", Result: Accepted, Credit: 2, Best: 100, At: c.t})
	best := c.t
	c.t = c.t.Add(2 * time.Hour)
	for range 30 {
		c.t = c.t.Add(10 * time.Second)
		b.Add(Share{Device: "a", Result: Accepted, Credit: 2, Best: 3, At: c.t})
		b.Add(Share{Device: "b", Result: Accepted, Credit: 6, Best: 7, At: c.t})
		b.Add(Share{Device: "b", Result: Stale, Credit: 6, Best: 1e9, At: c.t})
	}
	must(t, b.Flush())
	got := report(t, b, 5*time.Minute)
	if a := got["a"]; a.Recent != (Work{Whole: 60}) || a.Hashrate != 60*1000/300 || a.Best != 100 || !a.BestAt.Equal(best) || a.Part != 0.25 {
		t.Errorf("a: %+v", a)
	}
	if a := got["b"]; a.Best != 7 || a.Part != 0.75 || a.Stale != 30 || a.Hashrate < 1.8e5/300 {
		t.Errorf("b: %+v", a)
	}
}

func TestOnline(t *testing.T) {
	c := noon()
	config := Config{Path: filepath.Join(t.TempDir(), "a.db"), Now: c.now}
	b := mustOpen(t, config)
	b.Connect("a")
	c.t = c.t.Add(time.Minute)
	b.Connect("a") // a second connection does not count twice
	must(t, b.Flush())
	c.t = c.t.Add(time.Minute)
	b.Disconnect("a")
	c.t = c.t.Add(-time.Hour) // the clock is set back
	must(t, b.Flush())
	c.t = c.t.Add(time.Minute)
	b.Disconnect("a")
	b.Disconnect("a")
	c.t = c.t.Add(time.Hour)
	must(t, b.Close())
	b = mustOpen(t, config)
	if got := report(t, b, time.Hour)["a"]; got.Online != 3*time.Minute || got.Accepted != 0 {
		t.Errorf("%+v", got)
	}
}

// Ten years of a device's shares every minute would be five million rows.
func TestGrowthIsBounded(t *testing.T) {
	c := noon()
	b := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "a.db"), Now: c.now})
	var n int64
	for day := range 400 {
		for range 3 { // hours
			c.t = c.t.Add(time.Hour)
			for m := range 3 {
				b.Add(Share{Device: "a", Result: Accepted, Credit: 1.25, At: c.t.Add(time.Duration(m) * time.Minute)})
				n++
			}
		}
		c.t = c.t.Add(21 * time.Hour)
		if day%4 == 3 {
			must(t, b.Flush())
		}
	}
	var rows int
	must(t, b.db.QueryRow(`SELECT count(*) FROM times`).Scan(&rows))
	if most := 2*3*3 + 92*3 + 400; rows > most {
		t.Errorf("%d rows, at most %d", rows, most)
	}
	if a := report(t, b, 1000*24*time.Hour)["a"]; a.Recent != a.Work || a.Work.Float() != float64(n)*1.25 {
		t.Errorf("%+v after %d shares", a, n)
	}
}

func TestDiskFull(t *testing.T) {
	c := noon()
	config := Config{Path: filepath.Join(t.TempDir(), "a.db"), Now: c.now}
	b := mustOpen(t, config)
	_, err := b.db.Exec(`PRAGMA max_page_count = 1`) // SQLite then takes the number of pages that there are
	must(t, err)
	var n uint64
	for k := range 300 {
		for d := range 40 {
			n = b.Add(Share{Device: fmt.Sprintf("%02d%s", d, strings.Repeat("x", 60)), Credit: 1.5, At: c.t.Add(time.Duration(k) * time.Minute)})
		}
		if k%10 == 9 {
			_ = b.Flush()
		}
	}
	if b.Err() == nil || b.Committed() >= n {
		t.Fatalf("the disk is full and that is not told: %v", b.Err())
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() { waited <- b.Wait(ctx, n) }()
	_, err = b.db.Exec(`PRAGMA max_page_count = 1000000`)
	must(t, err)
	must(t, b.Flush())
	must(t, <-waited)
	cancel()
	if b.Err() != nil {
		t.Error(b.Err())
	}
	for _, a := range report(t, b, time.Hour) {
		if a.Accepted != 300 || a.Work != (Work{Whole: 450}) {
			t.Fatalf("%+v", a)
		}
	}
}

// A commit that seemed to fail and did not is not made twice.
func TestCommitIsNotRepeated(t *testing.T) {
	b := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "a.db")})
	b.Add(Share{Device: "a", Credit: 1, At: time.Now()})
	g, _ := b.take()
	must(t, b.write(g)) // and the program does not hear of it
	b.Add(Share{Device: "a", Credit: 1, At: time.Now()})
	must(t, b.Flush())
	if a := report(t, b, time.Hour)["a"]; a.Accepted != 2 || b.Committed() != 2 {
		t.Errorf("%+v, %d", a, b.Committed())
	}
}

func TestMemoryWhileTheDiskIsFull(t *testing.T) {
	g := newGroup()
	for k := range 3 * manyStretches {
		g.add(Share{Device: "a", Credit: 1, At: time.Unix(int64(k)*60, 0)})
	}
	if len(g.times) > manyStretches+3*manyStretches/(24*60)+2 {
		t.Errorf("%d stretches", len(g.times))
	}
}

func TestDamagedIsSetAside(t *testing.T) {
	c := noon()
	whole := func(path string) []byte {
		b := mustOpen(t, Config{Path: path, Now: c.now})
		for d := range 200 {
			b.Add(Share{Device: fmt.Sprint(d), Credit: 1, At: c.t})
		}
		must(t, b.Close())
		data, err := os.ReadFile(path)
		must(t, err)
		return data
	}
	for name, damage := range map[string]func([]byte) []byte{
		"empty":    func([]byte) []byte { return nil },
		"text":     func([]byte) []byte { return []byte("these are no accounts, and were never any of them\n") },
		"cut":      func(d []byte) []byte { return d[:len(d)/2] },
		"zeroed":   func(d []byte) []byte { clear(d[4096:]); return d },
		"a header": func(d []byte) []byte { return d[:100] },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a b?#%41.db")
			data := damage(whole(path))
			must(t, os.WriteFile(path, data, 0o600))
			for range 2 {
				b := mustOpen(t, Config{Path: path, Now: c.now})
				if b.SetAside() == "" {
					t.Fatal("it was not set aside")
				}
				kept, err := os.ReadFile(b.SetAside())
				if err != nil || string(kept) != string(data) {
					t.Fatalf("what was set aside is changed: %v", err)
				}
				b.Add(Share{Device: "new", Credit: 1, At: c.t})
				must(t, b.Flush())
				if got := report(t, b, time.Hour); len(got) != 1 || b.Committed() != 1 {
					t.Fatalf("%v", got)
				}
				must(t, b.Close())
				must(t, os.WriteFile(path, data, 0o600)) // and again in the same second
			}
		})
	}
}

func TestVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	b := mustOpen(t, Config{Path: path})
	b.Add(Share{Device: "a", Credit: 1, At: time.Now()})
	must(t, b.Close())
	later := append(steps(), `ALTER TABLE state ADD COLUMN more INTEGER NOT NULL DEFAULT 0;`)
	b, err := open(Config{Path: path}, later)
	must(t, err)
	if b.Committed() != 1 || b.SetAside() != "" || report(t, b, time.Hour)["a"].Accepted != 1 {
		t.Error("the new version lost something")
	}
	must(t, b.Close())
	before, err := os.ReadFile(path)
	must(t, err)
	if _, err := Open(Config{Path: path}); !errors.Is(err, ErrNewer) {
		t.Errorf("a later version's file: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Error("it was changed")
	}
	// A step that fails leaves the version before it.
	broken := append(later, `ALTER TABLE state ADD COLUMN other INTEGER; ALTER TABLE nothing ADD COLUMN x INTEGER;`)
	db, err := connect(path)
	must(t, err)
	if err := migrate(db, broken); err == nil {
		t.Error("a broken step went through")
	}
	must(t, migrate(db, later))
	must(t, db.Close())
}

func TestOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	b := mustOpen(t, Config{Path: path})
	if _, err := Open(Config{Path: path}); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("twice: %v", err)
	}
	must(t, b.Close())
	must(t, b.Close())
	if err := b.Wait(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("wait after the end: %v", err)
	}
}

func TestRun(t *testing.T) {
	b := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "a.db"), Every: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	must(t, b.Wait(t.Context(), b.Add(Share{Device: strings.Repeat("long", 100), Result: 7, At: time.Now()})))
	cancel()
	must(t, <-ended)
	a := report(t, b, time.Hour)[strings.Repeat("long", MaxDevice/4)]
	if a.Rejected != 1 {
		t.Errorf("%+v", a)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := b.Wait(gone, 2); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Many add at once while others flush: each share has a number of its own, and counts once.
func TestManyAtOnce(t *testing.T) {
	b := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "a.db")})
	const each, adders = 400, 4
	numbers := make(chan uint64, each*adders)
	var wait sync.WaitGroup
	for k := range adders {
		wait.Go(func() {
			b.Connect("a")
			for range each {
				numbers <- b.Add(Share{Device: fmt.Sprint(k % 2), Credit: 0.25, Best: 1, At: time.Now()})
			}
			b.Disconnect("a")
		})
	}
	for range 2 {
		wait.Go(func() {
			for range 20 {
				if err := b.Flush(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	must(t, b.Flush())
	seen := map[uint64]bool{}
	for range each * adders {
		seen[<-numbers] = true
	}
	got := report(t, b, time.Hour)
	if len(seen) != each*adders || b.Committed() != each*adders || got["0"].Work != (Work{Whole: 200}) || got["1"].Work != (Work{Whole: 200}) {
		t.Errorf("%d numbers, %d committed, %+v", len(seen), b.Committed(), got)
	}
}
