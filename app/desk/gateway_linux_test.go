package desk

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"goldpan/core/disk"
)

// keyringScript has a keyring of its own, and runs the rest with it.
const keyringScript = `set -e
printf 'of the keyring' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
owned() { dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true; }
n=0; until owned; do n=$((n+1)); test $n -lt 300; sleep 0.1; done
exec "$@"`

// The key of a gateway is written into the keyring in turn with whatever else another copy of Goldpan writes there,
// from whichever data directory: the keyring's list of ids is read, changed and written back.
func TestGatewayKeyWaitsItsTurn(t *testing.T) {
	if os.Getenv(inKeyring) == "" {
		t.Parallel()
		for _, name := range []string{"gnome-keyring-daemon", "dbus-run-session", "dbus-send"} {
			if _, err := exec.LookPath(name); err != nil {
				t.Fatalf("%s is missing: install the packages gnome-keyring and dbus-x11", name)
			}
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		home, err := os.MkdirTemp("", "gpd") // a socket's path is short: not t.TempDir
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(home)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", keyringScript, "sh", self, "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home, "LANG=C.UTF-8", inKeyring + "=1"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	d := open(t)
	path, err := keyringLock()
	if err != nil {
		t.Fatal(err)
	}
	other, err := disk.LockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := d.GatewayKey(ctx, KeyringStore, nil); err == nil {
		t.Error("it was written while another copy was writing")
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	first, _, err := d.GatewayKey(t.Context(), KeyringStore, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := d.GatewayKey(t.Context(), KeyringStore, nil); err != nil || *again != *first {
		t.Errorf("the key changed: %v", err)
	}
}
