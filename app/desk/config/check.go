package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/btcsuite/btcd/address/v2/base58"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

// Hidden names the first character of s that does not show, such as one that was
// pasted along with an address; "" where there is none. A space in the middle
// shows.
func Hidden(s string) string {
	for i, r := range []rune(s) {
		name := ""
		switch {
		case r == '\n' || r == '\r':
			name = "a line break"
		case r == '\t':
			name = "a tab"
		case r == 0x200b || r == 0x200c || r == 0x200d || r == 0xfeff || r == 0x2060:
			name = "a zero-width character"
		case r == 0xa0 || r == 0x202f:
			name = "a no-break space"
		case r == ' ' && (i == 0 || i == len([]rune(s))-1):
			name = "a space"
		case r != ' ' && !unicode.IsPrint(r):
			name = "a character that does not show"
		default:
			continue
		}
		return fmt.Sprintf("its character %d is %s (U+%04X)", i+1, name, r)
	}
	return ""
}

// plain refuses what no setting holds.
func plain(s string) *fault {
	if len(s) > maxText {
		return &fault{"this text is too long", fmt.Sprintf("write at most %d bytes", maxText)}
	}
	if h := Hidden(s); h != "" {
		return &fault{h, "type it again, or paste it without formatting"}
	}
	if private(s) {
		return &fault{"this looks like a private key or seed words",
			"remove it from here, and move the coins that it opens to a new wallet: whatever was in a file in clear is no secret any more"}
	}
	return nil
}

// private tells whether s is what opens a wallet: an extended private key, a
// private key in wallet import format, or seed words.
func private(s string) bool {
	if regexp.MustCompile(`^[xyztuvXYZTUV]prv[1-9A-HJ-NP-Za-km-z]{20,}`).MatchString(s) || strings.Contains(s, "PRIVATE KEY") {
		return true
	}
	if n := len(s); n == 51 || n == 52 {
		if payload, _, err := base58.CheckDecode(s); err == nil && (len(payload) == 32 || len(payload) == 33) {
			return true
		}
	}
	return len(strings.Fields(s)) >= 12
}

// harmless passwords are what pools ask for that use none.
var harmless = []string{"x", "X", "z", "-", "any", "anything", "password", "pass", "none", "123", "1234", "123456"}

// option is what pools take in the place of a password: a short name and a short value.
var option = regexp.MustCompile(`^([A-Za-z_]{1,16})=([A-Za-z0-9.:_-]{0,16})$`)

// checkPassword takes only what cannot be a secret.
func checkPassword(s string) *fault {
	if slices.Contains(harmless, s) {
		return nil
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		m := option.FindStringSubmatch(part)
		if m == nil || secretName(m[1]) || keyLike(m[2]) {
			return &fault{"this may be a secret, and this file is not sealed",
				`keep it with goldpan key add ID --kind pool, and write password_key = "ID"; options such as "d=0.01" and a plain "x" may stand here`}
		}
	}
	return nil
}

// secretName tells whether a key of that name would hold a secret.
func secretName(s string) bool {
	s = strings.ToLower(s)
	for _, word := range []string{"pass", "pwd", "secret", "token", "key", "seed", "mnemonic", "private", "pin", "auth"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// keyLike tells whether s looks drawn by lot.
func keyLike(s string) bool {
	if len(s) < 12 {
		return false
	}
	if _, err := hex.DecodeString(s); err == nil {
		return true
	}
	return strings.ContainsAny(s, "0123456789") && strings.IndexFunc(s, unicode.IsLetter) >= 0
}

var word = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func checkWord(s string) *fault {
	if !word.MatchString(s) {
		return &fault{"this is no coin's id", `write such as "bitcoin", "litecoin" or "dogecoin"`}
	}
	return nil
}

// checkID takes what the vault takes as an id, and nothing that looks like what
// the id stands for.
func checkID(s string) *fault {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`).MatchString(s) || len(s) >= 24 && keyLike(s) && !strings.ContainsAny(s, "-._") {
		return &fault{"this is no id of a key", "write the id that goldpan key list shows, never the secret itself"}
	}
	return nil
}

func checkAlgorithm(s string) *fault {
	if _, err := hasher.ParseAlgorithm(s); err != nil {
		return &fault{"this algorithm is not known", `write "sha256d" or "scrypt"`}
	}
	return nil
}

func checkLevel(s string) *fault {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s) {
		return &fault{"this level is not known", `write "debug", "info", "warn" or "error"`}
	}
	return nil
}

// checkAccount takes a user at a pool, or an address.
func checkAccount(s string) *fault {
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return &fault{"there is a space in it", "write it without"}
	}
	return nil
}

// Preset begins the address of a pool whose facts come with the program.
const Preset = "preset:"

func checkPool(s string) *fault {
	if name, ok := strings.CutPrefix(s, Preset); ok {
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`).MatchString(name) {
			return &fault{"this is no name of a preset", `write such as "preset:NAME"`}
		}
		return nil
	}
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return &fault{"a user or a password in the address would be shown with it", "write them as user and password_key"}
	}
	if _, err := stratum.ParseURL(s); err != nil {
		return &fault{"this is no pool's address", "write stratum+tcp://HOST:PORT or stratum+tls://HOST:PORT, or the same with ws:// or wss://"}
	}
	return nil
}

func checkNode(s string) *fault {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return &fault{"this is no node's address", "write http://127.0.0.1:PORT, or https://HOST:PORT for a node on another machine"}
	}
	if u.User != nil {
		return &fault{"a user or a password in the address would be shown with it", "write them as user and password_key"}
	}
	return nil
}

func checkProxy(s string) *fault {
	if _, err := jsonrpc.ParseProxy(s); err != nil {
		return &fault{"this is no proxy's address", "write socks5://HOST:PORT or http://HOST:PORT"}
	}
	u, err := url.Parse(s)
	if err != nil {
		return &fault{"this is no proxy's address", "write socks5://HOST:PORT or http://HOST:PORT"}
	}
	if _, ok := u.User.Password(); ok {
		return &fault{"a proxy's password is a secret, and this file is not sealed",
			`keep it with goldpan key add ID, write the address with the name alone, and proxy_key = "ID"`}
	}
	return nil
}

// checkListen takes an address of this machine alone.
func checkListen(s string) *fault {
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	a, bad := netip.ParseAddr(host)
	if err != nil || host != "localhost" && (bad != nil || !a.IsLoopback()) {
		return &fault{"this is no address of this machine alone", "write such as 127.0.0.1:4880"}
	}
	return nil
}
