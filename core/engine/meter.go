package engine

import "time"

// meterInterval is the time between two samples of the hash count.
const meterInterval = 500 * time.Millisecond

// meterGap is the longest time between two samples that one rate spans.
const meterGap = 5 * time.Second

// meter measures a rate over a sliding window of ten seconds. Its zero value
// has seen nothing.
type meter struct {
	samples [21]sample
	n       int // samples taken
}

type sample struct {
	at     time.Time
	hashes uint64
}

// add takes the count of hashes at a moment. After a gap, in which the machine
// slept or somebody stopped the program, it begins anew: what was not hashed then
// says nothing of the rate.
func (m *meter) add(at time.Time, hashes uint64) {
	if m.n > 0 {
		if gap := at.Sub(m.samples[(m.n-1)%len(m.samples)].at); gap < 0 || gap > meterGap {
			*m = meter{}
		}
	}
	m.samples[m.n%len(m.samples)] = sample{at, hashes}
	m.n++
}

// rate returns hashes a second between the oldest sample kept and the newest,
// or zero before there are two.
func (m *meter) rate() float64 {
	if m.n < 2 {
		return 0
	}
	newest := m.samples[(m.n-1)%len(m.samples)]
	oldest := m.samples[max(0, m.n-len(m.samples))%len(m.samples)]
	span := newest.at.Sub(oldest.at).Seconds()
	if span <= 0 {
		return 0
	}
	return float64(newest.hashes-oldest.hashes) / span
}
