//go:build !js

package practice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// walletTest is a wallet's end of a connection.
type walletTest struct {
	t     *testing.T
	conn  jsonrpc.Conn
	ctx   context.Context
	id    uint64
	notes []message.Notification // that came between answers
	ended chan error
}

func dialWallet(t *testing.T, s *walletServer) *walletTest {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	a, b := net.Pipe()
	w := &walletTest{t: t, conn: jsonrpc.NewLineConn(a, message.MaxReply), ctx: ctx, ended: make(chan error, 1)}
	go func() { w.ended <- s.serve(ctx, jsonrpc.NewLineConn(b, message.MaxRequest)) }()
	t.Cleanup(func() {
		_ = w.conn.Close()
		<-w.ended
		cancel()
	})
	return w
}

func (w *walletTest) read() (*message.Response, *message.Notification) {
	w.t.Helper()
	b, err := w.conn.ReadMessage(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	res, note, err := message.Parse(b)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, note
}

// ask calls a method and reads the result into out, or returns the refusal.
func (w *walletTest) ask(method string, params, out any) error {
	w.t.Helper()
	w.id++
	req, err := message.NewRequest(w.id, method, params)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.conn.WriteMessage(w.ctx, req.Bytes()); err != nil {
		w.t.Fatal(err)
	}
	for {
		res, note := w.read()
		if note != nil {
			w.notes = append(w.notes, *note)
			continue
		}
		if string(res.ID) != string(req.ID) {
			w.t.Fatalf("answer to %s, want %s", res.ID, req.ID)
		}
		if res.Error != nil {
			return res.Error
		}
		if out != nil {
			if err := json.Unmarshal(res.Result, out); err != nil {
				w.t.Fatalf("%s: %v", method, err)
			}
		}
		return nil
	}
}

func (w *walletTest) must(method string, params, out any) {
	w.t.Helper()
	if err := w.ask(method, params, out); err != nil {
		w.t.Fatalf("%s: %+v", method, err)
	}
}

// note waits for a notification of a method.
func (w *walletTest) note(method string, out any) {
	w.t.Helper()
	for {
		for i, n := range w.notes {
			if n.Method == method {
				w.notes = append(w.notes[:i], w.notes[i+1:]...)
				if err := json.Unmarshal(n.Params, out); err != nil {
					w.t.Fatal(err)
				}
				return
			}
		}
		res, n := w.read()
		if res != nil {
			w.t.Fatal("an answer to nothing")
		}
		w.notes = append(w.notes, *n)
	}
}

func (w *walletTest) greet(version string) {
	w.t.Helper()
	v, err := message.ParseVersion(version)
	if err != nil {
		w.t.Fatal(err)
	}
	var res message.VersionResult
	w.must(message.ServerVersion, message.VersionParams{Client: "test", Min: message.MinVersion, Max: v}, &res)
	if res.Version != v {
		w.t.Fatalf("version %s, want %s", res.Version, v)
	}
}

func TestWalletFollowsRewards(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			clock := newFakeTime()
			c := testChain(t, t.TempDir(), a, clock.now)
			_, addr := key(t, c.coin, 1)
			script, err := c.coin.Script(addr)
			if err != nil {
				t.Fatal(err)
			}
			h := message.ScriptHash(script)
			mine(t, c, script, 2)

			w := dialWallet(t, newWalletServer(c))
			w.greet("1.6")
			var f message.Features
			w.must(message.ServerFeatures, nil, &f)
			if f.Genesis != message.Hash(*c.net.GenesisHash) || f.HashFunction != "sha256" {
				t.Fatalf("features %+v", f)
			}
			var tip message.HeaderNotice
			w.must(message.HeadersSubscribe, nil, &tip)
			if tip.Height != 2 {
				t.Fatalf("tip at %d", tip.Height)
			}
			var status message.Status
			w.must(message.ScriptHashSubscribe, message.ScriptHashParams{ScriptHash: h}, &status)
			var history message.History
			w.must(message.ScriptHashHistory, message.ScriptHashParams{ScriptHash: h}, &history)
			if len(history) != 2 || status != message.StatusOf(history) || history[1].Height != 2 {
				t.Fatalf("history %+v, status %s", history, status)
			}

			mine(t, c, script, 1)
			w.note(message.HeadersSubscribe, &tip)
			var changed message.StatusNotice
			w.note(message.ScriptHashSubscribe, &changed)
			if tip.Height != 3 || changed.ScriptHash != h || changed.Status == status {
				t.Fatalf("tip %d, notice %+v", tip.Height, changed)
			}
			var unspent message.Unspent
			w.must(message.ScriptHashUnspent, message.ScriptHashParams{ScriptHash: h}, &unspent)
			var bal balance
			w.must(scriptHashBalance, message.ScriptHashParams{ScriptHash: h}, &bal)
			if len(unspent) != 3 || bal.Confirmed != 3*unspent[0].Value || bal.Unconfirmed != 0 {
				t.Fatalf("unspent %+v, balance %+v", unspent, bal)
			}

			// Headers hang together and prove their work.
			var headers message.HeadersResult
			w.must(message.BlockHeaders, message.HeadersParams{Start: 0, Count: 100}, &headers)
			if headers.Count != 4 || !headers.List {
				t.Fatalf("%d headers", headers.Count)
			}
			var prev pow.Hash
			for i := range headers.Count {
				hd, err := pow.ParseHeader(headers.Raw[i*80 : i*80+80])
				if err != nil || hd.Prev != prev {
					t.Fatalf("header %d does not follow: %v", i, err)
				}
				target, err := pow.TargetFromBits(hd.Bits)
				if err != nil || i > 0 && !target.Met(hd.PoWHash(a)) {
					t.Fatalf("header %d proves nothing: %v", i, err)
				}
				prev = hd.BlockHash()
			}
			var raw message.Hex
			w.must(message.BlockHeader, message.HeaderParams{Height: 3}, &raw)
			if !bytes.Equal(raw, headers.Raw[240:]) || !bytes.Equal(raw, tip.Header) {
				t.Fatal("three answers about one header")
			}

			// A proof of the reward.
			var m message.MerkleResult
			w.must(message.TransactionMerkle, message.MerkleParams{TxHash: history[1].TxHash, Height: 2}, &m)
			hd, err := pow.ParseHeader(headers.Raw[160:240])
			if err != nil || len(m.Branch) != 0 || hd.Merkle != pow.Hash(history[1].TxHash) {
				t.Fatalf("proof %+v", m)
			}
			w.must(message.TransactionGet, message.TransactionParams{TxHash: history[1].TxHash}, &raw)
			if got := pow.Hash(hasher.SumSHA256d(raw)); got != pow.Hash(history[1].TxHash) {
				t.Fatal("another transaction")
			}
		})
	}
}

