package invite

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// handshake is what both sides know of one attempt.
type handshake struct {
	kind   Kind
	id     ID
	device Nonce
	gate   Nonce
	origin string
}

func (h handshake) tag(key []byte, role string, more ...[]byte) Tag {
	m := hmac.New(sha256.New, key)
	m.Write(frames(append([][]byte{
		[]byte("goldpan/1 " + string(h.kind) + " " + role), h.id[:], h.device[:], h.gate[:], []byte(h.origin)}, more...)...))
	return Tag(m.Sum(nil))
}

func (h handshake) gateTag(key []byte) Tag   { return h.tag(key, "gateway") }
func (h handshake) deviceTag(key []byte) Tag { return h.tag(key, "device") }

func (h handshake) welcomeTag(key []byte, device ID, p Payee) Tag {
	return h.tag(key, "welcome", device[:], []byte(p.Name), []byte(p.Address))
}

// derive gives what a join leaves: the device's id and key.
func (h handshake) derive(secret []byte) (id ID, key Key, err error) {
	salt := append(append([]byte(nil), h.device[:]...), h.gate[:]...)
	k, err := hkdf.Key(sha256.New, secret, salt, string(frames([]byte("goldpan/1 device key"), h.id[:], []byte(h.origin))), len(key.bytes))
	if err != nil {
		return id, key, err
	}
	i, err := hkdf.Key(sha256.New, secret, salt, string(frames([]byte("goldpan/1 device id"), h.id[:], []byte(h.origin))), len(id))
	if err != nil {
		return id, key, err
	}
	copy(key.bytes[:], k)
	copy(id[:], i)
	return id, key, nil
}

func equal(a, b Tag) bool { return hmac.Equal(a[:], b[:]) }
