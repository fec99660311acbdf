package desk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
)

// minable is a configuration that can be mined; its pool is contacted by nobody
// before Run.
func minable(change func(*config.Config)) config.Config {
	c := config.Default()
	c.Algorithm, c.Limits.Threads = "sha256d", 1
	c.Pools = []config.Pool{{URL: "stratum+tcp://a.example:3333", User: "me"}}
	if change != nil {
		change(&c)
	}
	return c
}

func ExampleNewMining() {
	dir, err := os.MkdirTemp("", "goldpan-mine-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	c := config.Default()
	c.Coin = "litecoin"
	c.Pools = []config.Pool{{URL: "stratum+tls://pool.example:3333", User: "me.desk"}, {URL: "wss://other.example/stratum", User: "me.desk"}}
	m, err := NewMining(context.Background(), MineOptions{Dir: dir, Config: c})
	if err != nil {
		fmt.Println(err)
		return
	}
	hosts, proxy := m.Contacts() // to be shown before m.Run contacts them
	fmt.Println(m.Snapshot().Algorithm, hosts, proxy == "")
	// Output: scrypt [pool.example:3333 other.example:443] true
}

func TestMiningRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   error
	}{
		{"no pool", func(c *config.Config) { c.Pools = nil }, ErrNoPool},
		{"no algorithm", func(c *config.Config) { c.Algorithm = "" }, ErrNoAlgorithm},
		{"another algorithm", func(c *config.Config) { c.Coin = "litecoin" }, ErrOtherAlgorithm},
		{"unknown coin", func(c *config.Config) { c.Coin = "goldcoin" }, coin.ErrCoin},
		{"mixed solo", func(c *config.Config) {
			c.Pools = append(c.Pools, config.Pool{URL: "ws://b.example", User: "me", Solo: true})
		}, ErrMixedSolo},
		{"solo without coin", func(c *config.Config) { c.Pools[0].Solo, c.Payout = true, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa" }, ErrPayout},
		{"address of another coin", func(c *config.Config) {
			c.Coin, c.Pools[0].Solo, c.Payout = "litecoin", true, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
			c.Algorithm = ""
		}, coin.ErrWrongNetwork},
		{"no vault", func(c *config.Config) { c.Pools[0].PasswordKey = "a" }, errNoVault},
	} {
		_, err := NewMining(t.Context(), MineOptions{Dir: t.TempDir(), Config: minable(c.change)})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		} else if message, _ := Explain(err); message == "" {
			t.Errorf("%s: no words", c.name)
		}
	}
}

