//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// mindHangups has the programs that these tests start heed SIGHUP, also where
// somebody ran the tests under nohup: what is caught here is not ignored there.
func mindHangups() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) }

func hangup(t *testing.T, p *process) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
