//go:build !js

package jsonrpc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// tunnel asks the proxy at the other end of c for a connection to t. Afterwards c carries the server's bytes. It reads
// no byte more than the proxy's own.
func (p Proxy) tunnel(ctx context.Context, c net.Conn, t target) error {
	ended := wakeAt(ctx, c)
	var err error
	if p.scheme == "socks5" {
		err = p.socks(c, t)
	} else {
		err = p.connect(c, t)
	}
	if ended() {
		// What was going on when the time ran out says whose fault it is.
		if errors.Is(err, ErrProxy) {
			return fmt.Errorf("%w: %w", ErrProxy, dialError(ctx, ctx.Err()))
		}
		return dialError(ctx, ctx.Err())
	}
	return err
}

// proxyFailed is an error of the proxy. Of the cause it keeps what the network said, never what the proxy did.
func proxyFailed(what string, cause error) error {
	var op *net.OpError
	if errors.As(cause, &op) {
		return fmt.Errorf("%w: %s: %w", ErrProxy, what, op)
	}
	return fmt.Errorf("%w: %s", ErrProxy, what)
}

// socks speaks SOCKS5 (RFC 1928), with user and password when there are some (RFC 1929).
func (p Proxy) socks(c net.Conn, t target) error {
	const none, byPassword = 0, 2
	hello := []byte{5, 1, none}
	if p.user != "" {
		hello = []byte{5, 2, none, byPassword}
	}
	if _, err := c.Write(hello); err != nil {
		return proxyFailed("it ended the connection", err)
	}
	method, err := readSocksPair(c, 5)
	if err != nil {
		return err
	}
	switch {
	case method == none:
	case method == byPassword && p.user != "":
		login := append([]byte{1, byte(len(p.user))}, p.user...)
		login = append(append(login, byte(len(p.password))), p.password...)
		if _, err := c.Write(login); err != nil {
			return proxyFailed("it ended the connection", err)
		}
		status, err := readSocksPair(c, 1)
		if err != nil {
			return err
		}
		if status != 0 {
			return proxyFailed("it does not accept the user and password", nil)
		}
	case p.user == "":
		return proxyFailed("it wants a user and password", nil)
	default:
		return proxyFailed("it wants another way to log in", nil)
	}

	request := []byte{5, 1, 0}
	if ip, err := netip.ParseAddr(t.host); err != nil {
		request = append(append(request, 3, byte(len(t.host))), t.host...)
	} else if ip.Is4() {
		request = append(append(request, 1), ip.AsSlice()...)
	} else {
		request = append(append(request, 4), ip.AsSlice()...)
	}
	port, err := strconv.ParseUint(t.port, 10, 16)
	if err != nil {
		return fmt.Errorf("%w: port out of range", ErrAddress)
	}
	if _, err := c.Write(append(request, byte(port>>8), byte(port))); err != nil {
		return proxyFailed("it ended the connection", err)
	}
	return readSocksReply(c)
}

// readSocksPair reads a version, which must be the one wanted, and what follows it.
func readSocksPair(r io.Reader, version byte) (byte, error) {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, proxyFailed("it ended the connection", err)
	}
	if b[0] != version {
		return 0, proxyFailed("it speaks no SOCKS5", nil)
	}
	return b[1], nil
}

