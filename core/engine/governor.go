package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// cause is which rule lets the lanes rest. They stand in the order in which they
// are told: of several that forbid mining, the first is named.
type cause int

const (
	none cause = iota
	closed
	onBattery
	lowBattery
	hot
	overWatts
	active
	othersBusy
)

// Times and distances that keep the governor from changing its mind too often.
const (
	// minPause is the shortest pause: it bounds how often mining stops and starts.
	minPause = 10 * time.Second
	// wattsPause is longer, because our own draw is gone from what is measured then.
	wattsPause = time.Minute
	// strained is how long a limit that slowing down does not keep is borne.
	strained = 30 * time.Second
	// othersPatience is how long other programs must be busy: a page that loads is no reason.
	othersPatience = 3 * time.Second
	// othersCalm is how long they must have been quiet again.
	othersCalm = 20 * time.Second
	quiet      = 0.7 // of Rules.OthersPercent: below it they are quiet

	chargeMargin = 3.0  // percent above the floor to mine again
	coolMargin   = 5.0  // °C under the limit to mine again
	calmMargin   = 2.0  // °C under the limit to go faster again
	hotMargin    = 10.0 // °C over the limit to stop at once
	wattsMargin  = 0.8  // of the limit to mine again
	wattsCalm    = 0.95 // of the limit to go faster again

	floor   = 0.1  // the least that a limit slows down to before it pauses
	restart = 0.25 // where it goes on after a pause
	climb   = 0.01 // how much faster it gets in a second
	probe   = 0.02 // share of time until the speed of a lane is known
)

// governor is the part of an engine that keeps to the rules. Its fields are
// guarded by the engine's lock, but for those that never change.
type governor struct {
	began time.Time
	now   func() time.Time // the clock on the wall, which may jump

	rules   Rules
	changed bool // the rules, since the last verdict
	reading Reading
	verdict verdict
	resumed time.Time
	hashes  uint64        // when the last verdict was given
	busy    time.Duration // the same
}

// Times of reading the machine.
const (
	readInterval = 2 * time.Second
	readTimeout  = 3 * time.Second
)

// read asks the machine how it fares.
func (e *Engine) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	reading := e.config.Machine.Read(ctx)
	if ctx.Err() != nil && reading == (Reading{}) {
		return // ended, or too slow to say anything: what was known is better than nothing
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reading = reading
}

