//go:build !linux && !darwin

package main

import (
	"os"

	"golang.org/x/term"
)

// readHidden reads a line that it asks for from a terminal, without echo.
func readHidden(f *os.File, ask func()) (string, error) {
	ask()
	b, err := term.ReadPassword(int(f.Fd()))
	return string(b), err
}
