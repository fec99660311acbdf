//go:build !js

package engine

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// noon is a Wednesday in winter.
var noon = time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)

// step is one moment of a story: so long after the one before, with this reading.
type step struct {
	after   time.Duration
	reading Reading
	paused  string // part of the reason; "" works
	slowed  string // part of the reason
	share   [2]float64
}

// tell makes the governor live through a story with a moment every half second.
func tell(t *testing.T, r Rules, story []step) {
	t.Helper()
	const lanes, beat = 2, 500 * time.Millisecond
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	var v verdict
	up := time.Duration(0)
	for i, s := range story {
		for end := up + s.after; ; up += beat {
			v = decide(r, lanes, moment{wall: noon.Add(up), up: up, reading: s.reading}, v)
			if up >= end {
				break
			}
		}
		if (s.paused == "") != (v.paused == "") || !strings.Contains(v.paused, s.paused) {
			t.Errorf("moment %d: paused %q, want %q", i, v.paused, s.paused)
		}
		if (s.slowed == "") != (v.slowed == "") || !strings.Contains(v.slowed, s.slowed) {
			t.Errorf("moment %d: slowed %q, want %q", i, v.slowed, s.slowed)
		}
		if v.paused != "" && (v.share != 0 || v.lanes != 0) || v.paused == "" && (v.share <= 0 || v.lanes != lanes) {
			t.Errorf("moment %d: %+v", i, v)
		}
		if s.share != [2]float64{} && (v.share < s.share[0]-1e-9 || v.share > s.share[1]+1e-9) {
			t.Errorf("moment %d: share %.3f, not from %v", i, v.share, s.share)
		}
	}
}

func heat(c float64) Reading          { return Reading{Celsius: Known(c)} }
func watts(w float64) Reading         { return Reading{Watts: Known(w)} }
func others(p float64) Reading        { return Reading{Others: Known(p)} }
func idle(d time.Duration) Reading    { return Reading{Idle: Known(d)} }
func charged(percent float64) Reading { return Reading{Power: Battery, Charge: Known(percent)} }

