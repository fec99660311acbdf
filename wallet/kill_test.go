//go:build !js

package wallet

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
)

// keeper names the folder in the process that TestKilledKeeper kills, and kills how many times to kill it.
const (
	keeper = "GOLDPAN_TEST_WALLET_KEEP"
	kills  = "GOLDPAN_KILLS"
)

func keeperOptions(dir, passphrase string) (Options, error) {
	c, err := coin.ByID("litecoin")
	if err != nil {
		return Options{}, err
	}
	p, err := c.Params(coin.Main)
	return Options{Dir: dir, Params: p, Passphrase: passphrase, WorkFactor: 1}, err
}

// openKept opens the wallet with one of the two passphrases that the keeper changes between.
func openKept(dir string) (w *Wallet, passphrase string, err error) {
	for _, passphrase = range []string{"river", "gravel"} {
		o, err := keeperOptions(dir, passphrase)
		if err != nil {
			return nil, "", err
		}
		if w, err = Open(o); !errors.Is(err, seal.ErrPassphrase) {
			return w, passphrase, err
		}
	}
	return nil, "", seal.ErrPassphrase
}

func ref(i int) string { return fmt.Sprintf("%064x", i) }

// keep changes all that a wallet keeps, over and over, from number n on, and says each that is done.
func keep(dir string, n int) error {
	w, passphrase, err := openKept(dir)
	if err != nil {
		return err
	}
	for i := n; ; i++ {
		if err := w.SetLabel(label.Tx, ref(i%50), strconv.Itoa(i)); err != nil {
			return err
		}
		if err := w.Remember(hd.Path{Kind: hd.PKH, Steps: fmt.Sprintf("%d'", i%maxPaths)}); err != nil {
			return err
		}
		if i%3 == 0 {
			next := map[string]string{"river": "gravel", "gravel": "river"}[passphrase]
			if err := w.ChangePassphrase(passphrase, next); err != nil {
				return err
			}
		}
		if _, err := w.Address(uint32(min(i, maxIndex-1))); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Println(i)
		if w, passphrase, err = openKept(dir); err != nil {
			return err
		}
	}
}

// A wallet that is killed at any moment, while it keeps anything, opens, and what was done is there. GOLDPAN_KILLS=300
// is the long run.
func TestKilledKeeper(t *testing.T) {
	dir := t.TempDir()
	o, err := keeperOptions(dir, "river")
	if err != nil {
		t.Fatal(err)
	}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rounds := 6
	if s := os.Getenv(kills); s != "" {
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	done := 0
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", keeper, done+1, dir))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 1 + rand.N(4) {
			if !lines.Scan() {
				t.Fatal("the keeper ended by itself")
			}
			if done, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
		}
		for range rand.N(200_000) { // not at the same place each time
			_ = done
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		for lines.Scan() { // what it did before the signal came
			if done, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait() // the error is that it was killed
		kept(t, dir, round, done)
	}
	t.Logf("killed %d times, after %d changes", rounds, done)
}

func kept(t *testing.T, dir string, round, done int) {
	t.Helper()
	w, _, err := openKept(dir)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	defer w.Close()
	list, err := w.Labels()
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	texts := map[string]string{}
	for _, x := range list {
		texts[x.Ref] = x.Label
	}
	for i := max(1, done-49); i <= done; i++ {
		if n, err := strconv.Atoi(texts[ref(i%50)]); err != nil || n < i {
			t.Errorf("round %d: label %d of %d is %q", round, i, done, texts[ref(i%50)])
		}
	}
	if w.state.issued < done+1 {
		t.Errorf("round %d: %d addresses were asked for, %d are remembered", round, done+1, w.state.issued)
	}
	if got := len(w.Paths()); got < min(done, maxPaths) {
		t.Errorf("round %d: %d paths of %d", round, got, done)
	}
	if err := w.VerifyWords(words(t), ""); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}

// keepAlone runs the keeper, or the syncer, if this process is the one to be killed.
func keepAlone() {
	syncAlone()
	from, dir, ok := strings.Cut(os.Getenv(keeper), " ")
	if !ok {
		return
	}
	n, err := strconv.Atoi(from)
	if err == nil {
		err = keep(dir, n)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
