//go:build !js

package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/vault"
	"goldpan/vault/sealed"
)

// What a sealed file cannot notice is an older copy of the whole folder: keys,
// list and record go back together. Everything less is noticed.
func TestSealedFolderRolledBack(t *testing.T) {
	dir := t.TempDir()
	open := func() *vault.Vault {
		store, err := sealed.Open(sealed.Options{Path: filepath.Join(dir, "keys.sealed"), WorkFactor: 4,
			Passphrase: func(context.Context, bool) (vault.Secret, error) {
				return vault.NewSecret([]byte("correct horse")), nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := vault.Open(dir, store)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	read := func() map[string][]byte {
		files := make(map[string][]byte)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			files[e.Name()] = data
		}
		return files
	}
	write := func(files map[string][]byte, only string) {
		for name, data := range files {
			if strings.HasPrefix(name, only) {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	v := open()
	for _, id := range []string{"a", "b", "c"} {
		if _, err := v.Add(t.Context(), vault.Entry{ID: id, Name: id, Kind: vault.KindPool, Environment: vault.Test}, vault.NewSecret([]byte("of "+id))); err != nil {
			t.Fatal(err)
		}
	}
	old := read()
	for range 3 {
		if _, err := v.PoolPassword(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Revoke(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	now := read()
	for _, part := range []string{vault.FileName, vault.AuditName, "keys.sealed"} {
		write(old, part)
		if err := open().Tidy(t.Context()); !errors.Is(err, vault.ErrTampered) {
			t.Errorf("an older %s: %v", part, err)
		}
		write(now, "")
	}
	if err := open().Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(old, "")
	if err := open().Tidy(t.Context()); err != nil {
		t.Errorf("the whole folder: %v; if this is noticed now, say so in the documents", err)
	}
}
