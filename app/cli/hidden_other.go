//go:build !linux && !darwin

package main

import (
	"os"

	"golang.org/x/term"
)

// hide gives what reads a line from a terminal and shows nothing of it, and what has
// the terminal show again what is typed.
func hide(f *os.File) (read func() (string, error), show func(), err error) {
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, nil, err
	}
	read = func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	}
	return read, func() { _ = term.Restore(fd, before) }, nil
}
