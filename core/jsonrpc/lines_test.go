package jsonrpc

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// chunks is a reader that gives one piece a read.
type chunks [][]byte

func (c *chunks) Read(p []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*c)[0])
	if (*c)[0] = (*c)[0][n:]; len((*c)[0]) == 0 {
		*c = (*c)[1:]
	}
	return n, nil
}

// read returns all messages that come out of the pieces, and the error that ended them.
func readLines(limit int, pieces ...string) (msgs []string, err error) {
	l := lines{limit: limit}
	r := &chunks{}
	for _, p := range pieces {
		if p != "" {
			*r = append(*r, []byte(p))
		}
	}
	for {
		msg, err := l.next()
		if err != nil {
			return msgs, err
		}
		if msg != nil {
			msgs = append(msgs, string(msg))
			continue
		}
		if err := l.fill(r); err != nil {
			return msgs, err
		}
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 16)
	for _, test := range []struct {
		name   string
		pieces []string
		want   []string
		err    error
	}{
		{"one", []string{"a\n"}, []string{"a"}, io.EOF},
		{"two in one piece", []string{"a\nb\n"}, []string{"a", "b"}, io.EOF},
		{"split anywhere", []string{"a", "b", "\n", "c\nd", "e\n"}, []string{"ab", "c", "de"}, io.EOF},
		{"carriage returns", []string{"a\r", "\nb\r\n"}, []string{"a", "b"}, io.EOF},
		{"blank lines", []string{"\n\r\n \t\na\n\n"}, []string{"a"}, io.EOF},
		{"blanks around", []string{" a b \r\n"}, []string{"a b"}, io.EOF},
		{"just the limit", []string{long + "\r\n", long, "\r", "\n"}, []string{long, long}, io.EOF},
		{"one over the limit", []string{"a\n" + long + "x\n"}, []string{"a"}, ErrTooLong},
		{"endless", []string{long, long, long}, nil, ErrTooLong},
		{"blanks count", []string{strings.Repeat(" ", 17) + "\n"}, nil, ErrTooLong},
		{"unfinished", []string{"a\nb"}, []string{"a"}, io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readLines(len(long), test.pieces...)
			if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}

// An endless line must not cost more memory than the limit and one read.
func TestLinesMemory(t *testing.T) {
	const limit = 16 << 10
	l := lines{limit: limit}
	endless := repeat('x')
	for {
		if err := l.fill(endless); err != nil {
			t.Fatal(err)
		}
		if _, err := l.next(); err != nil {
			break
		}
		if len(l.buf) > limit+2 {
			t.Fatalf("%d bytes are held, and it is not too long yet", len(l.buf))
		}
	}
	if cap(l.buf) > 4*limit {
		t.Errorf("buffer grew to %d bytes", cap(l.buf))
	}
}

type repeat byte

func (b repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func TestLinesReleaseMemory(t *testing.T) {
	l := lines{limit: 1 << 20}
	l.add(append(bytes.Repeat([]byte{'x'}, 1<<20), '\n'))
	if msg, err := l.next(); len(msg) != 1<<20 || err != nil {
		t.Fatal(len(msg), err)
	}
	l.compact()
	if cap(l.buf) > 4*readSize {
		t.Errorf("an idle connection holds %d bytes", cap(l.buf))
	}
}

func TestDepth(t *testing.T) {
	for text, want := range map[string]int{
		``: 0, `1`: 0, `{}`: 1, `[[],[[]]]`: 3, `{"a":"[[[["}`: 1, `{"a":"\"[[["}`: 1, `]]]][`: 0, `{{{{`: 4,
	} {
		if got := Depth([]byte(text)); got != want {
			t.Errorf("Depth(%s) = %d, want %d", text, got, want)
		}
	}
}

// FuzzLines holds the line cutter against bytes.Split, wherever the pieces are cut.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"id\":1}\r\n\n{\"id\":2}\n"), uint8(3), uint8(40))
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), uint8(1), uint8(8))
	f.Add([]byte(" \r\r\n\r"), uint8(2), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, piece, limit uint8) {
		var pieces []string
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			pieces = append(pieces, string(rest[:n]))
			rest = rest[n:]
		}
		got, err := readLines(int(limit), pieces...)
		for i, line := range bytes.Split(data, []byte{'\n'}) {
			line = bytes.TrimSuffix(line, []byte{'\r'})
			if len(line) > int(limit) {
				if !errors.Is(err, ErrTooLong) {
					t.Fatalf("line %d has %d bytes and passed", i, len(line))
				}
				break
			}
			if i == bytes.Count(data, []byte{'\n'}) {
				break // unfinished
			}
			if line = bytes.Trim(line, blanks); len(line) == 0 {
				continue
			}
			if len(got) == 0 || got[0] != string(line) {
				t.Fatalf("line %d: got %q, want %q", i, got, line)
			}
			got = got[1:]
		}
		if len(got) > 0 {
			t.Fatalf("more came out than went in: %q", got)
		}
	})
}

// FuzzWebSocketPieces: what a bridge cuts into pieces comes out whole, and nothing is made up.
func FuzzWebSocketPieces(f *testing.F) {
	f.Add([]byte(`{"a":[1,"]}\""]}`), uint8(4))
	f.Add([]byte("{}\n{\"b\":2}\n"), uint8(1))
	f.Add([]byte(`}}garbage`), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		c := pieces{in: lines{limit: 64}}
		var got []byte
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			c.in.add(rest[:n])
			rest = rest[n:]
			for {
				msg, err := c.take()
				if err != nil {
					return
				}
				if msg == nil {
					break
				}
				if len(msg) > 64 || bytes.IndexByte(msg, '\n') >= 0 {
					t.Fatalf("message %q", msg)
				}
				got = append(got, msg...)
			}
		}
		got = append(got, c.in.unread()...)
		strip := func(b []byte) string {
			return string(slices.DeleteFunc(bytes.Clone(b), func(c byte) bool { return strings.IndexByte(blanks+"\n", c) >= 0 }))
		}
		if strip(got) != strip(data) {
			t.Fatalf("got %q of %q", got, data)
		}
	})
}
