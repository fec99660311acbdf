//go:build !js

package wallet

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"goldpan/core/jsonrpc"
	"goldpan/wallet/electrum/message"
)

// A page reaches its server over a WebSocket, whose messages have no line ends.
func TestWalletServerOverWebSocket(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		conn, err := jsonrpc.AcceptWebSocket(w, q, message.MaxRequest, nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.server.Serve(conn)
	}))
	defer web.Close()
	defer func() { r.server.Close() }()
	r.o.Dial = jsonrpc.Dial
	r.reopen()
	if err := r.w.Sync(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http")); err != nil {
		t.Fatal(err)
	}
	r.want(0, reply, 0)
}
