package main

import (
	"context"
	"errors"
	"image"
	"image/color"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goldpan/assets"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/invite/knock"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// code reads the QR code in a picture: its modules, true for dark.
func code(p image.Image) [][]bool {
	black := func(x, y int) bool {
		return color.NRGBAModel.Convert(p.At(x, y)).(color.NRGBA) == color.NRGBA{A: 255}
	}
	b := p.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		run := 0
		for x := b.Min.X; x < b.Max.X; x++ {
			if black(x, y) {
				run++
				continue
			}
			// The first long row of black is the upper edge of a finder pattern, seven modules wide.
			if run >= 7*3 && run%7 == 0 {
				width, left := run/7, x-run
				right := left // of the code: the end of the last black in this row
				for end := left; end < b.Max.X; end++ {
					if black(end, y) {
						right = end + 1
					}
				}
				size := (right - left) / width
				m := make([][]bool, size)
				for row := range m {
					m[row] = make([]bool, size)
					for column := range m[row] {
						m[row][column] = black(left+column*width+width/2, y+row*width+width/2)
					}
				}
				return m
			}
			run = 0
		}
	}
	return nil
}

// decode reads the text of a QR code of version 5 and level M, in byte mode, as ISO/IEC 18004 draws it. What corrects
// errors is passed by: a screen makes none.
func decode(m [][]bool) string {
	size := len(m)
	if size != 37 {
		return ""
	}
	format := 0
	for i, at := range [][2]int{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0}} {
		if m[at[1]][at[0]] {
			format |= 1 << (14 - i)
		}
	}
	format ^= 0x5412
	mask := []func(x, y int) bool{
		func(x, y int) bool { return (x+y)%2 == 0 }, func(_, y int) bool { return y%2 == 0 },
		func(x, _ int) bool { return x%3 == 0 }, func(x, y int) bool { return (x+y)%3 == 0 },
		func(x, y int) bool { return (x/3+y/2)%2 == 0 }, func(x, y int) bool { return x*y%2+x*y%3 == 0 },
		func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 }, func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
	}[format>>10&7]
	center := size - 7 // of the only alignment pattern
	fixed := func(x, y int) bool {
		return x < 9 && y < 9 || x < 9 && y >= size-8 || x >= size-8 && y < 9 || x == 6 || y == 6 ||
			x >= center-2 && x <= center+2 && y >= center-2 && y <= center+2
	}
	var words []byte // in the order in which they are drawn
	bits := 0
	for right, up := size-1, true; right > 0; right, up = right-2, !up {
		if right == 6 {
			right--
		}
		for i := range size {
			y := i
			if up {
				y = size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if fixed(x, y) {
					continue
				}
				if bits%8 == 0 {
					words = append(words, 0)
				}
				if m[y][x] != mask(x, y) {
					words[bits/8] |= 1 << (7 - bits%8)
				}
				bits++
			}
		}
	}
	const blocks, each = 2, 43 // of version 5, level M; their words are drawn in turns
	var data []byte
	for b := range blocks {
		for i := range each {
			data = append(data, words[i*blocks+b])
		}
	}
	if data[0]>>4 != 4 {
		return ""
	}
	text := make([]byte, data[0]<<4|data[1]>>4)
	for i := range text {
		if i+2 >= len(data) {
			return ""
		}
		text[i] = data[i+1]<<4 | data[i+2]>>4
	}
	return string(text)
}

// phone is a device without a screen: it opens a link as the page does, and mines by hand.
type phone struct {
	*stratum.Client
	jobs chan *pow.Job
	done chan error
}

func (*phone) State(pow.State) {}

func (p *phone) Job(j *pow.Job) {
	for {
		select {
		case p.jobs <- j:
			return
		default:
		}
		select { // the newest counts
		case <-p.jobs:
		default:
		}
	}
}

// join has a device join by a link and mine until the test ends.
func join(t *testing.T, link string, payee invite.Payee) {
	t.Helper()
	invitation, err := invite.ParseLink(link)
	if err != nil {
		t.Fatalf("the link in the window: %v", err)
	}
	at, err := stratum.ParseURL(strings.Replace(invitation.Origin, "http", "ws", 1) + "/stratum")
	if err != nil {
		t.Fatal(err)
	}
	d := &knock.Device{Invitation: invitation, Agreed: payee,
		Keep: func(context.Context, invite.Credential) error { return nil }, Welcome: func(invite.Payee) {}}
	p := &phone{jobs: make(chan *pow.Job, 1), done: make(chan error, 1)}
	p.Client = stratum.NewClient(stratum.Config{URL: at, User: "phone", Algorithm: hasher.SHA256d, Handler: p, Suggest: 1e-6,
		Greet: func(ctx context.Context, conn jsonrpc.Conn) error {
			err := d.Greet(ctx, conn)
			if f, ok := errors.AsType[*knock.Failure](err); ok && f.Final {
				return errors.Join(stratum.ErrRefusedForGood, err)
			}
			return err
		}})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { p.done <- p.Run(ctx) }()
	go p.mine(ctx)
	t.Cleanup(func() {
		cancel()
		<-p.done
	})
}

