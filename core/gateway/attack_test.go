//go:build !js

package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// source is a pool that a test plays.
type source struct {
	handler pow.Handler
	mu      sync.Mutex
	shares  []pow.Share
}

func (s *source) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (s *source) Submit(share pow.Share, done func(pow.Result)) {
	s.mu.Lock()
	s.shares = append(s.shares, share)
	s.mu.Unlock()
	done(pow.Result{Status: pow.Accepted})
}

// sources hands out connections to pools that a test plays.
func sources() (func(stratum.FailoverConfig) Source, chan *source) {
	all := make(chan *source, 100)
	return func(f stratum.FailoverConfig) Source {
		s := &source{handler: f.Client.Handler}
		all <- s
		return s
	}, all
}

// task is a job of a pool, at a difficulty that about so many hashes meet.
func task(id string, conn uint64, first, size int, hashes float64) *pow.Job {
	j := &pow.Job{
		ID: id, Algorithm: hasher.SHA256d, Coinbase1: []byte{1, 2, 3}, Coinbase2: []byte{4, 5}, Version: 0x20000000,
		Bits: 0x1d00ffff, Time: 1_700_000_000, Clean: true, Extranonce1: make([]byte, first), Extranonce2Size: size,
		VersionMask: 0x1fffe000, Conn: conn,
	}
	for i := range j.Extranonce1 {
		j.Extranonce1[i] = byte(conn)
	}
	j.Difficulty = hashes / unitOf(j.Algorithm)
	j.Target = pow.TargetFromDifficulty(j.Algorithm, j.Difficulty)
	return j
}

func pools(t *testing.T) []stratum.Pool {
	u, err := stratum.ParseURL("stratum+tcp://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	return []stratum.Pool{{URL: u, User: "us"}}
}

// played opens a gateway on a pool that the test plays.
func played(t *testing.T, cfg Config) (*world, *source, chan *source) {
	t.Helper()
	var all chan *source
	cfg.Source, all = sources()
	cfg.Pools = pools(t)
	w := open(t, cfg)
	return w, await(t, all), all
}

// ready reads until there is a job of which the test knows nothing yet.
func (s *scripted) ready() {
	s.t.Helper()
	for was := s.job.ID; s.job.ID == was; {
		s.next()
	}
}

func (s *scripted) share(from uint32) pow.Solution {
	s.t.Helper()
	share, ok := find(&s.job, from)
	if !ok {
		s.t.Fatal("no share")
	}
	return share.Solution
}

// What is not a device's own good work is caught here, with the code that says why.
func TestBadShares(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 300))
	one, two := script(t, w), script(t, w)
	one.begin("one")
	two.begin("two")
	for one.job.ID == "" {
		one.next()
	}
	for two.job.ID == "" {
		two.next()
	}
	good := one.share(0)
	for _, c := range []struct {
		name string
		do   func() int
		want int
	}{
		{"another's work", func() int { return two.submit("two", two.job.ID, good) }, stratum.CodeLowDifficulty},
		{"good", func() int { return one.submit("one", one.job.ID, good) }, 0},
		{"twice", func() int { return one.submit("one", one.job.ID, good) }, stratum.CodeDuplicate},
		{"foreign job", func() int { return one.submit("one", "ffff.1", good) }, stratum.CodeJobNotFound},
		{"the pool's own name of the job", func() int { return one.submit("one", "a", good) }, stratum.CodeJobNotFound},
		{"weak", func() int {
			weak := good
			for weak.Nonce = 0; ; weak.Nonce++ {
				if _, ok := one.job.Check(weak); !ok {
					return one.submit("one", one.job.ID, weak)
				}
			}
		}, stratum.CodeLowDifficulty},
		{"early", func() int { s := good; s.Time--; return one.submit("one", one.job.ID, s) }, stratum.CodeOther},
		{"late", func() int { s := good; s.Time += maxAhead + 1; return one.submit("one", one.job.ID, s) }, stratum.CodeOther},
		{"long extranonce2", func() int { s := good; s.Extranonce2 = make([]byte, 8); return one.submit("one", one.job.ID, s) }, stratum.CodeOther},
		{"another's name", func() int { return one.submit("two", one.job.ID, good) }, stratum.CodeUnauthorized},
		{"stale", func() int {
			old := one.job.ID
			src.handler.Job(task("b", 1, 4, 8, 300))
			one.ready()
			return one.submit("one", old, one.share(0))
		}, stratum.CodeJobNotFound},
	} {
		if got := c.do(); got != c.want {
			t.Errorf("%s: code %d, want %d", c.name, got, c.want)
		}
	}
	src.mu.Lock()
	defer src.mu.Unlock()
	for _, s := range src.shares { // what the pool gets is work for the pool's own job
		if again, ok := s.Job.Check(s.Solution); !ok || again.Hash != s.Hash || len(s.Extranonce2) != 8 {
			t.Errorf("the pool was sent %+v", s)
		}
	}
	if len(src.shares) > 1 {
		t.Errorf("the pool was sent %d shares", len(src.shares))
	}
}

