package jsonrpc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Pin is the SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469, section 2.4): it names the key, so a renewed
// certificate with the same key has the same pin.
type Pin [sha256.Size]byte

const pinPrefix = "sha256:"

// ParsePin reads sha256: and 64 hexadecimal digits, of either case. Its error is ErrAddress.
func ParsePin(s string) (Pin, error) {
	var p Pin
	digits, ok := strings.CutPrefix(s, pinPrefix)
	if !ok || len(digits) != hex.EncodedLen(len(p)) {
		return Pin{}, fmt.Errorf("%w: a pin is sha256: and 64 hexadecimal digits", ErrAddress)
	}
	if _, err := hex.Decode(p[:], []byte(digits)); err != nil {
		return Pin{}, fmt.Errorf("%w: a pin is sha256: and 64 hexadecimal digits", ErrAddress)
	}
	return p, nil
}

// String returns the pin as ParsePin reads it, in lower case. It is the fingerprint that people compare.
func (p Pin) String() string { return pinPrefix + hex.EncodeToString(p[:]) }

func parsePins(list []string) ([]Pin, error) {
	if len(list) > maxPins {
		return nil, fmt.Errorf("%w: over %d pins", ErrAddress, maxPins)
	}
	var pins []Pin
	for _, s := range list {
		p, err := ParsePin(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(pins, p) {
			pins = append(pins, p)
		}
	}
	return pins, nil
}
