package desk

import (
	"context"
	"errors"
	"testing"

	"goldpan/app/desk/config"
)

// A window's passwords are kept in the vault under an id that can be told, and
// come back from there alone.
func TestKeepPoolPassword(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent") // no keyring
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.work = lightWork
	asked := 0
	ask := func(_ context.Context, create bool) (string, error) {
		if asked++; create != (asked == 1) {
			t.Errorf("question %d: create is %v", asked, create)
		}
		return "correct horse battery staple", nil
	}
	id, err := d.KeepPoolPassword(t.Context(), ask, "Pool.Example:3333", "hunter22")
	if err != nil || id != "pool-pool.example-3333" {
		t.Fatalf("kept as %q: %v", id, err)
	}
	again, err := d.KeepPoolPassword(t.Context(), ask, "Pool.Example:3333", "another")
	if err != nil || again != id+"-2" {
		t.Fatalf("the second is kept as %q: %v", again, err)
	}
	if got, err := d.PoolPassword(t.Context(), ask, id); err != nil || got != "hunter22" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := d.NodePassword(t.Context(), ask, id); err == nil {
		t.Error("a pool's password was handed out for a node")
	}
	no := func(context.Context, bool) (string, error) { return "", ErrDeclined }
	if _, err := d.PoolPassword(t.Context(), no, id); !errors.Is(err, ErrDeclined) {
		t.Errorf("without a passphrase: %v", err)
	}
}

func TestContacts(t *testing.T) {
	c := config.Default()
	c.Proxy = "socks5://127.0.0.1:9050"
	c.Pools = []config.Pool{{URL: "preset:public-pool", User: "a"}, {URL: "stratum+tcp://127.0.0.1:3333", User: "a"}}
	hosts, proxy, used, err := Contacts(c)
	if err != nil || len(hosts) != 4 || hosts[3] != "127.0.0.1:3333" || proxy != "socks5://127.0.0.1:9050" || len(used) != 1 {
		t.Errorf("%q, %q, %v, %v", hosts, proxy, used, err)
	}
	c.Pools[1].URL = "nowhere"
	if _, _, _, err := Contacts(c); err == nil {
		t.Error("an address that is none was taken")
	}
	for address, want := range map[string]bool{"stratum+tls://a:1": true, "wss://a": true, "stratum+tcp://a:1": false, "ws://a": false, "://": false} {
		if Encrypted(address) != want {
			t.Errorf("Encrypted(%q) is %v", address, !want)
		}
	}
}
