package stratum

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"goldpan/core/pow"
)

// Methods of the protocol.
const (
	methodSubscribe           = "mining.subscribe"
	methodAuthorize           = "mining.authorize"
	methodSubmit              = "mining.submit"
	methodConfigure           = "mining.configure"
	methodSuggestDifficulty   = "mining.suggest_difficulty"
	methodSuggestTarget       = "mining.suggest_target"
	methodExtranonceSubscribe = "mining.extranonce.subscribe"
	methodPing                = "mining.ping"
	methodNotify              = "mining.notify"
	methodSetDifficulty       = "mining.set_difficulty"
	methodSetExtranonce       = "mining.set_extranonce"
	methodSetVersionMask      = "mining.set_version_mask"
	methodReconnect           = "client.reconnect"
	methodShowMessage         = "client.show_message"
	methodClientPing          = "client.ping"
	methodGetVersion          = "client.get_version"
)

// extranonce is a connection's share of the search space: what every coinbase of it holds, and how many bytes
// the miner may choose behind it.
type extranonce struct {
	first []byte // extranonce1
	size  int    // of extranonce2, in bytes
}

func malformed(method string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrProtocol, method, err)
}

// parseHex reads hex of least to most bytes.
func parseHex(raw json.RawMessage, least, most int) ([]byte, error) {
	s, err := parseString(raw, 2*most)
	if err != nil {
		return nil, errHex
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < least {
		return nil, errHex
	}
	return b, nil
}

// parseWord reads a 32-bit number in big-endian hex; leading zeros may be missing.
func parseWord(raw json.RawMessage) (uint32, error) {
	s, err := parseString(raw, 8)
	if err != nil || s == "" || s[0] == '+' || s[0] == '-' {
		return 0, errHex
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return 0, errHex
	}
	return uint32(n), nil
}

func appendWord(dst []byte, n uint32) []byte {
	return appendHex(dst, binary.BigEndian.AppendUint32(make([]byte, 0, 4), n))
}

func appendHex(dst, b []byte) []byte {
	return append(hex.AppendEncode(append(dst, '"'), b), '"')
}

// swapWords reverses the bytes inside each 4-byte word: the order in which pools send the previous block's hash.
func swapWords(h pow.Hash) (s pow.Hash) {
	for i := range h {
		s[i] = h[i^3]
	}
	return s
}

// parseNotify reads the params of a job. What the connection adds (algorithm, extranonce, target) is left unset.
func parseNotify(params json.RawMessage) (*pow.Job, error) {
	fail := func(what string) (*pow.Job, error) {
		return nil, fmt.Errorf("%w: notify: bad %s", ErrProtocol, what)
	}
	args, err := parseList(params, maxParams)
	if err != nil || len(args) < 8 {
		return fail("params")
	}
	j := &pow.Job{}
	if j.ID, err = parseString(args[0], MaxJobID); err != nil || j.ID == "" {
		return fail("job id")
	}
	prev, err := parseHex(args[1], len(j.Prev), len(j.Prev))
	if err != nil {
		return fail("previous hash")
	}
	j.Prev = swapWords(pow.Hash(prev))
	if j.Coinbase1, err = parseHex(args[2], 1, MaxCoinbasePart); err != nil {
		return fail("first part of the coinbase")
	}
	if j.Coinbase2, err = parseHex(args[3], 0, MaxCoinbasePart); err != nil {
		return fail("second part of the coinbase")
	}
	branch, err := parseList(args[4], MaxBranch)
	if err != nil {
		return fail("merkle branch")
	}
	for _, raw := range branch {
		h, err := parseHex(raw, len(pow.Hash{}), len(pow.Hash{}))
		if err != nil {
			return fail("merkle branch")
		}
		j.Branch = append(j.Branch, pow.Hash(h))
	}
	if j.Version, err = parseWord(args[5]); err != nil {
		return fail("version")
	}
	if j.Bits, err = parseWord(args[6]); err != nil {
		return fail("bits")
	}
	if j.Time, err = parseWord(args[7]); err != nil {
		return fail("time")
	}
	if len(args) > 8 { // where it is missing, the job is one more
		switch string(args[8]) {
		case "true", "1":
			j.Clean = true
		case "false", "0", null:
		default:
			return fail("clean flag")
		}
	}
	return j, nil
}

// appendNotify is the inverse of parseNotify.
func appendNotify(dst []byte, j *pow.Job) []byte {
	prev := swapWords(j.Prev)
	dst = appendString(append(dst, '['), j.ID)
	dst = appendHex(append(dst, ','), prev[:])
	dst = appendHex(append(dst, ','), j.Coinbase1)
	dst = appendHex(append(dst, ','), j.Coinbase2)
	dst = append(dst, `,[`...)
	for i, h := range j.Branch {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHex(dst, h[:])
	}
	dst = append(dst, `],`...)
	dst = append(appendWord(dst, j.Version), ',')
	dst = append(appendWord(dst, j.Bits), ',')
	dst = append(appendWord(dst, j.Time), ',')
	return append(strconv.AppendBool(dst, j.Clean), ']')
}

// checkJob says why a job of our own cannot be sent.
func checkJob(j *pow.Job) error {
	switch {
	case j.ID == "" || len(j.ID) > MaxJobID:
		return fmt.Errorf("job id of %d bytes", len(j.ID))
	case len(j.Coinbase1) == 0 || len(j.Coinbase1) > MaxCoinbasePart || len(j.Coinbase2) > MaxCoinbasePart:
		return fmt.Errorf("coinbase in parts of %d and %d bytes", len(j.Coinbase1), len(j.Coinbase2))
	case len(j.Branch) > MaxBranch:
		return fmt.Errorf("merkle branch of %d", len(j.Branch))
	}
	return nil
}

// parseSetDifficulty reads the params of set_difficulty and suggest_difficulty.
func parseSetDifficulty(params json.RawMessage) (float64, error) {
	args, err := parseList(params, maxParams)
	if err != nil || len(args) == 0 {
		return 0, malformed("difficulty", errNumber)
	}
	return ParseDifficulty(args[0])
}

// parseExtranonce reads two values that stand in a list from i on: the params of set_extranonce, and the end of
// the result of subscribe.
func parseExtranonce(list []json.RawMessage, i int) (e extranonce, err error) {
	if len(list) < i+2 {
		return e, malformed("extranonce", errList)
	}
	if e.first, err = parseHex(list[i], MinExtranonce1, MaxExtranonce1); err != nil {
		return e, malformed("extranonce1", err)
	}
	if e.size, err = parseInt(list[i+1], MinExtranonce2, MaxExtranonce2); err != nil {
		return e, malformed("extranonce2 size", err)
	}
	return e, nil
}

// parseSubscribed reads the result of subscribe. The list of subscriptions before the extranonce differs from
// pool to pool and says nothing that is needed.
func parseSubscribed(result json.RawMessage) (extranonce, error) {
	list, err := parseList(result, maxParams)
	if err != nil {
		return extranonce{}, malformed("subscribe", err)
	}
	return parseExtranonce(list, 1)
}

// maxSession is how long the name of a session may be, in bytes.
const maxSession = 128

// parseSession reads the name by which a connection can be resumed from the result of subscribe: that of the
// subscription to mining.notify. Some pools give a list of subscriptions, some a single one; "" when there is none.
func parseSession(result json.RawMessage) string {
	list, err := parseList(result, maxParams)
	if err != nil || len(list) == 0 {
		return ""
	}
	subscriptions, err := parseList(list[0], maxParams)
	if err != nil {
		return ""
	}
	for _, raw := range append(subscriptions, list[0]) {
		pair, err := parseList(raw, maxParams)
		if err != nil || len(pair) < 2 || string(pair[0]) != `"mining.notify"` {
			continue
		}
		if id, err := parseString(pair[1], maxSession); err == nil {
			return id
		}
	}
	return ""
}

func appendSubscribed(dst []byte, e extranonce, session string) []byte {
	dst = append(dst, `[[["mining.set_difficulty",`...)
	dst = append(appendString(dst, session), `],["mining.notify",`...)
	dst = append(appendString(dst, session), `]],`...)
	dst = append(appendHex(dst, e.first), ',')
	return append(strconv.AppendInt(dst, int64(e.size), 10), ']')
}

// parseAuthorize reads the params of authorize. A missing password is an empty one.
func parseAuthorize(params json.RawMessage) (user, password string, err error) {
	args, err := parseList(params, maxParams)
	if err != nil || len(args) == 0 {
		return "", "", malformed(methodAuthorize, errList)
	}
	if user, err = parseString(args[0], MaxName); err != nil {
		return "", "", malformed(methodAuthorize, err)
	}
	if len(args) > 1 && !isNull(args[1]) {
		if password, err = parseString(args[1], MaxName); err != nil {
			return "", "", malformed(methodAuthorize, err)
		}
	}
	return user, password, nil
}

// Submission is a share as a miner sends it.
type Submission struct {
	User        string
	JobID       string
	Extranonce2 []byte
	Time, Nonce uint32
	// Version holds the bits under the version mask, as BIP 310 sends them; nil when the miner sent none.
	Version *uint32
}

// Solution returns what the miner chose of a job. What may be rolled is replaced (BIP 310): of the job's version the
// bits under its VersionMask are the miner's.
func (s Submission) Solution(j *pow.Job) pow.Solution {
	version := j.Version
	if s.Version != nil {
		version = version&^j.VersionMask | *s.Version&j.VersionMask
	}
	return pow.Solution{Extranonce2: s.Extranonce2, Version: version, Time: s.Time, Nonce: s.Nonce}
}

// parseSubmit reads the params of submit: five, or six with a version.
func parseSubmit(params json.RawMessage) (s Submission, err error) {
	args, err := parseList(params, maxParams)
	if err != nil || len(args) < 5 {
		return s, malformed(methodSubmit, errList)
	}
	if s.User, err = parseString(args[0], MaxName); err != nil {
		return s, malformed("user", err)
	}
	if s.JobID, err = parseString(args[1], MaxJobID); err != nil {
		return s, malformed("job id", err)
	}
	if s.Extranonce2, err = parseHex(args[2], 0, MaxExtranonce2); err != nil {
		return s, malformed("extranonce2", err)
	}
	if s.Time, err = parseWord(args[3]); err != nil {
		return s, malformed("time", err)
	}
	if s.Nonce, err = parseWord(args[4]); err != nil {
		return s, malformed("nonce", err)
	}
	if len(args) > 5 && !isNull(args[5]) {
		v, err := parseWord(args[5])
		if err != nil {
			return s, malformed("version", err)
		}
		s.Version = &v
	}
	return s, nil
}

func appendSubmit(dst []byte, s Submission) []byte {
	dst = append(appendString(append(dst, '['), s.User), ',')
	dst = append(appendString(dst, s.JobID), ',')
	dst = append(appendHex(dst, s.Extranonce2), ',')
	dst = append(appendWord(dst, s.Time), ',')
	dst = appendWord(dst, s.Nonce)
	if s.Version != nil {
		dst = appendWord(append(dst, ','), *s.Version)
	}
	return append(dst, ']')
}

// texts makes params of texts.
func texts(list ...string) json.RawMessage {
	params := json.RawMessage{'['}
	for i, s := range list {
		if i > 0 {
			params = append(params, ',')
		}
		params = appendString(params, s)
	}
	return append(params, ']')
}
