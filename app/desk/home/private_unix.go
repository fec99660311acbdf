//go:build unix

package home

import (
	"io/fs"
	"os"
	"syscall"
)

// private tells whether a file is this person's, and open to nobody else.
func private(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
