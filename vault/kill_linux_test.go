package vault_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"goldpan/vault"
	"goldpan/vault/sealed"
)

// killed is set in the process that TestKilled kills: it names a folder.
const killed = "GOLDPAN_TEST_VAULT_KILL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killed); dir != "" {
		if err := work(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(hunted); dir != "" {
		if err := keepAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// openPair opens two vaults on sealed files, between which keys are moved.
func openPair(dir string) ([2]*vault.Vault, error) {
	var pair [2]*vault.Vault
	for i := range pair {
		path := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(path, 0o700); err != nil {
			return pair, err
		}
		store, err := sealed.Open(sealed.Options{Path: filepath.Join(path, "keys.sealed"), WorkFactor: 4,
			Passphrase: func(context.Context, bool) (vault.Secret, error) {
				return vault.NewSecret([]byte("correct horse")), nil
			}})
		if err != nil {
			return pair, err
		}
		if pair[i], err = vault.Open(path, store); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// work adds, rotates and moves keys until it is killed. It tells what it begins
// and what was acknowledged.
func work(dir string) error {
	ctx := context.Background()
	pair, err := openPair(dir)
	if err != nil {
		return err
	}
	// A move that was cut off is gone on with, as a person would.
	fmt.Println("move")
	at := rand.IntN(2)
	if _, err := vault.Move(ctx, pair[1-at], pair[at]); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	fmt.Println("moved")
	entries, err := pair[at].List(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	for n := 0; ; n++ {
		value := fmt.Sprintf("%d-%d", os.Getpid(), n)
		switch op := rand.IntN(4); {
		case op == 0 || len(ids) == 0:
			id := "k" + value
			fmt.Println("begin", id, value)
			if _, err := pair[at].Add(ctx, vault.Entry{ID: id, Name: id, Kind: vault.KindPool, Environment: vault.Test}, vault.NewSecret([]byte(value))); err != nil {
				return fmt.Errorf("add: %w", err)
			}
			ids = append(ids, id)
			fmt.Println("done", id, value)
		case op < 3:
			id := ids[rand.IntN(len(ids))]
			fmt.Println("begin", id, value)
			if err := pair[at].Rotate(ctx, id, vault.NewSecret([]byte(value)), nil); err != nil {
				return fmt.Errorf("rotate: %w", err)
			}
			fmt.Println("done", id, value)
		default:
			fmt.Println("move")
			if _, err := vault.Move(ctx, pair[at], pair[1-at]); err != nil {
				return fmt.Errorf("move: %w", err)
			}
			at = 1 - at
			fmt.Println("moved")
		}
	}
}

// A program that is killed while it adds, rotates and moves keys leaves every
// key with the old secret or the new one, and nothing that looks like tampering.
// GOLDPAN_KILLS says how often it is killed; make kills runs 300.
func TestKilled(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("GOLDPAN_KILLS")); err == nil {
		kills = n
	}
	var dir string
	var sure map[string]string // what was acknowledged of each key
	during := make(map[string]int)
	for round := range kills {
		if round%15 == 0 { // a vault holds so many entries
			dir, sure = t.TempDir(), make(map[string]string)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killed+"="+dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, told := bufio.NewScanner(out), 0
		begun := make(map[string][]string)
		last := ""
		take := func() {
			last = lines.Text()
			told++
			switch f := strings.Fields(last); f[0] {
			case "begin":
				begun[f[1]] = append(begun[f[1]], f[2])
			case "done":
				sure[f[1]] = f[2]
				delete(begun, f[1])
			}
		}
		stop := 1 + rand.IntN(12)
		for told < stop && lines.Scan() {
			take()
		}
		// The kill comes at some moment of what it does now.
		<-time.After(time.Duration(rand.IntN(40_000)) * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		for lines.Scan() {
			take()
		}
		_ = cmd.Wait() // the error is that it was killed
		if stderr.Len() > 0 {
			t.Fatalf("round %d: %s", round, stderr.String())
		}
		if f := strings.Fields(last); len(f) > 0 {
			during[f[0]]++
		}
		pair, err := openPair(dir)
		if err != nil {
			t.Fatal(err)
		}
		found := make(map[string][]string)
		for i, v := range pair {
			if err := v.Tidy(t.Context()); err != nil {
				t.Fatalf("round %d: vault %d: %v", round, i, err)
			}
			if _, err := v.Audit(t.Context()); err != nil {
				t.Fatalf("round %d: audit %d: %v", round, i, err)
			}
			entries, err := v.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				got, err := v.PoolPassword(t.Context(), e.ID)
				if err != nil {
					t.Fatalf("round %d: %s in vault %d: %v", round, e.ID, i, err)
				}
				found[e.ID] = append(found[e.ID], string(got))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(sure)) {
			for _, value := range found[id] {
				if value != sure[id] && !slices.Contains(begun[id], value) {
					t.Fatalf("round %d: %s is %q, neither %q nor of %q", round, id, value, sure[id], begun[id])
				}
			}
			if len(found[id]) == 0 {
				t.Fatalf("round %d: %s is in neither vault", round, id)
			}
		}
		for id, values := range found {
			if _, known := sure[id]; !known && !slices.Contains(begun[id], values[0]) {
				t.Fatalf("round %d: %s came from nowhere", round, id)
			}
			sure[id] = values[0]
		}
	}
	t.Logf("%d kills; the last line told before: %v", kills, during)
}
