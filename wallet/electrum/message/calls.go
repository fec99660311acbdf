package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// Parameters travel as JSON lists, so each …Params writes and reads one.

// VersionParams are server.version's.
type VersionParams struct {
	Client   string // the client's name, for the server's log
	Min, Max Version
}

// MarshalJSON writes [client, [min, max]].
func (p VersionParams) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.Client, [2]Version{p.Min, p.Max}})
}

// UnmarshalJSON also takes one version, or none, which means 1.4.
func (p *VersionParams) UnmarshalJSON(b []byte) error {
	v := VersionParams{Min: MinVersion, Max: MinVersion}
	var raw json.RawMessage
	if err := list(b, 0, &v.Client, &raw); err != nil {
		return err
	}
	if len(v.Client) > 256 {
		return errors.New("electrum: client name too long")
	}
	switch first(raw) {
	case 0, 'n':
	case '[':
		if err := list(raw, 2, &v.Min, &v.Max); err != nil {
			return err
		}
	default:
		if err := json.Unmarshal(raw, &v.Min); err != nil {
			return err
		}
		v.Max = v.Min
	}
	*p = v
	return nil
}

// VersionResult answers server.version.
type VersionResult struct {
	Software string
	Version  Version
}

// MarshalJSON writes [software, version].
func (r VersionResult) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{r.Software, r.Version})
}

// UnmarshalJSON reads [software, version].
func (r *VersionResult) UnmarshalJSON(b []byte) error {
	var v VersionResult
	if err := list(b, 2, &v.Software, &v.Version); err != nil {
		return err
	}
	*r = v
	return nil
}

// Features answers server.features.
type Features struct {
	Genesis      Hash           `json:"genesis_hash"`
	HashFunction string         `json:"hash_function"` // of script hashes: always "sha256"
	Software     string         `json:"server_version"`
	Min          Version        `json:"protocol_min"`
	Max          Version        `json:"protocol_max"`
	Pruning      *int           `json:"pruning"`
	Hosts        map[string]any `json:"hosts"`
}

// HeaderNotice is the tip: the result of blockchain.headers.subscribe, and what its notifications hold.
type HeaderNotice struct {
	Height int32
	Header Hex // HeaderSize bytes, more on a merge-mined chain
}

type headerObject struct {
	Height *int32 `json:"height"`
	Header Hex    `json:"hex"`
}

// MarshalJSON writes the object {"height":…,"hex":…}.
func (n HeaderNotice) MarshalJSON() ([]byte, error) {
	return json.Marshal(headerObject{&n.Height, n.Header})
}

// UnmarshalJSON reads the object, or the list of one that a notification holds.
func (n *HeaderNotice) UnmarshalJSON(b []byte) error {
	var o headerObject
	var err error
	if first(b) == '[' {
		err = list(b, 1, &o)
	} else {
		err = json.Unmarshal(b, &o)
	}
	if err != nil {
		return err
	}
	if o.Height == nil || *o.Height < 0 || len(o.Header) < HeaderSize {
		return errors.New("electrum: bad header notice")
	}
	*n = HeaderNotice{*o.Height, o.Header}
	return nil
}

// Hash is that of the block, without its proof of merged mining.
func (n HeaderNotice) Hash() (h Hash, err error) {
	if len(n.Header) < HeaderSize {
		return h, errors.New("electrum: bad header notice")
	}
	first := sha256.Sum256(n.Header[:HeaderSize])
	return sha256.Sum256(first[:]), nil
}

// TipNotice makes the notification of a new tip.
func TipNotice(n HeaderNotice) (Notification, error) {
	return Notify(HeadersSubscribe, []HeaderNotice{n})
}

// HeaderParams are blockchain.block.header's; its result is a Hex when Checkpoint is 0, else a HeaderProof.
type HeaderParams struct {
	Height     int32
	Checkpoint int32
}

// MarshalJSON writes [height, cp_height].
func (p HeaderParams) MarshalJSON() ([]byte, error) {
	return json.Marshal([]int32{p.Height, p.Checkpoint})
}

