//go:build !js

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// kind is how a device is connected.
type kind string

const (
	tcp kind = "tcp"
	ws  kind = "ws"
	wss kind = "wss"
)

// A device is one connection to the house. Fifteen thousand must fit into one core, so it is as plain as can be: one
// goroutine that reads, and messages made by hand.
type device struct {
	user  string
	frame bool // messages are WebSocket frames
	conn  net.Conn
	in    *bufio.Reader
	first []byte // extranonce1
	size  int    // of extranonce2

	ready chan struct{} // closed by the first job
	seen  atomic.Uint32 // number of the newest job
	at    atomic.Int64  // when it came, in nanoseconds since the crowd's beginning

	mu     sync.Mutex
	job    []byte // the newest, as it came
	target float64

	// Of the burst of shares.
	shares  [][]byte // to be sent, one after the other's answer
	sent    int
	taken   int
	refused int
	done    func()
}

const patience = 2 * time.Minute

// dial connects a device and logs it in.
func dial(ctx context.Context, at doors, k kind, user string) (*device, error) {
	to := map[kind]string{tcp: at.TCP, ws: at.WS, wss: at.WSS}[k]
	c, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	_ = c.(*net.TCPConn).SetLinger(0) // thousands that wait for stray packets would use up the ports
	_ = c.SetDeadline(time.Now().Add(patience))
	d := &device{user: user, frame: k != tcp, conn: c, ready: make(chan struct{})}
	if k == wss {
		roots := x509.NewCertPool()
		cert, err := x509.ParseCertificate(at.Cert)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		roots.AddCert(cert)
		d.conn = tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	}
	d.in = bufio.NewReaderSize(d.conn, 2<<10)
	if err := d.begin(to); err != nil {
		return nil, errors.Join(fmt.Errorf("%s device %s: %w", k, user, err), c.Close())
	}
	_ = c.SetDeadline(time.Time{})
	return d, nil
}

func (d *device) begin(host string) error {
	if d.frame {
		if err := d.upgrade(host); err != nil {
			return err
		}
	}
	if err := d.write([]byte(`{"id":1,"method":"mining.subscribe","params":["load/1"]}`)); err != nil {
		return err
	}
	msg, err := d.read()
	if err != nil {
		return err
	}
	var reply struct{ Result []json.RawMessage }
	var first string
	if json.Unmarshal(msg, &reply) != nil || len(reply.Result) < 3 ||
		json.Unmarshal(reply.Result[1], &first) != nil || json.Unmarshal(reply.Result[2], &d.size) != nil {
		return errors.New("not subscribed")
	}
	if d.first, err = hex.DecodeString(first); err != nil {
		return err
	}
	suggest := strconv.AppendFloat([]byte(`{"id":2,"method":"mining.suggest_difficulty","params":[`), easy, 'f', -1, 64)
	if err := d.write(append(suggest, `]}`...)); err != nil {
		return err
	}
	return d.write([]byte(`{"id":3,"method":"mining.authorize","params":["` + d.user + `","load"]}`))
}

func (d *device) upgrade(host string) error {
	_, err := io.WriteString(d.conn, "GET /stratum HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Z29sZHBhbiBhdCBob21lIQ==\r\n\r\n")
	if err != nil {
		return err
	}
	r, err := http.ReadResponse(d.in, nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("http status %d", r.StatusCode)
	}
	return nil
}

// write sends one message. A mask of zeros is a mask (RFC 6455, section 5.3).
func (d *device) write(msg []byte) error {
	if !d.frame {
		_, err := d.conn.Write(append(msg, '\n'))
		return err
	}
	b := []byte{0x81, 0x80}
	if len(msg) < 126 {
		b[1] |= byte(len(msg))
	} else {
		b[1] |= 126
		b = binary.BigEndian.AppendUint16(b, uint16(len(msg)))
	}
	_, err := d.conn.Write(append(append(b, 0, 0, 0, 0), msg...))
	return err
}

// read returns the next message.
func (d *device) read() ([]byte, error) {
	if !d.frame {
		return d.in.ReadBytes('\n')
	}
	head, err := d.in.Peek(2)
	if err != nil {
		return nil, err
	}
	kind, size := head[0], int(head[1])
	_, _ = d.in.Discard(2)
	switch {
	case kind != 0x81 || size > 126:
		return nil, fmt.Errorf("frame %x of %d bytes", kind, size)
	case size == 126:
		long, err := d.in.Peek(2)
		if err != nil {
			return nil, err
		}
		size = int(binary.BigEndian.Uint16(long))
		_, _ = d.in.Discard(2)
	}
	msg := make([]byte, size)
	_, err = io.ReadFull(d.in, msg)
	return msg, err
}

