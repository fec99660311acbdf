//go:build !js

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// difficulty is what the pool asks of shares: one takes some seconds in a browser.
var difficulty = map[hasher.Algorithm]float64{hasher.SHA256d: 0.008, hasher.Scrypt: 0.4}

var errNobody = errors.New("nobody mines")

// pool hands out jobs that are like real ones, and checks what comes back. A miner's user is its algorithm.
type pool struct {
	server *stratum.Server

	mu    sync.Mutex
	peer  *stratum.Peer // the last that came
	sent  map[string]*pow.Job
	last  int
	wrong int // shares that do not meet their job's target
}

func newPool() *pool {
	p := &pool{sent: map[string]*pow.Job{}}
	p.server = stratum.NewServer(p, stratum.Options{})
	return p
}

func (p *pool) Connected(*stratum.Peer)                      {}
func (p *pool) Disconnected(*stratum.Peer)                   {}
func (p *pool) SuggestDifficulty(_ *stratum.Peer, _ float64) {}
func (p *pool) Subscribe(*stratum.Peer, string) ([]byte, int, error) {
	return []byte{1, 2, 3, 4}, 4, nil
}

func (p *pool) Authorize(peer *stratum.Peer, user, _ string) error {
	a, err := hasher.ParseAlgorithm(user)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.peer = peer
	p.mu.Unlock()
	if err := peer.SetDifficulty(difficulty[a]); err != nil {
		return err
	}
	_, err = p.notify(a)
	return err
}

// notify sends a fresh job, and returns when.
func (p *pool) notify(a hasher.Algorithm) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.peer == nil {
		return time.Time{}, errNobody
	}
	p.last++
	target := pow.TargetFromDifficulty(a, difficulty[a])
	j := &pow.Job{
		ID: strconv.Itoa(p.last), Algorithm: a, Coinbase1: make([]byte, 60), Coinbase2: make([]byte, 70), Branch: make([]pow.Hash, 11),
		Version: 0x20000000, Bits: 0x1a01b1f4, Time: uint32(time.Now().Unix()), Clean: true,
		Extranonce1: p.peer.Extranonce1(), Extranonce2Size: 4, Target: target, Difficulty: difficulty[a],
	}
	binary.LittleEndian.PutUint64(j.Prev[:], uint64(p.last)) // no two are the same
	p.sent = map[string]*pow.Job{strconv.Itoa(p.last - 1): p.sent[strconv.Itoa(p.last-1)], j.ID: j}
	now := time.Now()
	return now, p.peer.Notify(j)
}

func (p *pool) Submit(_ *stratum.Peer, s stratum.Submission) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.sent[s.JobID]
	if j == nil {
		return &stratum.Rejection{Code: stratum.CodeJobNotFound, Reason: "job not found"}
	}
	if _, ok := j.Check(s.Solution(j)); !ok {
		p.wrong++
		return &stratum.Rejection{Code: stratum.CodeLowDifficulty, Reason: "low difficulty"}
	}
	return nil
}

// jobs sends so many jobs to the miner that came last, and returns when each went, in milliseconds since 1970. They are
// far enough apart that each reaches the lanes before the next, and not in step with anything.
func (p *pool) jobs(ctx context.Context, count int) ([]float64, error) {
	times := make([]float64, 0, count)
	for i := range count {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(180+i*37%71) * time.Millisecond):
		}
		p.mu.Lock()
		newest, wrong := p.sent[strconv.Itoa(p.last)], p.wrong
		p.mu.Unlock()
		if newest == nil {
			return nil, errNobody
		}
		if wrong > 0 {
			return nil, fmt.Errorf("%d shares are wrong", wrong)
		}
		at, err := p.notify(newest.Algorithm)
		if err != nil {
			return nil, err
		}
		times = append(times, float64(at.UnixMicro())/1000)
	}
	return times, nil
}
