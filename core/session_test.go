//go:build !js

package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"go.uber.org/goleak"

	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/practice"
	"goldpan/core/stratum"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 2 * time.Minute

// payee is an address of the practice network of a. Nobody has its key.
func payee(t testing.TB, a hasher.Algorithm) string {
	t.Helper()
	p, err := coin.ForPractice(a).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), p.Chain)
	if err != nil {
		t.Fatal(err)
	}
	return addr.EncodeAddress()
}

// network runs a practice network until the test ends.
func network(t testing.TB, a hasher.Algorithm) *practice.Network {
	t.Helper()
	// Near what a slow machine does: far below, the first shares come faster than the pool takes them.
	rate := map[hasher.Algorithm]float64{hasher.SHA256d: 5e6, hasher.Scrypt: 2000}[a]
	n, err := practice.Open(practice.Config{Dir: t.TempDir(), Algorithm: a, Hashrate: rate})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, n.Close()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// mine runs a session on n until stop is called, which returns what Run did.
func mine(t testing.TB, n *practice.Network, user string, c core.Config) (s *core.Session, stop func() error) {
	t.Helper()
	u, err := stratum.ParseURL(n.PoolURL())
	if err != nil {
		t.Fatal(err)
	}
	c.Pools = []stratum.Pool{{URL: u, User: user, Password: "x"}}
	if s, err = core.NewSession(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() error { cancel(); return <-ended }
}

func TestSessionMines(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			results := make(chan pow.Result, 1<<16)
			s, stop := mine(t, network(t, a), payee(t, a)+".test", core.Config{Algorithm: a, Lanes: 2,
				Shares: func(r pow.Result) { results <- r }})
			timeout := time.After(patience)
			for accepted := 0; accepted < 3; {
				select {
				case r := <-results:
					if r.Status == pow.Accepted {
						accepted++
					} else if r.Status == pow.Rejected {
						t.Errorf("rejected: %+v", r)
					}
				case <-timeout:
					t.Fatalf("no three shares in time: %+v", s.Snapshot())
				}
			}
			v := s.Snapshot()
			if v.State != core.StateMining || v.Accepted < 3 || v.Lanes != 2 || v.Kernel == "" || v.Hashes == 0 || v.Difficulty <= 0 || v.Best < v.Difficulty/1e6 || !v.Worked {
				t.Errorf("%+v", v)
			}
			s.SetPaused("you paused it")
			if v := s.Snapshot(); v.State != core.StatePaused || v.Reason != "you paused it" {
				t.Errorf("paused: %+v", v)
			}
			s.SetPaused("")
			if v := s.Snapshot(); v.State != core.StateMining || v.Reason != "" {
				t.Errorf("resumed: %+v", v)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSessionEndsWhenThePoolRefusesTheUser(t *testing.T) {
	s, err := func() (*core.Session, error) {
		s, stop := mine(t, network(t, hasher.SHA256d), "nobody", core.Config{Algorithm: hasher.SHA256d, Lanes: 1})
		deadline := time.Now().Add(patience)
		for s.Snapshot().State != core.StateDown && time.Now().Before(deadline) {
			<-time.After(10 * time.Millisecond)
		}
		return s, stop()
	}()
	if !errors.Is(err, stratum.ErrUnauthorized) {
		t.Errorf("%v after %+v", err, s.Snapshot())
	}
}

func TestSessionConfig(t *testing.T) {
	pools := []stratum.Pool{{User: "panner"}}
	for _, c := range []core.Config{
		{Pools: pools, Algorithm: hasher.SHA256d},
		{Pools: pools, Algorithm: "x11", Lanes: 1},
		{Pools: pools, Algorithm: hasher.SHA256d, Lanes: 1, Rules: engine.Rules{Percent: 200}},
		{Pools: pools, Algorithm: hasher.SHA256d, Lanes: 1, SoloPool: true},
		{Pools: pools, Algorithm: hasher.SHA256d, Lanes: 1, Source: func(pow.Handler) (pow.Source, error) { return nil, nil }},
		{Algorithm: hasher.SHA256d, Lanes: 1, Source: func(pow.Handler) (pow.Source, error) { return nil, errors.New("no node") }},
		{Algorithm: hasher.SHA256d, Lanes: 1},
	} {
		if _, err := core.NewSession(c); err == nil {
			t.Errorf("took %+v", c)
		}
	}
}
