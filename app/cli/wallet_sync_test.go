package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/wallet"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

// TestSeveralServers: of several servers each is told of in words, and one that
// cheats or is not there does not stop the others.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	chain := electrumtest.NewChain(p, 1, 0x207fffff)
	chain.MineEmpty(3)
	servers := map[string]*electrumtest.Server{
		"tcp://one:1":   electrumtest.NewServer(chain),
		"tcp://two:2":   electrumtest.NewServer(chain),
		"tcp://other:3": electrumtest.NewServer(electrumtest.NewChain(p, 2, 0x207fffff)),
	}
	for _, s := range servers {
		defer s.Close()
	}
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	genesis := chain.Genesis()
	o := wallet.Options{Storage: &wallet.MemoryStorage{}, Params: p, Genesis: &genesis}
	o.Dial = func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error) {
		if s := servers[url]; s != nil {
			return s.Dial(ctx, url, limit)
		}
		return nil, electrum.ErrTimeout
	}
	w, err := wallet.Restore(o, m)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	urls := []string{"tcp://none:4", "tcp://one:1", "tcp://other:3", "tcp://two:2"}
	var out, said bytes.Buffer
	if err := (&terminal{out: &out, err: &said}).learn(t.Context(), w, urls); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if len(lines) != len(urls) {
		t.Fatalf("%q", lines)
	}
	for i, want := range []string{"did not answer", "in step, at block 3.", "of another chain. Nothing that it said", "in step, at block 3."} {
		if !strings.HasPrefix(lines[i], urls[i]+": ") || !strings.Contains(lines[i], want) {
			t.Errorf("%q, want %q", lines[i], want)
		}
	}
	out.Reset()
	if err := (&terminal{out: &out, err: &said, json: true}).learn(t.Context(), w, urls); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Count(s, `"type":"server"`) != 4 || strings.Count(s, `"synced":true`) != 2 || strings.Count(s, `"cheated":true`) != 1 {
		t.Errorf("%s", s)
	}
	// When none is in step, that is an error, and each is told of all the same.
	said.Reset()
	if err := (&terminal{out: &out, err: &said}).learn(t.Context(), w, []string{urls[2], urls[0]}); !errors.Is(err, electrum.ErrGenesis) || strings.Count(said.String(), "\n") != 2 {
		t.Errorf("%v %s", err, said.String())
	}
}

func TestServerFlags(t *testing.T) {
	t.Parallel()
	proxy := ""
	for _, urls := range []list{
		{"http://a"}, {"a:1"}, {"tcp://a"}, {"TLS://a"}, {"tls://:50002"}, {"wss://"}, {"tls://a:b"}, {"tcp://a:1", "tcp://b:1", "tcp://a:1"},
		{"tcp://1:1", "tcp://2:1", "tcp://3:1", "tcp://4:1", "tcp://5:1", "tcp://6:1", "tcp://7:1", "tcp://8:1", "tcp://9:1"},
	} {
		if _, err := (&terminal{data: t.TempDir()}).serverDial(&walletServers{urls, &proxy}); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", urls, err)
		}
	}
	if dial, err := (&terminal{data: t.TempDir()}).serverDial(&walletServers{list{"tcp://a:1", "WSS://b", "tls://[::1]:50002?pin=x"}, &proxy}); err != nil || dial == nil {
		t.Error(err)
	}
	if dial, err := (&terminal{data: t.TempDir()}).serverDial(&walletServers{nil, &proxy}); err != nil || dial != nil {
		t.Errorf("off line: %v", err)
	}
}

func TestSyncProgress(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	p := syncProgress{headers: -1, moved: at, said: at}
	none := wallet.Progress{}
	for i, c := range []struct {
		headers, announced int32
		phase              wallet.Progress
		line               string
		due, moved         bool
	}{
		{-1, 0, none, "", false, false},
		{-1, 9000, none, "", false, false},
		{2015, 9000, wallet.Progress{Phase: wallet.PhaseHeaders, Done: 2015, Of: 9000}, "headers: 2015 of 9000", false, true},
		{4031, 9000, wallet.Progress{Phase: wallet.PhaseHeaders, Done: 4031, Of: 9000}, "headers: 4031 of 9000", true, true},
		{4031, 9000, wallet.Progress{Phase: wallet.PhaseHeaders, Done: 4031, Of: 9000}, "headers: 4031 of 9000", false, false},
		{9000, 9000, wallet.Progress{Phase: wallet.PhaseHeaders, Done: 9000, Of: 9000}, "", false, true},
		{9000, 9000, wallet.Progress{Phase: wallet.PhaseAddresses, Of: 40}, "addresses: 0 of 40", true, true},
		{9000, 9000, wallet.Progress{Phase: wallet.PhaseHistories, Done: 3, Of: 12}, "histories of used addresses: 3 of 12", false, true},
		{9000, 9000, wallet.Progress{Phase: wallet.PhaseBlocks, Done: 2016}, "old blocks: 2016 so far", false, true},
		{9000, 9000, wallet.Progress{Phase: wallet.PhaseTransactions, Done: 700, Of: 20000}, "transactions: 700 of 20000", true, true},
		{9000, 9000, wallet.Progress{Phase: wallet.PhaseTransactions, Done: 700, Of: 20000}, "transactions: 700 of 20000", false, false},
		{9000, 9000, none, "", false, true},
	} {
		now := at.Add(time.Duration(i) * 5 * time.Second)
		line, due := p.look(wallet.State{Headers: c.headers, Announced: c.announced, Progress: c.phase, Servers: []wallet.ServerState{{Progress: c.phase}}}, now)
		if !strings.Contains(line, c.line) || (line == "") != (c.line == "") || due != c.due {
			t.Errorf("%d: %q %v", i, line, due)
		}
		if moved := p.moved.Equal(now); moved != c.moved && i > 0 {
			t.Errorf("%d: moved: %v", i, moved)
		}
	}
}

// Payments that cannot be read are told whatever is asked for, and none is made.
func TestDamagedPayments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inside(t, 0, "wallet", "create", "--network", "practice", "--data", dir)
	found, err := filepath.Glob(filepath.Join(dir, "wallets", "practice.state", "*-84"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.WriteFile(filepath.Join(found[0], "payments"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	if code := (&terminal{out: &out, err: &said}).run(t.Context(), []string{"wallet", "balance", "--network", "practice", "--data", dir}); code != 0 {
		t.Errorf("%d: %s", code, said.String())
	}
	for _, want := range []string{"The file of the payments is damaged", "-84/payments", "Goldpan has left it as it is"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not said: %s", want, said.String())
		}
	}
	e := last(t, inside(t, 1, "wallet", "send", "--network", "practice", "--data", dir, "--to", practiceAddress(t), "--amount", "1", "--yes"), "error")
	if !strings.Contains(e.Message, "payments is damaged") || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}
