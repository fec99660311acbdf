//go:build !js

package practice

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

const crashDirEnv = "GOLDPAN_PRACTICE_CRASH_DIR"

// mineUntilKilled mines block after block and prints the hash of each once the
// chain has taken it. It never returns.
func mineUntilKilled(dir string) {
	n, err := Open(Config{Dir: dir, Algorithm: hasher.SHA256d, Hashrate: easy})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	t := &testing.T{}
	for {
		block := mineBlock(t, n.chain, anyone)
		if _, err := n.chain.submit(block); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(block.BlockHash())
	}
}

// TestKilledProcess kills a real process in the middle of its work, several
// times over one chain. No block that it has told of may be missing.
func TestKilledProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	known := map[string]bool{}
	for round := range 4 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), crashDirEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if _, err := pow.ParseHash(lines.Text()); err != nil {
				t.Errorf("the process says %q", lines.Text())
				break
			}
			known[lines.Text()] = true
			if n == 5+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		if t.Failed() {
			return
		}
	}
	n, err := Open(Config{Dir: dir, Algorithm: hasher.SHA256d, Hashrate: easy})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	for h := int32(1); h <= n.Height(); h++ {
		hash, err := n.chain.best.BlockHashByHeight(h)
		if err != nil {
			t.Fatal(err)
		}
		delete(known, hash.String())
	}
	if len(known) != 0 {
		t.Fatalf("%d blocks were told of and are gone; height %d", len(known), n.Height())
	}
	if n.Height() < 20 {
		t.Fatalf("height %d after four rounds", n.Height())
	}
	if s := n.Status(); s.LastBlock.Before(time.Now().Add(-time.Hour)) {
		t.Fatalf("status %+v", s)
	}
}