// UnmarshalJSON reads [height] or [height, cp_height].
func (p *HeaderParams) UnmarshalJSON(b []byte) error {
	var v HeaderParams
	if err := list(b, 1, &v.Height, &v.Checkpoint); err != nil {
		return err
	}
	if v.Height < 0 || v.Checkpoint < 0 {
		return errors.New("electrum: negative height")
	}
	*p = v
	return nil
}

// HeaderProof is a header with its merkle branch up to a checkpoint's root.
type HeaderProof struct {
	Header Hex    `json:"header"`
	Branch []Hash `json:"branch"`
	Root   Hash   `json:"root"`
}

// HeadersParams are blockchain.block.headers'.
type HeadersParams struct {
	Start      int32
	Count      int32
	Checkpoint int32
}

// MarshalJSON writes [start, count, cp_height].
func (p HeadersParams) MarshalJSON() ([]byte, error) {
	return json.Marshal([]int32{p.Start, p.Count, p.Checkpoint})
}

// UnmarshalJSON reads [start, count] or [start, count, cp_height].
func (p *HeadersParams) UnmarshalJSON(b []byte) error {
	var v HeadersParams
	if err := list(b, 2, &v.Start, &v.Count, &v.Checkpoint); err != nil {
		return err
	}
	if v.Start < 0 || v.Count < 0 || v.Checkpoint < 0 {
		return errors.New("electrum: negative height")
	}
	*p = v
	return nil
}

// HeadersResult answers blockchain.block.headers. It may hold fewer headers than were asked for, and none past
// the tip.
type HeadersResult struct {
	Count int  // headers in Raw
	Max   int  // the most that the server gives at once
	Raw   Hex  // the headers, one after the other; HeaderSize each, but for a merge-mined chain
	List  bool // write a list, as from protocol 1.6 on; reading takes either
}

// MarshalJSON writes "hex", or "headers" when List is set.
func (r HeadersResult) MarshalJSON() ([]byte, error) {
	if !r.List {
		return json.Marshal(struct {
			Count int `json:"count"`
			Raw   Hex `json:"hex"`
			Max   int `json:"max"`
		}{r.Count, orEmpty(r.Raw), r.Max})
	}
	if len(r.Raw) != r.Count*HeaderSize {
		return nil, errors.New("electrum: headers of odd length")
	}
	headers := make([]Hex, r.Count)
	for i := range headers {
		headers[i] = r.Raw[i*HeaderSize : (i+1)*HeaderSize]
	}
	return json.Marshal(struct {
		Count   int   `json:"count"`
		Headers []Hex `json:"headers"`
		Max     int   `json:"max"`
	}{r.Count, headers, r.Max})
}

// UnmarshalJSON reads either form and joins the headers.
func (r *HeadersResult) UnmarshalJSON(b []byte) error {
	var o struct {
		Count   int             `json:"count"`
		Max     int             `json:"max"`
		Raw     Hex             `json:"hex"`
		Headers json.RawMessage `json:"headers"`
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	v := HeadersResult{Count: o.Count, Max: o.Max, Raw: o.Raw}
	if o.Headers != nil {
		headers, err := items[Hex](o.Headers, MaxHeaders)
		if err != nil {
			return err
		}
		v.Raw = nil
		if len(headers) != o.Count {
			return errors.New("electrum: wrong count of headers")
		}
		for _, h := range headers {
			if len(h) < HeaderSize {
				return errors.New("electrum: headers of odd length")
			}
			v.Raw = append(v.Raw, h...)
		}
		v.List = len(v.Raw) == len(headers)*HeaderSize // longer ones cannot be parted again without their proofs
	}
	if v.Count < 0 || v.Count > MaxHeaders || v.Max < 0 {
		return errors.New("electrum: wrong count of headers")
	}
	if len(v.Raw) < v.Count*HeaderSize || v.Count == 0 && len(v.Raw) != 0 {
		return errors.New("electrum: headers of odd length")
	}
	*r = v
	return nil
}

// ScriptHashParams are those of every scripthash method.
type ScriptHashParams struct{ ScriptHash Hash }

// MarshalJSON writes [scripthash].
func (p ScriptHashParams) MarshalJSON() ([]byte, error) { return json.Marshal([]Hash{p.ScriptHash}) }

// UnmarshalJSON reads [scripthash].
func (p *ScriptHashParams) UnmarshalJSON(b []byte) error {
	var h Hash
	if err := list(b, 1, &h); err != nil {
		return err
	}
	p.ScriptHash = h
	return nil
}

// StatusNotice is the notification of blockchain.scripthash.subscribe.
type StatusNotice struct {
	ScriptHash Hash
	Status     Status
}

// MarshalJSON writes [scripthash, status].
func (n StatusNotice) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{n.ScriptHash, n.Status})
}

