//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups tells of SIGHUP, by which settings are read again. Where whoever began
// the program has it ignored, as nohup does, it stays ignored.
func hangups() (<-chan os.Signal, func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return nil, func() {}
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// hasTerminal tells whether the program is run from a terminal, whatever its
// input and output are.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}
