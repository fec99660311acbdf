//go:build !windows && !linux

package hasher

import "time"

var started = time.Now()

// tick reads a clock that only runs forward.
func tick() time.Duration { return time.Since(started) }
