//go:build !js

package wallet

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

// payer names, in the process that TestKilledPayer kills: after how many writes of payments it kills itself, 0 for
// never; the server; whom to pay; and the folder.
const payer = "GOLDPAN_TEST_WALLET_PAY"

// mortal is a Storage in which the process dies right after the payments were written so many times.
type mortal struct {
	Storage
	mu   sync.Mutex
	left int
}

func (m *mortal) Write(name string, data []byte) error {
	err := m.Storage.Write(name, data)
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.HasSuffix(name, "/payments") {
		if m.left--; m.left == 0 {
			if p, err := os.FindProcess(os.Getpid()); err == nil {
				_ = p.Kill()
			}
			select {} // until the signal has come
		}
	}
	return err
}

// wish is the amount of payment number i: no two are alike.
func wish(i int) coin.Amount { return coin.Unit/100 + coin.Amount(i) }

// payOn makes one payment after the other, each of its own amount, and begins after those that are known.
func payOn(spec string) error {
	parts := strings.SplitN(spec, " ", 4)
	if len(parts) != 4 {
		return fmt.Errorf("not a payer: %q", spec)
	}
	left, err := strconv.Atoi(parts[0])
	if err != nil {
		return err
	}
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		return err
	}
	s, err := dirStorage(parts[3])
	if err != nil {
		return err
	}
	w, err := Open(Options{Storage: &mortal{Storage: s, left: left}, Params: p})
	if err != nil {
		return err
	}
	url := parts[1]
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := w.Sync(ctx, url); err != nil {
			cancel()
			return err
		}
		plan, err := w.PlanPayment(parts[2], wish(len(w.Payments())), Fee{})
		if err != nil {
			cancel()
			return err
		}
		if _, err := w.Pay(ctx, plan, url); err != nil {
			cancel()
			return err
		}
		cancel()
		fmt.Println("paid")
	}
}

// payAlone runs the payer if this process is the one to be killed.
func payAlone() {
	spec := os.Getenv(payer)
	if spec == "" {
		return
	}
	fmt.Fprintln(os.Stderr, payOn(spec))
	os.Exit(1)
}

// A wallet that is killed while it pays, before the payment is sent, right after, or at any moment, knows afterwards
// what it has paid, and pays nothing twice. GOLDPAN_KILLS=300 is the long run.
func TestKilledPayer(t *testing.T) {
	t.Parallel()
	rounds := 6
	if s := os.Getenv(kills); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	dir := t.TempDir()
	o := Options{Dir: dir, Params: practice(t)}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	chain := electrumtest.NewChain(o.Params, 1, easy)
	for i := range uint32(10) {
		script, err := w.account.Script(hd.Receive, i)
		if err != nil {
			t.Fatal(err)
		}
		chain.Mine(script)
	}
	chain.MineEmpty(coin.PracticeMaturity)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	server := electrumtest.NewServer(chain)
	t.Cleanup(server.Close)
	url := listen(t, server)
	to := theirs(t, o.Params)
	target, err := o.Params.Script(to)
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var child *os.Process
	heard := map[int64]map[string]bool{} // by the amount, the transactions that pay it
	deadly := false
	server.Take(func(raw []byte) error {
		mu.Lock()
		defer mu.Unlock()
		amount := paidTo(raw, target)
		if heard[amount] == nil {
			heard[amount] = map[string]bool{}
		}
		heard[amount][electrumtest.ID(raw).String()] = true
		if deadly && child != nil {
			_ = child.Kill() // it has sent the payment, and hears no answer
		}
		return nil
	})
	for round := range rounds {
		left, lines := 0, 1+rand.N(3)
		mu.Lock()
		deadly, child = false, nil
		switch round % 3 {
		case 0: // before it is sent: after the first copy of the file, the second, or what is written when it was sent
			left = 1 + rand.N(4)
		case 1: // while it is sent
			deadly = true
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s %s", payer, left, url, to, dir))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		child = cmd.Process
		mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len("paid\n"))
		for range lines {
			if n, err := out.Read(b); err != nil || n == 0 {
				break // it is dead already
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // the error is that it was killed
		settled(t, o, server, url, round)
		mu.Lock()
		for amount, ids := range heard {
			if len(ids) != 1 {
				t.Errorf("round %d: %d is paid by %d transactions", round, amount, len(ids))
			}
		}
		mu.Unlock()
	}
	w, err = Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	mu.Lock()
	defer mu.Unlock()
	if n := len(w.Payments()); n != len(heard) || n < rounds/2 {
		t.Errorf("%d payments are known, and %d were sent, in %d rounds", n, len(heard), rounds)
	}
	t.Logf("killed %d times, over %d payments", rounds, len(heard))
}

// paidTo is what a transaction pays to a script.
func paidTo(raw, script []byte) (amount int64) {
	at := bytes.Index(raw, append([]byte{byte(len(script))}, script...))
	if at < 8 {
		return 0
	}
	for i := range 8 {
		amount |= int64(raw[at-8+i]) << (8 * i)
	}
	return amount
}

// settled opens the wallet as after a restart: all that was kept is sent, and the next block holds it.
func settled(t *testing.T, o Options, server *electrumtest.Server, url string, round int) {
	t.Helper()
	w, err := Open(o)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	defer w.Close()
	sync := func() {
		if err := w.Sync(t.Context(), url); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	sync()
	server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		c.Mine([]byte{0x51}, *mempool...)
		*mempool = nil
		return c
	})
	sync()
	all := coin.Amount(0)
	for i, p := range w.Payments() {
		if p.State != PayConfirmed {
			t.Errorf("round %d: payment %d is %s", round, i, p.State)
		}
		all += p.Amount + p.Fee
	}
	if got, want := w.Balance().Total(), 10*reply-all; got != want {
		t.Errorf("round %d: %s is left, want %s", round, got, want)
	}
}
