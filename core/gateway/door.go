package gateway

import (
	"fmt"
	"math"
	"slices"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// door is the Backend of one kind of device. It keeps the seat in the peer's Data.
type door struct {
	g      *Gateway
	lanes  bool
	proven *Device // who it is, where that is known before; nil: Devices is asked
}

var (
	_ stratum.Backend       = door{}
	_ stratum.VersionRoller = door{}
)

func refuse(code int, reason string) error { return &stratum.Rejection{Code: code, Reason: reason} }

func (d door) Connected(*stratum.Peer) {}

// VersionMask lets a device roll what the pool lets us roll.
func (d door) VersionMask(p *stratum.Peer) uint32 {
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	if s, ok := p.Data.(*seat); ok && s.up.last != nil {
		return s.up.last.VersionMask
	}
	for _, u := range d.g.upstreams {
		if u.last != nil {
			return u.last.VersionMask
		}
	}
	return 0x1fffe000 // of BIP 320; the first job takes away what the pool does not allow
}

// Subscribe gives a device its place.
func (d door) Subscribe(p *stratum.Peer, _ string) ([]byte, int, error) {
	g := d.g
	timer := time.NewTimer(g.cfg.Patience)
	defer timer.Stop()
	tired := false
	for {
		first, size, known := g.seat(p, d.lanes, tired)
		switch {
		case first != nil:
			return first, size, nil
		case known == nil || tired:
			return nil, 0, refuse(stratum.CodeOther, "no room for another device now")
		}
		select {
		case <-known:
		case <-timer.C:
			tired = true
		case <-g.over:
			return nil, 0, refuse(stratum.CodeOther, "the gateway is closing")
		}
	}
}

// seat finds a place for a device, and opens another connection to the pool if there is none. Where a connection is
// still to be made, known ends when it is; unless the device is tired of waiting.
func (g *Gateway) seat(p *stratum.Peer, lanes, tired bool) (first []byte, size int, known <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var pending *upstream
	for _, u := range g.upstreams {
		if u.last == nil && !tired {
			pending = u
			continue
		}
		if slot, ok := u.room(lanes); ok {
			first, size = g.sit(p, lanes, u, slot)
			return first, size, nil
		}
	}
	if pending != nil {
		return nil, 0, pending.known
	}
	spent := slices.IndexFunc(g.upstreams, (*upstream).spent)
	if g.open == nil || tired || g.now().Before(g.enough) || len(g.upstreams) >= g.cfg.MaxUpstreams && spent < 0 {
		first, size = g.displace(p, lanes)
		return first, size, nil
	}
	if len(g.upstreams) >= g.cfg.MaxUpstreams {
		g.upstreams[spent].cancel() // its search space is used up until the next block; a new one is fresh
		g.upstreams = slices.Delete(g.upstreams, spent, spent+1)
	}
	return nil, 0, g.add().known
}

// sit gives a device a place. It is called with the lock.
func (g *Gateway) sit(p *stratum.Peer, lanes bool, u *upstream, slot int) (first []byte, size int) {
	s := &seat{
		g: g, peer: p, lanes: lanes, up: u, slot: slot,
		diff: newDifficulty(g.now(), g.cfg.Algorithm, startRate(g.cfg.Algorithm)),
	}
	u.enter(s)
	p.Data = s
	return u.division.extranonce1(slot, u.last), u.division.own
}

// displace gives a device the place of one that has not said yet who it is: those who were never invited cannot take all
// places by asking for one. It is called with the lock.
func (g *Gateway) displace(p *stratum.Peer, lanes bool) (first []byte, size int) {
	for _, u := range g.upstreams {
		if u.last == nil || !u.division.serves(lanes) {
			continue
		}
		for s := range u.here() {
			if !s.in && s.slot >= 0 && !s.worked() {
				slot := s.slot
				s.slot = -1
				s.peer.Close()
				return g.sit(p, lanes, u, slot)
			}
		}
	}
	return nil, 0
}

// Authorize lets a device mine, and sends it its first job.
func (d door) Authorize(p *stratum.Peer, user, password string) error {
	g := d.g
	s, ok := p.Data.(*seat)
	if !ok {
		return refuse(stratum.CodeNotSubscribed, "subscribe first")
	}
	device, err := d.identify(user, password)
	if err != nil {
		return err
	}
	joined, err := g.admit(s, device)
	if err != nil || !joined {
		return err
	}
	g.cfg.Accounts.Joined(device, g.now())
	if to := g.cfg.Payee; to.Name != "" || to.Address != "" {
		_ = p.ShowMessage(fmt.Sprintf("You mine for %s, paid to %s", to.Name, to.Address))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.joined = true
	s.offer(g.now(), true)
	return nil
}

// admit takes note of who a connection belongs to, and reports whether that is new.
func (g *Gateway) admit(s *seat, device Device) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.in {
		if s.device.ID != device.ID {
			return false, refuse(stratum.CodeUnauthorized, "this connection belongs to another device")
		}
		return false, nil
	}
	before := g.devices[device.ID]
	if before == nil && len(g.devices) >= g.cfg.MaxDevices {
		return false, refuse(stratum.CodeUnauthorized, "the gateway has as many devices as it takes")
	}
	if before != nil {
		before.peer.Close() // it came back before its old connection was seen to be dead
	}
	s.device, s.in = device, true
	g.devices[device.ID] = s
	if rate, ok := g.rates[device.ID]; ok && s.diff.Shares() == 0 {
		s.diff.Restart(g.now(), rate)
	}
	return true, nil
}

// SuggestDifficulty takes a device's own idea as the first guess, unless it is known from before how quick it is.
func (d door) SuggestDifficulty(p *stratum.Peer, value float64) {
	s, ok := p.Data.(*seat)
	if !ok {
		return
	}
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	if s.in && d.g.rates[s.device.ID] > 0 {
		return
	}
	if s.diff.suggest(d.g.now(), value) && s.in {
		s.offer(d.g.now(), false)
	}
}

// Disconnected gives a device's place back.
func (d door) Disconnected(p *stratum.Peer) {
	s, ok := p.Data.(*seat)
	if !ok {
		return
	}
	g := d.g
	g.mu.Lock()
	s.up.leave(s)
	if g.devices[s.device.ID] == s {
		delete(g.devices, s.device.ID)
	}
	if s.diff.Shares() > 0 && (len(g.rates) < maxRates || g.rates[s.device.ID] > 0) {
		g.rates[s.device.ID] = s.diff.Rate()
	}
	joined := s.joined
	s.in = false
	g.mu.Unlock()
	if joined {
		g.cfg.Accounts.Left(s.device, g.now())
	}
}

// Submit judges a share. The device has the gateway's own verdict at once: the share was checked as the pool would, and
// what the pool makes of it, which may take long and depends on the line, is between the person and the pool.
func (d door) Submit(p *stratum.Peer, sub stratum.Submission) error {
	s, ok := p.Data.(*seat)
	if !ok {
		return refuse(stratum.CodeNotSubscribed, "subscribe first")
	}
	g := d.g
	share, work, err := s.check(sub)
	if err != nil {
		g.mu.Lock()
		s.count.Refused++
		if s.up.job != nil { // without a pool nothing can count, and that is not the device's fault
			s.bad++
		}
		m := Misfit{Device: s.device, Mines: s.mines(), Refused: s.bad, Counted: s.count.Shares}
		tell := s.joined && !s.misfit && (m.Mines != "" || s.bad >= maxBad)
		s.misfit = s.misfit || tell
		if s.bad >= maxBad {
			p.Close()
		}
		g.mu.Unlock()
		if tell {
			if m.Mines != "" {
				_ = p.ShowMessage(fmt.Sprintf("You mine %s and this gateway takes %s: none of your work counts", m.Mines, g.cfg.Algorithm))
			}
			g.tell(Event{Upstream: s.up.index, Misfit: &m})
		}
		if r, ok := err.(*stratum.Rejection); ok {
			g.cfg.Accounts.Refused(s.device, g.now(), r.Code)
		}
		return err
	}
	send := work.job.Target.Met(share.Hash)
	s.credit(share, work)
	g.cfg.Accounts.Counted(s.device, Share{At: g.now(), Target: work.told, Difficulty: share.Difficulty, Sent: send})
	if send {
		s.up.source.Submit(share, func(r pow.Result) {
			g.cfg.Accounts.Answered(s.device, r)
			if r.Status != pow.Accepted {
				g.tell(Event{Upstream: s.up.index, Result: &r})
			}
		})
	}
	return nil
}

// check finds out what a share is worth. The hash is made without the lock.
func (s *seat) check(sub stratum.Submission) (pow.Share, issued, error) {
	work, target, solution, err := s.admit(sub)
	if err != nil {
		return pow.Share{}, work, err
	}
	header := work.job.Header(solution)
	hash := header.PoWHash(work.job.Algorithm)
	if !target.Met(hash) {
		s.another(header, work)
		return pow.Share{}, work, refuse(stratum.CodeLowDifficulty, "low difficulty share")
	}
	return pow.Share{Job: work.job, Solution: solution, Hash: hash, Difficulty: s.diff.reached(hash)}, work, nil
}

// another looks whether a share that is none here is one by another algorithm. A device that mines that one meets its
// target with every share; each that chance would seldom make so is that much surer.
func (s *seat) another(header pow.Header, work issued) {
	s.g.mu.Lock()
	look := s.count.Shares == 0 && s.bad < maxOther
	s.g.mu.Unlock()
	if !look {
		return
	}
	for _, a := range hasher.Algorithms() {
		if a == work.job.Algorithm {
			continue
		}
		target := pow.TargetFromDifficulty(a, work.told)
		bits := math.Log2(target.Expected())
		if !target.Met(header.PoWHash(a)) {
			bits = math.Inf(-1) // for good
		}
		s.g.mu.Lock()
		if s.other == nil {
			s.other = map[hasher.Algorithm]float64{}
		}
		s.other[a] += bits
		s.g.mu.Unlock()
	}
}

// mines is the other algorithm that the device mines, once that is sure. It is called with the lock.
func (s *seat) mines() hasher.Algorithm {
	for a, bits := range s.other {
		if bits >= sure {
			return a
		}
	}
	return ""
}

// admit refuses what needs no hashing to refuse.
func (s *seat) admit(sub stratum.Submission) (issued, pow.Target, pow.Solution, error) {
	fail := func(code int, reason string) (issued, pow.Target, pow.Solution, error) {
		return issued{}, pow.Target{}, pow.Solution{}, refuse(code, reason)
	}
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	work, ok := s.find(sub.JobID)
	if !s.in || !ok || s.up.job == nil || s.up.job.Conn != work.job.Conn || work.number < s.up.clean {
		return fail(stratum.CodeJobNotFound, "job not found")
	}
	extranonce2 := work.div.extranonce2(int(work.slot), sub.Extranonce2, work.job)
	if extranonce2 == nil {
		return fail(stratum.CodeOther, "wrong size of extranonce2")
	}
	if sub.Version != nil && *sub.Version&^work.job.VersionMask != 0 {
		return fail(stratum.CodeOther, "version bits outside the mask")
	}
	if sub.Time < work.job.Time || sub.Time-work.job.Time > maxAhead {
		return fail(stratum.CodeOther, "time out of range")
	}
	// Only what the device was granted counts, as it hashes it.
	granted := *work.job
	granted.VersionMask &= s.peer.VersionMask()
	solution := sub.Solution(&granted)
	solution.Extranonce2 = extranonce2
	key := shareKey{version: solution.Version, time: sub.Time, nonce: sub.Nonce}
	copy(key.own[:], sub.Extranonce2)
	seen := s.found(work.job)
	if _, twice := seen[key]; twice {
		return fail(stratum.CodeDuplicate, "duplicate share")
	}
	if len(seen) >= maxSeen {
		return fail(stratum.CodeOther, "too many shares for one job")
	}
	seen[key] = struct{}{}
	return work, s.targetFor(work), solution, nil
}

// credit counts a share, and changes the difficulty if it is far off.
func (s *seat) credit(share pow.Share, work issued) {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	now := s.g.now()
	s.bad = 0
	s.count.Shares++
	s.count.Work += work.told
	s.count.Best = max(s.count.Best, share.Difficulty)
	s.diff.Share(now, work.told*s.diff.unit)
	if s.in && s.up.job != nil && s.up.work != nil && s.diff.due(now, s.up.work.limit) {
		s.offer(now, false)
	}
}
