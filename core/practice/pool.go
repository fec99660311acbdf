//go:build !js

package practice

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
	"goldpan/core/vardiff"
)

const (
	jobInterval   = 15 * time.Second
	maxTimeAhead  = 600  // seconds that a share's time may be ahead of the chain's
	maxJobs       = 64   // jobs of one device that shares are taken for
	maxJobShares  = 4096 // shares taken for one job
	maxWorkerName = 64
	maxWorkers    = 32 // of one device

	// versionMask has the bits of a version that devices may roll: those that BIP 320 leaves to miners, but for
	// bit 28, by which the chain's rules vote on a change for tests.
	versionMask uint32 = 0x0fffe000

	keepFor = 2 * time.Minute // that a lost device's jobs are kept for it
	maxKept = 256
)

// outlet is a device's connection, as far as the pool writes to it.
type outlet interface {
	SetDifficulty(d float64) error
	Notify(j *pow.Job) error
	VersionMask() uint32 // the bits of a version that the device may roll now
}

// pool hands out work on the tip of the chain and takes shares for it. Its
// methods are safe for concurrent use.
type pool struct {
	chain  *chain
	payout string // the address of devices that name none, or ""
	now    func() time.Time
	opened time.Time
	events func(Event)

	// blockMu orders what follows a new block: the event, the next jobs.
	blockMu sync.Mutex

	mu      sync.Mutex
	miners  map[*miner]struct{}
	kept    map[string]kept // devices that were lost, by their session
	current *template
	changes uint64 // of the chain and the memory pool that current knows
	jobs    uint64
	peers   uint32
	broken  error // why blocks cannot be kept any more
}

// miner is one device: one connection, mining for one address.
type miner struct {
	out outlet

	// Guarded by pool.mu.
	extranonce1 []byte
	users       map[string]struct{}
	address     string
	worker      string
	script      []byte
	difficulty  *vardiff.Vardiff
	told        float64 // the difficulty last announced
	issued      map[string]*issued
	order       []string // ids of issued, oldest first
}

// kept is a device that may come back.
type kept struct {
	miner *miner
	lost  time.Time
}

type issued struct {
	job      *pow.Job
	template *template
	seen     map[shareKey]struct{}
}

type shareKey struct {
	extranonce2          [extranonce2Size]byte
	version, time, nonce uint32
}

func newPool(c *chain, payout string, now func() time.Time, events func(Event)) *pool {
	if events == nil {
		events = func(Event) {}
	}
	return &pool{chain: c, payout: payout, now: now, opened: now(), events: events, miners: map[*miner]struct{}{}, kept: map[string]kept{}}
}

// perDifficulty is how many hashes a share of difficulty 1 takes on average.
func perDifficulty(a hasher.Algorithm) float64 {
	return pow.TargetFromDifficulty(a, 1).Expected()
}

// startRate is the first guess of a device's hash rate. It is low, because a
// device that is slower than the guess waits, and one that is faster only
// sends a few shares more.
func startRate(a hasher.Algorithm) float64 {
	if a == hasher.Scrypt {
		return 2e3
	}
	return 25e3
}

// join begins a device's subscription and gives it its extranonce1.
func (p *pool) join(out outlet) *miner {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peers++
	m := &miner{
		out:         out,
		extranonce1: extranonce1(p.peers),
		users:       map[string]struct{}{},
		difficulty:  vardiff.New(p.now(), startRate(p.chain.algorithm)),
		issued:      map[string]*issued{},
	}
	p.miners[m] = struct{}{}
	return m
}

// leave takes note that a device is lost. It may come back for its jobs.
func (p *pool) leave(m *miner, session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.miners, m)
	now := p.now()
	for name, k := range p.kept {
		if now.Sub(k.lost) > keepFor {
			delete(p.kept, name)
		}
	}
	if m.script != nil && len(p.kept) < maxKept {
		p.kept[session] = kept{m, now}
	}
}

// resume gives a device that was lost its extranonce and its jobs back, once it has logged in again; nil if there is
// none of that session.
func (p *pool) resume(out outlet, session string) *miner {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.kept[session]
	if !ok || p.now().Sub(k.lost) > keepFor {
		return nil
	}
	delete(p.kept, session)
	m := k.miner
	m.out, m.users, m.script, m.told = out, map[string]struct{}{}, nil, 0
	p.miners[m] = struct{}{}
	return m
}

