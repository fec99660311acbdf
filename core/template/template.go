package template

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// Bounds of a template.
const (
	maxAnswer       = 16 << 20 // of the node's whole answer, bytes; a block of four megabytes is eight in hex
	maxTransactions = 20_000   // a block has room for some 16,600 of the smallest
	maxBlock        = 6 << 20  // of a block, bytes: four megabytes, and Litecoin's extension block
	maxAux          = 48       // of what the node wants in the coinbase's script, bytes
	maxID           = 512      // of the node's names for its templates, bytes
	maxHeight       = math.MaxInt32
)

// ErrTemplate is returned for a template that no valid block can be made of.
var ErrTemplate = errors.New("the node's template cannot be used")

// answer is a template as a node sends it (BIP 22, 23, 145).
type answer struct {
	Version       int64
	Height        int64
	PreviousBlock string `json:"previousblockhash"`
	Transactions  transactions
	CoinbaseAux   map[string]string
	CoinbaseValue *int64
	LongPollID    string
	WorkID        string
	Bits          string
	CurTime       int64
	MinTime       int64
	MaxTime       int64
	Commitment    string `json:"default_witness_commitment"`
	MWEB          string
}

// sent is one transaction as a node sends it.
type sent struct{ Data, TxID, Hash string }

// transactions is a list that is given up where it grows too long.
type transactions []sent

// UnmarshalJSON reads the list one by one, so that a long list of nothing does not
// become a longer one of something.
func (l *transactions) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return fmt.Errorf("%w: its transactions are not a list", ErrTemplate)
	}
	for d.More() {
		if len(*l) == maxTransactions {
			return fmt.Errorf("%w: it has over %d transactions", ErrTemplate, maxTransactions)
		}
		var s sent
		if err := d.Decode(&s); err != nil {
			return fmt.Errorf("%w: a transaction of it cannot be read", ErrTemplate)
		}
		*l = append(*l, s)
	}
	return nil
}

// template is one block to mine, read and checked. It is immutable.
type template struct {
	height     int64
	prev       pow.Hash
	version    uint32
	bits, time uint32
	target     pow.Target
	value      coin.Amount // of the reward: subsidy and fees
	aux        []byte      // what the node wants in the coinbase's script
	commitment []byte      // the output script that commits to the witnesses (BIP 141); nil without
	data       [][]byte    // the transactions but for the coinbase
	branch     []pow.Hash
	extension  []byte // Litecoin's extension block (LIP 3); nil without
	longPoll   string // the node's name for this moment; "" where it knows no long polling
	work       string // the node's name for this template, which it wants back; often ""
}

// newTemplate checks what a node sent. most is the largest reward that can be.
func newTemplate(a *answer, most coin.Amount) (*template, error) {
	t := &template{height: a.Height, version: uint32(a.Version), longPoll: a.LongPollID, work: a.WorkID}
	bad := func(what string) (*template, error) { return nil, fmt.Errorf("%w: %s", ErrTemplate, what) }
	var err error
	switch {
	case a.Height < 1 || a.Height > maxHeight:
		return bad("its height cannot be")
	case a.Version < math.MinInt32 || a.Version > math.MaxUint32:
		return bad("its version cannot be")
	case a.CoinbaseValue == nil:
		return bad("it does not say what the reward is")
	case *a.CoinbaseValue < 0 || coin.Amount(*a.CoinbaseValue) > most:
		return bad("its reward cannot be")
	case len(a.LongPollID) > maxID || len(a.WorkID) > maxID:
		return bad("the node's name for it is too long")
	}
	t.value = coin.Amount(*a.CoinbaseValue)
	if t.prev, err = pow.ParseHash(a.PreviousBlock); err != nil {
		return bad("the block before it cannot be read")
	}
	bits, err := hex.DecodeString(a.Bits)
	if err != nil || len(bits) != 4 {
		return bad("its bits cannot be read")
	}
	t.bits = uint32(bits[0])<<24 | uint32(bits[1])<<16 | uint32(bits[2])<<8 | uint32(bits[3])
	if t.target, err = pow.TargetFromBits(t.bits); err != nil {
		return bad("its bits cannot be")
	}
	if t.time, err = timeOf(a); err != nil {
		return nil, err
	}
	if t.aux, err = auxOf(a.CoinbaseAux); err != nil {
		return nil, err
	}
	if err := t.readTransactions(a); err != nil {
		return nil, err
	}
	return t, nil
}

// timeOf returns the time of the block: the node's, within what it allows.
func timeOf(a *answer) (uint32, error) {
	now := max(a.CurTime, a.MinTime)
	if a.MaxTime != 0 {
		now = min(now, a.MaxTime)
	}
	if now < a.MinTime || now < 1 || now > math.MaxUint32 {
		return 0, fmt.Errorf("%w: its time cannot be", ErrTemplate)
	}
	return uint32(now), nil
}

