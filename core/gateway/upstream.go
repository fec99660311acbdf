package gateway

import (
	"context"
	"slices"
	"strconv"
	"time"

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
	jobs     uint64 // numbers the jobs that devices get
	head     []byte // of job, for devices
	division division
	divided  bool // a device has shaped the division
	slots    slots
	devices  []*seat   // in the order in which they came
	empty    time.Time // since when there are none
	state    pow.State
}

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
	u.last = j
	if moved || j.Clean {
		u.slots.clean()
	}
	if !u.division.fits(j.Extranonce2Size) {
		u.divide(j)
	} else if moved && u.division.whole() {
		for _, s := range slices.Clone(u.devices) {
			u.reseat(s, s.slot)
		}
	}
	u.head = u.division.head(j)
	u.jobs++
	for _, s := range slices.Clone(u.devices) {
		s.offer(j.Clean || moved || other)
	}
}

// divide lays a new division over a pool that gives another number of bytes. Devices that cannot follow are sent away,
// and come back to it.
func (u *upstream) divide(j *pow.Job) {
	lanes := !slices.ContainsFunc(u.devices, func(s *seat) bool { return !s.lanes })
	u.division = divide(j.Extranonce2Size, lanes && len(u.devices) > 0)
	u.divided = len(u.devices) > 0
	u.slots = slots{total: u.division.slots()}
	for _, s := range slices.Clone(u.devices) {
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
	s.forget()
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
	if u.last != nil && (!u.divided || len(u.devices) == 0 && u.slots.next == 0) {
		u.division = divide(u.last.Extranonce2Size, lanes)
		u.slots = slots{total: u.division.slots()}
		u.head = u.division.head(u.last)
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
	return len(u.devices) == 0 && len(u.slots.dead) > 0 && u.division.whole()
}

// leave gives a place back. It is called with the lock.
func (u *upstream) leave(s *seat) {
	u.devices = slices.DeleteFunc(u.devices, func(o *seat) bool { return o == s })
	u.empty = u.g.now()
	if s.slot >= 0 {
		u.slots.leave(s.slot)
	}
}

// seat is one device's connection and its place. What is not said to be fixed is guarded by Gateway.mu.
type seat struct {
	g     *Gateway      // fixed
	peer  *stratum.Peer // fixed
	lanes bool          // fixed: it can do with little extranonce2
	up    *upstream     // fixed
	slot  int           // -1 once it has none
	diff  *difficulty

	device Device
	in     bool // authorized
	joined bool // the accounts know
	mask   uint32
	rolls  bool // mask is what the device was granted first
	jobs   map[string]*issued
	order  []string // ids of jobs, oldest first
	seen   map[*pow.Job]map[shareKey]struct{}
	work   []*pow.Job // keys of seen, oldest first
	again  uint32     // times that the newest of work was sent again
	bad    int        // shares in a row that did not count
	count  Counts
}

// issued is a job as a device got it.
type issued struct {
	job    *pow.Job // the pool's
	target pow.Target
	told   float64 // the difficulty that target was made from
	slot   int
	div    division
}

type shareKey struct {
	own                  [stratum.MaxExtranonce2]byte
	version, time, nonce uint32
}

const (
	maxIssued = 32   // jobs of a device that shares are taken for
	maxSeen   = 4096 // shares of a device that are taken for one job
	maxBad    = 200  // shares in a row that do not count, and the device is sent away
	maxAgain  = 60   // seconds that a job's time is moved on, so that it is another search
	maxAhead  = 7000 // seconds that a share's time may be ahead of its job's
)

// forget drops the jobs that a device has: none of its shares would be of use.
func (s *seat) forget() {
	clear(s.jobs)
	clear(s.seen)
	s.order, s.work = s.order[:0], s.work[:0]
}

// offer sends a device the present job, at the difficulty that suits it now. It is called with the lock. A device that
// does not read is dropped by its own connection.
func (s *seat) offer(clean bool) {
	j := s.up.job
	if j == nil || !s.in || s.slot < 0 || s.g.held[s.device.ID] {
		return
	}
	if clean {
		s.forget()
	}
	if len(s.order) == maxIssued {
		delete(s.jobs, s.order[0])
		s.order = append(s.order[:0], s.order[1:]...)
	}
	if len(s.work) == 0 || s.work[len(s.work)-1] != j {
		if len(s.work) == maxIssued {
			delete(s.seen, s.work[0])
			s.work = append(s.work[:0], s.work[1:]...)
		}
		s.work = append(s.work, j)
		s.seen[j] = map[shareKey]struct{}{}
		s.again = 0
	} else {
		s.again++
	}
	d, changed := s.diff.announce(s.g.now(), j)
	s.count.Difficulty = d
	s.mine(j)
	if changed && s.peer.SetDifficulty(d) != nil {
		return
	}
	told := *j
	// The number tells jobs apart, and the difficulties at which a device got one job.
	s.count.offers++
	told.ID = strconv.FormatUint(s.up.jobs, 16) + "." + strconv.FormatUint(s.count.offers, 16)
	told.Coinbase1, told.Clean = s.up.head, clean
	// A miner that gets its job again begins from the front; a second later that is another search.
	told.Time += min(s.again, maxAgain)
	s.jobs[told.ID] = &issued{job: j, target: pow.TargetFromDifficulty(j.Algorithm, d), told: d, slot: s.slot, div: s.up.division}
	s.order = append(s.order, told.ID)
	_ = s.peer.Notify(&told)
}

// mine lets the device roll the bits of a version that the pool lets us roll, of those that it was granted.
func (s *seat) mine(j *pow.Job) {
	if !s.rolls {
		s.mask, s.rolls = s.peer.VersionMask(), true
	}
	if want := s.mask & j.VersionMask; want != s.peer.VersionMask() {
		_ = s.peer.SetVersionMask(want) // it rolls none, or leaves
	}
}
