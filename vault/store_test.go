package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"goldpan/vault"
	"goldpan/vault/vaulttest"
)

func TestMemory(t *testing.T) {
	vaulttest.TestStore(t, func(*testing.T) vault.Store { return vault.NewMemory() })
}

func TestSecretIsNeverShown(t *testing.T) {
	const text = "hunter2"
	secret := vault.NewSecret([]byte(text))
	type open struct{ S vault.Secret }
	type hidden struct {
		s  vault.Secret
		ps *vault.Secret
	}
	values := []any{secret, &secret, open{secret}, &open{secret}, hidden{secret, &secret}, &hidden{secret, &secret},
		[]vault.Secret{secret}, map[string]vault.Secret{"k": secret}, []hidden{{secret, &secret}}}
	bad := []string{text, fmt.Sprint([]byte(text)), fmt.Sprintf("%x", text), fmt.Sprintf("%#v", []byte(text))}
	check := func(how, got string) {
		t.Helper()
		for _, b := range bad {
			if strings.Contains(strings.ToLower(got), strings.ToLower(b)) {
				t.Errorf("%s shows the secret: %s", how, got)
			}
		}
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%t"} {
			check(fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v))
		}
		if b, err := json.Marshal(v); err == nil {
			check(fmt.Sprintf("json of %T", v), string(b))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		check(fmt.Sprintf("slog of %T", v), log.String())
	}
	if got := fmt.Sprintf("%v %s", secret, open{secret}); got != "••• {•••}" {
		t.Errorf("got %q", got)
	}
	if b, _ := json.Marshal(open{secret}); string(b) != `{"S":"•••"}` {
		t.Errorf("got %s", b)
	}
}

func TestSecretWipe(t *testing.T) {
	b := []byte("hunter2")
	secret := vault.NewSecret(b)
	other := secret
	if string(other.Expose()) != "hunter2" || secret.Len() != 7 {
		t.Fatal("the secret is not what was put in")
	}
	secret.Wipe()
	if !bytes.Equal(b, make([]byte, 7)) || other.Len() != 0 {
		t.Error("Wipe left bytes behind")
	}
	var zero vault.Secret
	zero.Wipe()
	if zero.Len() != 0 {
		t.Error("the zero Secret is not empty")
	}
}

func TestHint(t *testing.T) {
	err := fmt.Errorf("opening: %w", &vault.Error{Store: "keyring", Detail: "no one answered", Hint: "Unlock it.", Err: vault.ErrLocked})
	if !errors.Is(err, vault.ErrLocked) || vault.Hint(err) != "Unlock it." {
		t.Error("the error lost its cause or its hint")
	}
	if got := err.Error(); got != "opening: keyring: locked: no one answered" {
		t.Errorf("got %q", got)
	}
	if vault.Hint(errors.New("x")) != "" {
		t.Error("a hint came from nowhere")
	}
}
