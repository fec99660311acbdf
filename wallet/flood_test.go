package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// raw is a server that speaks as a test has it speak.
func raw(speak func(w io.Writer)) func(context.Context, string, int) (jsonrpc.Conn, error) {
	return func(_ context.Context, _ string, limit int) (jsonrpc.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			speak(theirs)
		}()
		return jsonrpc.NewLineConn(ours, limit), nil
	}
}

// A server that never ends its answer is left as soon as the answer is longer than any honest one.
func TestEndlessAnswer(t *testing.T) {
	sent, gone := 0, make(chan struct{})
	block := bytes.Repeat([]byte(`{"id":0,"result":[`), 1<<12)
	o := Options{Storage: &MemoryStorage{}, Params: practice(t), Dial: raw(func(w io.Writer) {
		defer close(gone)
		for {
			n, err := w.Write(block)
			sent += n
			if err != nil {
				return
			}
		}
	})}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Sync(t.Context(), url); err == nil {
		t.Fatal("synced")
	}
	<-gone
	if sent > 2*message.MaxReply {
		t.Errorf("read %d bytes of one answer", sent)
	}
}

// A server that drips one byte after the other keeps a wallet waiting no longer than one that says nothing.
func TestSlowDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		o := Options{Storage: &MemoryStorage{}, Params: practice(t), Dial: raw(func(w io.Writer) {
			defer close(gone)
			for _, err := io.WriteString(w, `{"id":0,"result":["`); err == nil; _, err = io.WriteString(w, "a") {
				time.Sleep(5 * time.Second)
			}
		})}
		w, err := Restore(o, words(t))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		begin := time.Now()
		if err := w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrTimeout) {
			t.Error(err)
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("waited %v", took)
		}
		<-gone
	})
}

// Whatever a server says unasked, as often as it likes, it fills no memory.
func TestFloodOfNotices(t *testing.T) {
	known := message.ScriptHash([]byte{1})
	s := &session{wake: make(chan struct{}, 1), places: map[message.Hash]place{known: {}}}
	for i := range 50_000 {
		s.Status(message.StatusNotice{ScriptHash: message.ScriptHash([]byte{2, byte(i), byte(i >> 8)})})
		s.Status(message.StatusNotice{ScriptHash: known, Status: message.Status(fmt.Sprint(i))})
		s.Tip(message.HeaderNotice{Height: int32(i)})
	}
	if len(s.notices) != 1 || s.notices[known] != "49999" || s.tip.Height != 49_999 {
		t.Errorf("%d notices are kept", len(s.notices))
	}
}

// Whichever question is answered by a text that tells a person what to do, it reaches nobody.
func TestPhishing(t *testing.T) {
	const lure = "UPDATE NOW: https://wallet.example/update?SERVERTEXT"
	for _, method := range []string{message.ServerVersion, message.ServerFeatures, message.ServerPing, message.HeadersSubscribe,
		message.BlockHeaders, message.ScriptHashSubscribe, message.ScriptHashHistory, message.TransactionGet, message.TransactionMerkle} {
		for _, code := range []int{1, -32600, 0} {
			r := newRig(t)
			r.mine(0)
			r.empty(2)
			r.server.Lie(func(q message.Request, a message.Response) message.Response {
				switch {
				case q.Method != method:
					return a
				case code == 0:
					a.Result, _ = json.Marshal(lure)
					return a
				}
				return message.Refuse(q, message.Errorf(code, lure))
			})
			err := r.w.Sync(t.Context(), url)
			shown := fmt.Sprintf("%v %+v %v %+v", err, r.w.State(), r.w.State().Err, r.w.History())
			if strings.Contains(shown, "SERVERTEXT") || strings.Contains(shown, "wallet.example") {
				t.Errorf("%s: shows the server's text: %s", method, shown)
			}
			if err == nil && method != message.ServerFeatures && method != message.ServerPing {
				t.Errorf("%s: synced", method)
			}
		}
	}
}

// Somebody who pays a crumb from an address that looks like one of the wallet's hopes that it is copied from the
// history. The history names no address but the wallet's, and the crumb stands apart.
func TestPoisonedAddress(t *testing.T) {
	r := newRig(t)
	mine := r.script(hd.Receive, 0)
	alike := bytes.Clone(mine)
	alike[10] ^= 1 // the same at the start and the end
	crumb := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{7}}}, electrumtest.Out{Value: 1, Script: mine},
		electrumtest.Out{Value: 5e8, Script: alike})
	before, err := r.w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.Mine(alike, crumb)
		return c
	})
	r.sync()
	if b := r.w.Balance(); b != (Balance{Dust: 1}) {
		t.Errorf("%+v", b)
	}
	h := r.w.History()
	if len(h) != 1 || h[0].Amount != 1 {
		t.Errorf("%+v", h)
	}
	if after, err := r.w.Address(0); err != nil || after != before {
		t.Errorf("%s became %s", before, after)
	}
}
