package jsonrpc

import "bytes"

// slack lets a message of just the limit carry the newlines that bridges add.
const slack = 64

// pieces makes messages of what comes over a WebSocket: a whole JSON text, with or without newlines after it, several
// lines, or, from a bridge that forwards TCP chunks, a piece of one: pieces are joined until the brackets close, a
// newline comes, or the limit is reached.
type pieces struct {
	in     lines
	nest   nesting // of what stands behind the last newline
	nested int     // how much of it nest has seen
}

// take returns the next whole message of those that were read; nil when there is none.
func (c *pieces) take() ([]byte, error) {
	msg, err := c.in.next()
	if err != nil {
		return nil, err
	}
	if msg == nil {
		piece := c.in.unread()
		c.nest.scan(piece[c.nested:])
		if c.nested = len(piece); c.nest.open() {
			return nil, nil
		}
		if msg = c.in.rest(); msg == nil {
			err = c.in.nothing()
		}
	}
	c.nest, c.nested = nesting{}, 0
	return msg, err
}

// whole returns a message that is all of a chunk, as most are; nil when it is not sure, and then take is asked. The bytes
// are the caller's to keep.
func (c *pieces) whole(chunk []byte) []byte {
	if len(c.in.unread()) > 0 || len(chunk) > c.in.limit || bytes.IndexByte(chunk, '\n') >= 0 {
		return nil
	}
	var nest nesting
	nest.scan(chunk)
	if chunk = bytes.Trim(chunk, blanks); len(chunk) == 0 || nest.open() {
		return nil
	}
	c.in.empty = 0
	return bytes.Clone(chunk)
}
