//go:build !js

package stratum

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// recorder is the Backend of one pool: it holds each share to what the miner knows of it.
type recorder struct {
	name    string
	miner   *prospector
	gate    *gate // set before the first connection
	mu      sync.Mutex
	random  *rand.Rand
	last    uint32
	jobs    []*pow.Job
	peers   map[*Peer]bool
	kept    map[string][]byte   // sessions that are lost
	heard   map[uint32][]string // by extranonce1: the connections that had it, one after the other
	resumed int
}

func (b *recorder) Connected(*Peer)                  {}
func (b *recorder) SuggestDifficulty(*Peer, float64) {}
func (b *recorder) Authorize(p *Peer, _, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[p] = true
	if e := p.Extranonce1(); e != nil {
		first := binary.BigEndian.Uint32(e)
		b.heard[first] = append(b.heard[first], p.RemoteAddr())
	}
	// Whoever is gone already learns nothing any more.
	_ = p.SetDifficulty(poolDifficulty)
	_ = p.Notify(b.jobs[len(b.jobs)-1])
	return nil
}

func (b *recorder) Disconnected(p *Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.peers, p)
	if first := p.Extranonce1(); first != nil {
		if len(b.kept) > 100 {
			clear(b.kept)
		}
		b.kept[p.Session()] = first
	}
}

func (b *recorder) Subscribe(*Peer, string) ([]byte, int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return binary.BigEndian.AppendUint32(nil, uint32(b.name[0])<<24|b.last), 8, nil
}

// Resume knows every other session again.
func (b *recorder) Resume(_ *Peer, session string) ([]byte, int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, ok := b.kept[session]
	delete(b.kept, session)
	if !ok || b.random.IntN(2) == 0 {
		return nil, 0, false
	}
	b.resumed++
	return first, 8, true
}

// misled reports whether the miner was told wrong things on p, or on the connections that p has resumed.
func (b *recorder) misled(p *Peer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.heard[binary.BigEndian.Uint32(p.Extranonce1())], b.gate.isTainted)
}

func (b *recorder) Submit(p *Peer, s Submission) error {
	n, first := binary.BigEndian.Uint64(s.Extranonce2), p.Extranonce1()
	m, misled := b.miner, b.misled(p)
	m.mu.Lock()
	known, ok := m.finds[n]
	twice := m.atPool[n]
	m.atPool[n] = true
	m.mu.Unlock()
	switch {
	case twice:
		m.fault("share %d reached pool %s a second time", n, b.name)
	case !ok:
		m.fault("pool %s got share %d, which nobody has found", b.name, n)
	case misled:
	case known.pool != b.name:
		m.fault("pool %s got share %d of a job of pool %s", b.name, n, known.pool)
	case known.extranonce1 != binary.BigEndian.Uint32(first):
		m.fault("pool %s got share %d of extranonce1 %08x on the connection with %x", b.name, n, known.extranonce1, first)
	}
	b.mu.Lock()
	i := slices.IndexFunc(b.jobs, func(j *pow.Job) bool { return j.ID == s.JobID })
	if i < 0 {
		b.mu.Unlock()
		return &Rejection{Code: CodeJobNotFound, Reason: "job not found"}
	}
	j := *b.jobs[i]
	b.mu.Unlock()
	j.Extranonce1, j.Target = first, pow.TargetFromDifficulty(j.Algorithm, poolDifficulty)
	if _, ok := j.Check(s.Solution(&j)); !ok {
		if !misled {
			m.fault("pool %s: share %d does not meet its target", b.name, n)
		}
		return &Rejection{Code: CodeLowDifficulty, Reason: "low difficulty"}
	}
	return nil
}

// next makes a job, and tells all miners.
func (b *recorder) next(t testing.TB, number int) {
	j := slushJob(t)
	j.ID, j.Clean, j.Algorithm = fmt.Sprintf("%s-%d", b.name, number), number%5 == 0, hasher.SHA256d
	j.Time += uint32(number)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs = append(b.jobs, j); len(b.jobs) > 20 {
		b.jobs = b.jobs[1:]
	}
	for p := range b.peers {
		_ = p.Notify(j) // one that is leaving
	}
}