// TestMiningSecrets: passwords come from the vault by id, and no log holds them.
func TestMiningSecrets(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenLog(dir, config.Log{Level: "debug", Size: 1, Keep: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	secrets := map[string]string{"pool-key": "hunter2 of the pool", "proxy-key": "hunter2 of the proxy"}
	m, err := NewMining(t.Context(), MineOptions{Dir: dir, Log: l,
		Config: minable(func(c *config.Config) {
			c.Pools[0].PasswordKey, c.Proxy, c.ProxyKey = "pool-key", "socks5://me@127.0.0.1:9050", "proxy-key"
		}),
		Secret: func(_ context.Context, id string) (string, error) { return secrets[id], nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.plan.pools[0].Password != secrets["pool-key"] {
		t.Error("the pool's password is not the vault's")
	}
	for id, secret := range secrets {
		l.Error("planted "+secret, "error", fmt.Errorf("%s: %s", id, secret))
	}
	l.Info("all of it", "plan", fmt.Sprintf("%+v", m.plan), "options", fmt.Sprint(m.Contacts()))
	if text := readLog(t, dir); strings.Contains(text, "hunter2") || !strings.Contains(text, "planted") {
		t.Errorf("the log is\n%s", text)
	}
}

// TestMiningReload: what may change changes, what may not is named, and a bad
// configuration changes nothing.
func TestMiningReload(t *testing.T) {
	var notices []core.Notice
	m, err := NewMining(t.Context(), MineOptions{Dir: t.TempDir(), Config: minable(nil), Notice: func(n core.Notice) { notices = append(notices, n) }})
	if err != nil {
		t.Fatal(err)
	}
	more := minable(func(c *config.Config) {
		c.Limits.Percent = 20
		c.Pools = append(c.Pools, config.Pool{URL: "ws://b.example", User: "me"})
	})
	if later, err := m.Reload(t.Context(), more); err != nil || len(later) != 0 {
		t.Errorf("%v, %v", later, err)
	}
	if hosts, _ := m.Contacts(); len(hosts) != 2 || len(notices) != 1 || !strings.Contains(notices[0].Text, "b.example:80") {
		t.Errorf("%v, %+v", hosts, notices)
	}
	if later, err := m.Reload(t.Context(), minable(func(c *config.Config) { c.Pools[0].URL, c.Proxy = "ws://c.example", "socks5://127.0.0.1:9050" })); err != nil || strings.Join(later, ", ") != "the proxy, the pools" {
		t.Errorf("%v, %v", later, err)
	}
	if hosts, proxy := m.Contacts(); len(hosts) != 2 || proxy != "" {
		t.Errorf("pools that were meant for a proxy are contacted without: %v, %q", hosts, proxy)
	}
	if _, err := m.Reload(t.Context(), minable(func(c *config.Config) { c.Pools = nil })); !errors.Is(err, ErrNoPool) {
		t.Errorf("%v", err)
	}
	if hosts, _ := m.Contacts(); len(hosts) != 2 {
		t.Errorf("%v", hosts)
	}
}

// TestMiningTrusts: a server that the person trusts is trusted from then on, by
// what is on the disk.
func TestMiningTrusts(t *testing.T) {
	dir := t.TempDir()
	m, err := NewMining(t.Context(), MineOptions{Dir: dir, Config: minable(nil)})
	if err != nil {
		t.Fatal(err)
	}
	print := "sha256:" + strings.Repeat("ab", 32)
	if err := m.Trust("a.example:3333", print); err != nil {
		t.Fatal(err)
	}
	if err := m.Trust("a.example:3333", "sha256:"+strings.Repeat("cd", 32)); !errors.Is(err, jsonrpc.ErrChanged) {
		t.Errorf("another key: %v", err)
	}
	known, err := OpenKnownServers(dir)
	if err != nil || len(known.List()) != 1 || known.List()[0].Fingerprint != print {
		t.Errorf("%v, %v", known.List(), err)
	}
	// One that is taken out of the list, by another copy, is trusted no more.
	leaf, err := x509.ParseCertificate(selfSigned(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Trust("b.example:3333", jsonrpc.PinOf(leaf).String()); err != nil {
		t.Fatal(err)
	}
	if err := m.trust("b.example:3333", leaf, jsonrpc.ErrUnknownAuthority); err != nil {
		t.Errorf("it is trusted: %v", err)
	}
	if known, err = OpenKnownServers(dir); err == nil {
		err = known.Remove("b.example:3333")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := m.trust("b.example:3333", leaf, jsonrpc.ErrUnknownAuthority); !errors.Is(err, jsonrpc.ErrUnknownAuthority) {
		t.Errorf("it was removed: %v", err)
	}
}

// TestPayoutScript: an address for trying things out is taken, and called what it is.
func TestPayoutScript(t *testing.T) {
	script, worthless, err := payoutScript(config.Config{Coin: "bitcoin", Payout: "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"})
	if err != nil || worthless != "" || len(script) != 25 {
		t.Errorf("%x, %q, %v", script, worthless, err)
	}
	// BIP 173's example of a test network.
	if _, worthless, err = payoutScript(config.Config{Coin: "bitcoin", Payout: "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"}); err != nil || worthless != string(coin.Test) {
		t.Errorf("%q, %v", worthless, err)
	}
	if _, _, err = payoutScript(config.Config{Coin: "bitcoin", Payout: "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN\u200ba"}); !errors.Is(err, coin.ErrBadAddress) || !strings.Contains(err.Error(), "zero-width") {
		t.Errorf("%v", err)
	}
}
