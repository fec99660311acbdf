package gateway

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// upstream is one connection to the pool, with the devices that share it. It is the connection's Handler. What is not
// said to be fixed is guarded by Gateway.mu.
type upstream struct {
	g      *Gateway // fixed
	index  int      // fixed
	source Source   // fixed
	cancel context.CancelFunc

	job      *pow.Job // the pool's last; nil while it is lost
	last     *pow.Job // the last that there was
	known    chan struct{}
	work     *work  // of job, for devices
	jobs     uint64 // numbers the jobs that devices get
	clean    uint64 // number of the last one that made those before it worthless
	division division
	divided  bool // a device has shaped the division
	slots    slots
	devices  []*seat   // in the order in which they came; nil where one has left
	left     int       // that many of devices are nil
	empty    time.Time // since when there are none
	state    pow.State
}

// work is a job of the pool made ready for devices. It is written once for all that get it for the first time.
type work struct {
	job    *pow.Job // the pool's
	number uint64
	limit  float64 // the highest difficulty for devices, in hashes
	head   []byte  // coinbase1 for devices
	div    division
	notice [2]stratum.Notice // as it first goes out: one more, and clean
	known  bool              // the pool's job before was the same
}

// alike reports whether two jobs are the same work: what is a share of one is a share of the other, whatever the pool
// calls them, and whichever connection they came on.
func alike(a, b *pow.Job) bool {
	return a.Prev == b.Prev && a.Bits == b.Bits && a.Version == b.Version && a.Extranonce2Size == b.Extranonce2Size &&
		bytes.Equal(a.Extranonce1, b.Extranonce1) && bytes.Equal(a.Coinbase1, b.Coinbase1) && bytes.Equal(a.Coinbase2, b.Coinbase2) &&
		slices.Equal(a.Branch, b.Branch)
}

// prepare makes a job ready. It is called with the lock.
func (u *upstream) prepare(j *pow.Job) {
	u.work = nil
	w := &work{job: j, number: u.jobs, limit: limit(j), head: u.division.head(j), div: u.division}
	for i, clean := range []bool{false, true} {
		notice, err := stratum.NewNotice(w.told(0, clean))
		if err != nil {
			return // devices wait for one that can be passed on
		}
		w.notice[i] = notice
	}
	u.work = w
}

// told is the job as a device gets it that has had it so many times before. The name tells jobs apart, and the
// difficulties at which a device got one. A miner that gets its job again begins from the front; a second later that is
// another search.
func (w *work) told(again uint32, clean bool) *pow.Job {
	told := *w.job
	told.ID = strconv.FormatUint(w.number, 16) + "." + strconv.FormatUint(uint64(again), 16)
	told.Coinbase1, told.Clean = w.head, clean
	told.Time += min(again, maxAgain)
	return &told
}

// span is how many devices are offered a job before others may have the lock.
const span = 256

// Job takes a job of the pool and hands it to all devices.
func (u *upstream) Job(j *pow.Job) {
	g := u.g
	g.mu.Lock()
	defer g.mu.Unlock()
	u.job = j
	if j == nil {
		return // devices wait, and what they find meanwhile is stale
	}
	moved := u.last == nil || !slices.Equal(u.last.Extranonce1, j.Extranonce1) || u.last.Extranonce2Size != j.Extranonce2Size
	other := u.last == nil || u.last.Conn != j.Conn
	if u.last == nil {
		close(u.known)
	}
	known := u.last != nil && alike(u.last, j)
	u.last = j
	if (moved || j.Clean) && !known {
		u.slots.clean()
	}
	if !u.division.fits(j.Extranonce2Size) {
		u.divide(j)
	} else if moved && u.division.whole() {
		for s := range u.here() {
			u.reseat(s, s.slot)
		}
	}
	u.jobs++
	if u.prepare(j); u.work != nil {
		u.work.known = known
	}
	clean := j.Clean || moved || other
	if clean {
		u.clean = u.jobs
	}
	// A share or a newcomer need not wait until all have it. Jobs of a connection come one after the other.
	for all := slices.Clone(u.devices); len(all) > 0 && u.job == j; {
		now, some := g.now(), all[:min(span, len(all))]
		for _, s := range some {
			if s != nil && s.number != u.jobs {
				s.offer(now, clean)
			}
		}
		all = all[len(some):]
		g.mu.Unlock()
		g.mu.Lock()
	}
}