func TestWalletSpends(t *testing.T) {
	clock := newFakeTime()
	c := testChain(t, t.TempDir(), hasher.SHA256d, clock.now)
	priv, addr := key(t, c.coin, 1)
	_, other := key(t, c.coin, 2)
	own, err := c.coin.Script(addr)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := c.coin.Script(other)
	if err != nil {
		t.Fatal(err)
	}
	h, ht := message.ScriptHash(own), message.ScriptHash(theirs)
	mine(t, c, own, 1)
	w := dialWallet(t, newWalletServer(c))
	w.greet("1.4")
	var status message.Status
	w.must(message.ScriptHashSubscribe, message.ScriptHashParams{ScriptHash: ht}, &status)
	if status != "" {
		t.Fatalf("status of an unused script: %s", status)
	}

	raw := spend(t, c, priv, addr, other, 1)
	var refused *message.Error
	if err := w.ask(message.TransactionBroadcast, message.BroadcastParams{Raw: raw}, nil); !errors.As(err, &refused) || refused.Code != message.CodeRejected {
		t.Fatalf("spending an immature reward: %v", err)
	}
	mine(t, c, anyone, coinbaseMaturity)
	var id message.Hash
	w.must(message.TransactionBroadcast, message.BroadcastParams{Raw: raw}, &id)
	if err := w.ask(message.TransactionBroadcast, message.BroadcastParams{Raw: raw}, nil); err == nil {
		t.Fatal("the same transaction twice")
	}
	var notice message.StatusNotice
	w.note(message.ScriptHashSubscribe, &notice)

	var waiting message.History
	w.must(message.ScriptHashMempool, message.ScriptHashParams{ScriptHash: ht}, &waiting)
	if len(waiting) != 1 || waiting[0].TxHash != id || waiting[0].Height != 0 || waiting[0].Fee == nil || *waiting[0].Fee != 1000 {
		t.Fatalf("waiting %+v", waiting)
	}
	if notice.Status != message.StatusOf(waiting) {
		t.Fatal("the notice is of another history")
	}
	var unspent message.Unspent
	w.must(message.ScriptHashUnspent, message.ScriptHashParams{ScriptHash: h}, &unspent)
	if len(unspent) != 0 {
		t.Fatalf("what is being spent counts as unspent: %+v", unspent)
	}
	var bal balance
	w.must(scriptHashBalance, message.ScriptHashParams{ScriptHash: h}, &bal)
	if bal.Unconfirmed != -bal.Confirmed || bal.Confirmed == 0 {
		t.Fatalf("balance %+v", bal)
	}
	w.must(message.FeeHistogram, nil, new(json.RawMessage))

	mine(t, c, anyone, 1)
	w.note(message.ScriptHashSubscribe, &notice)
	var history message.History
	w.must(message.ScriptHashHistory, message.ScriptHashParams{ScriptHash: ht}, &history)
	if len(history) != 1 || history[0].Height != coinbaseMaturity+2 || notice.Status != message.StatusOf(history) {
		t.Fatalf("history %+v", history)
	}
	var m message.MerkleResult
	w.must(message.TransactionMerkle, message.MerkleParams{TxHash: id, Height: history[0].Height}, &m)
	header, err := c.header(history[0].Height)
	if err != nil {
		t.Fatal(err)
	}
	if m.Position != 1 || len(m.Branch) != 1 || pow.MerkleRoot(pow.Hash(m.Branch[0]), []pow.Hash{pow.Hash(id)}) != pow.Hash(header.MerkleRoot) {
		t.Fatalf("proof %+v", m)
	}
}

