//go:build !js

package limit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"goldpan/core/seal"
)

// The files in the folder of Open. Silences are synced to the disk when they begin:
// a ban may last for days. What was spent drains within minutes, so that its file
// need only outlive the program.
const (
	HoldsFile = "silences.json"
	SpentFile = "spent.json"

	maxFile = 64 << 10
)

// state is what the two files hold.
type state struct {
	Holds map[string]hold  // by host
	Spent map[string]level // by place
}

// hold is a silence.
type hold struct {
	Until   time.Time `json:"until"`
	Status  int       `json:"status"`
	Strikes int       `json:"strikes"` // silences in a row
}

// until does not believe a time further away than any silence is: the clock was
// wrong then, or is now.
func (h hold) until(now time.Time) time.Time {
	if end := now.Add(MaxHold + time.Hour); h.Until.After(end) {
		return end
	}
	return h.Until
}

// maxStrikes bounds how often a silence doubles.
const maxStrikes = 12

// level is how much was spent at a time.
type level struct {
	Units float64   `json:"units"`
	At    time.Time `json:"at"`
}

// at is what is left of it later. A clock that was set back drains nothing.
func (v level) at(b Bucket, now time.Time) float64 {
	return max(v.Units-max(now.Sub(v.At).Seconds(), 0)*b.Drain, 0)
}

// spend and hold forget the oldest entry when there are too many.
func (s *state) spend(name string, v level) {
	s.Spent[name] = v
	for len(s.Spent) > maxPlaces {
		oldest := name
		for other, v := range s.Spent {
			if v.At.Before(s.Spent[oldest].At) {
				oldest = other
			}
		}
		delete(s.Spent, oldest)
	}
}

func (s *state) hold(host string, h hold) {
	s.Holds[host] = h
	for len(s.Holds) > maxPlaces {
		soonest := host
		for other, h := range s.Holds {
			if h.Until.Before(s.Holds[soonest].Until) {
				soonest = other
			}
		}
		delete(s.Holds, soonest)
	}
}

// Open reads the limits of a folder, which must exist. A file that cannot be read,
// with its copy, is an error: what it held may have been a ban. Where only the copy
// can be read, nobody is asked for a while.
func Open(dir string) (*Limits, error) {
	l := &Limits{path: dir, turns: make(map[string]chan struct{}), state: state{Holds: make(map[string]hold), Spent: make(map[string]level)}}
	check := func(data []byte) error {
		holds := make(map[string]hold)
		if err := json.Unmarshal(data, &holds); err != nil || len(holds) > maxPlaces {
			return errors.New("not a list of silences")
		}
		return nil
	}
	data, older, err := seal.ReadFile(filepath.Join(dir, HoldsFile), maxFile, check)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("limit: how long providers want silence cannot be read from %s: %w", HoldsFile, err)
	default:
		if err := json.Unmarshal(data, &l.state.Holds); err != nil {
			return nil, fmt.Errorf("limit: %s: %w", HoldsFile, err)
		}
	}
	if l.state.Holds == nil { // "null"
		l.state.Holds = make(map[string]hold)
	}
	for host, h := range l.state.Holds {
		h.Strikes, h.Status = min(max(h.Strikes, 0), maxStrikes), min(max(h.Status, 0), 999)
		l.state.Holds[host] = h
	}
	if older {
		l.quiet = time.Now().Add(unknownBan)
	}
	l.readSpent()
	return l, nil
}

// readSpent reads what was spent. Where it cannot be read, every bucket counts as
// full now.
func (l *Limits) readSpent() {
	f, err := os.Open(filepath.Join(l.path, SpentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	spent := make(map[string]level)
	if err == nil {
		defer f.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxFile+1)); err == nil && len(data) <= maxFile {
			err = json.Unmarshal(data, &spent)
		} else if err == nil {
			err = seal.ErrTooLong
		}
	}
	if err != nil || len(spent) > maxPlaces || spent == nil {
		l.damaged = time.Now()
		return
	}
	for _, v := range spent {
		if v.Units < 0 {
			l.damaged = time.Now() // nobody wrote that: what else is not so?
			return
		}
	}
	l.state.Spent = spent
}

func (l *Limits) keepHolds() {
	data, err := json.Marshal(l.state.Holds)
	if err == nil {
		err = seal.WriteFile(filepath.Join(l.path, HoldsFile), data, 0o600)
	}
	l.err = err
}

func (l *Limits) keepSpent() {
	data, err := json.Marshal(l.state.Spent)
	if err != nil {
		return
	}
	// Renamed, so that a program that ends midway leaves the old file whole.
	name := filepath.Join(l.path, SpentFile)
	if os.WriteFile(name+".new", data, 0o600) == nil {
		_ = os.Rename(name+".new", name)
	}
}
