package desk

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"goldpan/app/desk/config"
	"goldpan/core/hasher"
	"goldpan/vault"
)

// The coin and its network come from the address, so that practice coins are called worthless on every device.
func TestWhose(t *testing.T) {
	for _, c := range []struct {
		algorithm           hasher.Algorithm
		id, address         string
		wantName, wantChain string
	}{
		{hasher.SHA256d, "", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Bitcoin", "main"}, // BIP 173
		{hasher.SHA256d, "bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "Bitcoin", "test"},
		{hasher.Scrypt, "litecoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Litecoin", ""},
		{hasher.SHA256d, "bitcoin", "an-account", "Bitcoin", ""},
		{hasher.Scrypt, "", "an-account", "coins of scrypt", ""},
	} {
		if name, network := whose(c.algorithm, c.id, c.address); name != c.wantName || network != c.wantChain {
			t.Errorf("%s: %q, %q", c.address, name, network)
		}
	}
}

func gatewayConfig(user string) config.Config {
	c := config.Default()
	c.Algorithm, c.Pools = "sha256d", []config.Pool{{URL: "stratum+tcp://127.0.0.1:1", User: user}}
	return c
}

// Devices are shown an address, never the name of an account unless the person says so.
func TestGatewayPayee(t *testing.T) {
	o := GatewayOptions{Dir: t.TempDir(), Config: gatewayConfig("my-account.home"), Web: "127.0.0.1:0"}
	if _, err := NewGateway(t.Context(), o); !errors.Is(err, ErrNoPayee) {
		t.Errorf("an account's name: %v", err)
	}
	for user, payee := range map[string]string{
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.home": "", "my-account.home": "the account",
	} {
		o := GatewayOptions{Dir: t.TempDir(), Config: gatewayConfig(user), Payee: payee, Web: "127.0.0.1:0"}
		g, err := NewGateway(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		s := g.Snapshot()
		if payee == "" {
			payee = user[:len(user)-len(".home")]
		}
		if s.Payee.Address != payee || s.Payee.Name == "" || s.Page == "" {
			t.Errorf("%s: %+v", user, s.Payee)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The key of the list of devices is the same each time, and without a keyring there is none unless a sealed file is asked for.
func TestGatewayKey(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent") // no keyring
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.work = lightWork
	if key, where, err := d.GatewayKey(t.Context(), AutoStore, nil); err != nil || key != nil || where == "" {
		t.Errorf("without a keyring: %v, %q, %v", key, where, err)
	}
	if _, _, err := d.GatewayKey(t.Context(), KeyringStore, nil); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("the keyring alone: %v", err)
	}
	ask := func(context.Context, bool) (vault.Secret, error) {
		return vault.NewSecret([]byte("three words together")), nil
	}
	first, _, err := d.GatewayKey(t.Context(), FileStore, ask)
	if err != nil || first == nil {
		t.Fatal(err)
	}
	again, _, err := d.GatewayKey(t.Context(), FileStore, ask)
	if err != nil || *again != *first {
		t.Errorf("the key changed: %v", err)
	}
	o := GatewayOptions{Dir: d.Dir(), Config: gatewayConfig("x"), Payee: "x", Web: "127.0.0.1:0", Key: first}
	g, err := NewGateway(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.Token("Box"); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(d.Dir(), gatewayDir, "devices.sealed")); len(files) != 1 {
		t.Error("the list is not sealed")
	}
}
