package engine

import "time"

// meterInterval is the time between two samples of the hash count.
const meterInterval = 500 * time.Millisecond

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

func (m *meter) add(at time.Time, hashes uint64) {
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
