//go:build unix

package main

import (
	"syscall"
	"testing"
)

func hangup(t *testing.T, p *process) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