func TestRules(t *testing.T) {
	const s = time.Second
	full := [2]float64{1, 1}
	for name, c := range map[string]struct {
		rules Rules
		story []step
	}{
		"nothing is known": {Rules{Celsius: 80, Watts: 50, OthersPercent: 20, BatteryFloor: 50}, []step{
			{after: 60 * s, share: full},
		}},
		"percent": {Rules{Percent: 30}, []step{{after: s, share: [2]float64{0.3, 0.3}}}},
		"battery": {Rules{}, []step{
			{reading: Reading{Power: Mains}, share: full},
			{reading: Reading{Power: Battery}, paused: "on battery; it mines again when the computer is plugged in"},
			{after: 5 * s, reading: Reading{Power: Mains}, paused: "on battery"}, // a loose plug
			{after: 5 * s, reading: Reading{Power: Mains}, share: full},
		}},
		"battery is allowed": {Rules{OnBattery: true, BatteryFloor: 20}, []step{
			{after: s, reading: charged(21), share: full},
			{after: s, reading: charged(19.4), paused: "the battery is at 19 %, under your floor of 20 %"},
			{after: 60 * s, reading: charged(22), paused: "battery"},
			{after: s, reading: charged(23), share: full},
			{after: s, reading: charged(20), share: full},
			{after: s, reading: charged(1), paused: "floor"},
			{after: 11 * s, reading: Reading{Power: Mains, Charge: Known(1.0)}, share: full},
		}},
		"the person is there": {Rules{}, []step{
			{reading: idle(5 * time.Minute), share: full},
			{reading: idle(0), paused: "you are using the computer; it mines again after 2 minutes without input"},
			{after: 60 * s, reading: idle(119 * s), paused: "you are using"},
			{after: s, reading: idle(120 * s), share: full},
		}},
		"the person is there, with another patience": {Rules{IdleAfter: 90 * s}, []step{
			{reading: idle(0), paused: "after 1 minute 30 seconds without input"},
			{after: 30 * s, reading: idle(90 * s), share: full},
		}},
		"the person does not mind": {Rules{WhileActive: true}, []step{{after: s, reading: idle(0), share: full}}},
		"others": {Rules{OthersPercent: 40}, []step{
			{after: 20 * s, reading: others(40), share: full},
			{after: 2 * s, reading: others(90), share: full},
			{after: s, reading: others(10), share: full}, // it was short
			{after: 4 * s, reading: others(41), paused: "another program needs the processor"},
			{after: 60 * s, reading: others(30), paused: "another program"}, // not yet quiet
			{after: 15 * s, reading: others(27), paused: "another program"},
			{after: s, reading: others(35), paused: "another program"},
			{after: 15 * s, reading: others(5), paused: "another program"},
			{after: 6 * s, reading: others(5), share: full},
		}},
		"others are not told any more": {Rules{OthersPercent: 40}, []step{
			{after: 4 * s, reading: others(80), paused: "another"},
			{after: 10 * s, share: full},
		}},
		"heat": {Rules{Celsius: 80}, []step{
			{after: 60 * s, reading: heat(79), share: full},
			{after: 4 * s, reading: heat(83), slowed: "the processor is at 83 °C, the limit is 80 °C", share: [2]float64{0.6, 0.8}},
			{after: 60 * s, reading: heat(79), slowed: "slowed down", share: [2]float64{0.6, 0.8}}, // neither faster nor slower near the limit
			{after: 10 * s, reading: heat(70), slowed: "slowed down", share: [2]float64{0.7, 0.9}},
			{after: 60 * s, reading: heat(70), share: full},
			{after: 60 * s, reading: heat(81), slowed: "slowed down", share: [2]float64{0.1, 0.1}},
			{after: 31 * s, reading: heat(81), paused: "the processor is too hot: 81 °C; it mines again at 75 °C"},
			{after: 60 * s, reading: heat(76), paused: "too hot"},
			{after: s, reading: heat(75), slowed: "slowed down", share: [2]float64{0.2, 0.3}},
			{after: s, reading: heat(90), paused: "too hot: 90 °C"}, // at once
			{after: 60 * s, paused: "not measured any more"},
			{after: s, reading: heat(60), slowed: "slowed down", share: [2]float64{0.2, 0.3}},
		}},
		"heat and percent": {Rules{Celsius: 80, Percent: 50}, []step{
			{after: 200 * s, reading: heat(80.5), paused: "too hot"},
			{after: s, reading: heat(60), slowed: "slowed down", share: [2]float64{0.12, 0.14}},
		}},
		"watts": {Rules{Watts: 60}, []step{
			{after: 60 * s, reading: watts(59), share: full},
			{after: 5 * s, reading: watts(65), slowed: "slowed down to stay under 60 W", share: [2]float64{0.6, 0.75}},
			{after: 60 * s, reading: watts(59), slowed: "slowed down", share: [2]float64{0.6, 0.75}},
			{after: 60 * s, reading: watts(40), share: full},
			{after: 60 * s, reading: watts(100), paused: "other programs alone draw 100 W; it mines again under 48 W"},
			{after: 120 * s, reading: watts(50), paused: "other programs"},
			{after: s, reading: watts(48), slowed: "slowed down", share: [2]float64{0.25, 0.27}},
		}},
		"several at once": {Rules{Celsius: 80, OthersPercent: 10, Schedule: []Window{{Days: [7]bool{time.Wednesday: true}, From: 22 * time.Hour, To: 23 * time.Hour}}}, []step{
			{reading: Reading{Power: Battery, Idle: Known(time.Duration(0)), Celsius: Known(99.0), Others: Known(50.0)}, paused: "outside its hours, until 22:00"},
		}},
	} {
		t.Run(name, func(t *testing.T) { tell(t, c.rules, c.story) })
	}
}

