package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goldpan/app/desk"
)

// litecoinds runs two of Debian's litecoind, which know each other and nobody else,
// and returns the RPC address and the cookie of the first.
func litecoinds(t *testing.T, extra ...string) (url, cookie string) {
	t.Helper()
	program, err := exec.LookPath("litecoind")
	if err != nil {
		t.Fatal("litecoind is missing: `make test` installs it (the package litecoind of Debian); this test needs a real node and is never skipped")
	}
	port := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return port
	}
	node := func(extra ...string) (rpc, listen, dir string) {
		for range 5 {
			dir = t.TempDir()
			rpc, listen = port(), port()
			cmd := exec.Command(program, append([]string{"-regtest", "-datadir=" + dir, "-server", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-rpcport=" + rpc,
				"-bind=127.0.0.1:" + listen, "-port=" + listen, "-dnsseed=0", "-discover=0", "-upnp=0", "-listenonion=0", "-printtoconsole=0", "-disablewallet",
				"-dbcache=4", "-maxtipage=2000000000"}, extra...)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { _ = cmd.Wait(); close(ended) }()
			stop := func() {
				_ = cmd.Process.Signal(os.Interrupt)
				select {
				case <-ended:
				case <-time.After(time.Minute):
					_ = cmd.Process.Kill()
					<-ended
				}
			}
			// The cookie is the last thing that it writes before it answers.
			for deadline := time.Now().Add(patience); ; <-time.After(50 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(dir, "regtest", ".cookie")); err == nil {
					t.Cleanup(stop)
					return rpc, listen, dir
				}
				gone := false
				select {
				case <-ended: // another program may have taken one of its ports
					gone = true
				default:
				}
				if gone {
					break
				}
				if time.Now().After(deadline) {
					stop()
					t.Fatal("litecoind does not get ready")
				}
			}
		}
		t.Fatal("litecoind does not start")
		return "", "", ""
	}
	rpc, listen, dir := node(extra...)
	node("-connect=127.0.0.1:" + listen)
	return "http://127.0.0.1:" + rpc, filepath.Join(dir, "regtest", ".cookie")
}

// The key of BIP 173's examples, on Litecoin's regtest. Nobody is paid by it.
const soloPayout = "rltc1qw508d6qejxtdg4y5r3zarvary0c5xw7k693xs3"

