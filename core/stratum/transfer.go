package stratum

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"goldpan/core/jsonrpc"
)

// readUntil waits for the next message; a peer that says nothing until then is silent. When ctx ends, its cause is
// the error.
func readUntil(ctx context.Context, conn jsonrpc.Conn, until time.Time) ([]byte, error) {
	readCtx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	line, err := conn.ReadMessage(readCtx)
	switch {
	case err == nil:
		return line, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case readCtx.Err() != nil:
		return nil, fmt.Errorf("%w: nothing heard in time", ErrSilent)
	}
	return nil, err
}

// writer sends one message after the other, so that nobody else ever waits for the peer.
type writer struct {
	done chan struct{}
	err  error // set before done is closed
}

// startWriter sends what comes out of the queue until ctx ends, the queue is closed, or the peer fails; then, and
// when the peer takes nothing for a while, it closes the connection, which the reader notices.
func startWriter(ctx context.Context, conn jsonrpc.Conn, queue <-chan []byte) *writer {
	w := &writer{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		if w.err = writeAll(ctx, conn, queue); w.err != nil {
			conn.Close()
		}
	}()
	return w
}

// cause waits for the writer, and returns why the connection ended: what the reader says, unless that is only that
// the writer closed it.
func (w *writer) cause(read error) error {
	<-w.done
	if errors.Is(read, net.ErrClosed) && w.err != nil && !errors.Is(w.err, context.Canceled) { // by ourselves
		return w.err
	}
	return read
}

func writeAll(ctx context.Context, conn jsonrpc.Conn, queue <-chan []byte) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-queue:
			if !ok {
				return nil
			}
			writeCtx, cancel := context.WithTimeoutCause(ctx, writeTimeout, ErrSlow)
			err := conn.WriteMessage(writeCtx, line)
			slow := errors.Is(context.Cause(writeCtx), ErrSlow)
			cancel()
			if err != nil && slow {
				return fmt.Errorf("%w: it took nothing for %v", ErrSlow, writeTimeout)
			}
			if err != nil {
				return err
			}
		}
	}
}

// timedOf returns conn as a Timed.
func timedOf(conn jsonrpc.Conn) jsonrpc.Timed {
	if t, ok := conn.(jsonrpc.Timed); ok {
		return t
	}
	return timed{conn}
}

// timed is for connections that know contexts alone.
type timed struct{ jsonrpc.Conn }

func (t timed) ReadBefore(until time.Time) ([]byte, error) {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	msg, err := t.ReadMessage(ctx)
	if err != nil && ctx.Err() != nil {
		err = os.ErrDeadlineExceeded
	}
	return msg, err
}

func (t timed) WriteBefore(until time.Time, msg []byte) error {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	err := t.WriteMessage(ctx, msg)
	if err != nil && ctx.Err() != nil {
		err = os.ErrDeadlineExceeded
	}
	return err
}
