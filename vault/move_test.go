//go:build !js

package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

func TestMove(t *testing.T) {
	a, storeA, c := newVault(t)
	b, storeB, _ := newVault(t)
	add(t, a, "pool", KindPool, "first")
	add(t, a, "node", KindNode, "second")
	add(t, a, "gone", KindPool, "third")
	if err := a.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Lock(t.Context(), "node"); err != nil {
		t.Fatal(err)
	}
	before, _ := a.List(t.Context())
	// Every call of either store fails once; Move again goes on, and no key is
	// ever in neither.
	for n := 1; ; n++ {
		calls, broken := 0, errors.New("broken")
		fail := func(string, string) error {
			if calls++; calls == n {
				return broken
			}
			return nil
		}
		storeA.fail, storeB.fail = fail, fail
		_, err := Move(t.Context(), a, b)
		storeA.fail, storeB.fail = nil, nil
		for _, id := range []string{"pool", "node"} {
			_, errA := a.peek(t.Context(), id)
			_, errB := b.peek(t.Context(), id)
			if errA != nil && errB != nil {
				t.Fatalf("after a failure of call %d, %s is in neither: %v, %v", n, id, errA, errB)
			}
		}
		if err == nil && calls < n {
			break
		}
		if err == nil { // the failure was of what may fail; begin anew in the other direction
			a, b, storeA, storeB = b, a, storeB, storeA
		}
		if n > 500 {
			t.Fatal("Move never ends")
		}
	}
	holder, other := a, b
	if got := ids(t, b); slices.Contains(got, "pool") {
		holder, other = b, a
	}
	for _, v := range []*Vault{holder, other} {
		if err := v.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"pool": "first", "node": "second"} {
		if s, err := holder.peek(t.Context(), id); err != nil || string(s.Expose()) != want {
			t.Errorf("%s: %v", id, err)
		}
		e, err := holder.Show(t.Context(), id)
		i := slices.IndexFunc(before, func(e Entry) bool { return e.ID == id })
		if err != nil || e.Name != before[i].Name || !e.Created.Equal(before[i].Created) || e.State != before[i].State {
			t.Errorf("%+v, %v, want as %+v", e, err, before[i])
		}
	}
	for _, store := range []*flaky{storeA, storeB} {
		list, _ := store.List(t.Context())
		secrets := 0
		for _, id := range list {
			if ownerOf(id) != "" {
				secrets++
			}
		}
		if secrets != 0 && secrets != 2 {
			t.Errorf("a store holds %q", list)
		}
	}
	if _, err := Move(t.Context(), a, a); err == nil {
		t.Error("into itself")
	}
	// An id that is taken.
	x, _, _ := newVault(t)
	y, _, _ := newVault(t)
	add(t, x, "pool", KindPool, "1")
	add(t, y, "pool", KindPool, "2")
	if _, err := Move(t.Context(), x, y); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	if s, err := x.peek(t.Context(), "pool"); err != nil || string(s.Expose()) != "1" {
		t.Errorf("%v", err)
	}
	_ = c
}

func TestRotate(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "old")
	c.t = c.t.AddDate(0, 0, RotateAfter+1)
	works := errors.New("it does not work")
	if err := v.Rotate(t.Context(), "pool", NewSecret([]byte("new")), func(context.Context) error { return works }); !errors.Is(err, works) {
		t.Errorf("%v", err)
	}
	if got, err := v.PoolPassword(t.Context(), "pool"); err != nil || string(got) != "old" {
		t.Errorf("after a test that failed: %q, %v", got, err)
	}
	if err := v.Rotate(t.Context(), "pool", NewSecret([]byte("old")), nil); !errors.Is(err, ErrExists) {
		t.Errorf("the same secret: %v", err)
	}
	// Every call of the store fails once: the entry has one of the two.
	value := "old"
	for n := 1; n < 100; n++ {
		calls, broken := 0, errors.New("broken")
		store.fail = func(string, string) error {
			if calls++; calls == n {
				return broken
			}
			return nil
		}
		next := value + "+"
		err := v.Rotate(t.Context(), "pool", NewSecret([]byte(next)), nil)
		store.fail = nil
		got, gotErr := v.PoolPassword(t.Context(), "pool")
		if gotErr != nil || string(got) != value && string(got) != next {
			t.Fatalf("failure of call %d (%v): %q, %v", n, err, got, gotErr)
		}
		value = string(got)
		if err == nil && calls < n {
			break
		}
	}
	if err := v.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _ := store.List(t.Context())
	if len(list) != 3 {
		t.Errorf("the store holds %q", list)
	}
	e, _ := v.Show(t.Context(), "pool")
	if e.Standing(c.t) != Active || !e.Rotated.Equal(c.t.UTC().Truncate(time.Second)) {
		t.Errorf("%+v", e)
	}
	if err := v.Revoke(t.Context(), "pool"); err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(t.Context(), "pool", NewSecret([]byte("x")), nil); !errors.Is(err, ErrRevoked) {
		t.Errorf("%v", err)
	}
}

