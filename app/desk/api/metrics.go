package api

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"goldpan/core"
	"goldpan/core/pow"
)

// WindowName is how scripts know a window of that length; 0 is the session.
func WindowName(length time.Duration) string {
	switch length {
	case 0:
		return "session"
	case 10 * time.Second:
		return "10s"
	case time.Minute:
		return "1m"
	case 15 * time.Minute:
		return "15m"
	case time.Hour:
		return "1h"
	}
	return length.String()
}

// metrics answers with what is registered here and nothing else: the client's own
// list, which other packages write to, is not used.
func (s *Server) metrics() handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(s.options.Snapshot), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h := promhttp.HandlerFor(registry, promhttp.HandlerOpts{DisableCompression: true, MaxRequestsInFlight: 4})
	return func(w http.ResponseWriter, r *http.Request, _ []byte) { h.ServeHTTP(w, r) }
}

// collector turns one Snapshot into metrics, so that they are all of one moment.
type collector struct {
	snapshot func() core.Snapshot

	info, uptime, state, pools, failures         *prometheus.Desc
	hashrate, implied, low, high, hashes, faults *prometheus.Desc
	shares, difficulty, best, luck               *prometheus.Desc
	lanes, active, duty, celsius, watts, charge  *prometheus.Desc
}

func newCollector(snapshot func() core.Snapshot) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("goldpan_"+name, help, labels, nil)
	}
	return &collector{
		snapshot:   snapshot,
		info:       desc("info", "What mines; always 1.", "version", "algorithm", "kernel"),
		uptime:     desc("uptime_seconds", "Since mining began."),
		state:      desc("state", "1 for the state that it is in, 0 for the others.", "state"),
		pools:      desc("pools", "Pools in each state.", "state"),
		failures:   desc("pool_failures", "Attempts to reach a pool since one worked."),
		hashrate:   desc("hashrate_hashes_per_second", "Hashes a second, as measured here.", "window"),
		implied:    desc("implied_hashrate_hashes_per_second", "Hashes a second that the accepted shares show.", "window"),
		low:        desc("implied_hashrate_low_hashes_per_second", "Lower end of what the accepted shares show, 19 times out of 20.", "window"),
		high:       desc("implied_hashrate_high_hashes_per_second", "Upper end of what the accepted shares show, 19 times out of 20.", "window"),
		hashes:     desc("hashes_total", "Hashes since mining began."),
		faults:     desc("hash_faults_total", "Hashes that this machine got wrong."),
		shares:     desc("shares_total", "Shares by what became of them.", "result"),
		difficulty: desc("share_difficulty", "Difficulty of the present job's shares."),
		best:       desc("best_share_difficulty", "The highest difficulty of an accepted share."),
		luck:       desc("luck_ratio", "Work behind the shares that were found, over what was hashed."),
		lanes:      desc("lanes", "Threads there are."),
		active:     desc("active_lanes", "Threads that may work now."),
		duty:       desc("duty_ratio", "Part of each thread's time that is used."),
		celsius:    desc("processor_temperature_celsius", "Of the processor's hottest sensor."),
		watts:      desc("power_watts", "Power drawn by the processor or the computer, whichever is measured."),
		charge:     desc("battery_charge_ratio", "Charge of the battery."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.info, c.uptime, c.state, c.pools, c.failures, c.hashrate, c.implied, c.low, c.high, c.hashes, c.faults,
		c.shares, c.difficulty, c.best, c.luck, c.lanes, c.active, c.duty, c.celsius, c.watts, c.charge} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	v := c.snapshot()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	count := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(c.info, 1, core.Version, string(v.Algorithm), v.Kernel)
	gauge(c.uptime, v.Uptime.Seconds())
	for _, state := range []string{core.StateConnecting, core.StateMining, core.StatePaused, core.StateDown} {
		gauge(c.state, truth(v.State == state), state)
	}
	pools := map[pow.Phase]int{}
	for _, p := range v.Pools {
		pools[p.Phase]++
	}
	gauge(c.pools, float64(pools[pow.Mining]), core.StateMining)
	gauge(c.pools, float64(pools[pow.Down]), core.StateDown)
	gauge(c.pools, float64(len(v.Pools)-pools[pow.Mining]-pools[pow.Down]), core.StateConnecting)
	gauge(c.failures, float64(v.Failures))
	for _, w := range v.Rates.Windows {
		if w.Span <= 0 {
			continue // nothing has been measured
		}
		name := WindowName(w.Length)
		gauge(c.hashrate, w.Hashrate, name)
		if w.High > 0 {
			gauge(c.implied, w.Implied, name)
			gauge(c.low, w.Low, name)
			gauge(c.high, w.High, name)
		}
	}
	count(c.hashes, v.Hashes)
	count(c.faults, v.Faults)
	count(c.shares, v.Accepted, pow.Accepted.String())
	count(c.shares, v.Rejected, pow.Rejected.String())
	count(c.shares, v.Stale, pow.Stale.String())
	gauge(c.difficulty, v.Difficulty)
	gauge(c.best, v.Rates.Best.Difficulty)
	gauge(c.luck, v.Rates.Luck)
	gauge(c.lanes, float64(v.Lanes))
	gauge(c.active, float64(v.Active))
	gauge(c.duty, float64(v.Percent)/100)
	if r := v.Reading.Celsius; r.Known {
		gauge(c.celsius, r.Value)
	}
	if r := v.Reading.Watts; r.Known {
		gauge(c.watts, r.Value)
	}
	if r := v.Reading.Charge; r.Known {
		gauge(c.charge, r.Value/100)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