// authorize lets a device mine for the address in its user name, or for the
// network's own if that names none, and sends it its first job.
func (p *pool) authorize(m *miner, user string) error {
	addr, worker, _ := strings.Cut(user, ".")
	if addr == "" {
		addr = p.payout
	}
	if len(worker) > maxWorkerName {
		return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "the worker name is too long"}
	}
	script, err := p.chain.coin.Script(addr)
	switch {
	case errors.Is(err, coin.ErrWrongNetwork):
		return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "the user name is an address of another network; practice coins go to practice addresses only"}
	case err != nil:
		return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "the user name must be a practice address, with or without .worker behind it"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.script != nil && m.address != addr {
		return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "this connection already mines for another address"}
	}
	if _, again := m.users[user]; !again && len(m.users) >= maxWorkers {
		return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "too many workers on one connection"}
	}
	m.users[user] = struct{}{}
	if m.script != nil {
		return nil
	}
	again := m.address == addr // and its jobs are good still
	m.address, m.worker, m.script = addr, worker, script
	if p.current == nil {
		if err := p.renew(); err != nil {
			return err
		}
	}
	return p.send(m, !again)
}

// suggest takes a device's own idea of its difficulty as the first guess.
func (p *pool) suggest(m *miner, d float64) {
	if !(d > 0) || math.IsInf(d, 0) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.difficulty.Shares() > 0 {
		return // what it proved counts for more
	}
	rate := d * perDifficulty(p.chain.algorithm) / vardiff.Interval.Seconds()
	m.difficulty.Restart(p.now(), min(rate, 1e12))
	if m.script != nil && p.current != nil {
		_ = p.send(m, false)
	}
}

// renew makes a template on the tip; p.mu is held.
func (p *pool) renew() error {
	changes, _ := p.chain.index.wait()
	t, err := p.chain.template()
	if err != nil {
		return fmt.Errorf("make work: %w", err)
	}
	tmpl, err := newTemplate(t, p.now())
	if err != nil {
		return fmt.Errorf("make work: %w", err)
	}
	p.current, p.changes = tmpl, changes
	return nil
}

// send gives a device a job of the current template, at the difficulty that
// suits it now; p.mu is held.
func (p *pool) send(m *miner, clean bool) error {
	a, t := p.chain.algorithm, p.current
	unit := perDifficulty(a)
	// A hair easier than the block, so that rounding on the device's side
	// cannot make it drop a block.
	limit := t.target.Expected() * (1 - 1e-9)
	hashes, _ := m.difficulty.Next(p.now(), limit)
	d := hashes / unit
	target := pow.TargetFromDifficulty(a, d)

	before, after, err := t.coinbase(m.script)
	if err != nil {
		return err
	}
	p.jobs++
	job := &pow.Job{
		ID:              strconv.FormatUint(p.jobs, 16),
		Algorithm:       a,
		Prev:            t.prev,
		Coinbase1:       before,
		Coinbase2:       after,
		Branch:          t.branch,
		Version:         uint32(t.block.Header.Version),
		Bits:            t.block.Header.Bits,
		Time:            t.time,
		Clean:           clean,
		Extranonce1:     m.extranonce1,
		Extranonce2Size: extranonce2Size,
		Target:          target,
		Difficulty:      d,
	}
	if clean {
		clear(m.issued)
		m.order = m.order[:0]
	}
	if len(m.order) == maxJobs {
		delete(m.issued, m.order[0])
		m.order = append(m.order[:0], m.order[1:]...)
	}
	m.issued[job.ID] = &issued{job: job, template: t, seen: map[shareKey]struct{}{}}
	m.order = append(m.order, job.ID)
	m.difficulty.Announced(hashes)
	if d != m.told {
		m.told = d
		if err := m.out.SetDifficulty(d); err != nil {
			return err
		}
	}
	return m.out.Notify(job)
}

// tick does what is due: new work when transactions or time ask for it, and an
// easier job for a device from which nothing comes. An error ends the network:
// it is better seen than a chain that stands still.
func (p *pool) tick() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return p.broken
	}
	if len(p.miners) == 0 || p.current == nil {
		return nil
	}
	stale := pow.Hash(p.chain.tip().Hash) != p.current.prev
	changes, _ := p.chain.index.wait()
	if stale || changes != p.changes || p.now().Sub(p.current.made) >= jobInterval {
		if err := p.renew(); err != nil {
			return err
		}
		p.sendAll(stale)
		return nil
	}
	limit := p.current.target.Expected()
	for m := range p.miners {
		if m.script == nil {
			continue
		}
		if _, atOnce := m.difficulty.Next(p.now(), limit); atOnce {
			_ = p.send(m, false)
		}
	}
	return nil
}

// sendAll gives every device a job; p.mu is held. A device that cannot take it
// is dropped by its own connection.
func (p *pool) sendAll(clean bool) {
	for m := range p.miners {
		if m.script != nil {
			_ = p.send(m, clean)
		}
	}
}

