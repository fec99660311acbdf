package machine

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"goldpan/core/engine"
)

// maxPrinted bounds what a program of the system prints.
const maxPrinted = 1 << 20

func sensors() []*sensor {
	return []*sensor{
		{read: seldom(10*time.Second, func(ctx context.Context) change {
			source, charge, charged := parsePmset(printed(ctx, "/usr/bin/pmset", "-g", "batt"))
			return func(r *engine.Reading) {
				r.Power = source
				if charged {
					r.Charge = engine.Known(charge)
				}
			}
		})},
		{read: func(ctx context.Context) change {
			idle, ok := parseIoreg(printed(ctx, "/usr/sbin/ioreg", "-c", "IOHIDSystem", "-d", "4"))
			if !ok {
				return nil
			}
			return func(r *engine.Reading) { r.Idle = engine.Known(idle) }
		}},
		{read: seldom(5*time.Second, func(ctx context.Context) change {
			used, ok := parsePs(printed(ctx, "/bin/ps", "-A", "-o", "pid=,%cpu="), os.Getpid(), runtime.NumCPU())
			if !ok {
				return nil
			}
			return func(r *engine.Reading) { r.Others = engine.Known(used) }
		})},
	}
}

// seldom asks again only after a while, and tells the same until then.
func seldom(pause time.Duration, read func(context.Context) change) func(context.Context) change {
	var at time.Time
	var told change
	return func(ctx context.Context) change {
		if now := time.Now(); at.IsZero() || now.Sub(at) >= pause {
			at, told = now, read(ctx)
		}
		return told
	}
}

// printed runs a program of the system and returns what it prints; nothing if it
// fails.
func printed(ctx context.Context, program string, args ...string) string {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return ""
	}
	b, err := io.ReadAll(io.LimitReader(out, maxPrinted))
	if werr := cmd.Wait(); err != nil || werr != nil {
		return ""
	}
	return string(b)
}