// A pool that is lost and comes back with another extranonce1: devices keep their connection and their extranonce.
func TestUpstreamLostAndBack(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 300))
	one := script(t, w)
	one.begin("one")
	for one.job.ID == "" {
		one.next()
	}
	before := one.job.ID
	src.handler.Job(nil)
	src.handler.State(pow.State{Phase: pow.Down, Reason: "gone"})
	if got := one.submit("one", before, one.share(0)); got != stratum.CodeJobNotFound {
		t.Errorf("a share for nobody: code %d", got)
	}
	late := script(t, w) // joins meanwhile, and waits
	late.begin("late")
	if late.job.ID != "" {
		t.Error("got a job of a pool that is lost")
	}
	if got := w.Snapshot(); got.Upstreams[0].Reason != "gone" || len(got.Devices) != 2 {
		t.Errorf("got %+v", got)
	}
	src.handler.Job(task("a", 2, 7, 6, 300)) // another connection, other sizes, the same name
	one.ready()
	late.ready()
	for _, s := range []*scripted{one, late} {
		if got := s.submit(w.name(s), s.job.ID, s.share(0)); got != 0 {
			t.Errorf("code %d", got)
		}
	}
	if got := one.submit("one", before, one.share(0)); got != stratum.CodeJobNotFound {
		t.Errorf("a share of the connection before: code %d", got)
	}
	src.mu.Lock()
	defer src.mu.Unlock()
	for _, s := range src.shares {
		if _, ok := s.Job.Check(s.Solution); !ok || s.Job.Conn != 2 || len(s.Extranonce2) != 6 {
			t.Errorf("the pool was sent %+v", s)
		}
	}
}

// name finds out which device a script plays.
func (w *world) name(s *scripted) string {
	for _, d := range w.Snapshot().Devices {
		if d.Address == s.c.LocalAddr().String() {
			return d.ID
		}
	}
	return "nobody"
}

// Where the pool leaves too little to divide, a miner gets a connection of its own, up to a limit; what one that left
// has searched is not searched again.
func TestSmallExtranonce(t *testing.T) {
	w, src, more := played(t, Config{MaxUpstreams: 2})
	src.handler.Job(task("a", 1, 4, 4, 300))
	one := script(t, w)
	one.begin("one")
	if one.job.Extranonce2Size != 4 || len(one.job.Extranonce1) != 1 {
		t.Errorf("got %+v", one.job)
	}
	go func() {
		second := <-more
		second.handler.Job(task("a", 2, 4, 4, 300))
	}()
	two := script(t, w)
	two.begin("two")
	for two.job.ID == "" {
		two.next()
	}
	if got := two.submit("two", two.job.ID, two.share(0)); got != 0 {
		t.Errorf("code %d", got)
	}
	if _, code := script(t, w).ask("mining.subscribe"); code != stratum.CodeOther {
		t.Errorf("a third: code %d", code)
	}
	_ = one.c.Close()
	until(t, "one is gone", func() bool { return len(w.Snapshot().Devices) == 1 })
	go func() {
		third := <-more // the first is used up
		third.handler.Job(task("a", 3, 4, 4, 300))
	}()
	back := script(t, w)
	back.begin("one")
	if back.job.Extranonce1[0] != 3 {
		t.Errorf("extranonce1 %x is not fresh", back.job.Extranonce1)
	}
}

