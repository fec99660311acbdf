package machine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What is spoken of the X Window System Protocol, version 11, and of its extension
// MIT-SCREEN-SAVER, version 1: the set-up, QueryExtension and QueryInfo. All numbers
// are little-endian, as the set-up asks for.
const (
	saverExtension  = "MIT-SCREEN-SAVER"
	cookieName      = "MIT-MAGIC-COOKIE-1"
	queryExtension  = 98
	queryInfo       = 1 // of the extension
	replySize       = 32
	setupHeader     = 8
	maxSetup        = 1 << 18
	maxAuthority    = 1 << 16
	x11Sockets      = "/tmp/.X11-unix/X"
	roots           = 32 // where the vendor's name begins in the set-up
	vendorLength    = 16
	formatCount     = 21
	formatSize      = 8
	infoIdle        = 16 // milliseconds, in the reply to QueryInfo
	extensionThere  = 8
	extensionOpcode = 9
)

var errX11 = errors.New("the display does not tell the idle time")

// screenSaverIdle asks the X server of the display that the environment names, on
// this computer's own socket, since when there was no input.
func screenSaverIdle(ctx context.Context, env func(string) string) (time.Duration, error) {
	number, err := displayNumber(env("DISPLAY"))
	if err != nil {
		return 0, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", x11Sockets+strconv.Itoa(number))
	if err != nil {
		conn, err = d.DialContext(ctx, "unix", "@"+x11Sockets+strconv.Itoa(number))
	}
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(patience)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, err
	}
	return askIdle(conn, cookie(env, number))
}

// displayNumber reads ":0" or "unix:0.1"; what is on another computer is refused.
func displayNumber(display string) (int, error) {
	host, rest, ok := strings.Cut(display, ":")
	if !ok || host != "" && host != "unix" {
		return 0, fmt.Errorf("%w: there is none on this computer", errX11)
	}
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > 65535 {
		return 0, fmt.Errorf("%w: its number makes no sense", errX11)
	}
	return n, nil
}

// askIdle speaks with an X server.
func askIdle(conn io.ReadWriter, cookie []byte) (time.Duration, error) {
	order := binary.LittleEndian
	name := ""
	if cookie != nil {
		name = cookieName
	}
	setup := []byte{'l', 0, 11, 0, 0, 0}
	setup = order.AppendUint16(setup, uint16(len(name)))
	setup = order.AppendUint16(setup, uint16(len(cookie)))
	setup = append(setup, 0, 0)
	setup = padded(append(setup, name...))
	setup = padded(append(setup, cookie...))
	if _, err := conn.Write(setup); err != nil {
		return 0, err
	}
	header := make([]byte, setupHeader)
	if _, err := io.ReadFull(conn, header); err != nil {
		return 0, err
	}
	size := int(order.Uint16(header[6:])) * 4
	if header[0] != 1 || size > maxSetup {
		return 0, fmt.Errorf("%w: it refuses", errX11)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		return 0, err
	}
	root, err := rootWindow(body)
	if err != nil {
		return 0, err
	}

	query := []byte{queryExtension, 0}
	query = order.AppendUint16(query, uint16(2+len(saverExtension)/4))
	query = order.AppendUint16(query, uint16(len(saverExtension)))
	query = append(append(query, 0, 0), saverExtension...)
	reply, err := ask(conn, query)
	if err != nil {
		return 0, err
	}
	if reply[extensionThere] != 1 || reply[extensionOpcode] < 128 {
		return 0, fmt.Errorf("%w: it lacks %s", errX11, saverExtension)
	}
	info := order.AppendUint32([]byte{reply[extensionOpcode], queryInfo, 2, 0}, root)
	if reply, err = ask(conn, info); err != nil {
		return 0, err
	}
	return time.Duration(order.Uint32(reply[infoIdle:])) * time.Millisecond, nil
}

// padded fills b up to a multiple of four.
func padded(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// ask sends a request and returns its reply of 32 bytes. Nothing else is on its way:
// no event was asked for.
func ask(conn io.ReadWriter, request []byte) ([]byte, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	reply := make([]byte, replySize)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return nil, err
	}
	if reply[0] != 1 || binary.LittleEndian.Uint32(reply[4:]) != 0 {
		return nil, fmt.Errorf("%w: it answers with an error", errX11)
	}
	return reply, nil
}

// rootWindow finds the first screen's in the set-up.
func rootWindow(setup []byte) (uint32, error) {
	if len(setup) < roots {
		return 0, fmt.Errorf("%w: its greeting is short", errX11)
	}
	vendor := int(binary.LittleEndian.Uint16(setup[vendorLength:]))
	at := roots + (vendor+3)/4*4 + int(setup[formatCount])*formatSize
	if len(setup) < at+4 {
		return 0, fmt.Errorf("%w: its greeting is short", errX11)
	}
	return binary.LittleEndian.Uint32(setup[at:]), nil
}

// cookie returns the secret by which the X server of display number knows its own
// person, or nil: some servers ask for none.
func cookie(env func(string) string, number int) []byte {
	path := env("XAUTHORITY")
	if path == "" {
		path = filepath.Join(env("HOME"), ".Xauthority")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAuthority))
	if err != nil {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return findCookie(b, host, number)
}

// Families of addresses in an authority file.
const (
	familyLocal = 256
	familyWild  = 65535
)

// findCookie reads an authority file: a family, then an address, a display's number,
// a name and a secret, each with its length before it; big-endian.
func findCookie(b []byte, host string, number int) []byte {
	field := func() (f []byte, ok bool) {
		if len(b) < 2 {
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			return nil, false
		}
		f, b = b[2:2+n], b[2+n:]
		return f, true
	}
	for len(b) >= 2 {
		family := binary.BigEndian.Uint16(b)
		b = b[2:]
		var fields [4][]byte
		for i := range fields {
			var ok bool
			if fields[i], ok = field(); !ok {
				return nil
			}
		}
		ours := family == familyWild || family == familyLocal && string(fields[0]) == host
		display := string(fields[1])
		if ours && (display == "" || display == strconv.Itoa(number)) && string(fields[2]) == cookieName {
			return fields[3]
		}
	}
	return nil
}
