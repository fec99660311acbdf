package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// keyringScript waits for a keyring of its own, and has it open a wallet.
const keyringScript = `set -e
printf 'of the keyring' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
owned() { dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true; }
n=0; until owned; do n=$((n+1)); test $n -lt 300; sleep 0.1; done
wallet() { what=$1; shift; "$GOLDPAN" wallet $what --json --network test --data "$HOME/data" "$@" </dev/null; }
wallet create --words-file "$HOME/words" --passphrase-file "$HOME/pass"
wallet "unlock-key add" --passphrase-file "$HOME/pass"
wallet address
wallet "unlock-key add"
wallet address
wallet "unlock-key remove"
! wallet address
wallet address --passphrase-file "$HOME/pass"
`

// TestUnlockKeyInKeyring: gnome-keyring opens a wallet instead of its passphrase,
// on a bus and in a home of this test's own, until that is ended.
func TestUnlockKeyInKeyring(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gnome-keyring-daemon", "dbus-run-session", "dbus-send"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is missing: install the packages gnome-keyring and dbus-x11", name)
		}
	}
	home, err := os.MkdirTemp("", "gpw") // a socket's path is short: not t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.WriteFile(filepath.Join(home, "pass"), []byte("quartz ladder violin marmalade"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-run-session", "--", "sh", "-c", keyringScript)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home, "LANG=C.UTF-8", "GOLDPAN=" + goldpan}
	var said transcript
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, said.String())
	}
	for what, want := range map[string]int{`"kept":true`: 2, `"kept":false`: 1, `"type":"address"`: 3, `"type":"error"`: 1} {
		if got := strings.Count(string(out), what); got != want {
			t.Errorf("%s %d times, want %d:\n%s\n%s", what, got, want, out, said.String())
		}
	}
}
