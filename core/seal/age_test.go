package seal

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
)

func TestEncrypt(t *testing.T) {
	plain := []byte("what is kept")
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := Encrypt(plain, id.Recipient().String(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	under, err := Encrypt(plain, "", "hunter2hunter2", 10)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decrypt(to, "# mine\n"+id.String()+"\n", ""); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Decrypt(under, "", "hunter2hunter2"); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	for what, c := range map[string]struct {
		err error
		is  error
	}{
		"another identity":   {of(Decrypt(to, other.String(), "")), ErrPassphrase},
		"no identity":        {of(Decrypt(to, "nonsense "+id.String(), "")), ErrRecipient},
		"another passphrase": {of(Decrypt(under, "", "hunter3hunter3")), ErrPassphrase},
		"no passphrase":      {of(Decrypt(under, "", "")), ErrPassphrase},
		"altered":            {of(Decrypt([]byte(strings.Replace(string(under), "\n", "\nA", 3)), "", "hunter2hunter2")), ErrOpen},
		"no age file":        {of(Decrypt([]byte("x"), "", "hunter2hunter2")), ErrOpen},
		"large":              {of(Decrypt(make([]byte, MaxEncrypted+1), "", "x")), ErrTooMuch},
		"no recipient":       {of(Encrypt(plain, "age1x", "", 0)), ErrRecipient},
		"empty":              {of(Encrypt(plain, "", "", 10)), ErrPassphrase},
		"work":               {of(Encrypt(plain, "", "x", MaxWorkFactor+1)), ErrWorkFactor},
	} {
		if !errors.Is(c.err, c.is) || strings.Contains(c.err.Error(), id.String()) {
			t.Errorf("%s: %v, want %v", what, c.err, c.is)
		}
	}
}

func of(_ []byte, err error) error { return err }
