package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"goldpan/app/desk"
)

type record = desk.Record

// terminal is where a command reads and writes.
type terminal struct {
	in   *os.File
	out  io.Writer
	err  io.Writer
	json bool
	data string

	command string        // the name of the one that runs, once it is known
	trying  time.Duration // in the place of minTrying, unless zero

	mu     sync.Mutex
	status bool // a status line stands on the screen
}

// print gives a result: r as JSON, or the text to people.
func (t *terminal) print(r record, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	if !t.json {
		fmt.Fprintf(t.out, format+"\n", args...)
		return
	}
	r.Write(t.out)
}

// emit gives a result that people are told in another way.
func (t *terminal) emit(r record) {
	if t.json {
		t.print(r, "")
	}
}

// say tells people how things go.
func (t *terminal) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	fmt.Fprintf(t.err, format+"\n", args...)
}

// people is where a text that was asked for goes: standard output, unless that is
// for JSON lines alone.
func (t *terminal) people() io.Writer {
	if t.json {
		return t.err
	}
	return t.out
}

// live tells whether a status line can be drawn over.
func (t *terminal) live() bool {
	f, ok := t.err.(*os.File)
	return ok && !t.json && term.IsTerminal(int(f.Fd()))
}

// redraw replaces the status line, where there is one.
func (t *terminal) redraw(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.err.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 1 {
			if r := []rune(line); len(r) >= width {
				line = string(r[:width-1])
			}
		}
	}
	fmt.Fprintf(t.err, "\r\x1b[K%s", line)
	t.status = true
}

// width is the terminal's, in columns; 0 if it is not known, or there is none.
func (t *terminal) width() int {
	if !t.live() {
		return 0
	}
	width, _, err := term.GetSize(int(t.err.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return width
}

func (t *terminal) clear() {
	if t.status {
		fmt.Fprint(t.err, "\r\x1b[K")
		t.status = false
	}
}

// fail tells of an error: what happened, and what to do next.
func (t *terminal) fail(message, hint string) {
	if t.json {
		t.print(desk.ErrorRecord(message, hint), "")
		return
	}
	t.say("goldpan: %s", message)
	if hint != "" {
		t.say("%s", hint)
	}
}

// sayWriter says what is written, a line at a time, to people.
type sayWriter struct{ t *terminal }

func (w sayWriter) Write(b []byte) (int, error) {
	w.t.say("%s", strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// output remembers that it could not be written to: a command whose result is
// lost has failed.
type output struct {
	to  io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

var errOutput = errors.New("the result could not be written")

// interactive tells whether somebody can be asked.
func (t *terminal) interactive() bool {
	return t.live() && t.in != nil && term.IsTerminal(int(t.in.Fd()))
}

// yes reads an answer, which is no unless it begins with y.
func (t *terminal) yes(ctx context.Context) bool {
	answer, err := await(ctx, func() (string, error) { return bufio.NewReader(io.LimitReader(t.in, 1<<10)).ReadString('\n') })
	return err == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}

// dir is the data directory.
func (t *terminal) dir() (string, error) {
	if t.data != "" {
		return t.data, nil
	}
	dir, err := desk.DefaultDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", desk.ErrDataDir, err)
	}
	return dir, nil
}

// maxSecret bounds what is read as a secret, in bytes.
const maxSecret = 64 << 10

var (
	errSecret = errors.New("no secret was given")
	errEnded  = fmt.Errorf("%w: the input ended before Enter was pressed", errSecret)
	errLong   = fmt.Errorf("%w: what was read is longer than %d bytes, so it is something else", errSecret, maxSecret)
)

// secret reads a secret: from file, where "-" is standard input, or if file is
// empty from the terminal without echo. Line ends at its end are cut off. Nobody
// may ever answer, so it ends with ctx; then the reading is left to itself.
func (t *terminal) secret(ctx context.Context, file, prompt string) (string, error) {
	switch {
	case file == "-":
		return await(ctx, func() (string, error) { return readSecret(t.in) })
	case file != "":
		return await(ctx, func() (string, error) {
			f, err := os.Open(file)
			if err != nil {
				return "", err
			}
			defer f.Close()
			return readSecret(f)
		})
	case t.in != nil && term.IsTerminal(int(t.in.Fd())):
		read, show, err := hide(t.in)
		if err != nil {
			return "", err
		}
		defer show()
		fmt.Fprintf(t.err, "%s: ", prompt)
		s, err := await(ctx, read)
		if errors.Is(err, io.EOF) { // Ctrl-D
			err = fmt.Errorf("%w: %s", errEnded, strings.ToLower(prompt))
		}
		fmt.Fprintln(t.err)
		return s, err
	}
	return "", fmt.Errorf("%w: %s", errSecret, strings.ToLower(prompt))
}

// await returns what read returns, or the reason why ctx ended before.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func readSecret(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(bufio.NewReader(r), maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret {
		return "", errLong
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