// TestSolo mines on a real node with the program as people have it.
func TestSolo(t *testing.T) {
	t.Parallel()
	const password = "sesame-of-the-node"
	sum := hmac.New(sha256.New, []byte("salt"))
	sum.Write([]byte(password))
	node, cookie := litecoinds(t, "-rpcauth=us:salt$"+hex.EncodeToString(sum.Sum(nil)))
	args := []string{"solo", "--node", node, "--node-cookie", cookie, "--coin", "litecoin", "--network", "regtest", "--payout", soloPayout, "--threads", "1", "--data", t.TempDir()}
	lines := run(t, 0, "", append(args, "--blocks", "2")...)
	blocks := 0
	for _, l := range lines {
		switch l.Type {
		case "block":
			if blocks++; l.Height != blocks || len(l.Hash) != 64 {
				t.Errorf("%+v", l)
			}
		case "share":
			if l.Result == "rejected" {
				t.Errorf("%+v", l)
			}
		case "error":
			t.Errorf("%+v", l)
		}
	}
	if done := last(t, lines, "done"); blocks < 2 || done.Blocks != blocks || done.Accepted != blocks {
		t.Errorf("%d blocks were told, and in all %+v", blocks, done)
	}
	// Stopped from the keyboard before it has done all: not an accident, and not done.
	p := start(t, "", append(args, "--blocks", "1000000")...)
	p.until("block")
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, code := p.end()
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	last(t, rest, "done")
	// By a password from the vault, and by the limits of the settings, which are read
	// again on SIGHUP; what is given on the command line comes first.
	dir := t.TempDir()
	passphrase := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("four words that fit"), 0o600); err != nil {
		t.Fatal(err)
	}
	vault := []string{"--store", "file", "--passphrase-file", passphrase, "--data", dir}
	run(t, 0, password+"\n", append([]string{"key", "add", "my-node", "--kind", "node", "--secret-file", "-"}, vault...)...)
	later := time.Now().Add(3 * time.Hour)
	never := fmt.Sprintf("[manners]\nschedule = [\"%s-%s\"]\n", later.Format("15:04"), later.Add(time.Hour).Format("15:04"))
	writeConfig(t, dir, never)
	p = start(t, "", append([]string{"solo", "--node", node, "--node-user", "us", "--node-password-key", "my-node", "--coin", "litecoin", "--network", "regtest",
		"--payout", soloPayout, "--threads", "1", "--blocks", "1", "--log-level", "debug"}, vault...)...)
	s := p.until("status")
	for ; s.State != "paused"; s = p.until("status") {
	}
	if s.Lanes != 1 || s.Reason == "" {
		t.Errorf("%+v", s)
	}
	if os.PathSeparator == '/' {
		writeConfig(t, dir, never+"[limits]\npercent = 300\n")
		hangup(t, p)
		if l := p.until("reload"); l.OK || !strings.Contains(l.Message, "limits.percent") {
			t.Errorf("%+v", l)
		}
		writeConfig(t, dir, "")
		hangup(t, p)
		if l := p.until("reload"); !l.OK {
			t.Errorf("%+v", l)
		}
		if rest, code := p.end(); code != 0 || last(t, rest, "done").Blocks != 1 {
			t.Errorf("exit code %d, %+v\n%s", code, rest, p.said.String())
		}
		log, err := os.ReadFile(filepath.Join(dir, desk.LogName))
		if err != nil || !strings.Contains(string(log), "block found") || strings.Contains(string(log)+p.said.String(), password) {
			t.Errorf("the log is %s, %v", log, err)
		}
	}
	// A node of another chain is left alone.
	wrong := inside(t, 1, "solo", "--node", node, "--node-cookie", cookie, "--coin", "litecoin", "--payout", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "--data", t.TempDir())
	if e := last(t, wrong, "error"); !strings.Contains(e.Message, "another coin or network") {
		t.Errorf("%+v", e)
	}
}

// What is wrong with the options is said before anything is contacted.
func TestSoloOptions(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"solo", "--coin", "litecoin", "--network", "regtest", "--payout", soloPayout, "--data", t.TempDir()}
	for name, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"no node":             {2, nil, "--node"},
		"a strange scheme":    {2, []string{"--node", "ftp://127.0.0.1:1"}, "--node"},
		"a password in it":    {2, []string{"--node", "http://us:sesame@127.0.0.1:1"}, "--node-user"},
		"clear text":          {2, []string{"--node", "http://192.0.2.1:1", "--node-user", "us", "--node-password-file", secret}, "https"},
		"a user alone":        {2, []string{"--node", "http://127.0.0.1:1", "--node-user", "us"}, "--node-password-file"},
		"a password alone":    {2, []string{"--node", "http://127.0.0.1:1", "--node-password-file", secret}, "--node-user"},
		"two ways":            {2, []string{"--node", "http://127.0.0.1:1", "--node-cookie", "x", "--node-password-file", secret}, "one of them"},
		"another coin":        {2, []string{"--node", "http://127.0.0.1:1", "--coin", "ethereum"}, "--coin"},
		"no such network":     {2, []string{"--node", "http://127.0.0.1:1", "--network", "practice"}, "--network"},
		"an address of main":  {1, []string{"--node", "http://127.0.0.1:1", "--payout", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"}, "address"},
		"a limit":             {2, []string{"--node", "http://127.0.0.1:1", "--limit", "0"}, "--limit"},
		"a schedule":          {2, []string{"--node", "http://127.0.0.1:1", "--schedule", "sometimes"}, "mon-fri"},
		"no such certificate": {1, []string{"--node", "https://127.0.0.1:1", "--node-certificate", secret}, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, "", append(base, c.args...)...)
			lines, code := p.end()
			e := last(t, lines, "error")
			if code != c.code || !strings.Contains(e.Message+" "+e.Hint, c.want) || strings.Contains(e.Message+p.said.String(), "sesame") {
				t.Errorf("exit code %d: %+v", code, e)
			}
		})
	}
}
