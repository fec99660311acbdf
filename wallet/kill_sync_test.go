//go:build !js

package wallet

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// syncer names the server and the folder in the process that TestKilledSync kills.
const syncer = "GOLDPAN_TEST_WALLET_SYNC"

// syncOver brings the wallet in step over and over, asks for an address each time, and says what it knows and kept.
func syncOver(o Options, server string) error {
	for {
		w, err := Open(o)
		if err != nil {
			return err
		}
		if _, err := w.Address(uint32(min(w.state.issued, 400))); err != nil {
			return err
		}
		if err := w.Sync(context.Background(), server); err != nil {
			return err
		}
		height, total, issued := w.Height(), w.Balance().Total(), w.state.issued
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Println(height, int64(total), issued)
	}
}

// syncAlone runs the syncer if this process is the one to be killed.
func syncAlone() {
	server, dir, ok := strings.Cut(os.Getenv(syncer), " ")
	if !ok {
		return
	}
	c, err := coin.ByID("bitcoin")
	if err == nil {
		var p *coin.Params
		if p, err = c.Params(coin.Practice); err == nil {
			err = syncOver(Options{Dir: dir, Params: p}, server)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// listen has a server take connections, as other processes need them, until the test ends, and gives its URL.
func listen(t *testing.T, s *electrumtest.Server) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.Attach(jsonrpc.NewLineConn(c, message.MaxRequest))
		}
	})
	t.Cleanup(func() {
		ln.Close()
		all.Wait()
	})
	return "tcp://" + ln.Addr().String()
}

// A wallet that is killed at any moment of a sync opens, knows what it said it knew, and comes in step again, over
// reorganisations too. GOLDPAN_KILLS=300 is the long run.
func TestKilledSync(t *testing.T) {
	r := newRig(t)
	server := listen(t, r.server)
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	r.o.Dir, r.o.Storage, r.o.Dial = t.TempDir(), nil, jsonrpc.Dial
	var err error
	if r.w, err = Restore(r.o, words(t)); err != nil {
		t.Fatal(err)
	}
	scripts := make([][]byte, 30)
	for i := range scripts {
		scripts[i] = r.script(hd.Receive, uint32(i))
	}
	grow := func(c *electrumtest.Chain, n int) {
		for range n {
			c.MineAfter(11, scripts[rand.N(len(scripts))]) // slow enough that the blocks stay easy
		}
	}
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		grow(c, 600) // more than one chunk of headers
		return c
	})
	rounds := 6
	if s := os.Getenv(kills); s != "" {
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	syncs := 0
	for round := range rounds {
		if err := r.w.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", syncer, server, r.o.Dir))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		height := int32(-1)
		var total int64
		var issued int
		read := func() bool {
			if !lines.Scan() {
				return false
			}
			if _, err := fmt.Sscan(lines.Text(), &height, &total, &issued); err != nil {
				t.Fatal(err)
			}
			syncs++
			return true
		}
		reorganised := false
		for range rand.N(3) {
			if !read() {
				t.Fatal("the syncer ended by itself")
			}
			r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
				if rand.N(4) == 0 {
					reorganised = true
					d := c.Clone()
					d.Cut(c.Height() - 2)
					grow(d, 6)
					return d
				}
				grow(c, 1+rand.N(3))
				return c
			})
		}
		for i := range rand.N(3_000_000) { // not at the same place each time
			_ = i
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		for read() { // what it did before the signal came
		}
		_ = cmd.Wait() // the error is that it was killed
		if r.w, err = Open(r.o); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if got := r.w.Balance().Total(); int64(got) < total && !reorganised || r.w.state.issued < issued || r.w.Height() < height && !reorganised {
			t.Errorf("round %d: %v at height %d, %d addresses; it had said %d at %d, %d", round, got, r.w.Height(), r.w.state.issued, total, height, issued)
		}
		if err := r.w.Sync(t.Context(), server); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		var tip int32
		r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
			tip = c.Height()
			return c
		})
		if got := r.w.Balance().Total(); r.w.Height() != tip || got != reply*coin.Amount(tip) || len(r.w.History()) != int(tip) {
			t.Errorf("round %d: %v in %d transactions at height %d, want %d", round, got, len(r.w.History()), r.w.Height(), tip)
		}
	}
	t.Logf("killed %d times in %d syncs", rounds, syncs)
}
