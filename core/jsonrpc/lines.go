package jsonrpc

import (
	"bytes"
	"io"
)

// How much is asked of the system at once: idleSize, which is the buffer that an idle connection keeps, and readSize
// while there is more.
const (
	idleSize = 512
	readSize = 4 << 10
)

// blanks may stand around a message and mean nothing.
const blanks = " \t\r"

// lines cuts a stream of bytes into messages. It holds at most limit+2 bytes of an unfinished line, and what one
// read brought beyond it. The zero value is of no use; set limit.
type lines struct {
	limit int
	buf   []byte // unread bytes, from start on
	start int
	seen  int  // buf[start:seen] holds no line feed
	more  bool // the last read filled all that it was given
	empty int  // blank lines since the last message
}

// fill reads once from r into the buffer.
func (l *lines) fill(r io.Reader) error {
	l.compact()
	size := idleSize
	if l.more || len(l.buf) > 0 {
		size = readSize
	}
	if cap(l.buf)-len(l.buf) < size {
		grown := make([]byte, len(l.buf), 2*len(l.buf)+size)
		copy(grown, l.buf)
		l.buf = grown
	}
	n, err := r.Read(l.buf[len(l.buf) : len(l.buf)+size])
	l.more = n == size
	l.buf = l.buf[:len(l.buf)+n]
	if n > 0 {
		return nil // an error comes again with the next read
	}
	return err
}

// add appends bytes that were read elsewhere.
func (l *lines) add(b []byte) {
	l.compact()
	l.buf = append(l.buf, b...)
}

// compact moves what is unread to the front. It runs once a read, not once a line: a thousand lines that came
// together are moved once.
func (l *lines) compact() {
	n := len(l.buf)
	if l.start > 0 { // copying a long message onto itself would cost the race detector minutes
		n = copy(l.buf, l.buf[l.start:])
	}
	l.buf, l.seen, l.start = l.buf[:n], l.seen-l.start, 0
	if n == 0 && cap(l.buf) > idleSize {
		l.buf = nil // one long message must not hold its memory for the connection's life
	}
}

// next returns a copy of the next whole line that is not blank, without its line end and the blanks around it;
// nil when there is none yet.
func (l *lines) next() ([]byte, error) {
	for {
		i := bytes.IndexByte(l.buf[l.seen:], '\n')
		if i < 0 {
			l.seen = len(l.buf)
			if len(bytes.TrimSuffix(l.unread(), []byte{'\r'})) > l.limit {
				return nil, ErrTooLong
			}
			return nil, nil
		}
		line := bytes.TrimSuffix(l.buf[l.start:l.seen+i], []byte{'\r'})
		if len(line) > l.limit {
			return nil, ErrTooLong
		}
		l.start, l.seen = l.seen+i+1, l.seen+i+1
		if line = bytes.Trim(line, blanks); len(line) > 0 {
			l.empty = 0
			return bytes.Clone(line), nil
		}
		if err := l.nothing(); err != nil {
			return nil, err
		}
	}
}

// nothing counts what was read and is no message. A few blank lines keep a connection alive; blank lines without end
// would keep its reader busy, unseen by whoever counts messages.
func (l *lines) nothing() error {
	if l.empty++; l.empty > l.limit {
		return ErrTooLong
	}
	return nil
}

// rest takes what stands behind the last line feed, as one message; nil when it is blank.
func (l *lines) rest() []byte {
	msg := bytes.Trim(l.unread(), blanks)
	l.start, l.seen = len(l.buf), len(l.buf)
	if len(msg) == 0 {
		return nil
	}
	l.empty = 0
	return bytes.Clone(msg)
}

// unread is what no line feed has ended yet.
func (l *lines) unread() []byte { return l.buf[l.start:] }

// blank reports whether nothing but blanks waits in the buffer.
func (l *lines) blank() bool { return len(bytes.Trim(l.unread(), blanks)) == 0 }

// nesting follows how deep a JSON text has gone, over any number of chunks. It does not judge the text.
type nesting struct {
	depth, deepest  int
	inString, inEsc bool
}

func (n *nesting) scan(b []byte) {
	for _, c := range b {
		switch {
		case n.inEsc:
			n.inEsc = false
		case n.inString:
			switch c {
			case '\\':
				n.inEsc = true
			case '"':
				n.inString = false
			}
		case c == '"':
			n.inString = true
		case c == '{' || c == '[':
			n.depth++
			n.deepest = max(n.deepest, n.depth)
		case c == '}' || c == ']':
			n.depth--
		}
	}
}

// open reports whether the text so far can only be the beginning of a value.
func (n *nesting) open() bool { return n.depth > 0 || n.inString }

// Depth returns how deeply objects and lists nest in a message. It costs one pass and no memory, and is meant to
// be asked before a message of a stranger is parsed.
func Depth(msg []byte) int {
	var n nesting
	n.scan(msg)
	return n.deepest
}
