package home

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"goldpan/core/gateway"
	"goldpan/core/gateway/accounts"
	"goldpan/core/invite"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// door says which devices may mine here: gateway.Devices.
type door struct{ g *Gateway }

var _ gateway.Admitter = door{}

// Authorize knows a miner's program by its token, which it gives as its password.
func (d door) Authorize(_, password string) (gateway.Device, error) {
	device, err := d.g.gate.CheckToken(password)
	if err != nil {
		return gateway.Device{}, &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "the password is not the token of a device that was invited"}
	}
	return d.g.named(device.ID), nil
}

// Admit looks again whether a device that has proven itself is still one.
func (d door) Admit(device gateway.Device) error {
	if id, ok := parseID(device.ID); ok {
		if _, ok := d.g.register.mannersOf(id); ok {
			return nil
		}
	}
	return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "this device was removed"}
}

func (g *Gateway) named(id invite.ID) gateway.Device {
	m, _ := g.register.mannersOf(id)
	return gateway.Device{ID: text(id), Name: m.Name}
}

// ledger writes down what devices do: gateway.Accounts over an accounts.Book.
type ledger struct{ g *Gateway }

func (l ledger) Joined(d gateway.Device, _ time.Time) {
	l.g.book.Connect(d.ID)
	l.g.tell(Event{Kind: "joined", Device: d.ID, Name: d.Name})
}

func (l ledger) Left(d gateway.Device, _ time.Time) {
	l.g.book.Disconnect(d.ID)
	l.g.tell(Event{Kind: "left", Device: d.ID, Name: d.Name})
}

func (l ledger) Counted(d gateway.Device, s gateway.Share) {
	l.g.book.Add(accounts.Share{Device: d.ID, Result: accounts.Accepted, Credit: s.Target, Best: s.Difficulty, At: s.At})
	l.g.spend(d.ID, s.Target)
}

func (l ledger) Refused(d gateway.Device, at time.Time, code int) {
	result := accounts.Rejected
	if code == stratum.CodeJobNotFound {
		result = accounts.Stale
	}
	l.g.book.Add(accounts.Share{Device: d.ID, Result: result, At: at})
}

func (l ledger) Answered(_ gateway.Device, r pow.Result) {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	if r.Status >= 0 && int(r.Status) < len(l.g.results) {
		l.g.results[r.Status]++
	}
}

// limit keeps a device's hash rate down, on average over some minutes. A gateway cannot slow a machine; it can give it no
// work. So a device may do limitSpan's worth of hashes at once, and then waits, without work, until half of that is there
// again.
type limit struct {
	rate float64 // hashes a second
	left float64 // hashes that it may do now
	last time.Time
	rest bool // it waits
}

const limitSpan = time.Minute

func newLimit(rate float64, now time.Time) *limit {
	return &limit{rate: rate, left: rate * limitSpan.Seconds(), last: now}
}

// refill gives what the time has brought, and reports whether the device should rest.
func (l *limit) refill(now time.Time) bool {
	room := l.rate * limitSpan.Seconds()
	l.left = min(room, l.left+l.rate*max(0, now.Sub(l.last).Seconds()))
	l.last = now
	switch {
	case l.left <= 0:
		l.rest = true
	case l.left >= room/2:
		l.rest = false
	}
	return l.rest
}

// setLimit is for a device's limit in hashes a second; 0 is none.
func (g *Gateway) setLimit(id string, rate float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if rate > 0 {
		g.limits[id] = newLimit(rate, time.Now())
	} else {
		delete(g.limits, id)
	}
}

// spend takes note of a share's work, which counts.
func (g *Gateway) spend(id string, difficulty float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.misfits, id)
	if l := g.limits[id]; l != nil {
		l.left -= pow.TargetFromDifficulty(g.options.Algorithm, difficulty).Expected()
	}
}

// enforce lets those rest that have done enough, and those that a person paused.
func (g *Gateway) enforce() {
	now := time.Now()
	for _, d := range g.gate.Devices() {
		m, ok := g.register.mannersOf(d.ID)
		if !ok {
			continue
		}
		g.mu.Lock()
		l := g.limits[text(d.ID)]
		rest := l != nil && l.refill(now)
		g.mu.Unlock()
		g.core.Hold(text(d.ID), m.Paused || rest)
	}
}

