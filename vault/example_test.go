//go:build !js

package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"goldpan/vault"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	// Memory forgets; a program takes vault/keyring, or vault/sealed.
	v, err := vault.Open(dir, vault.NewMemory())
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	secret := vault.NewSecret([]byte("hunter2"))
	defer secret.Wipe()
	entry, err := v.Add(ctx, vault.Entry{Name: "River pool", Kind: vault.KindPool, Environment: vault.Live}, secret)
	if err != nil {
		panic(err)
	}
	fmt.Println(entry.ID, entry.State, secret)

	password, err := v.PoolPassword(ctx, "river-pool")
	fmt.Println(len(password), err)
	vault.Wipe(password)

	if err := v.Revoke(ctx, "river-pool"); err != nil {
		panic(err)
	}
	_, err = v.PoolPassword(ctx, "river-pool")
	fmt.Println(errors.Is(err, vault.ErrRevoked))
	// Output:
	// river-pool active •••
	// 7 <nil>
	// true
}