// UnmarshalJSON reads [scripthash, status].
func (n *StatusNotice) UnmarshalJSON(b []byte) error {
	var v StatusNotice
	if err := list(b, 2, &v.ScriptHash, &v.Status); err != nil {
		return err
	}
	*n = v
	return nil
}

// HistoryEntry is one item of get_history and get_mempool. Height is 0 for what is unconfirmed and -1 when it
// spends what is unconfirmed too. Fee, in satoshis, is there for unconfirmed ones only.
type HistoryEntry struct {
	Height int32  `json:"height"`
	TxHash Hash   `json:"tx_hash"`
	Fee    *int64 `json:"fee,omitempty"`
}

// History answers get_history and get_mempool. Nil is written as an empty list.
type History []HistoryEntry

// MarshalJSON writes a list, never null.
func (h History) MarshalJSON() ([]byte, error) { return json.Marshal(orEmpty([]HistoryEntry(h))) }

// UnmarshalJSON reads at most MaxHistory entries.
func (h *History) UnmarshalJSON(b []byte) error {
	v, err := items[HistoryEntry](b, MaxHistory)
	if err != nil {
		return err
	}
	for _, e := range v {
		if e.Height < -1 {
			return errors.New("electrum: bad height in a history")
		}
	}
	*h = v
	return nil
}

// UnspentEntry is one item of listunspent; Value is in satoshis, Height 0 when unconfirmed.
type UnspentEntry struct {
	Height   int32  `json:"height"`
	Position uint32 `json:"tx_pos"`
	TxHash   Hash   `json:"tx_hash"`
	Value    int64  `json:"value"`
}

// Unspent answers listunspent. Nil is written as an empty list.
type Unspent []UnspentEntry

// MarshalJSON writes a list, never null.
func (u Unspent) MarshalJSON() ([]byte, error) { return json.Marshal(orEmpty([]UnspentEntry(u))) }

// TransactionParams are blockchain.transaction.get's; the result is a Hex unless Verbose.
type TransactionParams struct {
	TxHash  Hash
	Verbose bool
}

// MarshalJSON writes [tx_hash, verbose].
func (p TransactionParams) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.TxHash, p.Verbose})
}

// UnmarshalJSON reads [tx_hash] or [tx_hash, verbose].
func (p *TransactionParams) UnmarshalJSON(b []byte) error {
	var v TransactionParams
	if err := list(b, 1, &v.TxHash, &v.Verbose); err != nil {
		return err
	}
	*p = v
	return nil
}

// MerkleParams are blockchain.transaction.get_merkle's.
type MerkleParams struct {
	TxHash Hash
	Height int32
}

// MarshalJSON writes [tx_hash, height].
func (p MerkleParams) MarshalJSON() ([]byte, error) { return json.Marshal([]any{p.TxHash, p.Height}) }

// UnmarshalJSON reads [tx_hash, height].
func (p *MerkleParams) UnmarshalJSON(b []byte) error {
	var v MerkleParams
	if err := list(b, 2, &v.TxHash, &v.Height); err != nil {
		return err
	}
	if v.Height < 0 {
		return errors.New("electrum: negative height")
	}
	*p = v
	return nil
}

// MerkleResult answers get_merkle: the branch from the transaction up, and its place in the block from 0.
type MerkleResult struct {
	Height   int32  `json:"block_height"`
	Branch   []Hash `json:"merkle"`
	Position uint32 `json:"pos"`
}

type plainMerkle MerkleResult

// MarshalJSON writes an empty branch as a list.
func (r MerkleResult) MarshalJSON() ([]byte, error) {
	r.Branch = orEmpty(r.Branch)
	return json.Marshal(plainMerkle(r))
}