func TestTooManyDevices(t *testing.T) {
	w, src, _ := played(t, Config{MaxDevices: 2})
	src.handler.Job(task("a", 1, 4, 8, 300))
	for _, user := range []string{"one", "two"} {
		script(t, w).begin(user)
	}
	third := script(t, w)
	_, _ = third.ask("mining.subscribe")
	if _, code := third.ask("mining.authorize", "three", "home"); code != stratum.CodeUnauthorized {
		t.Errorf("a third device: code %d", code)
	}
	if _, code := third.ask("mining.authorize", "one", "guess"); code != stratum.CodeUnauthorized {
		t.Errorf("a wrong password: code %d", code)
	}
	again := script(t, w) // a device that comes back takes the place of its old self
	again.begin("one")
	if _, code := again.ask("mining.authorize", "two", "home"); code != stratum.CodeUnauthorized {
		t.Errorf("two devices on one connection: code %d", code)
	}
	if !w.Drop("one") || w.Drop("nobody") {
		t.Error("drop")
	}
	until(t, "it is gone", func() bool { return len(w.Snapshot().Devices) == 1 })
}

// Whatever a device suggests, it is never asked for more than the pool asks of us, and its game ends with its first
// shares.
func TestDifficultyGames(t *testing.T) {
	for _, d := range []float64{math.MaxFloat64, 1e29, 1, 1e-17, 0, -1} {
		w, src, _ := played(t, Config{})
		src.handler.Job(task("a", 1, 4, 8, 1e6))
		s := script(t, w)
		_, _ = s.ask("mining.suggest_difficulty", d)
		s.begin("one")
		_, _ = s.ask("mining.suggest_difficulty", d)
		for s.job.ID == "" {
			s.next()
		}
		if limit := 1e6 / unitOf(hasher.SHA256d); s.job.Difficulty > limit || s.job.Difficulty*unitOf(hasher.SHA256d) < 63 {
			t.Errorf("suggested %g, was told %g", d, s.job.Difficulty)
		}
		src.handler.Job(task("b", 1, 4, 8, 100)) // the pool asks for less: so do we
		for !strings.HasPrefix(s.job.ID, "2.") {
			s.next()
		}
		if limit := 100 / unitOf(hasher.SHA256d); s.job.Difficulty > limit {
			t.Errorf("was told %g above the pool's %g", s.job.Difficulty, limit)
		}
	}
}

// A device that sends nothing of use is sent away, and that is told.
func TestUselessDevice(t *testing.T) {
	told := make(chan Misfit, 10)
	w, src, _ := played(t, Config{Server: stratum.Options{Rate: 1e4}, Events: misfits(told)})
	src.handler.Job(task("a", 1, 4, 8, 1e6))
	s := script(t, w)
	s.begin("one")
	go func() {
		for i := range 2 * maxBad {
			if _, err := fmt.Fprintf(s.c, `{"id":%d,"method":"mining.submit","params":["one","no","00000000","00000000","%08x"]}`+"\n", i+10, i); err != nil {
				return
			}
		}
	}()
	until(t, "it is gone", func() bool { return len(w.Snapshot().Devices) == 0 })
	if m := await(t, told); m.Device.ID != "one" || m.Mines != "" || m.Refused != maxBad || m.Counted != 0 {
		t.Errorf("%+v", m)
	}
}

func misfits(told chan Misfit) func(Event) {
	return func(e Event) {
		if e.Misfit != nil {
			told <- *e.Misfit
		}
	}
}

