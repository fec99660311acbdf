package stratum

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Peer is one miner's connection to a Server. Its methods are safe for concurrent use and never block.
type Peer struct {
	// Data is the backend's own; the package does not touch it.
	Data any

	id     uint64
	server *Server
	conn   jsonrpc.Conn
	cancel context.CancelCauseFunc
	begun  time.Time

	// Of the reading goroutine alone.
	users    map[string]bool
	failures int

	mu         sync.Mutex
	extranonce extranonce // set once
	out        chan []byte
	holding    bool
	held       [][]byte // queued while a request is answered
	gone       bool
}

// ID tells the peers of a server apart.
func (p *Peer) ID() uint64 { return p.id }

// RemoteAddr names the miner's address for people.
func (p *Peer) RemoteAddr() string { return p.conn.RemoteAddr() }

// Subscribed reports whether the miner can take jobs.
func (p *Peer) Subscribed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.extranonce.size != 0
}

// Extranonce1 returns what Backend.Subscribe gave the peer; nil before.
func (p *Peer) Extranonce1() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.extranonce.first
}

func (p *Peer) setExtranonce(e extranonce) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extranonce = e
}

// SetDifficulty sets the difficulty of the jobs that follow. Errors are ErrNotSubscribed, ErrSlow, net.ErrClosed,
// or say that d is out of range.
func (p *Peer) SetDifficulty(d float64) error {
	if !(d >= MinDifficulty && d <= MaxDifficulty) {
		return fmt.Errorf("difficulty %g out of range", d)
	}
	if !p.Subscribed() {
		return ErrNotSubscribed
	}
	params := append(appendDifficulty(json.RawMessage{'['}, d), ']')
	return p.queue(message{id: null, method: methodSetDifficulty, params: params})
}

// Notify sends a job. Of the job's fields those count that the wire carries; extranonce and target are the peer's.
// Errors are ErrNotSubscribed, ErrSlow, net.ErrClosed, or say that the job is out of bounds.
func (p *Peer) Notify(j *pow.Job) error {
	if err := checkJob(j); err != nil {
		return err
	}
	if !p.Subscribed() {
		return ErrNotSubscribed
	}
	return p.queue(message{id: null, method: methodNotify, params: appendNotify(nil, j)})
}

// Close sends the miner away at once.
func (p *Peer) Close() { p.cancel(nil) }

func (p *Peer) queue(m message) error {
	line := m.append(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.gone:
		return net.ErrClosed
	case p.holding && len(p.held) < cap(p.out):
		p.held = append(p.held, line)
		return nil
	case p.holding:
		return p.drop()
	}
	return p.push(line)
}

// push hands a line to the writer. It is called with the lock.
func (p *Peer) push(line []byte) error {
	select {
	case p.out <- line:
		return nil
	default:
		return p.drop()
	}
}

// drop ends a connection whose reader is too slow: what it has missed cannot be made good.
func (p *Peer) drop() error {
	p.cancel(ErrSlow)
	return ErrSlow
}

// hold keeps back what is queued until release.
func (p *Peer) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
}

// release sends an answer, if there is one, and then what was held back.
func (p *Peer) release(answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := p.held
	p.held, p.holding = nil, false
	if answer != nil && p.push(answer) != nil {
		return
	}
	for _, line := range lines {
		if p.push(line) != nil {
			return
		}
	}
}

// finish takes no more messages and lets the writer end.
func (p *Peer) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	close(p.out)
}