// TestHashrateLimit: the governor learns how fast the lanes are, and keeps them
// under the limit also when they get faster.
func TestHashrateLimit(t *testing.T) {
	const lanes, beat, limit = 2, 500 * time.Millisecond, 1000.0
	var v verdict
	speed, hashes := 4000.0, 0.0
	for i := range 200 {
		if i == 100 {
			speed = 10000
		}
		busy := time.Duration(v.share * float64(beat) * float64(v.lanes))
		n := speed * busy.Seconds()
		v = decide(Rules{Hashrate: limit}, lanes, moment{wall: noon, up: time.Duration(i) * beat, hashes: uint64(n), busy: busy}, v)
		if i == 20 {
			hashes = 0
		}
		if hashes += n; i < 2 && n > limit*beat.Seconds()/2 {
			t.Errorf("%f hashes before the speed was known", n)
		}
		if i == 99 && math.Abs(hashes/(80*beat.Seconds())/limit-1) > 0.03 {
			t.Errorf("%f hashes a second, want %f", hashes/(80*beat.Seconds()), limit)
		}
		if i > 150 && math.Abs(n/beat.Seconds()/limit-1) > 0.03 {
			t.Fatalf("%f hashes a second after the lanes got faster, want %f", n/beat.Seconds(), limit)
		}
	}
	if !strings.Contains(v.slowed, "limit of hashes") {
		t.Errorf("slowed: %q", v.slowed)
	}
	if v = decide(Rules{Hashrate: 1e9}, lanes, moment{up: 101 * time.Second}, v); v.share != 1 || v.slowed != "" {
		t.Errorf("a limit that is far off: %+v", v)
	}
}

// TestChangedRules: what the person changes holds at once, whatever was decided.
func TestChangedRules(t *testing.T) {
	v := decide(Rules{}, 4, moment{wall: noon, reading: Reading{Power: Battery}}, verdict{})
	if v.paused == "" {
		t.Fatal("works on battery")
	}
	v = decide(Rules{OnBattery: true, Threads: 3, Nice: 7}, 4, moment{wall: noon, up: time.Second, reading: Reading{Power: Battery}, changed: true}, v)
	if v.paused != "" || v.lanes != 3 || v.nice != 7 {
		t.Errorf("%+v", v)
	}
	if v = decide(Rules{Threads: 9}, 4, moment{wall: noon, up: 2 * time.Second}, v); v.lanes != 4 {
		t.Errorf("%d lanes of 4", v.lanes)
	}
}

