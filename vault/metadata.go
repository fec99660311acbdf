package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	magic           = "goldpan vault 1 "
	macPrefix       = "hmac-sha256 "
	vaultIDSize     = 13 // 8 bytes in base32
	fingerprintSize = 8
	maxMetadata     = 1 << 20
)

// metadata is what the file beside Goldpan's state says.
type metadata struct {
	vault      string  // the vault's own id; in the first line, not in the body
	spare      string  // the id of one that was begun here and has no file yet
	Generation uint64  `json:"generation"` // grows with each change
	Entries    []Entry `json:"entries"`
}

// root is what the store keeps for a vault, under rootID.
type root struct {
	Key        []byte `json:"key"`        // 32 random bytes
	Generation uint64 `json:"generation"` // of the newest file known to be written
	Folder     string `json:"folder"`     // a hash of the folder's path, to notice that the file is gone
}

// Format keeps the key out of whatever is printed.
func (r *root) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(root)") }

// notMixed refuses a secret that is kept for another environment. Pools take any
// password, and "x" is what many people choose.
func (m *metadata) notMixed(e Entry, fingerprint string) error {
	for _, other := range m.Entries {
		if e.Scheme != "" && other.Fingerprint == fingerprint && other.Environment != e.Environment {
			return fmt.Errorf("vault: %w: this secret is kept for %s as %s", ErrEnvironment, other.Environment, other.ID)
		}
	}
	return nil
}

var vaultIDs = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const rootPrefix = "vault-"

func rootID(vault string) string { return rootPrefix + vault }

// secretID names an entry's secret in the store. Slot 0 is the first that the
// entry had.
func secretID(vault string, slot uint32, entry string) string {
	if slot > 0 {
		return fmt.Sprintf("%s-%d.%s", vault, slot, entry)
	}
	return vault + "." + entry
}

// ownerOf gives the vault that a secretID belongs to, or "".
func ownerOf(id string) string {
	head, _, ok := strings.Cut(id, ".")
	if !ok {
		return ""
	}
	vault, _, _ := strings.Cut(head, "-")
	return vault
}

func newVaultID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return vaultIDs.EncodeToString(b[:])
}

func checkVaultID(id string) bool {
	b, err := vaultIDs.DecodeString(id)
	return err == nil && len(id) == vaultIDSize && vaultIDs.EncodeToString(b) == id
}

// derive gives a key of its own to each use of the root's.
func (r *root) derive(purpose string) []byte {
	h := hmac.New(sha256.New, r.Key)
	h.Write([]byte("goldpan vault 1 " + purpose))
	return h.Sum(nil)
}

func (r *root) mac(data []byte) []byte {
	h := hmac.New(sha256.New, r.derive("metadata"))
	h.Write(data)
	return h.Sum(nil)
}

func (r *root) fingerprint(secret []byte) string {
	h := hmac.New(sha256.New, r.derive("fingerprint"))
	h.Write(secret)
	return hex.EncodeToString(h.Sum(nil)[:fingerprintSize])
}

func (r *root) encode() ([]byte, error) { return json.Marshal(r) }

func decodeRoot(data []byte) (*root, error) {
	var r root
	if err := strict(data, &r); err != nil || len(r.Key) != sha256.Size {
		return nil, errors.New("not a vault's own key")
	}
	return &r, nil
}

// encode gives three parts: the first line with the vault's id, the body in
// JSON on one line, and the MAC over both on the last.
func (m *metadata) encode(r *root) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	data := fmt.Appendf(nil, "%s%s\n%s\n", magic, m.vault, body)
	if len(data) > maxMetadata-200 {
		return nil, fmt.Errorf("%w: the list of keys is full", ErrTooLarge)
	}
	return fmt.Appendf(data, "%s%x\n", macPrefix, r.mac(data)), nil
}

// vaultOf reads the id in the first line, before anything is authenticated.
func vaultOf(data []byte) (string, error) {
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(data) > maxMetadata || len(rest) <= vaultIDSize || rest[vaultIDSize] != '\n' {
		return "", errors.New("not a vault's list of keys")
	}
	id := string(rest[:vaultIDSize])
	if !checkVaultID(id) {
		return "", errors.New("not a vault's id")
	}
	return id, nil
}

var errMAC = errors.New("the authentication code does not match")

// decodeMetadata returns errMAC for a file that the holder of the key did not
// write, and another error for one that makes no sense all the same.
func decodeMetadata(data []byte, r *root) (*metadata, error) {
	id, err := vaultOf(data)
	if err != nil {
		return nil, err
	}
	const tail = len(macPrefix) + 2*sha256.Size + 1
	if len(data) < tail {
		return nil, errMAC
	}
	signed, last := data[:len(data)-tail], string(data[len(data)-tail:])
	// Compared as text: no second spelling of a MAC passes.
	if !hmac.Equal([]byte(last), fmt.Appendf(nil, "%s%x\n", macPrefix, r.mac(signed))) {
		return nil, errMAC
	}
	body, ok := strings.CutSuffix(string(signed[len(magic)+vaultIDSize+1:]), "\n")
	if !ok {
		return nil, errors.New("no body")
	}
	m := metadata{vault: id}
	if err := strict([]byte(body), &m); err != nil {
		return nil, err
	}
	if len(m.Entries) > maxEntries {
		return nil, errors.New("too many entries")
	}
	seen := make(map[string]bool)
	for i := range m.Entries {
		e := &m.Entries[i]
		if err := e.check(); err != nil {
			return nil, err
		}
		if seen[e.ID] {
			return nil, errors.New("an id stands twice")
		}
		seen[e.ID] = true
	}
	return &m, nil
}

// strict decodes JSON that is spelled exactly as Goldpan writes it, which rules
// out unknown, repeated and differently cased fields.
func strict(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return errors.New("not in the form that Goldpan writes")
	}
	again, err := json.Marshal(v)
	if err != nil || !bytes.Equal(again, data) {
		return errors.New("not in the form that Goldpan writes")
	}
	return nil
}
