package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"goldpan/core"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/watch"
)

//go:embed openapi.json
var openapi []byte

// Error is the answer to a request that is not served.
type Error struct {
	Error string `json:"error"`
}

// Status is the answer of /v1/status. Rates are hashes a second.
type Status struct {
	Version    string           `json:"version"`
	State      string           `json:"state"`
	Reason     string           `json:"reason"`
	Warning    string           `json:"warning"`
	Pool       string           `json:"pool"`
	Algorithm  hasher.Algorithm `json:"algorithm"`
	Kernel     string           `json:"kernel"`
	Lanes      int              `json:"lanes"`
	Active     int              `json:"active_lanes"`
	Percent    int              `json:"percent"`
	Slowed     string           `json:"slowed"`
	Hashrate   float64          `json:"hashrate"`
	Hashes     uint64           `json:"hashes"`
	Faults     uint64           `json:"faults"`
	Accepted   uint64           `json:"accepted"`
	Rejected   uint64           `json:"rejected"`
	Stale      uint64           `json:"stale"`
	Difficulty float64          `json:"difficulty"`
	Best       float64          `json:"best_share"`
	Luck       float64          `json:"luck"`
	Uptime     float64          `json:"uptime_s"`
	Machine    Machine          `json:"machine"`
}

// Machine is what the computer tells of itself; null is not known.
type Machine struct {
	Power   string   `json:"power"`
	Charge  *float64 `json:"charge_percent"`
	Celsius *float64 `json:"celsius"`
	Watts   *float64 `json:"watts"`
	Others  *float64 `json:"others_percent"`
}

// Rates is the answer of /v1/rates.
type Rates struct {
	Windows []Window `json:"windows"` // the shortest first
	Session Window   `json:"session"`
	Best    Best     `json:"best"`
	Typical float64  `json:"typical_best"`
	Luck    float64  `json:"luck"`
}

// Window is a stretch of time that ends now. Rates are hashes a second.
type Window struct {
	Name     string  `json:"name"`
	Span     float64 `json:"span_s"`
	Hashrate float64 `json:"hashrate"`
	Implied  float64 `json:"implied"`
	Low      float64 `json:"implied_low"`
	High     float64 `json:"implied_high"`
	Why      string  `json:"why"`
	Accepted uint64  `json:"accepted"`
	Rejected uint64  `json:"rejected"`
	Stale    uint64  `json:"stale"`
}

// Best is the best share; without one the difficulty is 0 and when is empty.
type Best struct {
	Difficulty float64 `json:"difficulty"`
	When       string  `json:"when"`
}

// Pools is the answer of /v1/pools, in order of preference.
type Pools struct {
	Pools []Pool `json:"pools"`
}

// Pool is how one pool stands.
type Pool struct {
	Pool     string `json:"pool"`
	State    string `json:"state"`
	Active   bool   `json:"active"`
	Idle     bool   `json:"idle"`
	Refused  bool   `json:"refused"`
	Reason   string `json:"reason"`
	Failures int    `json:"failures"`
}

// Rules are the answer of /v1/rules, and what is sent there. Zero is no limit.
type Rules struct {
	Threads       int     `json:"threads"`
	Percent       int     `json:"percent"`
	Hashrate      float64 `json:"hashrate"`
	Watts         float64 `json:"watts"`
	Celsius       float64 `json:"celsius"`
	Nice          int     `json:"nice"`
	OnBattery     bool    `json:"on_battery"`
	BatteryFloor  int     `json:"battery_floor"`
	WhileActive   bool    `json:"while_active"`
	IdleAfter     float64 `json:"idle_after_s"`
	OthersPercent int     `json:"others_percent"`
}

func (s *Server) description(w http.ResponseWriter, _ *http.Request, _ []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openapi) // who asked may have gone
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, statusOf(s.options.Snapshot()))
}

func statusOf(v core.Snapshot) Status {
	return Status{
		Version: core.Version, State: v.State, Reason: v.Reason, Warning: v.Warning, Pool: server(v.Pool),
		Algorithm: v.Algorithm, Kernel: v.Kernel, Lanes: v.Lanes, Active: v.Active, Percent: v.Percent, Slowed: v.Slowed,
		Hashrate: v.Hashrate, Hashes: v.Hashes, Faults: v.Faults, Accepted: v.Accepted, Rejected: v.Rejected, Stale: v.Stale,
		Difficulty: v.Difficulty, Best: v.Rates.Best.Difficulty, Luck: v.Rates.Luck, Uptime: v.Uptime.Seconds(),
		Machine: Machine{v.Reading.Power.String(), known(v.Reading.Charge), known(v.Reading.Celsius), known(v.Reading.Watts), known(v.Reading.Others)},
	}
}

