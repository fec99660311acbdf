package electrum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/wallet/electrum/message"
)

type deaf struct{}

func (deaf) Tip(message.HeaderNotice)    {}
func (deaf) Status(message.StatusNotice) {}

// Big answers wait until those before were read; whether they were waited for, came too late or were broken, all that
// come after are read.
func TestBigAnswers(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := NewClient(jsonrpc.NewLineConn(ours, message.MaxReply), deaf{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	server := jsonrpc.NewLineConn(theirs, message.MaxRequest)
	big := bytes.Repeat([]byte("0"), bigReply)
	answer := func(id int, quoted string) error {
		return server.WriteMessage(ctx, fmt.Appendf(nil, `{"id":%d,"result":%s%s%s}`, id, quoted, big, quoted))
	}
	const calls = 12
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			var s string
			if err := c.Call(ctx, "x", nil, &s); err != nil || len(s) != bigReply {
				t.Errorf("%d bytes, %v", len(s), err)
			}
		})
	}
	for range calls {
		if _, err := server.ReadMessage(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for id := range calls {
		if err := answer(id, `"`); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
	// Answers that nobody waits for any more.
	for id := range 4 {
		if err := answer(id, `"`); err != nil {
			t.Fatal(err)
		}
	}
	// And answers that are not what was asked for.
	for i := range 4 {
		done := make(chan error, 1)
		go func() {
			var n int
			done <- c.Call(ctx, "x", nil, &n)
		}()
		if _, err := server.ReadMessage(ctx); err != nil {
			t.Fatal(err)
		}
		if err := answer(calls+i, `"`); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, ErrProtocol) {
			t.Error(err)
		}
	}
	if len(c.big) != 0 {
		t.Errorf("%d big answers are still held", len(c.big))
	}
	cancel()
	<-ended
}

// While nobody reads the big answers that came, no more are taken off the wire; and the end of the client ends that.
func TestBigAnswersWait(t *testing.T) {
	ours, theirs := net.Pipe()
	c := NewClient(jsonrpc.NewLineConn(ours, message.MaxReply), deaf{})
	for range maxBig {
		c.big <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	c.mu.Lock()
	c.next = 2 // asked before
	c.mu.Unlock()
	line := append(append([]byte(`{"id":0,"result":"`), bytes.Repeat([]byte("0"), bigReply)...), []byte("\"}\n")...)
	if _, err := theirs.Write(line); err != nil {
		t.Fatal(err)
	}
	if err := theirs.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := theirs.Write(line); err == nil {
		t.Errorf("took %d bytes more", n)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("does not end")
	}
	theirs.Close()
}
