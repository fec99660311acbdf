package engine

import (
	"fmt"
	"math"
	"time"
)

// Rules say how much of the machine mining may use, and when. They are the
// person's: nobody else sets them. The zero value lets all lanes work all the
// time, but neither on battery nor while the person uses the computer, where the
// machine can tell.
type Rules struct {
	Threads  int     // lanes at most; 0 means all that the engine has
	Percent  int     // of each lane's time, 1 to 100; 0 means 100
	Hashrate float64 // hashes a second at most; 0 means no limit
	Watts    float64 // drawn by the machine at most, where it is measured; 0 means no limit
	Celsius  float64 // of the processor at most, where it is measured; 0 means no limit
	Nice     int     // how far other programs go first, 0 (not at all) to 19 (always)

	Schedule []Window // when it may mine; empty means always

	OnBattery    bool // mine on battery too
	BatteryFloor int  // percent of charge below which it never mines on battery; 0 to 100

	WhileActive bool          // mine while the person uses the computer too
	IdleAfter   time.Duration // without input for so long, the person is taken to be away; 0 means DefaultIdleAfter

	// OthersPercent is the share of all processors, in percent, that other programs
	// may use before mining pauses for them; 0 means that it never does.
	OthersPercent int
}

// DefaultIdleAfter is what [Rules.IdleAfter] means when it is 0.
const DefaultIdleAfter = 2 * time.Minute

// DefaultNice leaves the desktop responsive and costs nothing where nobody else
// wants the processor. It is what a new configuration begins with.
const DefaultNice = 10

// Bounds of rules, generous enough for every machine there is.
const (
	maxWatts     = 100_000
	maxCelsius   = 150
	minCelsius   = 20
	maxNice      = 19
	maxWindows   = 100
	maxIdleAfter = 24 * time.Hour
	day          = 24 * time.Hour
)

// Window is a span of hours on some days of the week, by the local clock.
type Window struct {
	Days [7]bool // by time.Weekday: those on which it begins
	// From and To are what the clock shows, since midnight, under 24 hours. To is
	// the first moment outside; where it is not after From, the window ends on the
	// next day.
	From, To time.Duration
}

// Validate returns an error that names the field that is out of its range.
func (r Rules) Validate() error {
	switch {
	case r.Threads < 0:
		return fmt.Errorf("threads: %d is less than none", r.Threads)
	case r.Percent < 0 || r.Percent > 100:
		return fmt.Errorf("percent: %d is not from 1 to 100", r.Percent)
	case !within(r.Hashrate, 0, math.MaxFloat64):
		return fmt.Errorf("hashrate: %g is not a number of hashes a second", r.Hashrate)
	case !within(r.Watts, 0, maxWatts):
		return fmt.Errorf("watts: %g is not from 0 to %d", r.Watts, maxWatts)
	case r.Celsius != 0 && !within(r.Celsius, minCelsius, maxCelsius):
		return fmt.Errorf("celsius: %g is not from %d to %d", r.Celsius, minCelsius, maxCelsius)
	case r.Nice < 0 || r.Nice > maxNice:
		return fmt.Errorf("nice: %d is not from 0 to %d", r.Nice, maxNice)
	case r.BatteryFloor < 0 || r.BatteryFloor > 100:
		return fmt.Errorf("battery floor: %d is not from 0 to 100", r.BatteryFloor)
	case r.IdleAfter < 0 || r.IdleAfter > maxIdleAfter:
		return fmt.Errorf("idle after: %v is not from 0 to %v", r.IdleAfter, maxIdleAfter)
	case r.OthersPercent < 0 || r.OthersPercent > 100:
		return fmt.Errorf("others percent: %d is not from 0 to 100", r.OthersPercent)
	case len(r.Schedule) > maxWindows:
		return fmt.Errorf("schedule: %d windows; at most %d are taken", len(r.Schedule), maxWindows)
	}
	for i, w := range r.Schedule {
		switch {
		case w.From < 0 || w.From >= day:
			return fmt.Errorf("schedule: window %d begins at %v, not between midnight and midnight", i+1, w.From)
		case w.To < 0 || w.To > day:
			return fmt.Errorf("schedule: window %d ends at %v, not between midnight and midnight", i+1, w.To)
		case w.Days == [7]bool{}:
			return fmt.Errorf("schedule: window %d has no day", i+1)
		}
	}
	return nil
}

// within is false for what is not a number, too.
func within(v, low, high float64) bool { return v >= low && v <= high }