// submit judges a share. Nil is an accepted one; the rest are
// *stratum.Rejection.
func (p *pool) submit(m *miner, s stratum.Submission) error {
	work, solution, err := p.admit(m, s)
	if err != nil {
		return err
	}
	job := work.job
	hash := job.Header(solution).PoWHash(job.Algorithm)
	if !job.Target.Met(hash) {
		return &stratum.Rejection{Code: stratum.CodeLowDifficulty, Reason: "low difficulty share"}
	}
	p.credit(m, job)
	if !work.template.target.Met(hash) {
		return nil
	}
	_, worker, _ := strings.Cut(s.User, ".")
	return p.found(m, work, solution, worker)
}

// admit finds the job of a share and refuses what needs no hashing to refuse.
func (p *pool) admit(m *miner, s stratum.Submission) (*issued, pow.Solution, error) {
	refuse := func(code int, reason string) (*issued, pow.Solution, error) {
		return nil, pow.Solution{}, &stratum.Rejection{Code: code, Reason: reason}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := m.users[s.User]; !ok {
		return refuse(stratum.CodeUnauthorized, "unauthorized worker")
	}
	work := m.issued[s.JobID]
	if work == nil || work.template.prev != pow.Hash(p.chain.tip().Hash) {
		return refuse(stratum.CodeJobNotFound, "job not found")
	}
	mask := m.out.VersionMask()
	switch {
	case len(s.Extranonce2) != extranonce2Size:
		return refuse(stratum.CodeOther, "extranonce2 has the wrong size")
	case s.Version != nil && *s.Version&^mask != 0:
		return refuse(stratum.CodeOther, "these bits of the version must not be rolled")
	case s.Time < work.job.Time || int64(s.Time) > p.chain.clock.AdjustedTime().Unix()+maxTimeAhead:
		return refuse(stratum.CodeOther, "time out of range")
	}
	job := *work.job
	job.VersionMask = mask
	solution := s.Solution(&job)
	key := shareKey{[extranonce2Size]byte(s.Extranonce2), solution.Version, s.Time, s.Nonce}
	if _, ok := work.seen[key]; ok {
		return refuse(stratum.CodeDuplicate, "duplicate share")
	}
	if len(work.seen) == maxJobShares {
		return refuse(stratum.CodeOther, "too many shares for one job")
	}
	work.seen[key] = struct{}{}
	return work, solution, nil
}

// credit counts an accepted share and changes the difficulty if it is far off.
func (p *pool) credit(m *miner, job *pow.Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	m.difficulty.Share(now, job.Target.Expected())
	if _, ok := p.miners[m]; !ok || p.current == nil {
		return
	}
	if _, atOnce := m.difficulty.Next(now, p.current.target.Expected()); atOnce {
		_ = p.send(m, false)
	}
}

// found hands a block to the chain, tells of it and sends everybody on.
func (p *pool) found(m *miner, work *issued, s pow.Solution, worker string) error {
	block, err := work.template.solved(work.job, s)
	if err != nil {
		return &stratum.Rejection{Code: stratum.CodeOther, Reason: "the block could not be put together"}
	}
	p.blockMu.Lock()
	defer p.blockMu.Unlock()
	height, err := p.chain.submit(block)
	switch {
	case errors.Is(err, errStaleBlock):
		return &stratum.Rejection{Code: stratum.CodeJobNotFound, Reason: "another block came first"}
	case errors.Is(err, errWrite):
		p.mu.Lock()
		p.broken = err
		p.mu.Unlock()
		return &stratum.Rejection{Code: stratum.CodeOther, Reason: "the block could not be kept"}
	case err != nil:
		return &stratum.Rejection{Code: stratum.CodeOther, Reason: "the chain did not take the block"}
	}
	p.mu.Lock()
	if err := p.renew(); err == nil {
		p.sendAll(true)
	}
	p.mu.Unlock()
	p.events(Event{
		Height: height,
		Hash:   pow.Hash(block.BlockHash()),
		Payee:  m.address,
		Worker: worker,
		Time:   block.Header.Timestamp.UTC(),
	})
	return nil
}

// measured is what all devices do together, as their shares show.
type measured struct {
	rate    float64 // hashes a second
	devices int
	watched time.Duration // how long the first of them has mined, or none has
	sure    bool          // they have been watched long enough to say anything of it
}

// sureAfter is how long a device is watched before its rate counts as known.
const sureAfter = 20 * time.Second

func (p *pool) measure() (all measured) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for m := range p.miners {
		if m.script == nil {
			continue
		}
		all.devices++
		m.difficulty.Advance(now)
		if m.difficulty.Shares() > 0 {
			all.rate += m.difficulty.Rate()
		}
		begun, fresh := m.difficulty.Since()
		watched := now.Sub(begun)
		all.watched = max(all.watched, watched)
		all.sure = all.sure || fresh > 3 && watched > sureAfter
	}
	if all.devices == 0 {
		all.watched = now.Sub(p.opened)
	}
	return all
}
