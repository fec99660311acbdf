package stratum

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"goldpan/core/jsonrpc"
)

// null is JSON's; also the id of a message that expects no answer.
const null = "null"

// message is any message of the protocol: a request or notification when it has a method, else a reply.
type message struct {
	id     string // as JSON: a number, a string or null
	method string
	params json.RawMessage // as JSON; null when absent
	result json.RawMessage // as JSON; null when absent
	err    *Rejection
}

// parseMessage reads one message. Errors wrap ErrProtocol and hold nothing of the text.
func parseMessage(line []byte) (m message, err error) {
	if jsonrpc.Depth(line) > maxDepth {
		return m, fmt.Errorf("%w: message nests too deeply", ErrProtocol)
	}
	fields, ok := parseFields(line)
	if !ok {
		return m, fmt.Errorf("%w: not a json object", ErrProtocol)
	}
	if m.id, err = parseID(fields.id); err != nil {
		return m, err
	}
	if !isNull(fields.method) {
		if m.method, err = parseString(fields.method, 64); err != nil {
			return m, fmt.Errorf("%w: method is not a short text", ErrProtocol)
		}
	}
	if m.method != "" {
		m.params = compact(fields.params)
		return m, nil
	}
	m.err = parseError(fields.err)
	m.result = compact(fields.result)
	if m.err != nil && m.succeeded() && !saysSomething(m.err) {
		m.err = nil
	}
	if m.err != nil {
		m.result = json.RawMessage(null)
	}
	return m, nil
}

// fields are the parts of a message, as JSON; nil where one is missing.
type fields struct{ id, method, params, result, err json.RawMessage }

// parseFields takes a message apart. Names are matched to the letter, and the last of several counts.
func parseFields(line []byte) (f fields, ok bool) {
	if !json.Valid(line) {
		return f, false
	}
	ok = pairs(line, func(name, value []byte) {
		plain, ok := plainString(name)
		if !ok {
			var text string
			if json.Unmarshal(name, &text) != nil {
				return
			}
			plain = []byte(text)
		}
		switch string(plain) {
		case "id":
			f.id = value
		case "method":
			f.method = value
		case "params":
			f.params = value
		case "result":
			f.result = value
		case "error":
			f.err = value
		}
	})
	return f, ok
}

// saysSomething tells a refusal from a field that is filled although all went well.
func saysSomething(r *Rejection) bool { return r.Reason != "" || r.Code != CodeOther }

// succeeded reports whether the result is the plain yes of authorize and submit.
func (m *message) succeeded() bool { return string(m.result) == "true" }

// refusal is what a reply to authorize says against us: an error, or a plain no. Pools that answer null mean yes.
func (m *message) refusal() *Rejection {
	if m.err == nil && string(m.result) == "false" {
		return newRejection(CodeUnauthorized, "")
	}
	return m.err
}

// verdict is what a reply to submit says against a share. Only a plain yes counts as one: a share that is counted
// and not paid would be a lie.
func (m *message) verdict() *Rejection {
	if m.err == nil && !m.succeeded() {
		return newRejection(CodeOther, "")
	}
	return m.err
}

// append adds the message as JSON, in one line without its end.
func (m message) append(dst []byte) []byte {
	dst = slices.Grow(dst, 64+len(m.id)+len(m.method)+len(m.params)+len(m.result))
	dst = append(append(dst, `{"id":`...), m.id...)
	if m.method != "" {
		dst = appendString(append(dst, `,"method":`...), m.method)
		dst = append(append(dst, `,"params":`...), m.params...)
		return append(dst, '}')
	}
	dst = append(append(dst, `,"result":`...), m.result...)
	dst = append(dst, `,"error":`...)
	if m.err == nil {
		dst = append(dst, null...)
	} else {
		dst = strconv.AppendInt(append(dst, '['), int64(m.err.Code), 10)
		dst = appendString(append(dst, ','), m.err.Reason)
		dst = append(dst, `,null]`...)
	}
	return append(dst, '}')
}

