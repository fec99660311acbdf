package seal

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// undumpable is for systems that hand dumps to a program, which need not heed the limit. Other processes of the same
// person then cannot read this one's memory either.
func undumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("seal: turn core dumps off: %w", err)
	}
	return nil
}
