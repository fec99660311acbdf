package pow

import (
	"context"
	"time"
)

// Source gives jobs and takes shares: a pool, several of them in order, or a node.
// It tells a [Handler] what it has.
type Source interface {
	// Run works until ctx ends, which is no error. It returns an error where trying again is of no use.
	Run(ctx context.Context) error
	// Submit sends a share and calls done once with its fate: from Submit itself when the share is not sent, else
	// from the goroutine of Run, which done must not block. Submit never waits. Several may call it at once.
	Submit(s Share, done func(Result))
}

// Handler hears what a Source has. Its methods are called one at a time and must not block.
type Handler interface {
	// Job hands over new work; nil when the connection that the last job came from is lost.
	Job(*Job)
	// State reports a change of the connection.
	State(State)
}

// Phase is where a Source stands.
type Phase int

// The phases of a Source.
const (
	Connecting Phase = iota // dialling, or waiting for the first job
	Mining                  // connected, with a job
	Down                    // disconnected, waiting for the next attempt or ended
)

// String returns the phase as it stands in status lines.
func (p Phase) String() string {
	switch p {
	case Connecting:
		return "connecting"
	case Mining:
		return "mining"
	}
	return "down"
}

// State is what a Handler hears about the connection.
type State struct {
	Phase      Phase
	Pool       string        // the address that this is about
	Reason     string        // why it is down, or what is odd about it, in our own words; "" otherwise
	Err        error         // the same for programs
	Retry      time.Duration // when Down: how long until the next attempt; 0 when there will be none
	Difficulty float64       // when Mining: of the present job
}

// Status is what became of a share.
type Status int

// What can become of a share.
const (
	Accepted Status = iota
	Rejected
	Stale // for a job or a connection that is gone, or never answered; nobody's fault
)

// String returns the status as it stands in status lines.
func (s Status) String() string {
	switch s {
	case Accepted:
		return "accepted"
	case Rejected:
		return "rejected"
	}
	return "stale"
}

// Result is the fate of one share.
type Result struct {
	Status     Status
	Code       int           // of the pool's refusal, 0 when there was none
	Reason     string        // for people; it may be the pool's words, stripped to plain text
	Latency    time.Duration // from Submit to the pool's answer; 0 when it gave none
	Difficulty float64       // of the share
	// Target is the difficulty that the share had to meet. Summed over accepted shares it is the work done, in
	// expectation.
	Target float64
	Pool   string // the address that the share was sent to, or was meant for
}
