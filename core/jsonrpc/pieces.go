package jsonrpc

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
