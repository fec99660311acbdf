//go:build !js

package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
)

// A job for nobody is an error: a busy browser may take its time to come.
func TestNobodyMines(t *testing.T) {
	if _, err := newPool().notify(hasher.SHA256d); err == nil {
		t.Error("somebody took a job")
	}
}

// Two hours are 120 lines, the last at their end, and a job every 20 seconds.
func TestMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var lines []time.Duration
		jobs := 0
		err := minutes(t.Context(), 2*time.Hour, func() { jobs++ }, func() error {
			lines = append(lines, time.Since(begun))
			return nil
		})
		if n := len(lines); err != nil || n != 120 || lines[n-1] != 2*time.Hour || jobs < 359 {
			t.Errorf("%d lines, the last at %v, %d jobs, %v", n, lines[max(0, n-1)], jobs, err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := minutes(ctx, time.Hour, func() {}, func() error { return nil }); err == nil {
		t.Error("it went on")
	}
}