// Device is all that a person may know of one.
type Device struct {
	ID      string
	Name    string
	Miner   bool // a program with a token; otherwise a page
	Joined  time.Time
	Removed time.Time // zero unless it was removed; its accounts stay

	Paused  bool
	Limit   float64 // hashes a second that it may do on average; 0: no limit
	Resting bool    // it has no work now, for its limit
	Misfit  string  // why none of its work counts, for people; "" while it counts, or nothing came yet

	Connected  bool
	Address    string  // from where, while it is connected
	Difficulty float64 // of its shares now
	Hashrate   float64 // as its shares show, in hashes a second: now, and over the last ten minutes while it is away

	Accepted, Stale, Rejected uint64
	Best                      float64
	BestAt                    time.Time
	Online                    time.Duration
	Last                      time.Time // share; zero before the first
	Part                      float64   // of the household's work in the last ten minutes, 0 to 1
}

// Invitation is one that is shown to a person. It prints without its link.
type Invitation struct {
	ID      string
	Name    string
	Expires time.Time
	link    string
}

// Format writes the invitation without its link, whatever the verb.
func (i Invitation) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "invitation %s of %q until %s", i.ID, i.Name, i.Expires.Format(time.RFC3339))
}

// Link is what the device opens. It is a secret for ten minutes, and empty in a list.
func (i Invitation) Link() string { return i.link }

// Upstream is one connection to the pool.
type Upstream struct {
	Pool       string
	State      string // connecting, mining or down
	Reason     string // why it is down
	Difficulty float64
}

// Snapshot is how the gateway stands.
type Snapshot struct {
	Upstreams []Upstream // the first is always there while the gateway runs
	Payee     invite.Payee
	Page      string // where devices find the page; "" for nowhere
	Stratum   []string
	Sealed    bool // the list of devices is sealed

	Devices     []Device // removed ones last
	Invitations []Invitation

	Hashrate                  float64 // of all that are here
	Connected                 int
	Accepted, Stale, Rejected uint64 // shares of devices, ever
	Sent, Taken               uint64 // to and by the pool, since the program began
	Uptime                    time.Duration
}

// Snapshot returns how the gateway stands now.
func (g *Gateway) Snapshot() Snapshot {
	core := g.core.Snapshot()
	o := g.options
	s := Snapshot{Payee: o.Payee, Page: g.page(), Stratum: g.stratum(), Sealed: o.Key != nil, Uptime: time.Since(g.begun)}
	g.mu.Lock()
	report, results, misfits := g.report, g.results, maps.Clone(g.misfits)
	resting := map[string]bool{}
	for id, l := range g.limits {
		resting[id] = l.rest
	}
	g.mu.Unlock()
	for _, n := range results {
		s.Sent += n
	}
	s.Taken = results[pow.Accepted]

	for _, u := range core.Upstreams {
		s.Upstreams = append(s.Upstreams, Upstream{Pool: u.Pool, State: u.Phase.String(), Reason: u.Reason, Difficulty: u.Difficulty})
	}
	known := map[string]accounts.Account{}
	for _, a := range report {
		known[a.Device] = a
		s.Accepted += a.Accepted
		s.Stale += a.Stale
		s.Rejected += a.Rejected
	}
	here := map[string]gateway.Connected{}
	for _, c := range core.Devices {
		here[c.ID] = c
		s.Hashrate += c.Hashrate
	}
	s.Connected = len(here)
	add := func(d Device) {
		if a, ok := known[d.ID]; ok {
			d.Accepted, d.Stale, d.Rejected, d.Best, d.BestAt = a.Accepted, a.Stale, a.Rejected, a.Best, a.BestAt
			d.Online, d.Last, d.Part, d.Hashrate = a.Online, a.Last, a.Part, a.Hashrate
			delete(known, d.ID)
		}
		if c, ok := here[d.ID]; ok {
			d.Connected, d.Address, d.Difficulty, d.Hashrate = true, c.Address, c.Counts.Difficulty, c.Counts.Hashrate
			d.Best = max(d.Best, c.Best)
		}
		s.Devices = append(s.Devices, d)
	}
	for _, d := range g.gate.Devices() {
		m, _ := g.register.mannersOf(d.ID)
		id := text(d.ID)
		add(Device{ID: id, Name: m.Name, Miner: d.From == invite.ID{}, Joined: d.Joined, Paused: m.Paused, Limit: m.Limit, Resting: resting[id], Misfit: misfits[id]})
	}
	removed := g.register.removed()
	var past []string
	for id := range known {
		past = append(past, id)
	}
	slices.Sort(past)
	for _, id := range past {
		was, ok := removed[id]
		if !ok {
			was = gone{Name: "a device of long ago", At: known[id].Last}
		}
		add(Device{ID: id, Name: was.Name, Removed: was.At})
	}
	for _, i := range g.gate.Invitations() {
		s.Invitations = append(s.Invitations, Invitation{ID: text(i.ID), Name: g.register.nameOfInvitation(i.ID), Expires: i.Expires})
	}
	return s
}

