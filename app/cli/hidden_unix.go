//go:build linux || darwin

package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// hide has a terminal show nothing of what is typed until show is called; read then
// reads a line. [term.ReadPassword] takes a read of nothing, which is what Ctrl-D and
// a terminal that is gone make, for a reason to read again.
func hide(f *os.File) (read func() (string, error), show func(), err error) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, readTermios)
	if err != nil {
		return nil, nil, err
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, writeTermios, &hidden); err != nil {
		return nil, nil, err
	}
	return func() (string, error) { return readLine(f) }, func() { _ = unix.IoctlSetTermios(fd, writeTermios, before) }, nil
}

// readLine reads up to the end of a line and no further, for the next line answers
// another question. What no line end follows is not taken: it may be half a secret.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) <= maxSecret; {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		switch b[0] {
		case '\n':
			return string(line), nil
		case '\b': // where the terminal's own erase is another key
			line = line[:max(0, len(line)-1)]
		case '\r':
		default:
			line = append(line, b[0])
		}
	}
	return "", errLong
}
