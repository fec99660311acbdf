//go:build !unix && !windows

package hasher

import "time"

// cpuTime is unknown here.
func cpuTime() time.Duration { return 0 }