// Invite makes an invitation for one device, under that name; under the next free one if it is empty. Errors are
// ErrNoPage, ErrName, invite.ErrFull, and those of the disk.
func (g *Gateway) Invite(name string) (Invitation, error) {
	if g.page() == "" {
		return Invitation{}, ErrNoPage
	}
	if name = strings.TrimSpace(name); name != "" {
		if err := checkName(name); err != nil {
			return Invitation{}, err
		}
	}
	i, err := g.gate.Invite(g.origin())
	if err != nil {
		return Invitation{}, err
	}
	if name != "" {
		if err := g.register.nameInvitation(i.ID, name); err != nil { // nobody will see it
			return Invitation{}, errors.Join(err, g.gate.Withdraw(i.ID))
		}
	}
	return Invitation{ID: text(i.ID), Name: g.register.nameOfInvitation(i.ID), Expires: i.Expires, link: i.Link()}, nil
}

// Withdraw ends an invitation that nobody has used. Errors are ErrNoDevice if there is none, and those of the disk, after
// which it is ended as long as the program runs.
func (g *Gateway) Withdraw(id string) error {
	parsed, ok := parseID(id)
	if !ok {
		return ErrNoDevice
	}
	err := g.gate.Withdraw(parsed)
	if errors.Is(err, invite.ErrUnknown) {
		return ErrNoDevice
	}
	return err
}

// Token makes a device of a miner's program that knows no invitations. token is what it gives as its Stratum password; it
// is shown this once. Errors are ErrName, invite.ErrFull, and those of the disk.
func (g *Gateway) Token(name string) (d Device, token string, err error) {
	if name = strings.TrimSpace(name); name != "" {
		if err := checkName(name); err != nil {
			return Device{}, "", err
		}
	}
	made, token, err := g.gate.IssueToken()
	if err != nil {
		return Device{}, "", err
	}
	if name != "" {
		if err := g.register.decide(made.ID, func(m *manners) { m.Name = name }); err != nil { // nobody will see its token
			return Device{}, "", errors.Join(err, g.gate.Remove(made.ID))
		}
	}
	return Device{ID: text(made.ID), Name: g.named(made.ID).Name, Miner: true, Joined: made.Joined}, token, nil
}

// Remove ends a device's stay, named by its id, the beginning of it, or its name: its credential is worth nothing from
// now on, its connection ends. Its accounts stay, marked as removed. Errors are ErrNoDevice, ErrSeveral, and those of the
// disk, after which it has not been removed.
func (g *Gateway) Remove(device string) (Device, error) {
	id, err := g.register.find(device)
	if err != nil {
		return Device{}, err
	}
	d := g.named(id)
	if err := g.gate.Remove(id); err != nil {
		return Device{}, err
	}
	g.setLimit(d.ID, 0)
	g.core.Hold(d.ID, true) // also one that is just coming in
	g.core.Drop(d.ID)
	return Device{ID: d.ID, Name: d.Name, Removed: time.Now()}, nil
}

// Rename gives a device another name.
func (g *Gateway) Rename(device, name string) (Device, error) {
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return Device{}, err
	}
	return g.decide(device, func(m *manners) { m.Name = name })
}

// Pause lets a device rest until it is called with false: its connection ends, and when it comes again it gets no work.
func (g *Gateway) Pause(device string, on bool) (Device, error) {
	return g.decide(device, func(m *manners) { m.Paused = on })
}

// Limit bounds a device's hash rate, in hashes a second, on average over a few minutes; 0 bounds it no more. It is kept
// by giving the device no work for a while: between its rests it hashes as fast as it can.
func (g *Gateway) Limit(device string, rate float64) (Device, error) {
	if !(rate >= 0) || rate > 1e21 {
		return Device{}, ErrLimit
	}
	return g.decide(device, func(m *manners) { m.Limit = rate })
}

func (g *Gateway) decide(device string, change func(*manners)) (Device, error) {
	id, err := g.register.find(device)
	if err != nil {
		return Device{}, err
	}
	before, _ := g.register.mannersOf(id)
	if err := g.register.decide(id, change); err != nil {
		return Device{}, err
	}
	m, _ := g.register.mannersOf(id)
	if m.Limit != before.Limit {
		g.setLimit(text(id), m.Limit)
	}
	g.enforce()
	return Device{ID: text(id), Name: m.Name, Paused: m.Paused, Limit: m.Limit}, nil
}