func known(m engine.Measured[float64]) *float64 {
	if !m.Known {
		return nil
	}
	return &m.Value
}

// server leaves of an address what says whose it is: some pools take an account
// or a key in the path or the query.
func server(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (s *Server) rates(w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, ratesOf(s.options.Snapshot().Rates))
}

func ratesOf(r watch.Report) Rates {
	v := Rates{Session: windowOf(r.Session), Best: Best{Difficulty: r.Best.Difficulty}, Typical: r.Typical, Luck: r.Luck}
	for _, w := range r.Windows {
		v.Windows = append(v.Windows, windowOf(w))
	}
	if !r.Best.When.IsZero() {
		v.Best.When = r.Best.When.UTC().Format(time.RFC3339)
	}
	return v
}

func windowOf(w watch.Window) Window {
	return Window{Name: WindowName(w.Length), Span: w.Span.Seconds(), Hashrate: w.Hashrate,
		Implied: w.Implied, Low: w.Low, High: w.High, Why: w.Why, Accepted: w.Accepted, Rejected: w.Rejected, Stale: w.Stale}
}

func (s *Server) pools(w http.ResponseWriter, _ *http.Request, _ []byte) {
	v := Pools{Pools: []Pool{}}
	for _, p := range s.options.Snapshot().Pools {
		v.Pools = append(v.Pools, Pool{server(p.Pool), stateOf(p), p.Active, p.Idle, p.Refused, p.Reason, p.Failures})
	}
	answer(w, http.StatusOK, v)
}

func stateOf(p core.PoolState) string {
	switch p.Phase {
	case pow.Mining:
		return core.StateMining
	case pow.Down:
		return core.StateDown
	}
	return core.StateConnecting
}

func (s *Server) rules(w http.ResponseWriter, _ *http.Request, _ []byte) {
	answer(w, http.StatusOK, rulesOf(s.options.Rules()))
}

func rulesOf(r engine.Rules) Rules {
	return Rules{r.Threads, r.Percent, r.Hashrate, r.Watts, r.Celsius, r.Nice, r.OnBattery, r.BatteryFloor,
		r.WhileActive, r.IdleAfter.Seconds(), r.OthersPercent}
}

// maxIdle keeps a number of seconds within a Duration; the rules allow far less.
const maxIdle = 1e9

// changed returns r as a request wants it. What the request leaves out stays.
func changed(r engine.Rules, body []byte) (engine.Rules, error) {
	v := rulesOf(r)
	if err := strict(body, &v); err != nil {
		return r, err
	}
	if !(v.IdleAfter >= 0 && v.IdleAfter <= maxIdle) {
		return r, errors.New("idle_after_s: out of range")
	}
	r.Threads, r.Percent, r.Hashrate, r.Watts, r.Celsius, r.Nice = v.Threads, v.Percent, v.Hashrate, v.Watts, v.Celsius, v.Nice
	r.OnBattery, r.BatteryFloor, r.WhileActive, r.OthersPercent = v.OnBattery, v.BatteryFloor, v.WhileActive, v.OthersPercent
	if seconds := r.IdleAfter.Seconds(); seconds != v.IdleAfter { // what is not changed loses no digit
		r.IdleAfter = time.Duration(v.IdleAfter * float64(time.Second))
	}
	return r, r.Validate()
}

// errBody is told in these words: the parser's repeat what was sent.
var errBody = errors.New("the body is to be one JSON object with the fields that /openapi.json names")

// strict reads one object that has no other fields than v.
func strict(body []byte, v any) error {
	if b := bytes.TrimLeft(body, " \t\r\n"); len(b) == 0 || b[0] != '{' {
		return errBody
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errBody
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errBody
	}
	return nil
}

func (s *Server) setRules(w http.ResponseWriter, _ *http.Request, body []byte) {
	s.changing.Lock() // two at once would undo each other
	defer s.changing.Unlock()
	r, err := changed(s.options.Rules(), body)
	if err == nil {
		err = s.options.SetRules(r)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, rulesOf(s.options.Rules()))
}

// pausedReason is what the person reads meanwhile.
const pausedReason = "another program paused it"

func (s *Server) pause(w http.ResponseWriter, _ *http.Request, body []byte) {
	s.setPaused(w, body, pausedReason)
}

func (s *Server) resume(w http.ResponseWriter, _ *http.Request, body []byte) {
	s.setPaused(w, body, "")
}

func (s *Server) setPaused(w http.ResponseWriter, body []byte, why string) {
	if len(body) > 0 {
		if err := strict(body, &struct{}{}); err != nil {
			refuse(w, err)
			return
		}
	}
	s.options.SetPaused(why)
	answer(w, http.StatusOK, statusOf(s.options.Snapshot()))
}
