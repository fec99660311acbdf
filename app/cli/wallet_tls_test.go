package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/core/jsonrpc"
)

// TestWalletServerIsNotTrusted: a wallet server that nobody vouches for is
// refused with the fingerprint to compare; a proxy that is not there is said to
// be the trouble, and is not gone around.
func TestWalletServerIsNotTrusted(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of the refused handshake
	srv.StartTLS()
	defer srv.Close()
	address := "tls" + strings.TrimPrefix(srv.URL, "https")
	pin := jsonrpc.PinOf(srv.Certificate()).String()

	dir := filepath.Join(t.TempDir(), "data")
	run(t, 0, "", "wallet", "create", "--network", "practice", "--words-file", filepath.Join(t.TempDir(), "words"), "--data", dir)
	balance := []string{"wallet", "balance", "--network", "practice", "--data", dir, "--server"}
	for _, c := range []struct {
		message, hint string
		args          []string
	}{
		{"vouches", pin, []string{address}},
		{"the proxy does not serve", "", []string{address, "--proxy", "socks5://" + refusing(t)}},
		{"not readable", "", []string{address + "?pin=sha256:00"}},
	} {
		e := last(t, run(t, 1, "", append(balance, c.args...)...), "error")
		if !strings.Contains(e.Message, c.message) || !strings.Contains(e.Message+e.Hint, c.hint) {
			t.Errorf("%v: %+v", c.args, e)
		}
	}
}