// UnmarshalJSON reads at most MaxBranch hashes.
func (r *MerkleResult) UnmarshalJSON(b []byte) error {
	var o struct {
		Height   int32           `json:"block_height"`
		Branch   json.RawMessage `json:"merkle"`
		Position *uint32         `json:"pos"`
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	branch, err := items[Hash](o.Branch, MaxBranch)
	if err != nil {
		return err
	}
	if o.Height < 0 || o.Position == nil {
		return errors.New("electrum: bad merkle proof")
	}
	*r = MerkleResult{o.Height, branch, *o.Position}
	return nil
}

// BroadcastParams are blockchain.transaction.broadcast's; the result is the transaction's Hash.
type BroadcastParams struct{ Raw Hex }

// MarshalJSON writes [raw].
func (p BroadcastParams) MarshalJSON() ([]byte, error) { return json.Marshal([]Hex{p.Raw}) }

// UnmarshalJSON reads [raw].
func (p *BroadcastParams) UnmarshalJSON(b []byte) error {
	var raw Hex
	if err := list(b, 1, &raw); err != nil {
		return err
	}
	p.Raw = raw
	return nil
}

// EstimateParams are blockchain.estimatefee's; the result is a number of whole coins for 1,000 bytes, or -1.
type EstimateParams struct{ Blocks int }

// MarshalJSON writes [blocks].
func (p EstimateParams) MarshalJSON() ([]byte, error) { return json.Marshal([]int{p.Blocks}) }

// UnmarshalJSON reads [blocks], or [blocks, mode] of which the mode is left aside.
func (p *EstimateParams) UnmarshalJSON(b []byte) error {
	var n int
	var mode json.RawMessage
	if err := list(b, 1, &n, &mode); err != nil {
		return err
	}
	p.Blocks = n
	return nil
}

// FeeStep is one step of mempool.get_fee_histogram's list: VSize virtual bytes wait at Rate satoshis a byte.
type FeeStep struct {
	Rate  float64
	VSize int64
}

// MarshalJSON writes [rate, vsize].
func (s FeeStep) MarshalJSON() ([]byte, error) { return json.Marshal([]any{s.Rate, s.VSize}) }

// UnmarshalJSON reads [rate, vsize].
func (s *FeeStep) UnmarshalJSON(b []byte) error {
	var v FeeStep
	if err := list(b, 2, &v.Rate, &v.VSize); err != nil {
		return err
	}
	*s = v
	return nil
}

// FeeSteps answers mempool.get_fee_histogram. Nil is written as an empty list.
type FeeSteps []FeeStep

// MarshalJSON writes a list, never null.
func (f FeeSteps) MarshalJSON() ([]byte, error) { return json.Marshal(orEmpty([]FeeStep(f))) }

// list reads a JSON list of at least least items into what dst points at; a null item beyond those leaves dst alone.
func list(b []byte, least int, dst ...any) error {
	raw, err := items[json.RawMessage](b, len(dst))
	if err != nil {
		return err
	}
	if len(raw) < least {
		return fmt.Errorf("electrum: a list of %d to %d items was expected", least, len(dst))
	}
	for i, item := range raw {
		if i < least && first(item) == 'n' {
			if _, nullable := dst[i].(*Status); !nullable {
				return fmt.Errorf("electrum: item %d is null", i)
			}
		}
		if err := json.Unmarshal(item, dst[i]); err != nil {
			return fmt.Errorf("electrum: item %d: %w", i, err)
		}
	}
	return nil
}

// items reads a JSON list one item after the other, so that a long list of tiny items cannot take much more memory
// than its text; over most items it fails.
func items[T any](b []byte, most int) ([]T, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, errors.New("electrum: not a list")
	}
	list := []T{}
	for dec.More() {
		if len(list) == most {
			return nil, fmt.Errorf("%w: at most %d were expected", ErrTooMany, most)
		}
		var item T
		if err := dec.Decode(&item); err != nil {
			return nil, fmt.Errorf("electrum: item %d: %w", len(list), err)
		}
		list = append(list, item)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("electrum: not a list")
	}
	return list, nil
}

func orEmpty[S ~[]E, E any](s S) S {
	if s == nil {
		return S{}
	}
	return s
}
