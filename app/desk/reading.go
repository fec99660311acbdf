package desk

import (
	"context"
	"time"

	"goldpan/core/engine"
)

// ReadMachine tells how this machine fares, for whoever wants to know what can be
// measured here. It takes about half a second, or ends with ctx.
func ReadMachine(ctx context.Context) engine.Reading {
	m := sensors()
	m.Read(ctx) // power and load are averages since the reading before
	timer := time.NewTimer(betweenReadings)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return m.Read(ctx)
}
