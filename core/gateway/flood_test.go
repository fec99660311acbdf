//go:build !js

package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// raw is a device that keeps to no rule. Over a WebSocket its messages are frames, masked with zeros (RFC 6455).
type raw struct {
	net.Conn
	frames bool
}

// intrude connects one, and logs it in.
func intrude(t *testing.T, w *world, frames bool, user string) raw {
	t.Helper()
	at := w.miners.Addr().String()
	if frames {
		at, _, _ = strings.Cut(strings.TrimPrefix(w.ws, "ws://"), "/")
	}
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(deadline))
	if frames {
		_, _ = io.WriteString(c, "GET /stratum HTTP/1.1\r\nHost: "+at+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Z29sZHBhbiBhdCBob21lIQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
		var head []byte
		for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
			if _, err := c.Read(one); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Contains(head, []byte(http.StatusText(http.StatusSwitchingProtocols))) || bytes.Contains(bytes.ToLower(head), []byte("deflate")) {
			t.Fatalf("answered %q", head)
		}
	}
	r := raw{c, frames}
	r.say(`{"id":1,"method":"mining.subscribe"}`)
	r.say(`{"id":2,"method":"mining.authorize","params":["` + user + `","home"]}`)
	until(t, user+" is here", func() bool {
		for _, d := range w.Snapshot().Devices {
			if d.ID == user {
				return true
			}
		}
		return false
	})
	return r
}

func (r raw) say(text string) {
	if r.frames {
		_, _ = r.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
	} else {
		_, _ = io.WriteString(r, text+"\n")
	}
}

func eachDoor(t *testing.T, f func(t *testing.T, frames bool)) {
	t.Run("tcp", func(t *testing.T) { f(t, false) })
	t.Run("ws", func(t *testing.T) { f(t, true) })
}

// gone waits until a device was sent away, and sees that another mines on.
func gone(t *testing.T, w *world, other *scripted) {
	t.Helper()
	until(t, "it is gone", func() bool { return len(w.Snapshot().Devices) == 1 })
	if code := other.submit("other", other.job.ID, other.share(0)); code != 0 {
		t.Errorf("the other's share: code %d", code)
	}
}

// A device that does not read is sent away when its queue is full, and no other waits for it.
func TestSlowReader(t *testing.T) {
	eachDoor(t, func(t *testing.T, frames bool) {
		w, src, _ := played(t, Config{Server: stratum.Options{Queue: 8}})
		big := func(id string) *pow.Job {
			j := task(id, 1, 4, 8, 300)
			j.Coinbase2 = make([]byte, 5000)
			return j
		}
		src.handler.Job(big("a"))
		slow, other := intrude(t, w, frames, "slow"), script(t, w)
		_ = slow.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		other.begin("other")
		for other.job.ID == "" {
			other.next()
		}
		for i := 0; len(w.Snapshot().Devices) == 2; i++ {
			if i > 1e5 {
				t.Fatal("a slow reader stays")
			}
			src.handler.Job(big(fmt.Sprint(i)))
			other.ready() // as soon as ever
		}
		gone(t, w, other)
	})
}

// A message of a gigabyte is not taken in: it ends after as much as a message may have, and costs no memory.
func TestGigabyteMessage(t *testing.T) {
	eachDoor(t, func(t *testing.T, frames bool) {
		w, src, _ := played(t, Config{})
		src.handler.Job(task("a", 1, 4, 8, 300))
		bad, other := intrude(t, w, frames, "bad"), script(t, w)
		other.begin("other")
		for other.job.ID == "" {
			other.next()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if frames {
			_, _ = bad.Write(binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, 1<<30))
			_, _ = bad.Write([]byte{0, 0, 0, 0})
		}
		part, sent, err := bytes.Repeat([]byte{'['}, 64<<10), 0, error(nil)
		for sent < 1<<30 && err == nil {
			var n int
			n, err = bad.Write(part)
			sent += n
		}
		if err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("%d bytes were taken: %v", sent, err)
		}
		gone(t, w, other)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
			t.Errorf("it cost %d bytes of memory", grown)
		}
	})
}

// A compressed message, which may be a bomb, ends the connection unread.
func TestCompressedMessage(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 300))
	bad, other := intrude(t, w, true, "bad"), script(t, w)
	other.begin("other")
	for other.job.ID == "" {
		other.next()
	}
	_, _ = bad.Write([]byte{0xc1, 0x85, 0, 0, 0, 0, 0xaa, 0x56, 0x4a, 0x04, 0x00})
	gone(t, w, other)
}

// The pool may hand a job out again, under the same name and at another difficulty: what a device has found of it counts
// once, and goes to the pool once.
func TestSameWorkTwice(t *testing.T) {
	w, src, _ := played(t, Config{})
	j := task("a", 1, 4, 8, 100)
	src.handler.Job(j)
	one := script(t, w)
	one.begin("one")
	one.ready()
	first, found := one.job.ID, one.share(0)
	if code := one.submit("one", first, found); code != 0 {
		t.Fatalf("code %d", code)
	}
	again := *j
	again.Clean = false
	src.handler.Job(&again)
	for one.job.ID == first {
		one.next()
	}
	if code := one.submit("one", one.job.ID, found); code != stratum.CodeDuplicate {
		t.Errorf("under the other name: code %d", code)
	}
	clean := *j
	src.handler.Job(&clean)
	for before := one.job.ID; one.job.ID == before; {
		one.next()
	}
	if code := one.submit("one", one.job.ID, found); code != stratum.CodeDuplicate {
		t.Errorf("after a clean job that is none: code %d", code)
	}
	src.mu.Lock()
	defer src.mu.Unlock()
	if len(src.shares) != 1 {
		t.Errorf("the pool got %d shares", len(src.shares))
	}
}

// A device that has many jobs at once cannot push what it has found out of the gateway's memory while it still counts.
func TestFindingsAreKeptAsLongAsTheirJob(t *testing.T) {
	w, src, _ := played(t, Config{})
	one := script(t, w)
	send := func(i int) {
		j := task(fmt.Sprint("j", i), 1, 4, 8, 64)
		j.Clean, j.Bits = i == 0, j.Bits+uint32(i)
		src.handler.Job(j)
	}
	send(0)
	one.begin("one")
	one.ready()
	type hit struct {
		job   string
		found pow.Solution
	}
	var all []hit
	for i := 1; i < maxIssued; i++ {
		send(i)
		for before := one.job.ID; one.job.ID == before; {
			one.next()
		}
		all = append(all, hit{one.job.ID, one.share(0)})
	}
	for i := range all { // the newest first
		if h := all[len(all)-1-i]; one.submit("one", h.job, h.found) != 0 {
			t.Fatalf("job %s: refused", h.job)
		}
	}
	for range 4 {
		send(1000 + len(all))
		all = append(all, hit{})
		for before := one.job.ID; one.job.ID == before; {
			one.next()
		}
		if code := one.submit("one", one.job.ID, one.share(0)); code != 0 {
			t.Fatalf("code %d", code)
		}
	}
	for _, h := range all[:len(all)-4] {
		if code := one.submit("one", h.job, h.found); code != stratum.CodeDuplicate && code != stratum.CodeJobNotFound {
			t.Errorf("job %s: code %d for what it had found before", h.job, code)
		}
	}
}