// TestGovernorNeverFlaps lives through random lives: whatever the machine says, it
// never works when a rule forbids it, says why it rests, and between two beginnings
// lies a pause of minPause at least.
func TestGovernorNeverFlaps(t *testing.T) {
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 7))
		chance := func(p float64) bool { return random.Float64() < p }
		r := Rules{
			Percent: random.IntN(101), Threads: random.IntN(4), OnBattery: chance(0.5), WhileActive: chance(0.5),
			BatteryFloor: random.IntN(101), OthersPercent: random.IntN(101), IdleAfter: time.Duration(random.IntN(200)) * time.Second,
		}
		if chance(0.5) {
			r.Celsius = 40 + 60*random.Float64()
		}
		if chance(0.5) {
			r.Watts = 5 + 100*random.Float64()
		}
		if chance(0.3) {
			r.Hashrate = 1e4 * random.Float64()
		}
		if chance(0.3) {
			r.Schedule = []Window{{Days: [7]bool{true, true, true, true, true, true, true},
				From: time.Duration(random.IntN(86400)) * time.Second, To: time.Duration(random.IntN(86400)) * time.Second}}
		}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		var v verdict
		var reading Reading
		wall, up := noon, time.Duration(0)
		paused, pausedAt := false, time.Duration(0)
		for i := range 4000 {
			dt := time.Duration(random.IntN(1500)) * time.Millisecond
			up, wall = up+dt, wall.Add(dt)
			switch {
			case chance(0.001):
				wall = wall.Add(time.Duration(random.IntN(200)-100) * time.Hour) // a jump, or a sleep
			case chance(0.2):
				reading = Reading{Power: Power(random.IntN(3))}
				if chance(0.8) {
					reading.Celsius = Known(30 + 80*random.Float64())
				}
				if chance(0.8) {
					reading.Watts = Known(150 * random.Float64())
				}
				if chance(0.8) {
					reading.Others = Known(100 * random.Float64())
				}
				if chance(0.8) {
					reading.Idle = Known(time.Duration(random.IntN(300)) * time.Second)
				}
				if chance(0.8) {
					reading.Charge = Known(100 * random.Float64())
				}
			}
			v = decide(r, 3, moment{wall: wall, up: up, reading: reading, hashes: uint64(random.IntN(5000)), busy: time.Duration(random.IntN(int(2*dt + 1)))}, v)
			if v.paused != "" {
				if !paused {
					paused, pausedAt = true, up
				}
				if v.share != 0 || v.lanes != 0 {
					t.Fatalf("seed %d, %d: rests with %+v", seed, i, v)
				}
				continue
			}
			if paused && up-pausedAt < minPause {
				t.Fatalf("seed %d, %d: mines again after %v", seed, i, up-pausedAt)
			}
			paused = false
			if v.lanes < 1 || v.lanes > 3 || !(v.share > 0 && v.share <= 1) || r.Percent > 0 && v.share > float64(r.Percent)/100+1e-9 {
				t.Fatalf("seed %d, %d: works with %+v", seed, i, v)
			}
			after := r.IdleAfter
			if after == 0 {
				after = DefaultIdleAfter
			}
			switch {
			case !scheduled(r.Schedule, wall):
				t.Fatalf("seed %d, %d: works outside its hours", seed, i)
			case reading.Power == Battery && (!r.OnBattery || reading.Charge.Known && reading.Charge.Value < float64(r.BatteryFloor)):
				t.Fatalf("seed %d, %d: works on battery", seed, i)
			case !r.WhileActive && reading.Idle.Known && reading.Idle.Value < after:
				t.Fatalf("seed %d, %d: works while the person does", seed, i)
			case r.Celsius > 0 && reading.Celsius.Known && reading.Celsius.Value >= r.Celsius+hotMargin:
				t.Fatalf("seed %d, %d: works at %v °C", seed, i, reading.Celsius.Value)
			}
		}
	}
}

func TestUnmeasured(t *testing.T) {
	r := Rules{Celsius: 80, Watts: 50, OthersPercent: 30}
	if got := unmeasured(r, Reading{}); len(got) != 5 {
		t.Errorf("%q", got)
	}
	all := Reading{Power: Mains, Idle: Known(time.Minute), Celsius: Known(40.0), Watts: Known(9.0), Others: Known(1.0)}
	if got := unmeasured(r, all); got != nil {
		t.Errorf("%q", got)
	}
	if got := unmeasured(Rules{WhileActive: true, OnBattery: true}, Reading{}); got != nil {
		t.Errorf("%q without rules", got)
	}
}

func TestRulesAreChecked(t *testing.T) {
	days := [7]bool{true}
	for field, r := range map[string]Rules{
		"threads":        {Threads: -1},
		"percent":        {Percent: 101},
		"hashrate":       {Hashrate: math.Inf(1)},
		"watts":          {Watts: math.NaN()},
		"celsius":        {Celsius: 5},
		"nice":           {Nice: 20},
		"battery floor":  {BatteryFloor: -1},
		"idle after":     {IdleAfter: -time.Second},
		"others percent": {OthersPercent: 101},
		"schedule":       {Schedule: []Window{{Days: days}, {}}},
		"window 1":       {Schedule: []Window{{Days: days, From: 24 * time.Hour}}},
		"ends at":        {Schedule: []Window{{Days: days, To: 25 * time.Hour}}},
		"windows":        {Schedule: make([]Window, 101)},
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, r := range []Rules{{}, {Percent: 100, Celsius: 85, Nice: 19, Schedule: []Window{{Days: days, From: 0, To: 24 * time.Hour}}}} {
		if err := r.Validate(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