func parseID(raw json.RawMessage) (string, error) {
	if isNull(raw) {
		return null, nil
	}
	switch c := raw[0]; {
	case len(raw) > 64:
		return "", fmt.Errorf("%w: id too long", ErrProtocol)
	case c == '"' || c == '-' || c >= '0' && c <= '9':
		return string(raw), nil
	}
	return "", fmt.Errorf("%w: id of a wrong kind", ErrProtocol)
}

// number returns the id of a reply as the number that we gave the request, even when it comes back as text or
// with a fraction.
func (m *message) number() (uint64, bool) {
	f, err := parseNumber(json.RawMessage(m.id))
	if err != nil || f < 0 || f > 1<<53 || f != math.Trunc(f) {
		return 0, false
	}
	return uint64(f), true
}

// args returns the params, one by one. No params are none.
func (m *message) args() ([]json.RawMessage, error) { return parseList(m.params, maxParams) }

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == null }

// compact returns raw without blanks, and null for nothing.
func compact(raw json.RawMessage) json.RawMessage {
	if isNull(raw) {
		return json.RawMessage(null)
	}
	if !bytes.ContainsAny(raw, " \t\r\n") {
		return raw
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return json.RawMessage(null) // cannot be: raw was parsed
	}
	return b.Bytes()
}

var (
	errList   = errors.New("not a list, or too long a list")
	errString = errors.New("not a text, or too long a text")
	errNumber = errors.New("not a number")
	errHex    = errors.New("not hex of the right length")
)

func parseList(raw json.RawMessage, limit int) ([]json.RawMessage, error) {
	if isNull(raw) {
		return nil, nil
	}
	if !json.Valid(raw) {
		return nil, errList
	}
	list, ok := items(make([]json.RawMessage, 0, min(limit, 8)), raw, limit)
	if !ok {
		return nil, errList
	}
	return list, nil
}

// parseString reads a text of at most limit bytes.
func parseString(raw json.RawMessage, limit int) (string, error) {
	if plain, ok := plainString(raw); ok && len(plain) <= limit {
		return string(plain), nil
	}
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil || len(s) > limit {
		return "", errString
	}
	return s, nil
}

// parseNumber reads a finite number; one in quotes is accepted.
func parseNumber(raw json.RawMessage) (float64, error) {
	text := string(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var err error
		if text, err = parseString(raw, 64); err != nil {
			return 0, errNumber
		}
	}
	if len(text) == 0 || len(text) > 64 {
		return 0, errNumber
	}
	for _, c := range []byte(text) { // ParseFloat also reads hex, underscores, and words for infinity
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, errNumber
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errNumber
	}
	return f, nil
}

// parseInt reads a whole number within bounds.
func parseInt(raw json.RawMessage, least, most int) (int, error) {
	f, err := parseNumber(raw)
	if err != nil || f != math.Trunc(f) || f < float64(least) || f > float64(most) {
		return 0, errNumber
	}
	return int(f), nil
}

// ParseDifficulty reads a difficulty as it stands in a message: a number, with or without fraction and exponent,
// or the same in quotes. What is not between MinDifficulty and MaxDifficulty is refused. The error wraps
// ErrProtocol.
func ParseDifficulty(raw json.RawMessage) (float64, error) {
	d, err := parseNumber(raw)
	if err != nil || !(d >= MinDifficulty && d <= MaxDifficulty) {
		return 0, fmt.Errorf("%w: difficulty out of range", ErrProtocol)
	}
	return d, nil
}

// plain reports whether s needs no escape in a JSON text.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendString adds s as a JSON text.
func appendString(dst []byte, s string) []byte {
	if plain(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}

// appendDifficulty adds d without an exponent where it can: there are miners that do not know one.
func appendDifficulty(dst []byte, d float64) []byte {
	if d >= 1e-12 && d < 1e15 {
		return strconv.AppendFloat(dst, d, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, d, 'g', -1, 64)
}