// keepReading reads the machine again and again, apart from all else: a sensor
// may be slow.
func (e *Engine) keepReading(ctx context.Context) {
	tick := time.NewTicker(readInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.read(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// SetRules changes the rules at once, without a restart and without losing a
// share. Rules that are out of range change nothing and are an error.
func (e *Engine) SetRules(r Rules) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	r.Schedule = slices.Clone(r.Schedule)
	e.mu.Lock()
	e.rules, e.changed = r, true
	e.mu.Unlock()
	e.govern()
	return nil
}

// govern decides what the lanes may do now, and tells them.
func (e *Engine) govern() {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := moment{wall: e.now(), up: time.Since(e.began), reading: e.reading, changed: e.changed}
	hashes, busy := e.total(), e.worked(m.up-e.verdict.up)
	m.hashes, m.busy = hashes-e.hashes, busy-e.busy
	e.hashes, e.busy, e.changed = hashes, busy, false
	was := e.verdict
	e.verdict = decide(e.rules, len(e.lanes), m, was)
	if was.paused != "" && e.verdict.paused == "" && !m.changed && !e.paused && e.job != nil {
		e.resumed = m.wall
	}
	for _, l := range e.lanes {
		l.limit(e.verdict.share, e.verdict.nice)
	}
	e.rouse()
}

// worked returns the processor time that the lanes have worked in all. Where it is
// not measured, a lane is taken to have used its share of the time dt since the
// last verdict.
func (e *Engine) worked(dt time.Duration) (sum time.Duration) {
	for _, l := range e.lanes {
		d, known := l.busy()
		if !known {
			return e.busy + time.Duration(e.verdict.share*float64(dt)*float64(e.working))
		}
		sum += d
	}
	return sum
}

// report tells of the governor in a snapshot.
func (e *Engine) report(s *Snapshot) {
	v := e.verdict
	s.Resumed, s.Reading, s.Unmeasured = e.resumed, e.reading, unmeasured(e.rules, e.reading)
	if e.paused {
		return
	}
	s.Paused, s.Slowed = v.paused, v.slowed
	if v.lanes > 0 {
		s.Active, s.Percent = v.lanes, max(1, int(v.share*100+0.5))
	}
}

// moment is all that the governor looks at.
type moment struct {
	wall    time.Time     // for the schedule alone: it may jump
	up      time.Duration // since the engine began, by a clock that does not jump
	reading Reading
	// What the lanes did since the moment before: hashes, and the processor time
	// they took.
	hashes  uint64
	busy    time.Duration
	changed bool // the rules are not those of the moment before
}

// verdict is what the lanes may do, and what the governor must remember.
type verdict struct {
	cause  cause
	paused string // why they rest and until when; "" while they work
	slowed string // why they work less than the person allows
	share  float64
	lanes  int
	nice   int

	up        time.Duration // of the moment
	since     time.Duration // when the pause began
	heat      strain
	watts     strain
	othersFor time.Duration // for how long others have been busy, or quiet while paused for them
	capacity  float64       // hashes a second of a lane that works all the time; 0: not known yet
}

// strain is a limit that is kept by slowing down. share is how much of the
// allowed time is left, 0 standing for all of it; over is for how long the limit
// has been exceeded at the slowest.
type strain struct {
	share float64
	over  time.Duration
}

// decide is the whole governor: what the lanes may do at a moment, given the rules
// and what was decided a moment before. It never lets them work when a rule forbids
// it, and after a pause lets them rest for minPause at least unless the person
// changed the rules.
func decide(r Rules, lanes int, m moment, was verdict) verdict {
	dt := min(max(0, m.up-was.up), 5*time.Second) // after a sleep, as if only a moment had passed
	v := verdict{
		lanes: lanes, nice: r.Nice, share: 1, up: m.up,
		heat: was.heat, watts: was.watts, othersFor: was.othersFor, capacity: was.capacity,
	}
	if r.Threads > 0 {
		v.lanes = min(lanes, r.Threads)
	}
	if r.Percent > 0 {
		v.share = float64(r.Percent) / 100
	}
	was = forget(was, m.changed)

	for _, rule := range []func(Rules, moment, verdict, *verdict, time.Duration) (cause, string){
		scheduleRule, batteryRule, heatRule, wattsRule, activeRule, othersRule,
	} {
		// Each is asked, though one may forbid already: some remember.
		if c, why := rule(r, m, was, &v, dt); c != none && v.cause == none {
			v.cause, v.paused = c, why
		}
	}
	least := minPause
	if was.cause == overWatts {
		least = wattsPause
	}
	switch {
	case v.cause != none && was.cause == none:
		v.since = m.up
	case v.cause != none:
		v.since = was.since
	case was.cause != none && m.up-was.since < least:
		v.cause, v.paused, v.since = was.cause, was.paused, was.since
	}
	v.hashrate(r, m)
	if v.cause != none {
		v.share, v.lanes, v.slowed = 0, 0, ""
	}
	return v
}

// forget drops a pause that the person's new rules may have ended.
func forget(was verdict, changed bool) verdict {
	if changed {
		was.cause, was.paused = none, ""
	}
	return was
}

func scheduleRule(r Rules, m moment, _ verdict, _ *verdict, _ time.Duration) (cause, string) {
	if scheduled(r.Schedule, m.wall) {
		return none, ""
	}
	next, ok := opening(r.Schedule, m.wall)
	if !ok {
		return closed, "outside its hours"
	}
	return closed, "outside its hours, until " + until(next, m.wall)
}

func batteryRule(r Rules, m moment, was verdict, _ *verdict, _ time.Duration) (cause, string) {
	if m.reading.Power != Battery {
		return none, ""
	}
	if !r.OnBattery {
		return onBattery, "on battery; it mines again when the computer is plugged in"
	}
	least := float64(r.BatteryFloor)
	if was.cause == lowBattery {
		least = min(least+chargeMargin, 100)
	}
	if charge := m.reading.Charge; charge.Known && r.BatteryFloor > 0 && charge.Value < least {
		return lowBattery, fmt.Sprintf("the battery is at %.0f %%, under your floor of %d %%; it mines again when the computer is plugged in", charge.Value, r.BatteryFloor)
	}
	return none, ""
}

func heatRule(r Rules, m moment, was verdict, v *verdict, dt time.Duration) (cause, string) {
	limit, now := r.Celsius, m.reading.Celsius
	if limit == 0 {
		v.heat = strain{}
		return none, ""
	}
	if !now.Known {
		if was.cause == hot { // better cold and idle than hot and blind
			return hot, "the processor was too hot, and its temperature is not measured any more"
		}
		v.heat = strain{}
		return none, ""
	}
	if was.cause == hot {
		v.heat = strain{share: restart}
		if now.Value > limit-coolMargin {
			return hot, tooHot(now.Value, limit)
		}
		return none, ""
	}
	v.heat.keep(now.Value > limit, now.Value < limit-calmMargin, math.Exp(-(0.03+0.02*min(10, now.Value-limit))*dt.Seconds()), dt)
	if now.Value >= limit+hotMargin || v.heat.over >= strained {
		return hot, tooHot(now.Value, limit)
	}
	v.slow(v.heat, fmt.Sprintf("slowed down: the processor is at %.0f °C, the limit is %.0f °C", now.Value, limit))
	return none, ""
}

func tooHot(now, limit float64) string {
	return fmt.Sprintf("the processor is too hot: %.0f °C; it mines again at %.0f °C", now, limit-coolMargin)
}

func wattsRule(r Rules, m moment, was verdict, v *verdict, dt time.Duration) (cause, string) {
	limit, now := r.Watts, m.reading.Watts
	if limit == 0 || !now.Known {
		v.watts = strain{}
		return none, ""
	}
	over := fmt.Sprintf("other programs alone draw %.0f W; it mines again under %.0f W", now.Value, limit*wattsMargin)
	if was.cause == overWatts {
		v.watts = strain{share: restart}
		if now.Value > limit*wattsMargin {
			return overWatts, over
		}
		return none, ""
	}
	v.watts.keep(now.Value > limit, now.Value < limit*wattsCalm, math.Pow(max(0.7, limit/max(now.Value, limit)), dt.Seconds()), dt)
	if v.watts.over >= strained {
		return overWatts, over
	}
	v.slow(v.watts, fmt.Sprintf("slowed down to stay under %.0f W", limit))
	return none, ""
}

// keep makes s slower by factor while over, and a little faster when there is room.
func (s *strain) keep(over, room bool, factor float64, dt time.Duration) {
	share := s.share
	if share == 0 {
		share = 1
	}
	switch {
	case over:
		share = max(floor, share*factor)
	case room:
		share = min(1, share+climb*dt.Seconds())
	}
	if over && share == floor {
		s.over += dt
	} else {
		s.over = 0
	}
	s.share = share
}

// slow applies what a strain leaves of the time.
func (v *verdict) slow(s strain, why string) {
	if s.share > 0 && s.share < 1 {
		v.share *= s.share
		v.slowed = why
	}
}

func activeRule(r Rules, m moment, _ verdict, _ *verdict, _ time.Duration) (cause, string) {
	after := r.IdleAfter
	if after == 0 {
		after = DefaultIdleAfter
	}
	if r.WhileActive || !m.reading.Idle.Known || m.reading.Idle.Value >= after {
		return none, ""
	}
	return active, "you are using the computer; it mines again after " + span(after) + " without input"
}

func othersRule(r Rules, m moment, was verdict, v *verdict, dt time.Duration) (cause, string) {
	now := m.reading.Others
	limit := float64(r.OthersPercent)
	if limit == 0 || !now.Known {
		v.othersFor = 0
		return none, ""
	}
	why := "another program needs the processor; it mines again when that is done"
	if was.cause == othersBusy {
		if now.Value >= limit*quiet {
			v.othersFor = 0
			return othersBusy, why
		}
		if v.othersFor += dt; v.othersFor < othersCalm {
			return othersBusy, why
		}
		v.othersFor = 0
		return none, ""
	}
	if now.Value <= limit {
		v.othersFor = 0
		return none, ""
	}
	if v.othersFor += dt; v.othersFor < othersPatience {
		return none, ""
	}
	v.othersFor = 0
	return othersBusy, why
}

// hashrate learns how fast a lane is, and keeps all of them under the limit.
func (v *verdict) hashrate(r Rules, m moment) {
	if m.busy > 0 {
		speed, weight := float64(m.hashes)/m.busy.Seconds(), 1-math.Exp(-2*m.busy.Seconds())
		if v.capacity == 0 {
			weight = 1
		}
		v.capacity += (speed - v.capacity) * weight
	}
	if r.Hashrate == 0 {
		return
	}
	share := probe
	if v.capacity > 0 {
		share = r.Hashrate / (v.capacity * float64(max(1, v.lanes)))
	}
	if share < v.share {
		v.share = share
		v.slowed = "slowed down to your limit of hashes a second"
	}
}

// unmeasured names the rules that have no effect on a machine that tells r alone.
func unmeasured(rules Rules, r Reading) (names []string) {
	if rules.Celsius > 0 && !r.Celsius.Known {
		names = append(names, "the temperature is not measured here, so its limit has no effect")
	}
	if rules.Watts > 0 && !r.Watts.Known {
		names = append(names, "power is not measured here, so its limit has no effect")
	}
	if !rules.WhileActive && !r.Idle.Known {
		names = append(names, "whether you are using the computer cannot be told here, so mining does not pause for it")
	}
	if !rules.OnBattery && r.Power == PowerUnknown {
		names = append(names, "whether the computer is on battery cannot be told here, so mining does not pause for it")
	}
	if rules.OthersPercent > 0 && !r.Others.Known {
		names = append(names, "what other programs use cannot be told here, so mining does not pause for them")
	}
	return names
}
