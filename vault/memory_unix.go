//go:build linux || darwin

package vault

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lockMemory keeps the pages of b from being written to swap. Systems allow a
// program few such pages; b works as well without.
func lockMemory(b []byte) {
	if len(b) > 0 {
		_ = unix.Mlock(unsafe.Slice(unsafe.SliceData(b), len(b)))
	}
}

// noCore limits core files to nothing.
func noCore() error {
	var none unix.Rlimit
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &none); err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("vault: core files cannot be switched off: %w", err)
	}
	return nil
}