// divide lays a new division over a pool that gives another number of bytes. Devices that cannot follow are sent away,
// and come back to it.
func (u *upstream) divide(j *pow.Job) {
	lanes := true
	for s := range u.here() {
		lanes = lanes && s.lanes
	}
	u.divided = u.count() > 0
	u.division = divide(j.Extranonce2Size, lanes && u.divided)
	u.slots = slots{total: u.division.slots()}
	for s := range u.here() {
		slot, ok := u.slots.take()
		if !ok {
			s.slot = -1
			s.peer.Close()
			continue
		}
		u.reseat(s, slot)
	}
}

// reseat gives a device another extranonce, or sends it away if it cannot take one.
func (u *upstream) reseat(s *seat, slot int) {
	s.slot = slot
	s.forget(nil)
	if s.peer.SetExtranonce(u.division.extranonce1(slot, u.last), u.division.own) != nil {
		s.peer.Close()
	}
}

// State takes a change of the connection.
func (u *upstream) State(s pow.State) {
	u.g.mu.Lock()
	u.state = s
	u.g.mu.Unlock()
	u.g.tell(Event{Upstream: u.index, State: &s})
}

// room takes a place for a device. It is called with the lock.
func (u *upstream) room(lanes bool) (slot int, ok bool) {
	if u.last != nil && (!u.divided || u.count() == 0 && u.slots.next == 0) {
		u.division = divide(u.last.Extranonce2Size, lanes)
		u.slots = slots{total: u.division.slots()}
		u.prepare(u.last)
	}
	if !u.division.serves(lanes) {
		return 0, false
	}
	if slot, ok = u.slots.take(); ok {
		u.divided = true
	}
	return slot, ok
}

// spent reports whether nobody is here, and nobody can come before there is new work.
func (u *upstream) spent() bool {
	return u.count() == 0 && len(u.slots.dead) > 0 && u.division.whole()
}

// count is how many devices are here.
func (u *upstream) count() int { return len(u.devices) - u.left }

// here are the devices, in the order in which they came.
func (u *upstream) here() iter.Seq[*seat] {
	return func(yield func(*seat) bool) {
		for _, s := range u.devices {
			if s != nil && !yield(s) {
				return
			}
		}
	}
}

// enter takes note of a device that has a place. It is called with the lock.
func (u *upstream) enter(s *seat) {
	s.at = len(u.devices)
	u.devices = append(u.devices, s)
}

// leave gives a place back. It is called with the lock.
func (u *upstream) leave(s *seat) {
	u.devices[s.at] = nil
	if u.left++; 2*u.left > len(u.devices) { // thousands that leave at once are moved up a few times, not each time
		u.devices, u.left = slices.DeleteFunc(u.devices, func(s *seat) bool { return s == nil }), 0
		for i, s := range u.devices {
			s.at = i
		}
	}
	u.empty = u.g.now()
	if s.slot >= 0 {
		u.slots.leave(s.slot, s.worked())
	}
}

// seat is one device's connection and its place. What is not said to be fixed is guarded by Gateway.mu.
type seat struct {
	g     *Gateway      // fixed
	peer  *stratum.Peer // fixed
	up    *upstream     // fixed
	lanes bool          // fixed: it can do with little extranonce2
	slot  int           // -1 once it has none
	at    int           // in the upstream's devices
	diff  difficulty

	target   pow.Target // of targetOf
	targetOf float64

	device Device
	in     bool   // authorized
	joined bool   // the accounts know
	mask   uint32 // what the device was granted
	rolls  uint32 // what is left of it, as the device was told
	jobs   []issued
	seen   []searched                   // of jobs
	number uint64                       // of the work that it got last
	again  uint32                       // times that it got that again
	bad    int                          // shares in a row that did not count
	other  map[hasher.Algorithm]float64 // how sure it is that the device mines that one; see another
	misfit bool                         // that was told
	count  Counts
}

// worked reports whether the device has had a job.
func (s *seat) worked() bool { return s.number > 0 }

// issued is a job as a device got it.
type issued struct {
	*work
	again uint32
	slot  int32
	told  float64 // its difficulty
}

// searched is what a device has found of one job of the pool, which may have been issued to it more than once.
type searched struct {
	job    *pow.Job
	shares map[shareKey]struct{}
}

