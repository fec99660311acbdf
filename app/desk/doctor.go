package desk

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"goldpan/core/hasher"
	"goldpan/vault"
	"goldpan/vault/keyring"
	"goldpan/wasm/web"
)

// Finding is one thing that was looked at.
type Finding struct {
	Name string
	OK   bool   // false: lacking, and Hint says what that means
	Text string // what was found
	Hint string
}

// Doctor looks at what this machine has and lacks. It contacts nothing and
// changes nothing but a file that it writes to the data directory and removes.
// An empty dir is the default.
func Doctor(ctx context.Context, dir string) []Finding {
	found := []Finding{{Name: "machine", OK: true, Text: fmt.Sprintf("%s on %s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}}
	for _, a := range hasher.Algorithms() {
		for _, k := range hasher.Kernels(a) {
			f := Finding{Name: "kernel", OK: true, Text: fmt.Sprintf("%s for %s finds a known block", k.Name, a)}
			if err := k.SelfCheck(); err != nil {
				f.OK, f.Text, f.Hint = false, fmt.Sprintf("%s for %s gives wrong answers on this machine", k.Name, a), "It will not be used. Memory or overclocking may be at fault."
			}
			found = append(found, f)
		}
		chosen, err := hasher.Select(a)
		if err != nil {
			message, hint := Explain(err)
			found = append(found, Finding{Name: "kernel", Text: message, Hint: hint})
			continue
		}
		found = append(found, Finding{Name: "kernel", OK: true, Text: fmt.Sprintf("%s is the one used for %s", chosen.Name, a)})
	}
	found = append(found, keyringFinding(ctx), displayFinding(), hugePagesFinding(), clockFinding(time.Now()), dataFinding(dir), networkFinding(), pageFinding())
	return append(append(found, sensorFindings(ctx, sensors())...), settingsFindings(dir)...)
}

func keyringFinding(ctx context.Context) Finding {
	f := Finding{Name: "keyring"}
	store, err := keyring.New(keyring.Options{Service: keyringService})
	if err == nil {
		err = store.Check(ctx)
	}
	if err != nil {
		f.Text, f.Hint = Explain(err)
		if own := vault.Hint(err); own != "" {
			f.Hint = own
		}
		return f
	}
	f.OK, f.Text = true, "the system's keyring answers"
	return f
}

func displayFinding() Finding {
	f := Finding{Name: "display", OK: true, Text: "there is one for the window"}
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		f.OK, f.Text, f.Hint = false, "none here", "Use goldpan practice in the terminal; it does the same without a window."
	}
	return f
}

func clockFinding(now time.Time) Finding {
	f := Finding{Name: "clock", OK: true, Text: now.UTC().Format(time.RFC3339)}
	// The clock is judged without asking anybody: it cannot be before this
	// program was written, nor decades after.
	if y := now.Year(); y < 2026 || y > 2056 {
		f.OK, f.Hint = false, "Set the clock: blocks and certificates are dated by it."
	}
	return f
}

func dataFinding(dir string) Finding {
	f := Finding{Name: "data directory"}
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			f.Text, f.Hint = "there is no home directory", "Give one with --data DIR."
			return f
		}
	}
	f.Text, f.Hint = dir, "Give one that you may write to with --data DIR."
	// The nearest folder that exists is what decides.
	at := dir
	for {
		if info, err := os.Stat(at); err == nil {
			if !info.IsDir() {
				f.Text = at + " is not a directory"
				return f
			}
			break
		}
		if filepath.Dir(at) == at {
			return f
		}
		at = filepath.Dir(at)
	}
	probe, err := os.CreateTemp(at, ".goldpan-doctor-*")
	if err != nil {
		f.Text = dir + " cannot be written to"
		return f
	}
	_ = probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		f.Text = dir + " cannot be cleaned up"
		return f
	}
	f.OK, f.Hint = true, ""
	return f
}

func networkFinding() Finding {
	f := Finding{Name: "network", Text: "this machine is not on a network", Hint: "Practice needs none; a pool does."}
	links, err := net.Interfaces()
	if err != nil {
		return f
	}
	for _, l := range links {
		if addrs, err := l.Addrs(); err == nil && len(addrs) > 0 && l.Flags&net.FlagUp != 0 && l.Flags&net.FlagLoopback == 0 {
			return Finding{Name: "network", OK: true, Text: fmt.Sprintf("%s is up; nothing was contacted", l.Name)}
		}
	}
	return f
}

func pageFinding() Finding {
	if web.Built() {
		return Finding{Name: "page", OK: true, Text: "built into this program"}
	}
	return Finding{Name: "page", Text: "not built into this program", Hint: "Run make build, then --web serves it."}
}
