package engine

import (
	"context"
	"time"
)

// Machine tells how the machine fares that the engine runs on.
type Machine interface {
	// Read returns what can be told within a few seconds, or until ctx ends; what
	// cannot is not known. The engine calls it every few seconds, never twice at
	// once, and never from a lane.
	Read(ctx context.Context) Reading
}

// Reading is how the machine fares at a moment. The zero value knows nothing.
type Reading struct {
	Power   Power
	Charge  Measured[float64]       // of the battery, percent
	Idle    Measured[time.Duration] // since the person's last input
	Celsius Measured[float64]       // the processor's hottest sensor
	Watts   Measured[float64]       // what WattsOf says, over the last few seconds
	WattsOf string                  // what the power is of: "processor" or "computer"
	Others  Measured[float64]       // share of all processors that other programs use, percent
}

// Measured is a figure, or the fact that it is not known.
type Measured[T any] struct {
	Value T
	Known bool
}

// Known returns a figure that is known.
func Known[T any](v T) Measured[T] { return Measured[T]{v, true} }

// Power is where the machine's power comes from.
type Power int

// Where power comes from.
const (
	PowerUnknown Power = iota
	Mains
	Battery
)

// String returns the word for status lines.
func (p Power) String() string {
	switch p {
	case Mains:
		return "mains"
	case Battery:
		return "battery"
	}
	return "unknown"
}