func (f searched) of(j *pow.Job) bool { return f.job == j || alike(f.job, j) }

type shareKey struct {
	own                  [minOwn]byte
	version, time, nonce uint32
}

const (
	maxIssued = 32   // jobs of a device that shares are taken for
	maxSeen   = 4096 // shares of a device that are taken for one job
	maxBad    = 200  // shares in a row that do not count, and the device is sent away
	maxOther  = 32   // of them that are looked at for another algorithm
	sure      = 30   // bits: chance makes one of 2³⁰ devices look so
	maxAgain  = 60   // seconds that a job's time is moved on, so that it is another search
	maxAhead  = 7000 // seconds that a share's time may be ahead of its job's
)

// forget drops the jobs that a device has: none of its shares would be of use. What it has found of a job that it gets
// again stays known.
func (s *seat) forget(but *pow.Job) {
	clear(s.jobs)
	s.jobs = s.jobs[:0]
	s.seen = slices.DeleteFunc(s.seen, func(f searched) bool { return but == nil || !f.of(but) })
}

// find returns the job that a device got by that name.
func (s *seat) find(id string) (issued, bool) {
	number, again, ok := strings.Cut(id, ".")
	n, err1 := strconv.ParseUint(number, 16, 64)
	a, err2 := strconv.ParseUint(again, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return issued{}, false
	}
	for i := len(s.jobs) - 1; i >= 0; i-- {
		if w := s.jobs[i]; w.number == n && w.again == uint32(a) {
			return w, true
		}
	}
	return issued{}, false
}

// targetFor is what a share of a job must meet. It is kept, for many come at one difficulty.
func (s *seat) targetFor(w issued) pow.Target {
	if s.targetOf != w.told {
		s.target, s.targetOf = pow.TargetFromDifficulty(w.job.Algorithm, w.told), w.told
	}
	return s.target
}

// found returns what the device has found of a job so far.
func (s *seat) found(j *pow.Job) map[shareKey]struct{} {
	for _, f := range slices.Backward(s.seen) { // it is the newest, mostly
		if f.of(j) {
			return f.shares
		}
	}
	f := searched{job: j, shares: map[shareKey]struct{}{}}
	s.seen = append(s.seen, f)
	return f.shares
}

// issue takes note of a job that the device gets. The oldest makes room.
func (s *seat) issue(w issued) {
	if len(s.jobs) == maxIssued {
		s.jobs = slices.Delete(s.jobs, 0, 1)
		s.seen = slices.DeleteFunc(s.seen, func(f searched) bool {
			return !slices.ContainsFunc(s.jobs, func(w issued) bool { return f.of(w.job) })
		})
	}
	s.jobs = append(s.jobs, w)
}

// offer sends a device the present job, at the difficulty that suits it now. It is called with the lock. A device that
// does not read is dropped by its own connection.
func (s *seat) offer(now time.Time, clean bool) {
	j, w := s.up.job, s.up.work
	if j == nil || w == nil || w.job != j || !s.in || s.slot < 0 || s.g.held[s.device.ID] {
		return
	}
	if clean = clean || s.number < s.up.clean; clean {
		s.forget(j)
	}
	if s.again++; s.number != w.number && !w.known {
		s.again = 0
	}
	s.number = w.number
	d, changed := s.diff.announce(now, w.limit)
	s.count.Difficulty = d
	s.mine(j)
	if changed && s.peer.SetDifficulty(d) != nil {
		return
	}
	s.issue(issued{work: w, again: s.again, slot: int32(s.slot), told: d})
	if s.again > 0 {
		_ = s.peer.Notify(w.told(s.again, clean))
		return
	}
	notice := w.notice[0]
	if clean {
		notice = w.notice[1]
	}
	_ = s.peer.Post(notice)
}

// mine lets the device roll the bits of a version that the pool lets us roll, of those that it was granted.
func (s *seat) mine(j *pow.Job) {
	if now := s.peer.VersionMask(); now != s.rolls {
		s.mask, s.rolls = now, now // it has asked, perhaps again
	}
	if want := s.mask & j.VersionMask; want != s.rolls {
		s.rolls = want
		_ = s.peer.SetVersionMask(want) // it rolls none, or leaves
	}
}