// readTransactions reads the transactions and what the coinbase owes them.
func (t *template) readTransactions(a *answer) error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrTemplate, what) }
	size := len(a.MWEB) / 2
	ids, witnessed := make([]pow.Hash, 1+len(a.Transactions)), make([]pow.Hash, 1+len(a.Transactions))
	segwit, hogEx := false, false
	t.data = make([][]byte, len(a.Transactions))
	for i, s := range a.Transactions {
		if size += len(s.Data) / 2; size > maxBlock {
			return bad("it is longer than a block can be")
		}
		data, err := hex.DecodeString(s.Data)
		if err != nil {
			return bad("a transaction of it is not hex")
		}
		id, hash, flags, err := identify(data, s)
		if err != nil {
			return err
		}
		t.data[i], ids[i+1], witnessed[i+1] = data, id, hash
		segwit = segwit || flags&flagWitness != 0
		hogEx = flags&flagExtension != 0
	}
	t.branch = pow.MerkleBranch(ids)
	if a.MWEB != "" {
		var err error
		if t.extension, err = hex.DecodeString(a.MWEB); err != nil || size > maxBlock {
			return bad("its extension block cannot be read")
		}
	}
	if hogEx != (t.extension != nil) {
		return bad("its extension block and its last transaction do not belong together")
	}
	return t.readCommitment(a.Commitment, segwit, witnessed)
}

// Flags of a transaction in its extended form: BIP 144 has the first, Litecoin's
// LIP 2 the second, which the transaction bears that ties the extension block in.
const (
	flagWitness   = 1
	flagExtension = 8
)

// identify returns a transaction's two hashes, without and with witness, and
// refuses one that is not what the node calls it: a block of it would be lost.
func identify(data []byte, s sent) (id, hash pow.Hash, flags byte, err error) {
	bad := fmt.Errorf("%w: a transaction of it is not what it is called", ErrTemplate)
	if len(data) < 10 {
		return id, hash, 0, bad
	}
	if data[4] == 0 { // no inputs: the extended form
		flags = data[5]
	}
	named := func(names ...string) (h pow.Hash, err error) {
		for _, name := range names {
			if name != "" {
				return pow.ParseHash(name)
			}
		}
		return h, bad
	}
	sum := pow.Hash(hasher.SumSHA256d(data))
	if flags == 0 {
		for _, name := range []string{s.TxID, s.Hash} {
			if h, err := named(name, s.TxID, s.Hash); err != nil || h != sum {
				return id, hash, 0, bad
			}
		}
		return sum, sum, 0, nil
	}
	if id, err = named(s.TxID); err != nil {
		return id, hash, 0, bad
	}
	if hash, err = named(s.Hash); err != nil {
		return id, hash, 0, bad
	}
	// Litecoin hashes its own kind without what the flag stands for.
	if flags&flagExtension == 0 && hash != sum {
		return id, hash, 0, bad
	}
	return id, hash, flags, nil
}

// commitmentHead begins the output that commits to the witnesses (BIP 141):
// OP_RETURN, a push of 36 bytes, four bytes that mark it.
var commitmentHead = [6]byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}

// readCommitment takes the node's commitment, or makes it where witnesses need one
// and the node gives none.
func (t *template) readCommitment(given string, segwit bool, witnessed []pow.Hash) error {
	b, err := hex.DecodeString(given)
	switch {
	case err != nil:
	case len(b) == 0 && !segwit:
		return nil
	case len(b) == 0, len(b) == len(pow.Hash{}):
		// btcd gives the bare hash, where the others give the script.
		sum := witnessCommitment(witnessed)
		if len(b) == 0 || bytes.Equal(b, sum[:]) {
			t.commitment = append(commitmentHead[:], sum[:]...)
			return nil
		}
	case len(b) >= len(commitmentHead)+len(pow.Hash{}) && len(b) < 0x100 && [6]byte(b) == commitmentHead:
		t.commitment = b
		return nil
	}
	return fmt.Errorf("%w: its witness commitment does not fit", ErrTemplate)
}

// witnessCommitment is the hash that commits to the witnesses of a block's
// transactions, given their hashes with witness (the coinbase's is zero) and the
// reserved value that our coinbase has, which is zero too.
func witnessCommitment(witnessed []pow.Hash) pow.Hash {
	var pair [64]byte
	root := pow.MerkleRoot(pow.Hash{}, pow.MerkleBranch(witnessed))
	copy(pair[:], root[:])
	return hasher.SumSHA256d(pair[:])
}
