package stratum

import (
	"encoding/json"
	"strconv"

	"goldpan/core/pow"
)

// rollable are the bits of a version that BIP 320 leaves to miners.
const rollable uint32 = 0x1fffe000

// Extensions of mining.configure (BIP 310).
const (
	extRolling    = "version-rolling"
	extMinimum    = "minimum-difficulty"
	extExtranonce = "subscribe-extranonce"
)

// asked reports whether this connection asked the pool for anything that is optional and that it might resent.
func (l *link) asked() bool {
	return l.resuming != "" || !l.bare && (l.cfg.VersionRolling || l.cfg.MinDifficulty > 0 || l.cfg.Suggest > 0)
}

// configure asks for extensions before subscribe. Nothing waits for the answer.
func (l *link) configure() {
	if l.bare || !l.cfg.VersionRolling && !(l.cfg.MinDifficulty > 0) {
		return
	}
	params := append(json.RawMessage(nil), `[[`...)
	var values []byte
	if l.cfg.VersionRolling {
		params = append(appendString(params, extRolling), ',')
		values = append(values, `"version-rolling.mask":`...)
		// Lanes here need no bits at all: two is what the specification's own example asks for.
		values = append(appendWord(values, rollable), `,"version-rolling.min-bit-count":2,`...)
	}
	if d := l.cfg.MinDifficulty; d > 0 {
		params = append(appendString(params, extMinimum), ',')
		values = append(appendDifficulty(append(values, `"minimum-difficulty.value":`...), d), ',')
	}
	params = append(appendString(params, extExtranonce), `],{`...)
	params = append(append(params, values[:len(values)-1]...), `}]`...)
	l.send(message{id: strconv.FormatUint(idConfigure, 10), method: methodConfigure, params: params})
}

// configured takes the answer to configure, whatever is left of it.
func (l *link) configured(m *message) {
	var fields map[string]json.RawMessage
	if m.err != nil || json.Unmarshal(m.result, &fields) != nil {
		return
	}
	l.follows = l.follows || string(fields[extExtranonce]) == "true"
	if !l.cfg.VersionRolling || l.bare || string(fields[extRolling]) != "true" {
		return
	}
	if mask, err := parseWord(fields[extRolling+".mask"]); err == nil {
		l.rolling = true
		l.setMask(mask)
	}
}

// setMask takes the bits that the pool lets us roll. BIP 310 has a new mask count at once, so the present job is
// handed on again with it.
func (l *link) setMask(mask uint32) {
	mask &= rollable
	if l.mask.Swap(mask) == mask || l.current == nil {
		return
	}
	j := *l.current
	j.Clean = false
	l.hand(&j)
}

// freeBits are the bits of a job's version that may be rolled under a mask: those that are 0 in the job. There, and
// only there, it makes no difference whether a pool replaces, ors or xors.
func freeBits(mask, version uint32) uint32 { return mask &^ version }

// checkVersion says why a share's version cannot be sent; "" when it can. What it adds to the submission is nil, or
// under a mask the share's own bits: BIP 310's masked replace, which has the pool compute
// (job.Version &^ mask) | (bits & mask).
func (l *link) checkVersion(s pow.Share) (version *uint32, status pow.Status, why string) {
	rolled := s.Version ^ s.Job.Version
	if rolled&^s.Job.VersionMask != 0 {
		return nil, pow.Rejected, "its version has bits that the pool does not let us change"
	}
	mask := l.mask.Load()
	if rolled&^mask != 0 {
		return nil, pow.Stale, "the pool lets us change its version no longer"
	}
	if mask == 0 {
		return nil, 0, ""
	}
	own := s.Version & mask
	return &own, 0, ""
}

// suggest tells the pool what difficulty we should like.
func (l *link) suggest() {
	d := l.cfg.Suggest
	if l.bare || !(d >= MinDifficulty && d <= MaxDifficulty) {
		return
	}
	l.suggested = l.ask(methodSuggestDifficulty, append(appendDifficulty(json.RawMessage{'['}, d), ']'))
}

// suggestTarget says the same in the words of pools that know no suggest_difficulty.
func (l *link) suggestTarget() {
	target := pow.TargetFromDifficulty(l.cfg.Algorithm, l.cfg.Suggest)
	l.ask(methodSuggestTarget, texts(pow.Hash(target).String()))
}

// ask sends a request with an id of its own, and returns the id.
func (l *link) ask(method string, params json.RawMessage) uint64 {
	l.mu.Lock()
	l.lastID++
	id := l.lastID
	l.mu.Unlock()
	l.send(message{id: strconv.FormatUint(id, 10), method: method, params: params})
	return id
}

// A configuration is what a server answers to configure.
type configuration struct {
	asked   []string
	rolling bool
	mask    uint32 // that the miner asks for
}

// parseConfigure reads the params of configure.
func parseConfigure(params json.RawMessage) (c configuration, err error) {
	args, err := parseList(params, maxParams)
	if err != nil || len(args) == 0 {
		return c, malformed(methodConfigure, errList)
	}
	names, err := parseList(args[0], 16)
	if err != nil {
		return c, malformed(methodConfigure, err)
	}
	for _, raw := range names {
		name, err := parseString(raw, 64)
		if err != nil {
			return c, malformed(methodConfigure, err)
		}
		c.asked = append(c.asked, name)
		c.rolling = c.rolling || name == extRolling
	}
	if !c.rolling {
		return c, nil
	}
	c.mask = 0xffffffff // who names no mask would take any
	var values map[string]json.RawMessage
	if len(args) > 1 && json.Unmarshal(args[1], &values) != nil {
		return c, malformed(methodConfigure, errList)
	}
	if raw := values[extRolling+".mask"]; !isNull(raw) {
		if c.mask, err = parseWord(raw); err != nil {
			return c, malformed(methodConfigure, err)
		}
	}
	return c, nil
}

// appendConfigured is the answer: each extension by name, the unknown ones declined. Few bits are better than none,
// so a mask with fewer than the miner would like is offered all the same: the count is for a pool's log.
func appendConfigured(dst []byte, c configuration, mask uint32) []byte {
	dst = append(dst, '{')
	for i, name := range c.asked {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, name), ':')
		switch {
		case name == extRolling && mask != 0:
			dst = appendWord(append(dst, `true,"version-rolling.mask":`...), mask)
		case name == extExtranonce:
			dst = append(dst, "true"...)
		default:
			dst = append(dst, "false"...)
		}
	}
	return append(dst, '}')
}
