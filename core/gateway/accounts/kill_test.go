//go:build !js

package accounts

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// kills is how often a process is killed in TestKill; make kills has it killed 300 times.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("GOLDPAN_KILLS")); err == nil {
		return n
	}
	return 40
}

// nth is the share that has a number: parent and child agree on it.
func nth(n uint64) Share {
	return Share{Device: "d" + strconv.FormatUint(n%3, 10), Result: Result(n % 5 % 3), Credit: float64(n%7) + 1.0/3, Best: float64(n % 1009), At: theDay().Add(time.Duration(n) * time.Second)}
}

// theDay stands still in parent and child.
func theDay() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// child adds shares until it is killed, and prints the number of each that is acknowledged.
func child(path string) {
	b, err := Open(Config{Path: path, Every: time.Millisecond, Now: theDay})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if b.SetAside() != "" {
		fmt.Println("set aside")
		os.Exit(1)
	}
	ctx := context.Background()
	go func() { _ = b.Run(ctx) }()
	for n := b.Committed() + 1; ; n++ {
		if got := b.Add(nth(n)); got != n {
			fmt.Println("number", got)
			os.Exit(1)
		}
		if n%4 != 0 {
			continue
		}
		if err := b.Wait(ctx, n-3); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(b.Committed())
	}
}

// A process that is killed over and over at any moment: no share that it had
// acknowledged is missing, none counts twice.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	wanted := map[string]Account{}
	var counted, acked uint64
	all := kills()
	for k := range all {
		acked = max(acked, killed(t, path, (k+12)%13, time.Duration(k%11)*300*time.Microsecond))
		b, err := Open(Config{Path: path, Now: theDay})
		must(t, err)
		n := b.Committed()
		if n < acked || b.SetAside() != "" {
			t.Fatalf("kill %d: %d shares are there, %d were acknowledged", k, n, acked)
		}
		for ; counted < n; counted++ {
			s := nth(counted + 1)
			a := wanted[s.Device]
			count(&a, s)
			wanted[s.Device] = a
		}
		for id, g := range report(t, b, 100*365*24*time.Hour) {
			w := wanted[id]
			if g.Accepted != w.Accepted || g.Stale != w.Stale || g.Rejected != w.Rejected || g.Work != w.Work || g.Recent != w.Work || g.Best != w.Best {
				t.Fatalf("kill %d: %+v, want %+v", k, g, w)
			}
		}
		must(t, b.Close())
	}
	t.Logf("%d kills, %d shares", all, counted)
}

// killed runs a child, kills it some lines and a moment later, and gives the last number that it printed.
func killed(t *testing.T, path string, lines int, more time.Duration) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0])
	c.Env = append(os.Environ(), "GOLDPAN_ACCOUNTS_CHILD="+path)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	if lines == 12 { // while it starts, the first time too
		time.AfterFunc(10*more, func() { _ = c.Process.Kill() })
	}
	var last uint64
	s := bufio.NewScanner(out)
	for seen := 0; s.Scan(); seen++ {
		n, err := strconv.ParseUint(s.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the child says %q", s.Text())
		}
		last = n
		if seen == lines {
			time.AfterFunc(more, func() { _ = c.Process.Kill() })
		}
	}
	_ = c.Wait()
	if ctx.Err() != nil {
		t.Fatal("the child took too long")
	}
	return last
}
