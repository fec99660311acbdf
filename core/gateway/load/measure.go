//go:build !js

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// The bounds.
const (
	maxPlain  = 12 << 10 // bytes of resident memory for a device on tcp or ws
	maxSecure = 24 << 10 // on wss
	maxFew    = 100 * time.Millisecond
	maxAll    = time.Second
	few       = 200    // devices that new work reaches within maxFew
	minRate   = 15_000 // shares a second

	sample = 4000 // devices of one kind, for its memory
	jobs   = 10   // new jobs whose way is timed
)

// started is a house in a process of its own.
type started struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	at  doors
}

func start(ctx context.Context, cpu, pool string, devices int) (*started, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{self, "-role", "house", "-pool", pool, "-devices", strconv.Itoa(devices)}
	if cpu != "" {
		args = append([]string{"taskset", "-c", cpu}, args...)
	}
	s := &started{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = json.NewDecoder(bufio.NewReader(out))
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.out.Decode(&s.at); err != nil {
		return nil, errors.Join(fmt.Errorf("the house did not open: %w", err), s.close())
	}
	return s, nil
}

func (s *started) close() error {
	_ = s.in.Close()
	return s.cmd.Wait()
}

func (s *started) count() (c count, err error) {
	if _, err = io.WriteString(s.in, "\n"); err == nil {
		err = s.out.Decode(&c)
	}
	return c, err
}

// report prints figures, and remembers whether one missed its bound.
type report struct {
	out    io.Writer
	missed bool
}

func (r *report) say(name, format string, args ...any) {
	fmt.Fprintf(r.out, "%-34s %s\n", name, fmt.Sprintf(format, args...))
}

func (r *report) bound(held bool, name, format string, args ...any) {
	verdict := "held"
	if !held {
		verdict, r.missed = "MISSED", true
	}
	r.say(name, format+"  %s", append(args, verdict)...)
}

func kib(bytes int64) float64 { return float64(bytes) / 1024 }

// measure runs everything, and prints it.
func measure(ctx context.Context, devices, shares int, cpu string, out io.Writer) error {
	r := &report{out: out}
	if cpu != "" {
		r.say("house on processor", "%s, GOMAXPROCS 1", cpu)
	}
	for _, k := range []kind{tcp, ws, wss} {
		if err := r.memory(ctx, k, min(sample, devices/2), cpu); err != nil {
			return err
		}
	}
	if err := r.full(ctx, devices, shares, cpu); err != nil {
		return err
	}
	if r.missed {
		return errors.New("a bound was missed")
	}
	return nil
}

// memory measures what devices of one kind cost a house that has just opened.
func (r *report) memory(ctx context.Context, k kind, devices int, cpu string) error {
	return within(ctx, cpu, devices, func(p *pool, s *started, c *crowd) error {
		if err := c.join(ctx, k, 100); err != nil { // what the first need is not the others' cost
			return err
		}
		before, err := resident(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		if err := c.join(ctx, k, devices-100); err != nil {
			return err
		}
		n, at := p.send()
		if _, err := c.delivered(ctx, n, at); err != nil {
			return err
		}
		after, err := resident(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		most := int64(maxPlain)
		if k == wss {
			most = maxSecure
		}
		each := (after - before) / int64(devices-100)
		r.bound(each <= most, string(k)+", memory a device", "%.1f KiB of at most %.0f (%d devices)", kib(each), kib(most), devices)
		return nil
	})
}

// within opens pool, house and crowd.
func within(ctx context.Context, cpu string, devices int, do func(*pool, *started, *crowd) error) (err error) {
	p, err := openPool()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	s, err := start(ctx, cpu, p.url, devices)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c := newCrowd(s.at)
	defer c.leave()
	return do(p, s, c)
}

// full fills the house.
func (r *report) full(ctx context.Context, devices, shares int, cpu string) error {
	return within(ctx, cpu, devices, func(p *pool, s *started, c *crowd) error {
		pid := s.cmd.Process.Pid
		empty, err := resident(pid)
		if err != nil {
			return err
		}
		lines := devices / 10
		if err := errors.Join(c.join(ctx, tcp, few/10), c.join(ctx, ws, few-few/10)); err != nil {
			return err
		}
		if err := r.deliver(ctx, p, c, few, maxFew); err != nil {
			return err
		}
		begun := time.Now()
		if err := errors.Join(c.join(ctx, tcp, lines-few/10), c.join(ctx, ws, devices-lines-few+few/10)); err != nil {
			return err
		}
		r.say("joining", "%d devices in %.1f s", devices-few, time.Since(begun).Seconds())
		now, err := s.count()
		if err != nil {
			return err
		}
		r.bound(now.Devices == devices, "held", "%d ws and %d tcp devices; a Snapshot takes %v", devices-lines, lines, now.Snapshot.Round(time.Millisecond/10))
		if err := r.weigh(pid, empty, devices, "full house, memory a device"); err != nil {
			return err
		}
		if err := r.deliver(ctx, p, c, devices, maxAll); err != nil {
			return err
		}
		if err := r.weigh(pid, empty, devices, "after new jobs"); err != nil {
			return err
		}
		if err := r.burst(ctx, p, s, c, shares); err != nil {
			return err
		}
		if err := r.weigh(pid, empty, devices, "after the shares"); err != nil {
			return err
		}
		return r.lose(ctx, p, c)
	})
}

func (r *report) weigh(pid int, empty int64, devices int, name string) error {
	now, err := resident(pid)
	if err != nil {
		return err
	}
	each := (now - empty) / int64(devices)
	r.bound(each <= maxPlain, name, "%.1f KiB of at most %.0f; the process has %.0f MiB", kib(each), kib(maxPlain), kib(now)/1024)
	return nil
}

// deliver times the way of new work.
func (r *report) deliver(ctx context.Context, p *pool, c *crowd, devices int, most time.Duration) error {
	var all, first []time.Duration
	for range jobs {
		n, at := p.send()
		took, err := c.delivered(ctx, n, at)
		if err != nil {
			return err
		}
		all = append(all, took...)
		first = append(first, took[min(few, len(took))-1])
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	slices.Sort(all)
	p99 := all[len(all)*99/100]
	r.bound(p99 <= most, fmt.Sprintf("new work at %d devices", devices), "p50 %.1f ms, p99 %.1f ms of at most %d, max %.1f ms (%d jobs)",
		ms(all[len(all)/2]), ms(p99), most.Milliseconds(), ms(all[len(all)-1]), jobs)
	if devices > few {
		r.say(fmt.Sprintf("at the first %d of them", few), "%.1f ms", ms(slices.Max(first)))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// burst has all devices send shares, and looks for each of them.
func (r *report) burst(ctx context.Context, p *pool, s *started, c *crowd, shares int) error {
	pid := s.cmd.Process.Pid
	before, err := busy(pid)
	if err != nil {
		return err
	}
	b, err := c.mine(ctx, shares)
	if err != nil {
		return err
	}
	after, err := busy(pid)
	if err != nil {
		return err
	}
	rate := float64(b.shares) / b.took.Seconds()
	r.bound(rate >= minRate, "shares checked", "%.0f a second of at least %d (%d in %.1f s)", rate, minRate, b.shares, b.took.Seconds())
	each := (after - before).Seconds() / float64(b.shares)
	r.say("processor time of the house", "%.1f µs a share: %.0f a second where nobody else has the processor", each*1e6, 1/each)
	var now count
	for end := time.Now().Add(patience); ; { // what went to the pool is answered a little later
		if now, err = s.count(); err != nil {
			return err
		}
		if now.Accepted == now.Sent || time.Now().After(end) {
			break
		}
	}
	p.mu.Lock()
	right, wrong, twice := p.right, p.wrong, p.twice
	p.mu.Unlock()
	r.bound(b.taken == b.shares && now.Counted == uint64(b.shares), "lost at the gateway", "%d of %d; %d counted, %d refused",
		b.shares-b.taken, b.shares, now.Counted, now.Refused)
	r.bound(right == uint64(b.forPool) && wrong == 0 && twice == 0 && now.Accepted == right, "lost on the way to the pool",
		"%d of %d; %d wrong, %d twice", b.forPool-int(right), b.forPool, wrong, twice)
	return nil
}

// lose has the pool drop the house, and times how long the devices wait.
func (r *report) lose(ctx context.Context, p *pool, c *crowd) error {
	n, at := p.cut()
	took, err := c.delivered(ctx, n, at)
	if err != nil {
		return err
	}
	r.say("the pool lost and back", "all devices have work after %.1f ms; none had to come again", ms(took[len(took)-1]))
	return nil
}
