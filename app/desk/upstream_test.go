package desk

import (
	"context"
	"strings"
	"testing"
	"time"

	"goldpan/app/desk/config"
)

// Whoever is paid is named without a worker, and an address goes before an account.
func TestPaidTo(t *testing.T) {
	c := config.Default()
	if got := PaidTo(c); got != "" {
		t.Errorf("without a pool: %q", got)
	}
	c.Pools = []config.Pool{{URL: "stratum+tcp://127.0.0.1:1", User: "ada.desk.two"}}
	if got := PaidTo(c); got != "ada" {
		t.Errorf("an account: %q", got)
	}
	c.Payout = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	if got := PaidTo(c); got != c.Payout {
		t.Errorf("an address: %q", got)
	}
}

// A gateway gets work from the practice network, for the practice wallet.
func TestGatewayOverPractice(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p, err := d.Practice(t.Context(), PracticeOptions{Threads: 1, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	p.SetMining(false)
	c := p.Upstream()
	g, err := NewGateway(t.Context(), GatewayOptions{Dir: d.Dir(), Config: c, Payee: PaidTo(c), Web: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- p.Run(ctx) }()
	go func() { ended <- g.Run(ctx) }()
	working := false
	for end := time.Now().Add(time.Minute); !working && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		s := g.Snapshot()
		working = len(s.Upstreams) > 0 && s.Upstreams[0].State == "mining"
	}
	if s := g.Snapshot(); !working || s.Payee.Address != p.address || s.Payee.Address == "" {
		t.Errorf("it stands at %+v for %v", s.Upstreams, s.Payee)
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// An error is told when a program gives up too: no hint promises that it goes on.
func TestHintsPromiseNothing(t *testing.T) {
	for _, e := range explanations {
		for _, promise := range []string{"tries again", "by itself when"} {
			if strings.Contains(e.hint, promise) {
				t.Errorf("%v: %q", e.err, e.hint)
			}
		}
	}
}