// mine tries nonces of the newest job, slowly.
func (p *phone) mine(ctx context.Context) {
	var j *pow.Job
	for nonce := uint32(0); ctx.Err() == nil; nonce++ {
		select {
		case next := <-p.jobs:
			j, nonce = next, 0
		default:
		}
		if j == nil {
			select {
			case <-ctx.Done():
			case j = <-p.jobs:
			}
			continue
		}
		if nonce%4096 == 4095 {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		share, ok := j.Check(pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time, Nonce: nonce})
		if ok {
			p.Submit(share, func(pow.Result) {})
		}
	}
}

// The whole journey of a household on one machine, without the internet: first start, Devices, switch on over practice, a
// phone joins by the code on the screen and its shares appear in the list.
func TestDevices(t *testing.T) {
	inLooks(t, household)
}

func household(t *testing.T, variant string, gold assets.Color) {
	d := newDisplay(t, 800, 600)
	dir := t.TempDir()
	p := start(t, d.env(dir, variant), "--json", "--data", filepath.Join(dir, "data"), "--web", "127.0.0.1:0", "--listen", "127.0.0.1:0")
	shot := func(name string) { keep(t, d.picture(t), "devices-"+name+"-"+variant) }
	p.await(t, "the first screen", screen("practice"))
	d.waitForButton(t, gold)
	d.keys(t, "ctrl+4")
	p.await(t, "Devices", screen("devices"))
	shot("closed")
	for len(p.lines) > 0 {
		if r := <-p.lines; r["type"] == "home" {
			t.Errorf("devices may join before anybody allowed it: %v", r)
		}
	}

	d.keys(t, "space") // Switch on has the focus
	p.await(t, "the switch", screen("devices open"))
	open := p.await(t, "devices may join", func(r map[string]any) bool { return r["type"] == "home" && r["state"] == "mining" })
	if page, _ := open["page"].(string); !strings.HasPrefix(page, "http://127.0.0.1:") {
		t.Errorf("it opened %v", open)
	}
	shot("open")
	d.keys(t, "space") // Add a phone has it now
	p.await(t, "an invitation", screen("invitation"))
	var link string
	for end := time.Now().Add(patience); link == "" && time.Now().Before(end); {
		link = decode(code(d.picture(t)))
	}
	shot("invitation")

	name, _ := open["payee"].(string)
	address, _ := open["payout"].(string)
	join(t, link, invite.Payee{Name: name, Address: address})
	p.await(t, "the good word", screen("joined"))
	p.await(t, "the phone's shares in the list", func(r map[string]any) bool {
		all, _ := r["devices"].([]any)
		if r["type"] != "home" || len(all) != 1 {
			return false
		}
		one, _ := all[0].(map[string]any)
		accepted, _ := one["accepted"].(float64)
		part, _ := one["part"].(float64)
		return one["here"] == true && accepted >= 3 && part == 1
	})
	shot("joined")
	d.keys(t, "space") // Close
	for range 20 {
		p.await(t, "a further look", func(r map[string]any) bool { return r["type"] == "home" })
		if os.Getenv("GOLDPAN_SCREENSHOTS") == "" {
			break
		}
	}
	shot("list")

	d.keys(t, "Tab", "space") // from Add a phone, which has the focus again, to the next
	p.await(t, "a token", screen("token"))
	p.await(t, "the miner in the list", func(r map[string]any) bool {
		all, _ := r["devices"].([]any)
		return r["type"] == "home" && len(all) == 2
	})
	shot("token")
	d.keys(t, "space")                           // I have entered it
	d.keys(t, "shift+Tab", "shift+Tab", "space") // Switch off
	p.await(t, "the end of it", screen("devices closed"))
	shot("off")
	page, _ := open["page"].(string)
	if c, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(page, "http"), ":/")); err == nil {
		c.Close()
		t.Error("the page is still served")
	}
	if code := p.end(t); code != 0 {
		t.Errorf("SIGINT ended the window with %d: %s", code, p.stderr.String())
	}
	if text := p.stderr.String(); text != "" {
		t.Errorf("on standard error: %s", text)
	}
}
