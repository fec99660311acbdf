package jsonrpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// NewLineConn carries messages as lines over c, which it owns from now on. A line feed ends a message; carriage
// returns, blank lines and chunks split anywhere are accepted. The limit is the longest message in bytes,
// without its line end; it counts for what is read. The Conn is Timed.
func NewLineConn(c net.Conn, limit int) Conn { return newLineConn(c, limit) }

func newLineConn(c net.Conn, limit int) *lineConn {
	return &lineConn{conn: c, remote: c.RemoteAddr().String(), in: lines{limit: limit}}
}

type lineConn struct {
	conn   net.Conn
	remote string
	in     lines
	closed atomic.Bool

	// Whether a deadline stands, of the reader alone and under writes.
	readTimed, writeTimed bool
	writes                sync.Mutex
}

var _ Timed = (*lineConn)(nil)

func (c *lineConn) ReadMessage(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.fail(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	return c.read(ctx, time.Time{})
}

func (c *lineConn) ReadBefore(until time.Time) ([]byte, error) {
	return c.read(context.Background(), until)
}

func (c *lineConn) read(ctx context.Context, until time.Time) ([]byte, error) {
	for {
		msg, err := c.in.next()
		if err != nil {
			return nil, c.fail(ctx, err)
		}
		if msg != nil {
			return msg, nil
		}
		if timed := !until.IsZero(); timed || c.readTimed {
			c.conn.SetReadDeadline(until) // the read tells what is wrong
			c.readTimed = timed
		}
		if err := c.in.fill(c.conn); err != nil {
			if errors.Is(err, io.EOF) && !c.in.blank() {
				err = io.ErrUnexpectedEOF
			}
			return nil, c.fail(ctx, err)
		}
	}
}

func (c *lineConn) WriteMessage(ctx context.Context, msg []byte) error {
	// Two timers at once would be one too many: the context closes the connection, and the write wakes.
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	return c.write(ctx, time.Time{}, msg)
}

func (c *lineConn) WriteBefore(until time.Time, msg []byte) error {
	return c.write(context.Background(), until, msg)
}

func (c *lineConn) write(ctx context.Context, until time.Time, msg []byte) error {
	if bytes.IndexByte(msg, '\n') >= 0 {
		return errLineFeed
	}
	line := scratch.Get().(*[]byte)
	defer giveBack(line)
	*line = append(append((*line)[:0], msg...), '\n')
	c.writes.Lock()
	defer c.writes.Unlock()
	if timed := !until.IsZero(); timed || c.writeTimed {
		c.conn.SetWriteDeadline(until)
		c.writeTimed = timed
	}
	if _, err := c.conn.Write(*line); err != nil {
		return c.fail(ctx, err)
	}
	return nil
}

// fail closes the connection and says why, in the order of what came first.
func (c *lineConn) fail(ctx context.Context, err error) error {
	wasClosed := c.closed.Load()
	c.Close()
	switch {
	case errors.Is(err, ErrTooLong):
	case ctx.Err() != nil:
		return ctx.Err()
	case wasClosed:
		return net.ErrClosed
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return fmt.Errorf("connection: %w", err)
}

func (c *lineConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return hangUp(c.conn)
}

func (c *lineConn) RemoteAddr() string { return c.remote }
