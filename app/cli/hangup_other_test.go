//go:build !unix

package main

import "testing"

func mindHangups() {}

func hangup(t *testing.T, _ *process) { t.Fatal("there is no SIGHUP here") }
