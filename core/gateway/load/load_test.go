//go:build !js

package main

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A small house, of all kinds of devices, in one process: new work reaches everybody, no share is lost on either side,
// and when the pool comes back all go on.
func TestSmallHouse(t *testing.T) {
	p, err := openPool()
	if err != nil {
		t.Fatal(err)
	}
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	kept := make(chan error, 1)
	go func() { kept <- keep(t.Context(), p.url, 60, in, out) }()
	var s started
	s.in, s.out = ask, json.NewDecoder(answers)
	if err := s.out.Decode(&s.at); err != nil {
		t.Fatal(err)
	}
	c := newCrowd(s.at)
	defer func() {
		c.leave()
		ask.Close()
		if err := <-kept; err != nil {
			t.Error(err)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}()
	for kind, count := range map[kind]int{tcp: 10, ws: 40, wss: 10} {
		if err := c.join(t.Context(), kind, count); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		n, at := p.send()
		took, err := c.delivered(t.Context(), n, at)
		if err != nil || took[0] <= 0 {
			t.Fatalf("took %v: %v", took, err)
		}
	}
	b, err := c.mine(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	if b.shares != 1200 || b.taken != b.shares || b.refused != 0 || b.forPool == 0 {
		t.Errorf("the devices saw %+v", b)
	}
	var now count
	for end := time.Now().Add(patience); now.Accepted < uint64(b.forPool) && time.Now().Before(end); {
		if now, err = s.count(); err != nil {
			t.Fatal(err)
		}
	}
	if now.Devices != 60 || now.Counted != 1200 || now.Refused != 0 || now.Sent != uint64(b.forPool) || now.Accepted != now.Sent {
		t.Errorf("the house counts %+v, of %d for the pool", now, b.forPool)
	}
	if p.right != uint64(b.forPool) || p.wrong != 0 || p.twice != 0 {
		t.Errorf("the pool got %d right, %d wrong, %d twice, of %d", p.right, p.wrong, p.twice, b.forPool)
	}
	n, at := p.cut()
	if _, err := c.delivered(t.Context(), n, at); err != nil {
		t.Fatal(err)
	}
	if now, err = s.count(); err != nil || now.Devices != 60 {
		t.Errorf("after the pool was lost: %+v, %v", now, err)
	}
}
