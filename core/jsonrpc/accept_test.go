//go:build !js

package jsonrpc

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// rawWebSocket is a program that speaks WebSocket by hand, to do what no library would.
type rawWebSocket struct {
	net.Conn
	answer string // to its handshake
}

// knock opens one, with a server's end.
func knock(t *testing.T, extra string) (rawWebSocket, Conn) {
	t.Helper()
	accepted := make(chan Conn, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := AcceptWebSocket(w, r, 1024, nil)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}))
	t.Cleanup(srv.Close)
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: Z29sZHBhbiBhdCBob21lIQ==\r\n"+extra+"\r\n")
	in := bufio.NewReader(c)
	var answer strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if answer.WriteString(line); line == "\r\n" {
			break
		}
	}
	theirs := <-accepted
	t.Cleanup(func() { theirs.Close() })
	return rawWebSocket{c, answer.String()}, theirs
}

// frame is one of RFC 6455, section 5.2, masked with zeros.
func frame(first byte, payload []byte) []byte {
	return append(frameHead(first, uint64(len(payload))), payload...)
}

func frameHead(first byte, size uint64) []byte {
	b := []byte{first, 0x80}
	switch {
	case size < 126:
		b[1] |= byte(size)
	case size < 1<<16:
		b[1] |= 126
		b = binary.BigEndian.AppendUint16(b, uint16(size))
	default:
		b[1] |= 127
		b = binary.BigEndian.AppendUint64(b, size)
	}
	return append(b, 0, 0, 0, 0)
}

const (
	textFrame, binaryFrame, moreFrame, pingFrame = 0x81, 0x82, 0x00, 0x89
	compressed, unfinished                       = 0x40, 0x7f // bits: to be set, and to be kept
)

// A message of a gigabyte is refused by its announcement.
func TestGigabyteRefused(t *testing.T) {
	raw, ours := knock(t, "")
	raw.Write(frameHead(textFrame, 1<<30))
	if _, err := ours.ReadMessage(deadline(t)); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
	// So are small frames that together make one.
	raw, ours = knock(t, "")
	go func() {
		first := byte(textFrame)
		for {
			if _, err := raw.Write(frame(first&unfinished, bytes.Repeat([]byte("["), 100))); err != nil {
				return
			}
			first = moreFrame
		}
	}()
	if _, err := ours.ReadMessage(deadline(t)); !errors.Is(err, ErrTooLong) {
		t.Errorf("in pieces: got %v", err)
	}
}

// Compression is never agreed to, and a compressed message, which may be a bomb, is not unpacked.
func TestCompressedRefused(t *testing.T) {
	raw, ours := knock(t, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
	if !strings.Contains(raw.answer, " 101 ") || strings.Contains(strings.ToLower(raw.answer), "extensions") {
		t.Errorf("answered %q", raw.answer)
	}
	var bomb bytes.Buffer
	z, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(make([]byte, 256<<10))
	z.Close()
	if bomb.Len() > 1024 {
		t.Fatalf("the bomb has %d bytes", bomb.Len())
	}
	raw.Write(frame(textFrame|compressed, bomb.Bytes()))
	if msg, err := ours.ReadMessage(deadline(t)); err == nil {
		t.Errorf("got %d bytes", len(msg))
	}
}

func TestBinaryRefused(t *testing.T) {
	raw, ours := knock(t, "")
	raw.Write(frame(binaryFrame, []byte("{}")))
	if msg, err := ours.ReadMessage(deadline(t)); err == nil {
		t.Errorf("got %q", msg)
	}
}

// Frames that carry nothing, without end, end the connection; a ping now and then is answered.
func TestEmptyFramesEnd(t *testing.T) {
	flood := map[string]func(io.Writer) error{
		"pings": func(w io.Writer) error { _, err := w.Write(frame(pingFrame, []byte("here?"))); return err },
		"empty frames": func(w io.Writer) error {
			_, err := w.Write(bytes.Repeat(frame(moreFrame, nil), 100))
			return err
		},
	}
	for name, send := range flood {
		t.Run(name, func(t *testing.T) {
			raw, ours := knock(t, "")
			raw.Write(frame(pingFrame, []byte("here?")))
			raw.Write(frame(textFrame, []byte("{}")))
			mustRead(t, ours, "{}")
			pong := make([]byte, 7)
			if _, err := io.ReadFull(raw, pong); err != nil || string(pong[2:]) != "here?" || pong[0] != 0x8a {
				t.Fatalf("got %q, %v", pong, err)
			}
			go io.Copy(io.Discard, raw)
			go func() {
				if name == "empty frames" {
					raw.Write(frame(textFrame&unfinished, []byte("[")))
				}
				for send(raw) == nil {
				}
			}()
			if msg, err := ours.ReadMessage(deadline(t)); !errors.Is(err, ErrTooLong) {
				t.Errorf("got %q, %v", msg, err)
			}
		})
	}
}

// What a server accepts can be waited for without a context: reads and writes end in time, and Close wakes them.
func TestTimed(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, peer Conn, _ func(string)) {
		c, ok := peer.(Timed)
		if !ok {
			t.Fatal("not timed")
		}
		if err := c.WriteBefore(time.Now().Add(time.Minute), []byte("[1]")); err != nil {
			t.Fatal(err)
		}
		mustRead(t, ours, "[1]")
		if err := ours.WriteMessage(deadline(t), []byte("[2]")); err != nil {
			t.Fatal(err)
		}
		if msg, err := c.ReadBefore(time.Now().Add(time.Minute)); err != nil || string(msg) != "[2]" {
			t.Fatalf("got %q, %v", msg, err)
		}
		// No deadline of before is left.
		if err := c.WriteMessage(deadline(t), []byte("[3]")); err != nil {
			t.Fatal(err)
		}
		mustRead(t, ours, "[3]")
		if _, err := c.ReadBefore(time.Now().Add(10 * time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("nothing came: got %v", err)
		}
		if _, err := c.ReadBefore(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after that: got %v", err)
		}
	})
	eachTransport(t, func(t *testing.T, _, peer Conn, _ func(string)) {
		c := peer.(Timed)
		until, msg := time.Now().Add(100*time.Millisecond), make([]byte, 1<<20)
		for {
			if err := c.WriteBefore(until, msg); err != nil { // nobody reads it
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				break
			}
		}
	})
	eachTransport(t, func(t *testing.T, _, peer Conn, _ func(string)) {
		failed := make(chan error)
		go func() {
			_, err := peer.(Timed).ReadBefore(time.Time{})
			failed <- err
		}()
		peer.Close()
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// A connection is closed at once, though its peer over TLS reads nothing.
func TestHangUp(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	c := newLineConn(tls.Server(a, &tls.Config{MinVersion: tls.VersionTLS12}), 1024)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