func TestExport(t *testing.T) {
	a, _, c := newVault(t)
	add(t, a, "pool", KindPool, planted)
	keepAs(t, a, Entry{ID: "kraken", Name: "n", Kind: KindExchange, Environment: Live, Provider: "kraken", Endpoint: "https://api.kraken.com", Scheme: SchemeKraken}, credential("k", planted, ""))
	add(t, a, "gone", KindPool, "x")
	if err := a.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	passphrase := NewSecret([]byte("hunter2hunter2"))
	for _, o := range []ExportOptions{{Recipient: id.Recipient().String()}, {Passphrase: passphrase, WorkFactor: 10}} {
		data, err := a.Export(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(planted)) || bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString([]byte(planted)))) {
			t.Error("the export is in clear")
		}
		identities, with := NewSecret([]byte(id.String())), passphrase
		if o.Recipient == "" {
			identities = Secret{}
		}
		b, _, _ := newVault(t)
		for range 2 { // the second time it is all there
			got, err := b.Import(t.Context(), data, identities, with)
			if err != nil || len(got) != 2 && len(ids(t, b)) != 2 {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if got, err := b.PoolPassword(t.Context(), "pool"); err != nil || string(got) != planted {
			t.Errorf("%v", err)
		}
		want, _ := a.Show(t.Context(), "kraken")
		if e, err := b.Show(t.Context(), "kraken"); err != nil || e.Endpoint != want.Endpoint || !e.Created.Equal(want.Created) || e.Fingerprint == want.Fingerprint {
			t.Errorf("%+v, %v", e, err)
		}
		if _, err := b.Import(t.Context(), data, Secret{}, NewSecret([]byte("wrong"))); err == nil {
			t.Error("a wrong passphrase")
		}
		other, _, _ := newVault(t)
		add(t, other, "kraken", KindPool, "another")
		if _, err := other.Import(t.Context(), data, identities, with); !errors.Is(err, ErrExists) || len(ids(t, other)) != 1 {
			t.Errorf("a taken id: %v, %q", err, ids(t, other))
		}
	}
	if _, err := a.Export(t.Context(), ExportOptions{Recipient: "age1nobody"}); err == nil {
		t.Error("to nobody")
	}
	if _, err := a.Export(t.Context(), ExportOptions{}); !errors.Is(err, ErrPassphrase) {
		t.Errorf("under nothing: %v", err)
	}
	if data, _ := os.ReadFile(a.auditPath()); strings.Count(string(data), `"export"`) != 4 {
		t.Error("the exports are not in the audit")
	}
	_ = c
}

func FuzzImport(f *testing.F) {
	good, err := json.Marshal(exported{exportMagic, []exportedKey{{Entry{ID: "pool", Name: "Pool", Kind: KindPool, Environment: Live, State: Active,
		Created: time.Unix(1e9, 0).UTC(), Fingerprint: "0123456789abcdef"}, []byte("x")}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"goldpan":"keys 1","keys":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := decodeExport(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(x)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatal("does not come back")
		}
		for _, k := range x.Keys {
			if k.Entry.State == Revoked || CheckSecret(k.Secret) != nil {
				t.Fatal("a key was taken that cannot be kept")
			}
		}
	})
}

// FuzzCredential: what a store gives is not trusted to be in parts.
func FuzzCredential(f *testing.F) {
	good, err := credential("key", "secret", "").Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Expose())
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCredential(data)
		if err != nil {
			return
		}
		if again, err := c.Encode(); err != nil || !bytes.Equal(again.Expose(), data) {
			t.Fatal("does not come back")
		}
	})
}
