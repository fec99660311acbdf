// Package message is the Electrum protocol's JSON, without any I/O: what a wallet asks a server and what it
// answers. The wallet's client and the practice network's server share it, so the two cannot drift apart.
//
// It refuses batches, named parameters, ids longer than 64 bytes, and whatever is longer than the limits below;
// a reader bounds a message before it is handed in here. Nothing in a message is believed: proofs are checked by
// package electrum.
//
// Specification: the Electrum protocol, versions 1.4 to 1.6
// (https://electrum-protocol.readthedocs.io), over JSON-RPC 2.0.
package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The methods that Goldpan's wallet and practice server know.
const (
	ServerVersion  = "server.version"
	ServerFeatures = "server.features"
	ServerPing     = "server.ping"

	HeadersSubscribe = "blockchain.headers.subscribe"
	BlockHeader      = "blockchain.block.header"
	BlockHeaders     = "blockchain.block.headers"

	ScriptHashSubscribe   = "blockchain.scripthash.subscribe"
	ScriptHashUnsubscribe = "blockchain.scripthash.unsubscribe"
	ScriptHashHistory     = "blockchain.scripthash.get_history"
	ScriptHashMempool     = "blockchain.scripthash.get_mempool"
	ScriptHashUnspent     = "blockchain.scripthash.listunspent"

	TransactionGet       = "blockchain.transaction.get"
	TransactionMerkle    = "blockchain.transaction.get_merkle"
	TransactionBroadcast = "blockchain.transaction.broadcast"

	EstimateFee  = "blockchain.estimatefee"
	FeeHistogram = "mempool.get_fee_histogram"
)

// Limits, in bytes and items. A connection is given MaxReply or MaxRequest as its bound on one message.
const (
	MaxRequest    = 1 << 20  // what a server reads: a standard transaction in hex fits
	MaxReply      = 16 << 20 // what a wallet reads
	MaxHeaders    = 2016     // headers in one answer
	MaxHistory    = 100_000  // entries in one script's history
	MaxBranch     = 32       // hashes in one merkle proof
	HeaderSize    = 80
	maxIDBytes    = 64
	maxMethod     = 64
	maxErrorBytes = 1024
)

// Codes of an Error, as ElectrumX and JSON-RPC number them.
const (
	CodeBadRequest = 1 // the parameters make no sense to the chain: no such height, no such transaction
	CodeRejected   = 2 // the node refused, for instance a transaction
	CodeTooMuch    = -101
	CodeParse      = -32700
	CodeInvalid    = -32600
	CodeNoMethod   = -32601
	CodeBadParams  = -32602
	CodeInternal   = -32603
)

// Error is a peer's refusal. Text is the peer's own: a wallet never shows it, so Error leaves it out.
type Error struct {
	Code int
	Text string
}

// Error tells the code alone, because the text comes from the peer.
func (e *Error) Error() string { return fmt.Sprintf("electrum: the server refused (code %d)", e.Code) }

// Errorf makes an Error that a server sends; the text is for the other side's log.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// MarshalJSON writes {"code":…,"message":…}.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{e.Code, e.Text})
}

// UnmarshalJSON reads an object, or a bare string or anything else as code CodeBadRequest: servers differ.
func (e *Error) UnmarshalJSON(b []byte) error {
	var o struct {
		Code    json.Number     `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	*e = Error{Code: CodeBadRequest}
	if json.Unmarshal(b, &o) == nil {
		if n, err := o.Code.Int64(); err == nil && int64(int32(n)) == n {
			e.Code = int(n)
		}
		b = o.Message
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		e.Text = s[:min(len(s), maxErrorBytes)]
	}
	return nil
}

// ErrMalformed is wrapped by every error that Parse returns.
var ErrMalformed = errors.New("electrum: malformed message")

// ErrTooMany says that a list is longer than its limit.
var ErrTooMany = errors.New("electrum: too many items in a list")

// Request is one call. ID is raw JSON (a number, a string or null), sent back as it came.
type Request struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage // a JSON array, or empty
}

// NewRequest makes a call with a numeric id; params is one of this package's …Params, or nil for none.
func NewRequest(id uint64, method string, params any) (Request, error) {
	r := Request{ID: fmt.Appendf(nil, "%d", id), Method: method}
	if params == nil {
		return r, nil
	}
	b, err := json.Marshal(params)
	if err != nil {
		return Request{}, fmt.Errorf("electrum: params of %s: %w", method, err)
	}
	r.Params = b
	return r, nil
}

// Bytes is the request on the wire, without newline.
func (r Request) Bytes() []byte {
	params := r.Params
	if len(params) == 0 {
		params = json.RawMessage("[]")
	}
	return encode(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}{"2.0", orNull(r.ID), r.Method, params})
}

// ParseRequest reads what a client sent. When it fails, the error is an *Error that a server can send back, and
// the request still carries the id if that could be read.
func ParseRequest(b []byte) (Request, error) {
	if len(b) > MaxRequest {
		return Request{}, Errorf(CodeInvalid, "request too long")
	}
	if c := first(b); c == '[' {
		return Request{}, Errorf(CodeInvalid, "batches are not served")
	}
	var o struct {
		ID     json.RawMessage `json:"id"`
		Method *string         `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return Request{}, Errorf(CodeParse, "not a JSON-RPC request")
	}
	if !validID(o.ID) {
		return Request{}, Errorf(CodeInvalid, "bad id")
	}
	r := Request{ID: orNull(o.ID)}
	if o.Method == nil || *o.Method == "" || len(*o.Method) > maxMethod {
		return r, Errorf(CodeInvalid, "bad method")
	}
	r.Method = *o.Method
	switch first(o.Params) {
	case '[':
		r.Params = o.Params
	case 0, 'n': // absent or null
	default:
		return r, Errorf(CodeBadParams, "parameters must be a list")
	}
	return r, nil
}

