package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Action is what happened to a key.
type Action string

// The actions.
const (
	ActionAdd      Action = "add"
	ActionUse      Action = "use"     // a secret was handed to a connection of Goldpan's own
	ActionBegin    Action = "begin"   // a request that may change something is about to be sent
	ActionRequest  Action = "request" // a request was made, or refused
	ActionRotate   Action = "rotate"
	ActionRenew    Action = "renew" // its provider replaced an OAuth 2.0 refresh token
	ActionRevoke   Action = "revoke"
	ActionLock     Action = "lock"
	ActionUnlock   Action = "unlock"
	ActionCheck    Action = "check" // permissions were read
	ActionExport   Action = "export"
	ActionImport   Action = "import"
	ActionMove     Action = "move"
	ActionOverride Action = "override" // a key that may move money was taken all the same
	ActionAlert    Action = "alert"
	ActionRepair   Action = "repair" // the end of the audit was mended after a cut-off write
	ActionAccept   Action = "accept" // the person repaired a vault that had been tampered with
	ActionForget   Action = "forget" // a revoked entry made room for a new one
)

// Outcomes of a Record. A reply of a provider is "status " and its number.
const (
	OutcomeOK         = "ok"
	OutcomeRefused    = "refused"    // by the vault: nothing was sent
	OutcomeUnsent     = "unsent"     // no connection
	OutcomeUnanswered = "unanswered" // it was sent, and what came of it is unknown
	OutcomeFailed     = "failed"
)

// Record is one line of the audit. It never holds a secret, a query or a body.
type Record struct {
	N       uint64    `json:"n"`    // 1, 2, 3 …
	Time    time.Time `json:"time"` // UTC, in milliseconds
	Who     string    `json:"who,omitzero"`
	Action  Action    `json:"action"`
	Key     string    `json:"key,omitzero"` // the entry's id
	Host    string    `json:"host,omitzero"`
	Method  string    `json:"method,omitzero"`
	Path    string    `json:"path,omitzero"` // without its query
	Outcome string    `json:"outcome,omitzero"`
	Millis  int64     `json:"ms,omitzero"` // how long it took
	Note    string    `json:"note,omitzero"`
}

const (
	auditMagic  = "goldpan audit 1 "
	maxAudit    = 16 << 20 // bytes of one file
	maxLine     = 1700     // bytes of a line: a store holds the newest one
	macDigits   = 2 * sha256.Size
	maxWho      = 64
	maxPath     = 200
	maxNote     = 200
	maxHost     = 100
	auditPrefix = "audit-"
)

type mac = [sha256.Size]byte

// clip makes a text printable ASCII of a bounded length.
func clip(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	if len(s) > limit {
		s = s[:limit-3] + "..."
	}
	return s
}

func (r *Record) clip() {
	r.Who, r.Host, r.Path, r.Note = clip(r.Who, maxWho), clip(r.Host, maxHost), clip(r.Path, maxPath), clip(r.Note, maxNote)
	r.Method, r.Outcome = clip(r.Method, 16), clip(r.Outcome, 32)
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
}

// link is the MAC of a line: over the one of the line before, and the line.
func link(key []byte, before mac, body []byte) mac {
	h := hmac.New(sha256.New, key)
	h.Write(before[:])
	h.Write(body)
	return mac(h.Sum(nil))
}

// auditHead is the first line of a file: the vault's id, the number of the last
// record in the files before, and its MAC.
func auditHead(vault string, n uint64, before mac) []byte {
	return fmt.Appendf(nil, "%s%s %d %x\n", auditMagic, vault, n, before)
}

// encodeRecord gives a line: JSON, a space, the MAC in hexadecimal, a line end.
func encodeRecord(r Record, key []byte, before mac) ([]byte, mac, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, mac{}, err
	}
	m := link(key, before, body)
	line := fmt.Appendf(body, " %x\n", m)
	if len(line) > maxLine {
		return nil, mac{}, errors.New("a record is too long")
	}
	return line, m, nil
}

// decodeRecord reads a line, without its end, and holds it against the one
// before.
func decodeRecord(line, key []byte, before mac) (Record, mac, error) {
	bad := errors.New("altered")
	if len(line) <= macDigits+1 || len(line) >= maxLine || line[len(line)-macDigits-1] != ' ' {
		return Record{}, mac{}, bad
	}
	body := line[:len(line)-macDigits-1]
	m := link(key, before, body)
	if !hmac.Equal(line[len(line)-macDigits:], []byte(hex.EncodeToString(m[:]))) {
		return Record{}, mac{}, bad
	}
	var r Record
	if err := strict(body, &r); err != nil {
		return Record{}, mac{}, err
	}
	return r, m, nil
}

// trail is what an audit file says.
type trail struct {
	head    []byte
	first   uint64 // the number of the last record in the files before
	prior   mac    // the MAC of that record's line
	records []Record
	n       uint64 // of the last record
	mac     mac    // of the last line
	before  mac    // of the line before the last
	tail    []byte // what follows the last line end: a line that was cut off
}

// readTrail checks a whole file. The error names the first line that is not
// what was written.
func readTrail(data []byte, vault string, key []byte) (*trail, error) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 || end > 200 {
		return nil, errors.New("line 1 was altered")
	}
	var t trail
	t.head = data[:end+1]
	var id string
	var n uint64
	var hexed string
	if _, err := fmt.Sscanf(string(t.head), auditMagic+"%s %d %s\n", &id, &n, &hexed); err != nil {
		return nil, errors.New("line 1 was altered")
	}
	prior, err := hex.DecodeString(hexed)
	if err != nil || len(prior) != sha256.Size || !bytes.Equal(auditHead(vault, n, mac(prior)), t.head) {
		return nil, errors.New("line 1 was altered, or belongs to another vault")
	}
	t.first, t.prior = n, mac(prior)
	t.n, t.mac = n, link(key, mac(prior), t.head)
	t.before = t.mac
	rest := data[end+1:]
	for number := 2; len(rest) > 0; number++ {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			t.tail = rest
			break
		}
		r, m, err := decodeRecord(rest[:end], key, t.mac)
		if err != nil || r.N != t.n+1 {
			return nil, fmt.Errorf("line %d, or one before it, was altered or cut out", number)
		}
		t.records = append(t.records, r)
		t.before, t.mac, t.n = t.mac, m, r.N
		rest = rest[end+1:]
	}
	return &t, nil
}