// readSocksReply reads the answer to a request, and nothing that follows it.
func readSocksReply(r io.Reader) error {
	var b [4]byte
	// Until it answers, the proxy waits for the server.
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return waiting(err)
	}
	if _, err := io.ReadFull(r, b[1:]); err != nil {
		return proxyFailed("it ended the connection", err)
	}
	if b[0] != 5 {
		return proxyFailed("it speaks no SOCKS5", nil)
	}
	switch b[1] {
	case 0:
	case 2:
		return proxyFailed("it does not allow this connection", nil)
	case 3, 4: // Tor's answer, too, for a name that does not exist
		return fmt.Errorf("dial: %w", ErrUnreachable)
	case 5:
		return fmt.Errorf("dial: %w, says the proxy", ErrRefused)
	case 6:
		return fmt.Errorf("dial: %w, says the proxy", ErrTimeout)
	default:
		return proxyFailed("it gives up for a reason of its own", nil)
	}
	length := 0
	switch b[3] {
	case 1:
		length = 4
	case 3:
		if _, err := io.ReadFull(r, b[:1]); err != nil {
			return proxyFailed("it ended the connection", err)
		}
		length = int(b[0])
	case 4:
		length = 16
	default:
		return proxyFailed("it speaks no SOCKS5", nil)
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)+2); err != nil {
		return proxyFailed("it ended the connection", err)
	}
	return nil
}

// waiting judges a connection that failed while the proxy was dialling: a time that ran out is the server's fault, an
// end the proxy's.
func waiting(err error) error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return fmt.Errorf("dial: %w", ErrTimeout)
	}
	return proxyFailed("it ended the connection", err)
}

// connect asks an HTTP proxy (RFC 9110, section 9.3.6).
func (p Proxy) connect(c net.Conn, t target) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", t.addr(), t.addr())
	if p.user != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)))
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(c, b.String()); err != nil {
		return proxyFailed("it ended the connection", err)
	}
	return readConnectReply(c)
}

// maxConnectReply bounds all that an HTTP proxy may say before the connection is ours.
const maxConnectReply = 8 << 10

// readConnectReply reads the head of an HTTP reply, and nothing that follows it: a reply to CONNECT has no body, and
// what comes next is the server's. Interim replies are passed over.
func readConnectReply(r io.Reader) error {
	left := maxConnectReply
	for {
		status, err := readHead(r, &left)
		if err != nil {
			return err
		}
		switch {
		case status >= 200 && status < 300:
			return nil
		case status >= 100 && status < 200 && status != 101:
			continue
		case status == 401 || status == 407:
			return proxyFailed("it does not accept the user and password, or wants some", nil)
		case status == 502 || status == 503:
			return fmt.Errorf("dial: %w", ErrUnreachable)
		case status == 504:
			return fmt.Errorf("dial: %w, says the proxy", ErrTimeout)
		}
		return fmt.Errorf("%w: http status %d", ErrProxy, status)
	}
}

// readHead returns the status of one reply, whose head it reads byte by byte, so that nothing of the server's first
// words is taken; left is what may still be read.
func readHead(r io.Reader, left *int) (status int, err error) {
	const form = "HTTP/1.x 200"
	var line []byte // of the status
	var b [1]byte
	for first, length := true, 0; ; *left-- {
		if *left == 0 {
			return 0, proxyFailed("its answer has no end", nil)
		}
		if _, err := io.ReadFull(r, b[:]); err != nil {
			if first && length == 0 {
				return 0, waiting(err)
			}
			return 0, proxyFailed("it ended the connection", err)
		}
		switch {
		case b[0] == '\r':
		case b[0] != '\n':
			length++
			if first && len(line) <= len(form) {
				if line = append(line, b[0]); len(line) <= 7 && !strings.HasPrefix(form, string(line)) {
					return 0, proxyFailed("it speaks no HTTP", nil)
				}
			}
		case !first && length == 0:
			return status, nil
		case first:
			if status = statusOf(string(line), len(form)); status == 0 {
				return 0, proxyFailed("it speaks no HTTP", nil)
			}
			first, length = false, 0
		default:
			length = 0
		}
	}
}

// statusOf reads the beginning of a status line, which is one byte longer than needed if there is more; 0 when it is
// none.
func statusOf(line string, form int) int {
	if len(line) < form || line[8] != ' ' || line[7] < '0' || line[7] > '9' || len(line) > form && line[form] != ' ' {
		return 0
	}
	n, err := strconv.ParseUint(line[9:form], 10, 16)
	if err != nil || n < 100 {
		return 0
	}
	return int(n)
}
