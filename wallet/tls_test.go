//go:build !js

package wallet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/wallet/electrum/message"
)

// A wallet server as most are: over TLS, its certificate signed by itself. Its key is pinned, or the wallet says no.
func TestEncryptedWalletServer(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	defer ln.Close()
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { relay(t.Context(), r, c) })
		}
	})

	r.w.o.Dial = new(jsonrpc.Dialer).Dial
	err = r.w.Sync(t.Context(), "tls://"+ln.Addr().String())
	var refused *jsonrpc.CertificateError
	if !errors.As(err, &refused) || !refused.MayTrust() {
		t.Fatalf("got %v", err)
	}
	for _, scheme := range []string{"tls", "ssl"} {
		if err := r.w.Sync(t.Context(), scheme+"://"+ln.Addr().String()+"?pin="+refused.Fingerprint); err != nil {
			t.Fatal(err)
		}
	}
	if b := r.w.Balance(); b.Immature != reply {
		t.Errorf("got %+v", b)
	}
}

// relay carries messages between a connection and the test's server.
func relay(ctx context.Context, r *rig, c net.Conn) {
	outside := jsonrpc.NewLineConn(c, message.MaxReply)
	defer outside.Close()
	inside, err := r.server.Dial(ctx, "", message.MaxReply)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer inside.Close()
	var both sync.WaitGroup
	for _, way := range [][2]jsonrpc.Conn{{inside, outside}, {outside, inside}} {
		both.Go(func() {
			defer way[1].Close()
			for {
				msg, err := way[0].ReadMessage(ctx)
				if err != nil || way[1].WriteMessage(ctx, msg) != nil {
					return
				}
			}
		})
	}
	both.Wait()
}
