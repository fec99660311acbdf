package vault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFull(t *testing.T) {
	r := &root{Key: make([]byte, 32)}
	m := &metadata{vault: newVaultID()}
	for i := range maxEntries {
		m.Entries = append(m.Entries, Entry{ID: fmt.Sprintf("%03d", i) + strings.Repeat("x", maxEntryID-3), Name: strings.Repeat("川", maxName), Kind: KindExchange,
			Environment: Practice, State: Revoked, Created: time.Unix(1e9, 0).UTC(), LastUsed: time.Unix(1e9, 0).UTC(), RevokedAt: time.Unix(1e9, 0).UTC(), Fingerprint: "0123456789abcdef"})
	}
	data, err := m.encode(r)
	if err != nil {
		t.Fatalf("%d entries of the greatest length do not fit: %v", maxEntries, err)
	}
	if _, err := decodeMetadata(data, r); err != nil {
		t.Fatal(err)
	}
}

// FuzzMetadata gives the reader a file as it is, and a body under a right MAC.
func FuzzMetadata(f *testing.F) {
	r := &root{Key: bytes.Repeat([]byte{7}, 32), Generation: 3, Folder: "0123456789abcdef"}
	id := "aaaaaaaaaaaaa"
	m := &metadata{vault: id, Generation: 3, Entries: []Entry{{ID: "pool", Name: "<Pool>", Kind: KindPool, Environment: Live, State: Active,
		Created: time.Unix(1e9, 0).UTC(), Fingerprint: "0123456789abcdef"}}}
	file, err := m.encode(r)
	if err != nil {
		f.Fatal(err)
	}
	body, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(body)
	f.Add([]byte(magic))
	f.Add([]byte(`{"generation":1,"entries":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := decodeMetadata(data, r); err == nil && !bytes.Equal(data, file) {
			t.Fatal("a file was taken that the holder of the key did not make")
		}
		signed := fmt.Appendf(nil, "%s%s\n%s\n", magic, id, data)
		signed = fmt.Appendf(signed, "%s%x\n", macPrefix, r.mac(signed))
		m, err := decodeMetadata(signed, r)
		if err != nil {
			return
		}
		again, err := m.encode(r)
		if err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("does not come back: %v", err)
		}
	})
}

func FuzzRoot(f *testing.F) {
	data, err := (&root{Key: bytes.Repeat([]byte{7}, 32), Generation: 3, Folder: "0123456789abcdef"}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRoot(data)
		if err != nil {
			return
		}
		if again, err := r.encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatal("does not come back")
		}
	})
}

// TestBodiesAreStrict: what the holder of the key never writes is not read.
func TestBodiesAreStrict(t *testing.T) {
	r := &root{Key: make([]byte, 32)}
	read := func(body string) error {
		signed := fmt.Appendf(nil, "%saaaaaaaaaaaaa\n%s\n", magic, body)
		_, err := decodeMetadata(fmt.Appendf(signed, "%s%x\n", macPrefix, r.mac(signed)), r)
		return err
	}
	const entry = `{"id":"a","name":"n","kind":"pool","environment":"live","state":"active","created":"2026-03-01T11:00:00Z","fingerprint":"0123456789abcdef"}`
	body := func(entries ...string) string {
		return `{"generation":1,"entries":[` + strings.Join(entries, ",") + `]}`
	}
	if err := read(body(entry)); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"an id twice":         body(entry, entry),
		"too many":            body(strings.Split(strings.Repeat(entry+"\n", maxEntries+1)[:(len(entry)+1)*(maxEntries+1)-1], "\n")...),
		"unknown field":       body(strings.Replace(entry, `{`, `{"secret":"x",`, 1)),
		"field in other case": body(strings.Replace(entry, `"id"`, `"ID"`, 1)),
		"repeated field":      body(strings.Replace(entry, `{`, `{"id":"b",`, 1)),
		"space":               body(" " + entry),
		"unknown state":       body(strings.Replace(entry, "active", "sleeping", 1)),
		"revoked, no time":    body(strings.Replace(entry, "active", "revoked", 1)),
		"active, with time":   body(strings.Replace(entry, `,"fingerprint"`, `,"revoked":"2026-03-01T11:00:00Z","fingerprint"`, 1)),
		"no creation":         body(strings.Replace(entry, "2026-03-01T11", "0001-01-01T00", 1)),
		"short fingerprint":   body(strings.Replace(entry, "0123456789abcdef", "0123", 1)),
		"odd fingerprint":     body(strings.Replace(entry, "0123456789abcdef", "0123456789abcdeg", 1)),
		"bad id":              body(strings.Replace(entry, `"a"`, `"a:b"`, 1)),
		"trailing":            body(entry) + "{}",
		"nothing":             "",
	} {
		if read(bad) == nil {
			t.Errorf("%s: read", what)
		}
	}
}
