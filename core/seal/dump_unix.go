//go:build unix

package seal

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NoDumps keeps this process's memory out of core dumps, for as long as it lives. Whoever holds keys calls it first.
// It asks for nothing where the system makes none.
func NoDumps() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("seal: turn core dumps off: %w", err)
	}
	return undumpable()
}
