//go:build unix

package vault

import "golang.org/x/sys/unix"

// lockMemory keeps the pages of b from being written to swap. Systems allow a
// program few such pages; b works as well without.
func lockMemory(b []byte) {
	if len(b) > 0 {
		_ = unix.Mlock(b)
	}
}
