package stratum

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"goldpan/core/pow"
)

// Codes of a Rejection, as pools use them.
const (
	CodeOther         = 20
	CodeJobNotFound   = 21
	CodeDuplicate     = 22
	CodeLowDifficulty = 23
	CodeUnauthorized  = 24
	CodeNotSubscribed = 25
)

// Rejection is a pool's refusal of a share or of another request.
type Rejection struct {
	Code int // CodeOther and following
	// Reason is for people. From a peer it is plain printable text of at most 100 characters, and still
	// the peer's words: quote it as such. It may be empty.
	Reason string
}

// Error gives our own words for the code; the peer's are in Reason.
func (r *Rejection) Error() string {
	return fmt.Sprintf("rejected with code %d: %s", r.Code, r.meaning())
}

func (r *Rejection) meaning() string {
	switch r.Code {
	case CodeJobNotFound:
		return "job not found"
	case CodeDuplicate:
		return "duplicate share"
	case CodeLowDifficulty:
		return "difficulty too low"
	case CodeUnauthorized:
		return "user not authorized"
	case CodeNotSubscribed:
		return "not subscribed"
	}
	return "no known reason"
}

// codeWords finds the code of a pool that only writes text, or numbers its errors in its own way. The order
// counts: the first word found decides.
var codeWords = [...]struct {
	word string
	code int
}{
	{"duplicate", CodeDuplicate},
	{"low diff", CodeLowDifficulty},
	{"low-diff", CodeLowDifficulty},
	{"above target", CodeLowDifficulty},
	{"high-hash", CodeLowDifficulty},
	{"not subscribed", CodeNotSubscribed},
	{"unauthor", CodeUnauthorized},
	{"job not found", CodeJobNotFound},
	{"unknown job", CodeJobNotFound},
	{"invalid job", CodeJobNotFound},
	{"stale", CodeJobNotFound},
}

func newRejection(code int, reason string) *Rejection {
	r := &Rejection{Code: code, Reason: pow.Plain(reason, 100)}
	if code > CodeOther && code <= CodeNotSubscribed {
		return r
	}
	if code < 0 || code > 1<<20 {
		r.Code = CodeOther
	}
	lower := strings.ToLower(r.Reason)
	for _, w := range codeWords {
		if strings.Contains(lower, w.word) {
			r.Code = w.code
			break
		}
	}
	return r
}

// parseError reads the error of a reply in any of the shapes that pools use; nil when there is none.
func parseError(raw json.RawMessage) *Rejection {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil || s == "" {
			return nil
		}
		return newRejection(CodeOther, s)
	case '[':
		var parts []json.RawMessage
		if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
			return nil
		}
		code, ok := errorCode(parts[0])
		if !ok { // a list of words alone
			return newRejection(CodeOther, errorText(parts[0]))
		}
		if len(parts) == 1 {
			return newRejection(code, "")
		}
		return newRejection(code, errorText(parts[1]))
	case '{':
		var parts map[string]json.RawMessage
		if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
			return nil
		}
		code, ok := errorCode(parts["code"])
		if !ok {
			code = CodeOther
		}
		return newRejection(code, errorText(parts["message"]))
	case 't':
		return newRejection(CodeOther, "")
	case 'n', 'f':
		return nil
	}
	if code, ok := errorCode(raw); ok && code != 0 {
		return newRejection(code, "")
	}
	return nil
}

func errorCode(raw json.RawMessage) (int, bool) {
	f, err := parseNumber(raw)
	if err != nil {
		return 0, false
	}
	if f != float64(int32(f)) {
		return CodeOther, true
	}
	return int(f), true
}

func errorText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