// Decode reads the request's parameters into one of this package's …Params; a failure is an *Error to send back.
func (r Request) Decode(params any) error {
	b := r.Params
	if len(b) == 0 {
		b = json.RawMessage("[]")
	}
	if err := json.Unmarshal(b, params); err != nil {
		return Errorf(CodeBadParams, "bad parameters for %s", r.Method)
	}
	return nil
}

// Response answers one Request: exactly one of Result and Error counts, Error first.
type Response struct {
	ID     json.RawMessage
	Result json.RawMessage
	Error  *Error
}

// Reply answers a request with a result of this package, or any value that JSON can hold; nil is null.
func Reply(r Request, result any) (Response, error) {
	b, err := json.Marshal(result)
	if err != nil {
		return Response{}, fmt.Errorf("electrum: result of %s: %w", r.Method, err)
	}
	return Response{ID: r.ID, Result: b}, nil
}

// Refuse answers a request with an error. An error that is no *Error is sent as CodeInternal without its text.
func Refuse(r Request, err error) Response {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: CodeInternal, Text: "internal error"}
	}
	return Response{ID: r.ID, Error: e}
}

// Bytes is the response on the wire, without newline.
func (r Response) Bytes() []byte {
	if r.Error != nil {
		return encode(struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Error   *Error          `json:"error"`
		}{"2.0", orNull(r.ID), r.Error})
	}
	return encode(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  json.RawMessage `json:"result"`
	}{"2.0", orNull(r.ID), orNull(r.Result)})
}

// Notification is what a server sends unasked to a subscriber.
type Notification struct {
	Method string
	Params json.RawMessage // a JSON array
}

// Notify makes a notification; params is one of this package's …Notice.
func Notify(method string, params any) (Notification, error) {
	b, err := json.Marshal(params)
	if err != nil {
		return Notification{}, fmt.Errorf("electrum: notification %s: %w", method, err)
	}
	return Notification{Method: method, Params: b}, nil
}

// Bytes is the notification on the wire, without newline.
func (n Notification) Bytes() []byte {
	return encode(struct {
		Version string          `json:"jsonrpc"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}{"2.0", n.Method, orNull(n.Params)})
}

// Parse reads what a server sent: exactly one of the two is not nil, unless it fails with ErrMalformed.
func Parse(b []byte) (*Response, *Notification, error) {
	if len(b) > MaxReply {
		return nil, nil, fmt.Errorf("%w: too long", ErrMalformed)
	}
	var o struct {
		ID     json.RawMessage `json:"id"`
		Method *string         `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if first(b) != '{' || json.Unmarshal(b, &o) != nil {
		return nil, nil, fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	if o.Method != nil {
		if *o.Method == "" || len(*o.Method) > maxMethod || first(o.Params) != '[' {
			return nil, nil, fmt.Errorf("%w: bad notification", ErrMalformed)
		}
		return nil, &Notification{Method: *o.Method, Params: o.Params}, nil
	}
	if !validID(o.ID) {
		return nil, nil, fmt.Errorf("%w: bad id", ErrMalformed)
	}
	r := &Response{ID: orNull(o.ID), Result: orNull(o.Result)}
	if c := first(o.Error); c != 0 && c != 'n' {
		r.Error = new(Error)
		if err := r.Error.UnmarshalJSON(o.Error); err != nil {
			return nil, nil, fmt.Errorf("%w: bad error", ErrMalformed)
		}
		r.Result = nil
	}
	return r, nil, nil
}

// validID holds for what JSON-RPC allows as an id: a number, a string, null, or nothing.
func validID(id json.RawMessage) bool {
	if len(id) > maxIDBytes {
		return false
	}
	switch c := first(id); {
	case c == 0, c == 'n', c == '"', c == '-', c >= '0' && c <= '9':
		return true
	}
	return false
}

func first(b []byte) byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func orNull(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}

// encode cannot fail: every raw part was parsed or marshalled before.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("electrum: raw JSON that is none: " + err.Error())
	}
	return b
}
