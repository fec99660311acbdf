//go:build !js

package wallet

import (
	"encoding/binary"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

// A long history: `make wallet-size` takes the whole of it and prints what it costs.
func TestSize(t *testing.T) {
	addresses, coinbases, payments := 60, 300, 200
	if os.Getenv("GOLDPAN_WALLET_SIZE") == "full" {
		addresses, coinbases, payments = 1000, 12_000, 8_000
	}
	r := newRig(t)
	scripts := make([][]byte, addresses)
	for i := range scripts {
		scripts[i] = r.script(hd.Receive, uint32(i))
	}
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		for n := range coinbases {
			var txs [][]byte
			for p := n * payments / coinbases; p < (n+1)*payments/coinbases; p++ {
				var from pow.Hash
				binary.LittleEndian.PutUint64(from[:], uint64(p)+1)
				txs = append(txs, electrumtest.Tx([]electrumtest.In{{TxID: from, Script: make([]byte, 100)}},
					electrumtest.Out{Value: 1000, Script: scripts[p%addresses]}))
			}
			c.MineAfter(11, scripts[n%addresses], txs...) // slow enough that the blocks stay easy
		}
		return c
	})
	server := listen(t, r.server)
	r.o.Dir, r.o.Storage = t.TempDir(), nil
	r.o.Dial = jsonrpc.Dial
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.w, err = Restore(r.o, words(t)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := r.w.Sync(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	synced := time.Since(begin)
	want := r.w.Balance()
	if got := len(r.w.History()); got != coinbases+payments || want.Total() != reply*coin.Amount(coinbases)+1000*coin.Amount(payments) {
		t.Errorf("%d transactions, %+v", got, want)
	}
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	// What follows is the wallet alone.
	r.server.Close()
	r.server, r.chain, r.w = electrumtest.NewServer(electrumtest.NewChain(practice(t), 1, easy)), nil, nil
	debug.FreeOSMemory()
	before := resident()
	begin = time.Now()
	if r.w, err = Open(r.o); err != nil {
		t.Fatal(err)
	}
	opened := time.Since(begin)
	if r.w.Balance() != want || len(r.w.History()) != coinbases+payments {
		t.Errorf("after a restart: %+v", r.w.Balance())
	}
	peak := resident()
	debug.FreeOSMemory()
	t.Logf("%d addresses, %d transactions (%d of them rewards): synced over TCP in %.2f s, opened again in %.2f s; memory of the process: %s before, %s when it was open, %s after a collection",
		addresses, coinbases+payments, coinbases, synced.Seconds(), opened.Seconds(), before, peak, resident())
}

// resident is the memory of this process as Linux tells it.
func resident() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}
