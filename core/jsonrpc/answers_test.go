//go:build !js

package jsonrpc

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
)

// heard is what the program's log gets.
type heard struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}

// A server that speaks before it is asked gets none of its words into the program's log.
func TestUnaskedWordsAreNotLogged(t *testing.T) {
	var h heard
	log.SetOutput(&h)
	defer log.SetOutput(os.Stderr)
	ln := listenOn(t, "127.0.0.1:0")
	serve(t, ln, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 hunter2\r\n\r\n") // to one that is leaving
		_, _ = io.Copy(io.Discard, c)
	})
	for range 20 {
		if err := dialFails(t, new(Dialer), "ws://"+ln.Addr().String()); !errors.Is(err, ErrHandshake) {
			t.Fatalf("got %v", err)
		}
	}
	if words := h.String(); strings.Contains(words, "hunter2") {
		t.Errorf("the log says %q", words)
	}
}

func TestAnswersOnly(t *testing.T) {
	ours, theirs := net.Pipe()
	c := AnswersOnly(ours)
	go func() {
		var b [1]byte
		if _, err := io.ReadFull(theirs, b[:]); err == nil {
			_, _ = theirs.Write(b[:])
		}
		theirs.Close()
	}()
	read := make(chan string)
	go func() {
		b, err := io.ReadAll(c)
		if err != nil {
			t.Error(err)
		}
		read <- string(b)
	}()
	if _, err := c.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "a" {
		t.Errorf("read %q", got)
	}
	c.Close()

	ours, theirs = net.Pipe()
	defer theirs.Close()
	c = AnswersOnly(ours)
	ended := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
