package jsonrpc

import (
	"net"
	"sync"
	"time"
)

// Timed is a Conn whose waits may be bounded by a time instead of a context. A context with a deadline is some hundred
// bytes and a timer for as long as it is waited for, and a server waits in all its connections at once. What a server
// accepts (NewLineConn, AcceptWebSocket) is Timed.
type Timed interface {
	Conn
	// ReadBefore is ReadMessage without a context: it waits until then, or, for the zero time, for ever. The error
	// wraps os.ErrDeadlineExceeded when the time has come. Close ends it.
	ReadBefore(until time.Time) ([]byte, error)
	// WriteBefore is WriteMessage likewise.
	WriteBefore(until time.Time, msg []byte) error
}

// scratch holds buffers in which a message is put together, or read; nobody keeps one while it waits for a peer to
// begin.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

// giveBack returns a buffer to scratch, unless a long message has made it a large one.
func giveBack(b *[]byte) {
	if cap(*b) <= 32<<10 {
		scratch.Put(b)
	}
}

// hangUp closes c at once. TLS would say farewell, and wait seconds for a peer that does not read; framing shows where a
// message ends, so nothing can be cut off unseen.
func hangUp(c net.Conn) error {
	if secure, ok := c.(interface{ NetConn() net.Conn }); ok {
		return secure.NetConn().Close()
	}
	return c.Close()
}
