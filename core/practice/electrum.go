//go:build !js

package practice

import (
	"context"
	"errors"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/wallet/electrum/message"
)

// Limits of the wallet server.
const (
	maxWallets       = 64
	maxSubscriptions = 2000 // scripts that one wallet follows
	maxUnspent       = 20_000
	requestsPerSec   = 200.0
	requestBurst     = 4000.0
	walletWrite      = 30 * time.Second
)

var errTooManyWallets = errors.New("too many wallets are connected")

// walletServer answers wallets in the Electrum protocol. serve may be called by
// many at once.
type walletServer struct {
	chain *chain
	slots chan struct{}
}

func newWalletServer(c *chain) *walletServer {
	return &walletServer{chain: c, slots: make(chan struct{}, maxWallets)}
}

// session is one wallet's connection. Everything but reading happens on one
// goroutine.
type session struct {
	chain   *chain
	version message.Version
	greeted bool

	headers bool // wants to hear of new tips
	tip     message.Hash
	scripts map[message.Hash]*subscription
	changes uint64 // of the index, as far as the wallet has heard
}

type subscription struct {
	version uint64
	status  message.Status
	pooled  bool // part of it waits in the memory pool
}

// serve talks to one wallet until it leaves or ctx ends, and closes conn.
func (s *walletServer) serve(ctx context.Context, conn jsonrpc.Conn) error {
	defer func() { _ = conn.Close() }()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return errTooManyWallets
	}
	ctx, cancel := context.WithCancel(ctx)
	requests := make(chan []byte)
	ended := make(chan error, 1)
	done := make(chan struct{})
	defer func() {
		cancel()
		_ = conn.Close()
		<-done
	}()
	go func() {
		defer close(done)
		ended <- readRequests(ctx, conn, requests)
	}()

	w := newSession(s.chain)
	for {
		changes, next := s.chain.index.wait()
		for _, n := range w.news(changes) {
			if err := write(ctx, conn, n.Bytes()); err != nil {
				return err
			}
		}
		select {
		case b := <-requests:
			answer, fatal := w.answer(b)
			if err := write(ctx, conn, answer); err != nil {
				return err
			}
			if fatal {
				return nil
			}
		case <-next:
		case err := <-ended:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func newSession(c *chain) *session {
	return &session{chain: c, version: message.MinVersion, scripts: map[message.Hash]*subscription{}}
}

func write(ctx context.Context, conn jsonrpc.Conn, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, walletWrite)
	defer cancel()
	return conn.WriteMessage(ctx, b)
}

// readRequests hands on what the wallet sends, no faster than the limit.
func readRequests(ctx context.Context, conn jsonrpc.Conn, requests chan<- []byte) error {
	tokens, at := requestBurst, time.Now()
	for {
		b, err := conn.ReadMessage(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		tokens = min(requestBurst, tokens+now.Sub(at).Seconds()*requestsPerSec) - 1
		at = now
		if tokens < 0 {
			wait := time.NewTimer(time.Duration(-tokens / requestsPerSec * float64(time.Second)))
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
				return ctx.Err()
			}
		}
		select {
		case requests <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// news are the notifications that the wallet has asked for and not yet had.
func (w *session) news(changes uint64) []message.Notification {
	if changes == w.changes {
		return nil
	}
	w.changes = changes
	var out []message.Notification
	if w.headers {
		if tip := message.Hash(w.chain.tip().Hash); tip != w.tip {
			if notice, err := w.tipNotice(); err == nil {
				if n, err := message.TipNotice(notice); err == nil {
					out = append(out, n)
				}
			}
		}
	}
	pooled := w.chain.txs.Count() > 0
	for h, sub := range w.scripts {
		version := w.chain.index.version(h)
		if version == sub.version && !pooled && !sub.pooled {
			continue
		}
		old := *sub
		if err := w.follow(h, sub); err != nil || sub.status == old.status {
			continue
		}
		if n, err := message.Notify(message.ScriptHashSubscribe, message.StatusNotice{ScriptHash: h, Status: sub.status}); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// follow brings a subscription up to date.
func (w *session) follow(h message.Hash, sub *subscription) error {
	version := w.chain.index.version(h)
	history, pooled, err := w.history(h)
	if err != nil {
		return err
	}
	*sub = subscription{version: version, status: message.StatusOf(history), pooled: pooled}
	return nil
}

// history is a script's whole history, and whether some of it still waits.
func (w *session) history(h message.Hash) (history message.History, pooled bool, err error) {
	history, ok := w.chain.index.historyOf(h, message.MaxHistory)
	if !ok {
		return nil, false, message.Errorf(message.CodeTooMuch, "history too long")
	}
	waiting := w.chain.pooled(h).history
	if len(history)+len(waiting) > message.MaxHistory {
		return nil, false, message.Errorf(message.CodeTooMuch, "history too long")
	}
	return append(history, waiting...), len(waiting) > 0, nil
}

// tipNotice is the newest header, which the wallet now knows.
func (w *session) tipNotice() (message.HeaderNotice, error) {
	tip := w.chain.tip()
	raw, err := w.chain.rawHeader(tip.Height)
	if err != nil {
		return message.HeaderNotice{}, err
	}
	w.tip = message.Hash(tip.Hash)
	return message.HeaderNotice{Height: tip.Height, Header: raw}, nil
}

// answer handles one request; fatal says that there is nothing more to say to
// this wallet.
func (w *session) answer(b []byte) (reply []byte, fatal bool) {
	req, err := message.ParseRequest(b)
	if err != nil {
		return message.Refuse(req, err).Bytes(), false
	}
	result, fatal, err := w.call(req)
	if err != nil {
		return message.Refuse(req, err).Bytes(), fatal
	}
	res, err := message.Reply(req, result)
	if err != nil {
		return message.Refuse(req, err).Bytes(), false
	}
	return res.Bytes(), false
}