var (
	notify     = []byte(`"mining.notify","params":["`)
	difficulty = []byte(`"mining.set_difficulty","params":[`)
	message    = []byte(`"method":`)
	yes        = []byte(`"result":true`)
)

// follow reads until the connection ends, and takes note of what comes.
func (d *device) follow(begun time.Time) {
	for {
		msg, err := d.read()
		if err != nil {
			return
		}
		now := time.Since(begun)
		if i := bytes.Index(msg, notify); i >= 0 {
			d.heard(now, msg, msg[i+len(notify):])
		} else if i := bytes.Index(msg, difficulty); i >= 0 {
			rest, _, _ := bytes.Cut(msg[i+len(difficulty):], []byte{']'})
			v, err := strconv.ParseFloat(string(rest), 64)
			if err != nil {
				return
			}
			d.mu.Lock()
			d.target = v
			d.mu.Unlock()
		} else if !bytes.Contains(msg, message) && d.sent > 0 {
			if bytes.Contains(msg, yes) {
				d.taken++
			} else {
				d.refused++
			}
			if !d.submit() {
				return
			}
		}
	}
}

func (d *device) heard(now time.Duration, msg, params []byte) {
	_, rest, ok := bytes.Cut(params, []byte(`","`))
	if !ok || len(rest) < 8 {
		return
	}
	number, err := strconv.ParseUint(string(rest[:8]), 16, 32)
	if err != nil {
		return
	}
	d.mu.Lock()
	d.job = msg
	d.mu.Unlock()
	if before := d.seen.Load(); before != uint32(number) {
		d.at.Store(int64(now))
		d.seen.Store(uint32(number))
		if before == 0 {
			close(d.ready)
		}
	}
}

// submit sends the next share. After the last it tells whoever waits.
func (d *device) submit() bool {
	if d.sent == len(d.shares) {
		d.done()
		d.sent, d.shares = 0, nil
		return true
	}
	d.sent++
	return d.write(d.shares[d.sent-1]) == nil
}

// find makes the device's next burst: count shares of its newest job. It returns how many of them the pool wants.
func (d *device) find(count int, wanted pow.Target) (forPool int, err error) {
	d.mu.Lock()
	msg, told := d.job, d.target
	d.mu.Unlock()
	var m struct{ Params []json.RawMessage }
	if err := json.Unmarshal(msg, &m); err != nil || len(m.Params) < 8 {
		return 0, errors.New("no job")
	}
	var texts [8]string
	for _, i := range []int{0, 1, 2, 3, 5, 6, 7} {
		if err := json.Unmarshal(m.Params[i], &texts[i]); err != nil {
			return 0, err
		}
	}
	var branch []string
	if err := json.Unmarshal(m.Params[4], &branch); err != nil {
		return 0, err
	}
	raw := func(text string) (b []byte) {
		b, e := hex.DecodeString(text)
		err = errors.Join(err, e)
		return b
	}
	word := func(text string) uint32 {
		n, e := strconv.ParseUint(text, 16, 32)
		err = errors.Join(err, e)
		return uint32(n)
	}
	j := pow.Job{
		Algorithm: hasher.SHA256d, Coinbase1: raw(texts[2]), Coinbase2: raw(texts[3]), Extranonce1: d.first, Extranonce2Size: d.size,
		Version: word(texts[5]), Bits: word(texts[6]), Time: word(texts[7]),
	}
	for i, b := range raw(texts[1]) {
		j.Prev[i^3] = b
	}
	for _, text := range branch {
		j.Branch = append(j.Branch, pow.Hash(raw(text)))
	}
	if err != nil {
		return 0, err
	}
	target := pow.TargetFromDifficulty(hasher.SHA256d, told)
	zeros := hex.EncodeToString(make([]byte, d.size))
	head := j.Header(pow.Solution{Extranonce2: make([]byte, d.size), Version: j.Version, Time: j.Time}).Bytes()
	d.shares = make([][]byte, 0, count)
	for nonce := uint32(0); len(d.shares) < count; nonce++ {
		binary.LittleEndian.PutUint32(head[76:], nonce)
		hash := pow.Hash(hasher.SHA256d.Sum(&head))
		if !target.Met(hash) {
			continue
		}
		if wanted.Met(hash) {
			forPool++
		}
		d.shares = append(d.shares, fmt.Appendf(nil, `{"id":%d,"method":"mining.submit","params":[%q,%q,%q,%q,"%08x"]}`,
			10+len(d.shares), d.user, texts[0], zeros, texts[7], nonce))
	}
	return forPool, nil
}
