package home

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

const (
	controlName = "control.sock"
	controlPath = "control.path"

	maxCommand  = 4 << 10  // bytes of a command
	maxControl  = 16 << 20 // bytes of its answer, which may list very many devices
	controlTime = 10 * time.Second
	// maxSocketPath is what every system's address of a socket holds, less a little.
	maxSocketPath = 100
)

// Command is what another program of the same person asks of a running gateway.
type Command struct {
	Do     string  `json:"do"` // invite, token, remove, rename, pause, limit, withdraw, snapshot
	Device string  `json:"device,omitempty"`
	Name   string  `json:"name,omitempty"`
	On     bool    `json:"on,omitempty"`
	Limit  float64 `json:"limit,omitempty"`
}

// Answer is what it is told.
type Answer struct {
	Error      string      `json:"error,omitempty"` // one of problems' names, or another error's words
	Snapshot   *Snapshot   `json:"snapshot,omitempty"`
	Device     *Device     `json:"device,omitempty"`
	Invitation *Invitation `json:"invitation,omitempty"`
	Link       string      `json:"link,omitempty"`
	Token      string      `json:"token,omitempty"`
}

// Format writes the answer without link and token, whatever the verb.
func (a Answer) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "answer %q", a.Error) }

// problems are the errors that a caller branches on, by the names that they go by on the socket.
func problems() map[string]error {
	return map[string]error{
		"no-device": ErrNoDevice, "several": ErrSeveral, "name": ErrName, "limit": ErrLimit, "no-page": ErrNoPage, "full": invite.ErrFull,
		"disk-full": syscall.ENOSPC, "disk-read-only": syscall.EROFS,
	}
}

// problem is what is said of an error on the socket.
func problem(err error) string {
	for name, known := range problems() {
		if errors.Is(err, known) {
			return name
		}
	}
	return err.Error()
}

// listenControl opens the socket. A stale one is in nobody's hands: the folder is locked.
func (g *Gateway) listenControl() error {
	path := filepath.Join(g.options.Dir, controlName)
	pointer := filepath.Join(g.options.Dir, controlPath)
	if at, ok := pointed(g.options.Dir); ok { // it was killed before
		_ = os.Remove(at)
		_ = os.Remove(filepath.Dir(at))
	}
	if err := errors.Join(removeFile(path), removeFile(pointer)); err != nil {
		return err
	}
	if len(path) > maxSocketPath {
		dir, err := os.MkdirTemp("", "goldpan-") // for its owner alone
		if err != nil {
			return err
		}
		path = filepath.Join(dir, controlName)
		if err := os.WriteFile(pointer, []byte(path), 0o600); err != nil {
			return err
		}
		g.listeners.controlFiles = []string{path, dir, pointer}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	g.listeners.control = l
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	g.listeners.control = guarded{l, newCrowd(16, 16, 100, 100)}
	return nil
}

// pointed is the socket that control.path names: one in a folder that is ours and open to nobody else. Another may have
// made one of that name after ours was swept away.
func pointed(dir string) (path string, ok bool) {
	b, err := os.ReadFile(filepath.Join(dir, controlPath))
	if err != nil || len(b) > 4096 || filepath.Base(string(b)) != controlName {
		return "", false
	}
	path = string(b)
	info, err := os.Lstat(filepath.Dir(path))
	return path, err == nil && info.IsDir() && private(info)
}

// serveControl answers commands until ctx ends.
func (g *Gateway) serveControl(ctx context.Context) error {
	return g.accept(ctx, g.listeners.control, func(c net.Conn) { g.control(ctx, c) })
}

// control answers one command.
func (g *Gateway) control(ctx context.Context, c net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, controlTime)
	defer cancel()
	conn := jsonrpc.NewLineConn(c, maxCommand)
	defer conn.Close()
	line, err := conn.ReadMessage(ctx)
	if err != nil {
		return
	}
	var a Answer
	command, err := parseCommand(line)
	if err == nil {
		a, err = g.do(ctx, command)
	}
	if err != nil {
		a = Answer{Error: problem(err)}
	}
	if text, err := json.Marshal(a); err == nil {
		_ = conn.WriteMessage(ctx, text)
	}
}

var errCommand = errors.New("the running gateway does not know this command; it may be of another version")

func parseCommand(line []byte) (Command, error) {
	var c Command
	j := json.NewDecoder(bytes.NewReader(line))
	j.DisallowUnknownFields()
	if len(line) > maxCommand || j.Decode(&c) != nil {
		return Command{}, errCommand
	}
	if _, err := j.Token(); !errors.Is(err, io.EOF) {
		return Command{}, errCommand
	}
	return c, nil
}

func (g *Gateway) do(ctx context.Context, c Command) (a Answer, err error) {
	var d Device
	switch c.Do {
	case "snapshot":
		_ = g.book.Flush() // what cannot be written is told elsewhere
		g.reckon(ctx)
		s := g.Snapshot()
		return Answer{Snapshot: &s}, nil
	case "invite":
		i, err := g.Invite(c.Name)
		return Answer{Invitation: &i, Link: i.link}, err
	case "withdraw":
		return Answer{}, g.Withdraw(c.Device)
	case "token":
		d, a.Token, err = g.Token(c.Name)
	case "remove":
		d, err = g.Remove(c.Device)
	case "rename":
		d, err = g.Rename(c.Device, c.Name)
	case "pause":
		d, err = g.Pause(c.Device, c.On)
	case "limit":
		d, err = g.Limit(c.Device, c.Limit)
	default:
		err = errCommand
	}
	a.Device = &d
	return a, err
}

// Ask sends a command to the gateway that runs in dir. Errors are ErrNotRunning, those of the command, and the
// connection's.
func Ask(ctx context.Context, dir string, c Command) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTime)
	defer cancel()
	path := filepath.Join(dir, controlName)
	if at, ok := pointed(dir); ok {
		path = at
	}
	raw, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return Answer{}, err
	default: // no file, or nobody behind it
		return Answer{}, ErrNotRunning
	}
	conn := jsonrpc.NewLineConn(raw, maxControl)
	defer conn.Close()
	text, err := json.Marshal(c)
	if err != nil {
		return Answer{}, err
	}
	if err := conn.WriteMessage(ctx, text); err != nil {
		return Answer{}, err
	}
	line, err := conn.ReadMessage(ctx)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return Answer{}, errors.New("the running gateway's answer cannot be read; it may be of another version")
	}
	if a.Invitation != nil {
		a.Invitation.link = a.Link
	}
	if a.Error != "" {
		if known := problems()[a.Error]; known != nil {
			return Answer{}, known
		}
		return Answer{}, errors.New(a.Error)
	}
	return a, nil
}
