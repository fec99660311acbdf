//go:build !linux && !darwin && !windows && !js

package engine

import "time"

// threadTime returns the time since began.
func threadTime(began time.Time) time.Duration { return time.Since(began) }

// yieldTo does nothing here.
func yieldTo(int) {}