func TestWalletRefusals(t *testing.T) {
	c := testChain(t, t.TempDir(), hasher.SHA256d, newFakeTime().now)
	w := dialWallet(t, newWalletServer(c))
	w.greet("1.4.2")
	for _, tt := range []struct {
		method string
		params any
		code   int
	}{
		{"server.nonsense", nil, message.CodeNoMethod},
		{message.BlockHeader, message.HeaderParams{Height: 1}, message.CodeBadRequest},
		{message.BlockHeader, message.HeaderParams{Height: 0, Checkpoint: 1}, message.CodeBadParams},
		{message.BlockHeaders, message.HeadersParams{Count: 1, Checkpoint: 1}, message.CodeBadParams},
		{message.TransactionGet, message.TransactionParams{}, message.CodeBadRequest},
		{message.TransactionGet, message.TransactionParams{Verbose: true}, message.CodeBadParams},
		{message.TransactionMerkle, message.MerkleParams{TxHash: message.Hash(c.net.GenesisBlock.Transactions[0].TxHash()), Height: 1}, message.CodeBadRequest},
		{message.TransactionBroadcast, message.BroadcastParams{Raw: []byte{1}}, message.CodeRejected},
		{message.ScriptHashHistory, []int{1}, message.CodeBadParams},
		{message.ServerVersion, message.VersionParams{Client: "again", Min: message.MinVersion, Max: message.MaxVersion}, message.CodeBadRequest},
	} {
		var e *message.Error
		if err := w.ask(tt.method, tt.params, nil); !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: %v, want code %d", tt.method, err, tt.code)
		}
	}
	for _, tt := range []struct {
		method string
		params any
	}{
		{message.ServerPing, nil}, {message.EstimateFee, message.EstimateParams{Blocks: 6}}, {relayFeeMethod, nil},
		{poolInfo, nil}, {message.FeeHistogram, nil}, {message.BlockHeaders, message.HeadersParams{Start: 5, Count: 1 << 30}},
	} {
		w.must(tt.method, tt.params, nil)
	}
}

