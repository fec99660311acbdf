//go:build !js

package main

import (
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"sync"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// easy is the difficulty of the easiest share that a gateway asks for, of 64 hashes; the pool's is hard times that.
const (
	easy = 64.0 / (1 << 32)
	hard = 64.0
)

// pool is the one that the house mines at. It hands out jobs that are like real ones, and checks what comes back.
type pool struct {
	url  string
	stop context.CancelFunc
	done chan error

	mu    sync.Mutex
	peers map[*stratum.Peer]bool // authorized
	jobs  map[string]*pow.Job
	last  uint32
	right uint64 // shares that met their job's target
	wrong uint64
	early map[sent]struct{}
	twice uint64
}

// sent is one share that came.
type sent struct {
	job         *pow.Job
	time, nonce uint32
	own         uint64
}

func openPool() (*pool, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{
		url: "stratum+tcp://" + ln.Addr().String(), stop: stop, done: make(chan error, 1),
		peers: map[*stratum.Peer]bool{}, jobs: map[string]*pow.Job{}, early: map[sent]struct{}{},
	}
	go func() {
		p.done <- stratum.NewServer(p, stratum.Options{Rate: 1e6, Burst: 1e6, Queue: 1 << 20}).Serve(ctx, ln)
	}()
	return p, nil
}

func (p *pool) close() error {
	p.stop()
	return <-p.done
}

func (p *pool) Connected(*stratum.Peer)                      {}
func (p *pool) SuggestDifficulty(_ *stratum.Peer, _ float64) {}
func (p *pool) Subscribe(*stratum.Peer, string) ([]byte, int, error) {
	return []byte{1, 2, 3, 4}, 8, nil
}

func (p *pool) Disconnected(peer *stratum.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.peers, peer)
}

func (p *pool) Authorize(peer *stratum.Peer, _, _ string) error {
	if err := peer.SetDifficulty(easy * hard); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peers[peer] = true
	return peer.Notify(p.next())
}

// next is a new job, with as many bytes as one of a real pool. Its number begins the previous block's hash.
func (p *pool) next() *pow.Job {
	p.last++
	j := &pow.Job{
		ID: strconv.FormatUint(uint64(p.last), 16), Algorithm: hasher.SHA256d, Coinbase1: make([]byte, 60), Coinbase2: make([]byte, 120),
		Branch: make([]pow.Hash, 11), Version: 0x20000000, Bits: 0x1a01b1f4, Time: uint32(time.Now().Unix()), Clean: p.last%2 == 1,
		Extranonce1: []byte{1, 2, 3, 4}, Extranonce2Size: 8, Target: pow.TargetFromDifficulty(hasher.SHA256d, easy*hard),
	}
	binary.LittleEndian.PutUint32(j.Prev[:], p.last)
	p.jobs[j.ID] = j
	return j
}

// send sends a new job to the house, and returns its number and when it went.
func (p *pool) send() (uint32, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.next()
	now := time.Now()
	for peer := range p.peers {
		_ = peer.Notify(j)
	}
	return p.last, now
}

// cut ends the house's connections, and returns the number of the next job and when it was.
func (p *pool) cut() (uint32, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for peer := range p.peers {
		peer.Close()
	}
	return p.last + 1, time.Now()
}

func (p *pool) Submit(_ *stratum.Peer, s stratum.Submission) error {
	p.mu.Lock()
	j := p.jobs[s.JobID]
	p.mu.Unlock()
	if j == nil {
		return &stratum.Rejection{Code: stratum.CodeJobNotFound, Reason: "job not found"}
	}
	_, ok := j.Check(s.Solution(j))
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok {
		p.wrong++
		return &stratum.Rejection{Code: stratum.CodeLowDifficulty, Reason: "low difficulty"}
	}
	key := sent{job: j, time: s.Time, nonce: s.Nonce, own: binary.BigEndian.Uint64(s.Extranonce2)}
	if _, again := p.early[key]; again {
		p.twice++
		return &stratum.Rejection{Code: stratum.CodeDuplicate, Reason: "duplicate"}
	}
	p.early[key] = struct{}{}
	p.right++
	return nil
}