// Whoever mines another algorithm is known by it, once, and whoever sends shares that are too easy is not taken for one.
func TestAnotherAlgorithm(t *testing.T) {
	told := make(chan Misfit, 10)
	w, src, _ := played(t, Config{Server: stratum.Options{Rate: 1e4}, Events: misfits(told)})
	src.handler.Job(task("a", 1, 4, 8, 1e9))
	easy, other := script(t, w), script(t, w)
	for user, s := range map[string]*scripted{"easy": easy, "other": other} {
		s.begin(user)
		_, _ = s.ask("mining.suggest_difficulty", 1e-3)
		for s.job.ID == "" || s.job.Difficulty < 5e-4 { // by scrypt one hash in 33 or fewer
			s.next()
		}
	}
	for nonce := range uint32(2 * maxOther) {
		sol := pow.Solution{Extranonce2: make([]byte, 4), Version: easy.job.Version, Time: easy.job.Time, Nonce: nonce}
		if _, good := easy.job.Check(sol); good {
			continue
		}
		if code := easy.submit("easy", easy.job.ID, sol); code != stratum.CodeLowDifficulty {
			t.Fatalf("code %d", code)
		}
	}
	foreign := other.job
	foreign.Algorithm = hasher.Scrypt
	foreign.Target = pow.TargetFromDifficulty(hasher.Scrypt, other.job.Difficulty)
	from := uint32(0)
	for range maxOther {
		share, ok := find(&foreign, from)
		if !ok {
			t.Fatal("no share")
		}
		from = share.Nonce + 1
		if code := other.submit("other", other.job.ID, share.Solution); code != stratum.CodeLowDifficulty {
			t.Fatalf("code %d", code)
		}
	}
	if m := await(t, told); m.Device.ID != "other" || m.Mines != hasher.Scrypt || m.Refused < 2 || m.Refused > maxOther {
		t.Errorf("at difficulty %g: %+v", other.job.Difficulty, m)
	}
	if len(told) > 0 {
		t.Errorf("and %+v", <-told)
	}
	if !strings.Contains(other.told, "You mine scrypt") {
		t.Errorf("it is told %q", other.told)
	}
}

// Version bits are those that device, gateway and pool all agree on.
func TestVersionMask(t *testing.T) {
	w, src, _ := played(t, Config{})
	j := task("a", 1, 4, 8, 300)
	j.VersionMask = 0x00ffe000
	src.handler.Job(j)
	s := script(t, w)
	result, _ := s.ask("mining.configure", []string{"version-rolling"}, map[string]any{"version-rolling.mask": "1c00e000", "version-rolling.min-bit-count": 2})
	var got map[string]any
	if err := json.Unmarshal(result, &got); err != nil || got["version-rolling.mask"] != "0000e000" {
		t.Errorf("%s: %v", result, err)
	}
	s.begin("one")
	for s.job.ID == "" {
		s.next()
	}
	s.job.VersionMask = 0xe000
	for nonce := uint32(0); ; nonce++ {
		sol := pow.Solution{Extranonce2: make([]byte, 4), Version: s.job.Version | 0x6000, Time: s.job.Time, Nonce: nonce}
		if _, ok := s.job.Check(sol); !ok {
			continue
		}
		if _, code := s.ask("mining.submit", "one", s.job.ID, "00000000", fmt.Sprintf("%08x", sol.Time), fmt.Sprintf("%08x", nonce), "00006000"); code != 0 {
			t.Errorf("code %d", code)
		}
		if _, code := s.ask("mining.submit", "one", s.job.ID, "00000000", fmt.Sprintf("%08x", sol.Time), fmt.Sprintf("%08x", nonce), "00016000"); code != stratum.CodeOther {
			t.Errorf("bits outside the mask: code %d", code)
		}
		return
	}
}

// A device that is far quicker than was thought is asked for more after its first shares, and the job that it gets again
// is another search.
func TestQuickDevice(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 1e9))
	s := script(t, w)
	_, _ = s.ask("mining.suggest_difficulty", 1) // before there is a place: of no consequence
	s.begin("one")
	for s.job.ID == "" {
		s.next()
	}
	_, _ = s.ask("mining.suggest_difficulty", 64/unitOf(hasher.SHA256d))
	for s.job.Difficulty*unitOf(hasher.SHA256d) > 65 {
		s.next()
	}
	s.ready()
	first, begun := s.job.Difficulty, s.job.Time
	for shares := 1; s.job.Difficulty < 4*first; shares++ {
		if shares > 8 {
			t.Fatalf("still %g after %d shares", s.job.Difficulty, shares)
		}
		if got := s.submit("one", s.job.ID, s.share(uint32(shares)<<20)); got != 0 {
			t.Fatalf("code %d", got)
		}
		_, _ = s.ask("mining.ping") // what was sent meanwhile has been read
	}
	if s.job.Time <= begun {
		t.Error("the same search again")
	}
	if got := s.submit("one", s.job.ID, s.share(0)); got != 0 {
		t.Errorf("code %d", got)
	}
	if got := w.Snapshot().Devices; len(got) != 1 || got[0].Shares < 2 || got[0].Hashrate <= 0 || got[0].Best <= 0 {
		t.Errorf("got %+v", got)
	}
}
