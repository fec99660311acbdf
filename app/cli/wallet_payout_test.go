package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPayToWallet: what is mined is paid to the wallet's own address, once its
// words are proven where its coins have worth, and of the right coin and network.
func TestPayToWallet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pass, words, data := filepath.Join(dir, "pass"), filepath.Join(dir, "words"), filepath.Join(dir, "data")
	if err := os.WriteFile(pass, []byte("quartz ladder violin marmalade"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, nil)
	args := []string{"mine", "--pool", "stratum+tcp://" + p.addr, "--user", "wallet.desk", "--payout", "wallet", "--wallet-passphrase-file", pass, "--threads", "1", "--data", data}
	if e := last(t, run(t, 2, "", append(args, "--algorithm", "sha256d")...), "error"); !strings.Contains(e.Message, "--coin") {
		t.Errorf("without a coin: %+v", e)
	}
	args = append(args, "--coin", "bitcoin", "--solo-pool")
	if e := last(t, run(t, 1, "", args...), "error"); !strings.Contains(e.Message, "no wallet yet") {
		t.Errorf("without a wallet: %+v", e)
	}
	wallet := func(args ...string) []line {
		t.Helper()
		return run(t, 0, "", append(append([]string{"wallet"}, args...), "--passphrase-file", pass, "--data", data)...)
	}
	address := last(t, wallet("create", "--words-file", words), "wallet").Address
	if e := last(t, run(t, 1, "", args...), "error"); !strings.Contains(e.Message, "proven") || !strings.Contains(e.Hint, "wallet verify") {
		t.Errorf("before the words were proven: %+v", e)
	}
	if p.said() != "" {
		t.Errorf("the pool was contacted: %s", p.said())
	}
	wallet("verify", "--words-file", words)
	m := start(t, "", args...)
	if n := m.until("notice"); !strings.Contains(n.Text, "does not pay your address") {
		t.Errorf("%+v", n)
	}
	if err := m.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if rest, code := m.end(); code != 0 {
		t.Errorf("exit code %d, %+v", code, rest)
	}
	if !strings.Contains(p.said(), address+".desk") || !strings.Contains(m.said.String(), "paid at "+address) {
		t.Errorf("the pool was told %s\n%s", p.said(), m.said.String())
	}

	// The node of another coin and network has a wallet of its own, and what is wrong with it is told first.
	solo := []string{"solo", "--coin", "litecoin", "--network", "regtest", "--node", "ftp://127.0.0.1:1", "--payout", "wallet", "--data", data}
	if e := last(t, run(t, 1, "", append(solo, "--wallet-passphrase-file", pass)...), "error"); !strings.Contains(e.Message, "no wallet yet") {
		t.Errorf("solo without a wallet: %+v", e)
	}
	own := last(t, wallet("create", "--network", "regtest", "--coin", "litecoin", "--words-file", filepath.Join(dir, "more")), "wallet").Address
	s := start(t, "", append(solo, "--wallet-passphrase-file", pass)...)
	if lines, code := s.end(); code != 2 || !strings.HasPrefix(own, "rltc1") || !strings.Contains(s.said.String(), "paid at "+own) {
		t.Errorf("exit code %d, %s: %+v\n%s", code, own, lines, s.said.String())
	}
	if e := last(t, run(t, 2, "", append(solo, "--payout", soloPayout, "--payout-wallet", "cold")...), "error"); !strings.Contains(e.Message, "--payout wallet") {
		t.Errorf("a wallet that is not paid: %+v", e)
	}
}
