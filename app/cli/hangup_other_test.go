//go:build !unix

package main

import "testing"

func hangup(t *testing.T, _ *process) { t.Fatal("there is no SIGHUP here") }
