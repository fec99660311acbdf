package hd

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"goldpan/core/coin"
)

var (
	// ErrDescriptor says that a text is no output descriptor.
	ErrDescriptor = errors.New("that is no output descriptor")
	// ErrDescriptorSum says that a descriptor's last eight letters do not fit the rest.
	ErrDescriptorSum = errors.New("the descriptor's check letters do not fit: a letter of it is wrong, missing or too many")
)

// UnsupportedError says what in a good descriptor Goldpan does not do.
type UnsupportedError struct{ What string } // as in "wsh(): a script"

// Error is one sentence.
func (e *UnsupportedError) Error() string {
	return "that descriptor asks for what Goldpan cannot watch, " + e.What + "; it knows pkh, wpkh, sh(wpkh) and tr with one public key and a range, /0/* or /<0;1>/*"
}

func unsupported(what string) error { return &UnsupportedError{what} }

// maxDescriptor bounds a descriptor, in bytes. One of ours has about 170.
const maxDescriptor = 1024

// The characters of BIP380, in the order that gives them their value.
const descriptorCharset = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "

const checksumCharset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// descriptorSum is BIP380's checksum, eight letters, or false when a character is in no descriptor.
func descriptorSum(s string) (string, bool) {
	sum, class, classes := uint64(1), 0, 0
	step := func(v int) {
		top := sum >> 35
		sum = (sum&0x7ffffffff)<<5 ^ uint64(v)
		for i, g := range []uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for i := range len(s) {
		v := strings.IndexByte(descriptorCharset, s[i])
		if v < 0 {
			return "", false
		}
		step(v & 31)
		class = class*3 + v>>5
		if classes++; classes == 3 {
			step(class)
			class, classes = 0, 0
		}
	}
	if classes > 0 {
		step(class)
	}
	for range 8 {
		step(0)
	}
	sum ^= 1
	var out [8]byte
	for i := range out {
		out[i] = checksumCharset[sum>>(5*(7-i))&31]
	}
	return string(out[:]), true
}

// checkDescriptor takes the checksum off, if there is one.
func checkDescriptor(text string) (string, error) {
	if len(text) == 0 || len(text) > maxDescriptor {
		return "", ErrDescriptor
	}
	body, sum, has := strings.Cut(text, "#")
	want, ok := descriptorSum(body)
	switch {
	case !ok:
		return "", ErrDescriptor
	case has && sum != want:
		return "", ErrDescriptorSum
	}
	return body, nil
}

// parsed is a descriptor before its key is read.
type parsed struct {
	kind        Kind
	fingerprint []byte // of the origin; nil if none is given
	origin      []uint32
	key         string
	chains      [][]uint32 // the steps to each chain, before the index
}

// parseDescriptor reads a descriptor of the supported form.
func parseDescriptor(text string) (parsed, error) {
	body, err := checkDescriptor(text)
	if err != nil {
		return parsed{}, err
	}
	var d parsed
	key := ""
	for _, f := range []struct {
		begin, end string
		kind       Kind
	}{{"pkh(", ")", PKH}, {"wpkh(", ")", WPKH}, {"sh(wpkh(", "))", SHWPKH}, {"tr(", ")", TR}} {
		if rest, ok := strings.CutPrefix(body, f.begin); ok {
			if key, ok = strings.CutSuffix(rest, f.end); !ok {
				return parsed{}, ErrDescriptor
			}
			d.kind = f.kind
		}
	}
	if d.kind == "" {
		name, _, ok := strings.Cut(body, "(")
		if !ok || !strings.HasSuffix(body, ")") {
			return parsed{}, ErrDescriptor
		}
		if name == "sh" {
			return parsed{}, unsupported("sh() of another script than wpkh()")
		}
		if slices.Contains([]string{"pk", "wsh", "multi", "sortedmulti", "combo", "raw", "addr", "musig", "sp", "rawtr"}, name) {
			return parsed{}, unsupported(name + "()")
		}
		return parsed{}, ErrDescriptor
	}
	if strings.ContainsAny(key, "(){}") || strings.Contains(key, ",") {
		if d.kind == TR && strings.Contains(key, ",") {
			return parsed{}, unsupported("tr() with scripts beside its key")
		}
		return parsed{}, ErrDescriptor // a key is wanted there
	}
	if origin, ok := strings.CutPrefix(key, "["); ok {
		if origin, key, ok = strings.Cut(origin, "]"); !ok {
			return parsed{}, ErrDescriptor
		}
		print, steps, deeper := strings.Cut(origin, "/")
		if d.fingerprint, err = hex.DecodeString(print); err != nil || len(d.fingerprint) != 4 {
			return parsed{}, ErrDescriptor
		}
		if d.origin, err = parseSteps(steps); err != nil || deeper && steps == "" {
			return parsed{}, ErrDescriptor
		}
	}
	key, steps, _ := strings.Cut(key, "/")
	d.key = key
	if key == "" || strings.ContainsAny(key, "[]<>;*'") {
		return parsed{}, ErrDescriptor
	}
	if d.chains, err = parseRange(steps); err != nil {
		return parsed{}, err
	}
	return d, nil
}

// parseRange reads what follows the key: "0/*", "<0;1>/*" and the like.
func parseRange(s string) ([][]uint32, error) {
	steps, ranged := s, false
	if s == "*" {
		steps, ranged = "", true
	} else if before, ok := strings.CutSuffix(s, "/*"); ok {
		steps, ranged = before, true
	}
	hard := strings.HasSuffix(s, "*'") || strings.HasSuffix(s, "*h")
	if hard {
		steps = strings.TrimSuffix(strings.TrimSuffix(s[:len(s)-2], "/"), "*")
	}
	chains := [][]uint32{nil}
	split := false
	if steps != "" {
		parts := strings.Split(steps, "/")
		if len(parts) > maxSteps {
			return nil, ErrDescriptor
		}
		for _, p := range parts {
			list := []string{p}
			if inner, ok := strings.CutPrefix(p, "<"); ok {
				if inner, ok = strings.CutSuffix(inner, ">"); !ok || split {
					return nil, ErrDescriptor
				}
				split = true
				list = strings.Split(inner, ";")
				if len(list) < 2 {
					return nil, ErrDescriptor
				}
				if len(list) > 2 {
					for _, x := range list {
						if _, err := parseStep(x); err != nil {
							return nil, ErrDescriptor
						}
					}
					return nil, unsupported("more than two chains")
				}
				chains = append(chains, slices.Clone(chains[0]))
			}
			for i := range chains {
				n, err := parseStep(list[min(i, len(list)-1)])
				if err != nil {
					return nil, ErrDescriptor
				}
				hard = hard || n >= hdkeychain.HardenedKeyStart
				chains[i] = append(chains[i], n)
			}
		}
		if len(chains) == 2 && slices.Equal(chains[0], chains[1]) {
			return nil, ErrDescriptor
		}
	}
	switch {
	case hard:
		return nil, unsupported("hardened steps after the key, which a public key cannot take")
	case !ranged:
		return nil, unsupported("a single address without a range")
	}
	return chains, nil
}

// watchDescriptor makes the account of a descriptor.
func watchDescriptor(params *coin.Params, text string) (*Account, error) {
	d, err := parseDescriptor(text)
	if err != nil {
		return nil, err
	}
	if err := kindFor(d.kind, params); err != nil {
		return nil, err
	}
	if isHexKey(d.key) {
		return nil, unsupported("a key that has no range")
	}
	key, told, err := parseExtended(d.key, params)
	if err != nil {
		if isPrivateKey(d.key) {
			err = ErrPrivate
		}
		return nil, err
	}
	if told != "" && told != d.kind {
		return nil, fmt.Errorf("%w: its key is of another kind of address", ErrDescriptor)
	}
	a := &Account{params: params, kind: d.kind, base: key, origin: d.origin, fingerprint: d.fingerprint, steps: d.chains}
	// A wallet that exports its receiving chain alone keeps its change beside it (BIP44).
	if last := len(d.chains[0]) - 1; len(d.chains) == 1 && last >= 0 && d.chains[0][last] == Receive {
		change := slices.Clone(d.chains[0])
		change[last] = Change
		a.steps = append(a.steps, change)
	}
	return a, a.open()
}

func isHexKey(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && (len(b) == 32 || len(b) == 33 || len(b) == 65)
}

// isPrivateKey recognises a private key in the form that a single one is written in (WIF).
func isPrivateKey(s string) bool {
	return (len(s) == 51 || len(s) == 52) && strings.ContainsAny(s[:1], "5KLc9T6Q")
}

// Descriptor is the account as an output descriptor (BIP380, BIP389) with its checksum, which other programs watch
// it by. Whoever has it sees every address, and can spend nothing.
func (a *Account) Descriptor() string {
	key := a.base.String()
	if len(a.fingerprint) == 4 {
		key = fmt.Sprintf("[%x%s]%s", a.fingerprint, below(formatSteps(a.origin, "h")), key)
	}
	path := ""
	for i, n := range a.steps[0] {
		step := formatSteps([]uint32{n}, "h")
		if len(a.steps) == 2 && a.steps[1][i] != n {
			step = fmt.Sprintf("<%s;%s>", step, formatSteps([]uint32{a.steps[1][i]}, "h"))
		}
		path += "/" + step
	}
	s := string(a.kind) + "(" + key + path + "/*)"
	if a.kind == SHWPKH {
		s = "sh(wpkh(" + key + path + "/*))"
	}
	sum, _ := descriptorSum(s)
	return s + "#" + sum
}

// Origin is the descriptor without its key, as labels name the account that they belong to (BIP329); "" where it is
// not known what is above the key.
func (a *Account) Origin() string {
	if len(a.fingerprint) != 4 {
		return ""
	}
	key := fmt.Sprintf("[%x%s]", a.fingerprint, below(formatSteps(a.origin, "'")))
	if a.kind == SHWPKH {
		return "sh(wpkh(" + key + "))"
	}
	return string(a.kind) + "(" + key + ")"
}

// below is a path under something, or nothing.
func below(steps string) string {
	if steps == "" {
		return ""
	}
	return "/" + steps
}
