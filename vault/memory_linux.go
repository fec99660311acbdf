package vault

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden keeps secrets from leaving the process by way of the system: no core
// file is written when it crashes, and no other program of the same person can
// read its memory or environment by /proc or a debugger. It lasts until the
// process ends. Programs call it before they open a store.
func Harden() error {
	if err := noCore(); err != nil {
		return err
	}
	// A core file that goes into a pipe does not heed the limit.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("vault: core files cannot be switched off: %w", err)
	}
	return nil
}
