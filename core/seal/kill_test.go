//go:build !js

package seal

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// killed is set in the process that TestKilledWriter kills.
const killed = "GOLDPAN_TEST_SEAL_WRITE"

func TestMain(m *testing.M) {
	if path := os.Getenv(killed); path != "" {
		for i := byte(1); ; i++ {
			if err := WriteFile(path, bytes.Repeat([]byte{i}, 4096), 0o600); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Println(i)
		}
	}
	os.Exit(m.Run())
}

// A writer that is killed at any moment leaves a whole file, the old or the new one.
func TestKilledWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	uniform := func(b []byte) error {
		if len(b) != 4096 || !bytes.Equal(b, bytes.Repeat(b[:1], len(b))) {
			return fmt.Errorf("torn: %d bytes", len(b))
		}
		return nil
	}
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killed+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 2 + round { // at least two writes, so that a previous copy is there
			if !lines.Scan() {
				t.Error("the writer ended by itself")
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // the error is that it was killed
		if _, restored, err := ReadFile(path, 1<<20, uniform); err != nil || restored {
			t.Errorf("round %d: restored %v, %v", round, restored, err)
		}
		if _, err := readBounded(path+Previous, 1<<20, uniform); err != nil {
			t.Errorf("round %d: the previous copy: %v", round, err)
		}
	}
}