func TestWalletOfAnotherVersion(t *testing.T) {
	c := testChain(t, t.TempDir(), hasher.SHA256d, newFakeTime().now)
	w := dialWallet(t, newWalletServer(c))
	v := message.Version{Major: 2}
	if err := w.ask(message.ServerVersion, message.VersionParams{Client: "new", Min: v, Max: v}, nil); err == nil {
		t.Fatal("spoke a version that it does not know")
	}
	if _, err := w.conn.ReadMessage(w.ctx); err == nil {
		t.Fatal("went on after that")
	}
}

func TestTooManyWallets(t *testing.T) {
	c := testChain(t, t.TempDir(), hasher.SHA256d, newFakeTime().now)
	s := newWalletServer(c)
	for range maxWallets {
		s.slots <- struct{}{}
	}
	a, b := net.Pipe()
	defer func() { _ = a.Close() }()
	if err := s.serve(t.Context(), jsonrpc.NewLineConn(b, message.MaxRequest)); !errors.Is(err, errTooManyWallets) {
		t.Fatal(err)
	}
}

// TestIndexTakesBlocksBack disconnects blocks with spendings in them, and
// compares with an index that never saw them.
func TestIndexTakesBlocksBack(t *testing.T) {
	clock := newFakeTime()
	c := testChain(t, t.TempDir(), hasher.SHA256d, clock.now)
	priv, addr := key(t, c.coin, 1)
	_, other := key(t, c.coin, 2)
	own, err := c.coin.Script(addr)
	if err != nil {
		t.Fatal(err)
	}
	mine(t, c, own, coinbaseMaturity+1)
	want := c.index
	c.index = newIndex()
	if err := c.index.build(c); err != nil {
		t.Fatal(err)
	}
	if _, err := c.broadcast(spend(t, c, priv, addr, other, 1)); err != nil {
		t.Fatal(err)
	}
	mine(t, c, own, 2)
	for range 2 {
		b, err := c.best.BlockByHeight(c.tip().Height)
		if err != nil {
			t.Fatal(err)
		}
		hash := *b.Hash()
		if err := c.best.InvalidateBlock(&hash); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.index.outputs) != len(want.outputs) || len(c.index.txs) != len(want.txs) {
		t.Fatalf("%d outputs and %d transactions, want %d and %d", len(c.index.outputs), len(c.index.txs), len(want.outputs), len(want.txs))
	}
	for p, o := range want.outputs {
		if c.index.outputs[p] != o {
			t.Fatalf("output %v is %+v, want %+v", p, c.index.outputs[p], o)
		}
	}
	h := message.ScriptHash(own)
	got, _ := c.index.historyOf(h, 100)
	wanted, _ := want.historyOf(h, 100)
	if message.StatusOf(got) != message.StatusOf(wanted) {
		t.Fatal("another history")
	}
	if c.txs.Count() != 1 {
		t.Fatal("the spending does not wait again")
	}
}

func FuzzWalletRequests(f *testing.F) {
	for _, s := range []string{
		`{"id":1,"method":"server.version","params":["x",["1.4","1.6"]]}`,
		`{"id":1,"method":"blockchain.headers.subscribe","params":[]}`,
		`{"id":1,"method":"blockchain.block.headers","params":[0,2016]}`,
		`{"id":1,"method":"blockchain.block.header","params":[2147483647]}`,
		`{"id":1,"method":"blockchain.scripthash.subscribe","params":["8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161"]}`,
		`{"id":1,"method":"blockchain.scripthash.listunspent","params":["8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161"]}`,
		`{"id":1,"method":"blockchain.transaction.broadcast","params":["0100000000010000"]}`,
		`{"id":1,"method":"blockchain.transaction.get_merkle","params":["8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161",1]}`,
	} {
		f.Add([]byte(s))
	}
	c := testChain(f, f.TempDir(), hasher.SHA256d, newFakeTime().now)
	mine(f, c, anyone, 3)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newSession(c)
		answer, _ := w.answer(b)
		if _, note, err := message.Parse(answer); err != nil || note != nil {
			t.Fatalf("%s is no answer: %v", answer, err)
		}
		w.news(w.changes + 1)
	})
}

func FuzzPlausibleTx(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		plausibleTx(b)
	})
}
