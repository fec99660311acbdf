//go:build !js

package stratum

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/jsonrpc"
)

// However many do not read, whoever does has its job at once; and those who do not are sent away.
func TestSlowReadersDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newPool(t)
		srv := NewServer(backend, Options{})
		var ends []<-chan error
		for range 60 {
			miner, served := dialServer(t, srv)
			login(t, miner)
			ends = append(ends, served)
		}
		backend.mu.Lock()
		for p := range backend.peers { // all of them, before the one that reads comes
			if err := p.Notify(backend.job); err != nil {
				t.Error(err)
			}
		}
		backend.mu.Unlock()
		begun := time.Now()
		reader, _ := dialServer(t, srv)
		login(t, reader)
		say(t, reader, `{"id":9,"method":"mining.ping"}`)
		hear(t, reader, "pong")
		if d := time.Since(begun); d > time.Second {
			t.Errorf("waited %v for others", d)
		}
		for _, served := range ends {
			if err := <-served; !errors.Is(err, ErrSlow) {
				t.Errorf("one that does not read: %v", err)
			}
		}
		if d := time.Since(begun); d > writeTimeout+time.Second {
			t.Errorf("the last was sent away after %v", d)
		}
		synctest.Wait() // the last of the crew looks for the next, and goes
		srv.writers.mu.Lock()
		defer srv.writers.mu.Unlock()
		if srv.writers.size != 0 || len(srv.writers.line) != 0 {
			t.Errorf("a crew of %d is left, and %d in line", srv.writers.size, len(srv.writers.line))
		}
	})
}

// A backend that thinks long about one miner keeps no other waiting.
func TestSlowBackendDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := &pensive{pool: newPool(t)}
		srv := NewServer(backend, Options{})
		for range 60 {
			miner, _ := dialServer(t, srv)
			say(t, miner, `{"id":1,"method":"mining.subscribe","params":["slow"]}`)
		}
		begun := time.Now()
		quick, _ := dialServer(t, srv)
		login(t, quick)
		if d := time.Since(begun); d > time.Second {
			t.Errorf("waited %v for others", d)
		}
		time.Sleep(2 * time.Minute) // until the backend has made up its mind: the bubble's clock ends with this function
	})
}

// pensive takes long over some agents.
type pensive struct{ *pool }

func (b *pensive) Subscribe(p *Peer, agent string) ([]byte, int, error) {
	if agent == "slow" {
		time.Sleep(time.Minute)
	}
	return b.pool.Subscribe(p, agent)
}

// A job made ready for many is the job that each would get.
func TestNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newPool(t)
		miner, _ := dialServer(t, NewServer(backend, Options{}))
		login(t, miner)
		p := backend.only(t)
		n, err := NewNotice(backend.job)
		if err != nil {
			t.Fatal(err)
		}
		var got [2]string
		for i, send := range []func() error{func() error { return p.Post(n) }, func() error { return p.Notify(backend.job) }} {
			if err := send(); err != nil {
				t.Fatal(err)
			}
			line, err := miner.ReadMessage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got[i] = string(line)
		}
		if got[0] != got[1] {
			t.Errorf("got %s and %s", got[0], got[1])
		}
		bad := *backend.job
		bad.ID = ""
		if _, err := NewNotice(&bad); err == nil {
			t.Error("a job without a name")
		}
	})
}

// A connection that knows contexts alone is served as well.
func TestUntimedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newPool(t)
		ours, theirs := lined()
		served := make(chan error, 1)
		srv := NewServer(backend, Options{Idle: time.Minute})
		go func() { served <- srv.ServeConn(t.Context(), struct{ jsonrpc.Conn }{ours}) }()
		defer theirs.Close()
		login(t, theirs)
		begun := time.Now()
		if err := <-served; !errors.Is(err, ErrSilent) || time.Since(begun) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func lined() (ours, theirs jsonrpc.Conn) {
	a, b := net.Pipe()
	return jsonrpc.NewLineConn(a, MaxMessage), jsonrpc.NewLineConn(b, MaxMessage)
}
