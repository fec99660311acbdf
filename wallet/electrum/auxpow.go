package electrum

import (
	"bytes"
	"encoding/binary"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// Merged mining: a Dogecoin block may be proved by the work of another chain's block, its parent. The proof is the
// parent's header, its coinbase transaction with a branch to the parent's merkle root, and in that coinbase the root
// of a tree of merge-mined blocks with a branch to it. Sources: the AuxPoW specification of the Bitcoin wiki, and
// auxpow.cpp and dogecoin.cpp of Dogecoin Core 1.14.

// auxRule is how a coin's headers may be merge-mined.
type auxRule struct {
	chainID uint32
	since   int32 // the height of the first block that may be
	loose   bool  // blocks and their parents may say to be of any chain
}

var auxRules = map[string]map[coin.Network]auxRule{
	"dogecoin": {
		coin.Main:    {chainID: 0x62, since: 371_337},
		coin.Test:    {chainID: 0x62, since: 158_100, loose: true},
		coin.Regtest: {chainID: 0x62, since: 20},
	},
}

const (
	auxFlag       = 1 << 8 // in a header's version: a proof follows
	chainIDShift  = 16
	maxChainDepth = 30      // of the tree of merge-mined blocks
	maxAux        = 1 << 18 // bytes of one proof; a coinbase that pays thousands is below it
	rootWithin    = 20      // bytes into the coinbase's script, where no tag marks the root
)

// auxTag stands before the root in the parent's coinbase.
var auxTag = []byte{0xfa, 0xbe, 'm', 'm'}

// auxProof is a parsed proof, unchecked.
type auxProof struct {
	coinbase    pow.Hash // the transaction's hash
	script      []byte   // of its first input
	branch      []pow.Hash
	index       uint32
	chainBranch []pow.Hash
	chainIndex  uint32
	parent      pow.Header
}

// parseAux reads a proof at the beginning of raw, and says where it ends. It takes memory in proportion to raw alone.
func parseAux(raw []byte) (*auxProof, int, error) {
	r := reader{b: raw[:min(len(raw), maxAux)]}
	a := &auxProof{}
	begin := r.at
	r.take(4)
	inputs := r.count(41)
	for i := range inputs {
		r.take(36)
		script := r.bytes()
		if i == 0 {
			a.script = script
		}
		r.take(4)
	}
	for range r.count(9) {
		r.take(8)
		r.bytes()
	}
	r.take(4)
	if r.bad || inputs == 0 {
		return nil, 0, ErrHeader
	}
	a.coinbase = hasher.SumSHA256d(raw[begin:r.at])
	r.take(32) // the parent's hash, which nothing depends on
	a.branch = r.hashes(message.MaxBranch)
	a.index = r.uint32()
	a.chainBranch = r.hashes(maxChainDepth)
	a.chainIndex = r.uint32()
	parent := r.take(message.HeaderSize)
	if r.bad {
		return nil, 0, ErrHeader
	}
	var err error
	if a.parent, err = pow.ParseHeader(parent); err != nil {
		return nil, 0, ErrHeader
	}
	return a, r.at, nil
}

// hashes reads a list of at most most hashes.
func (r *reader) hashes(most int) []pow.Hash {
	n := r.count(32)
	if n > most {
		r.bad = true
		return nil
	}
	list := make([]pow.Hash, n)
	for i := range list {
		copy(list[i][:], r.take(32))
	}
	return list
}

// check holds when the proof commits to the block of that hash on the chain of that id. That the parent's work is
// enough is left to the caller.
func (a *auxProof) check(block pow.Hash, chainID uint32, loose bool) bool {
	if a.index != 0 || !loose && a.parent.Version>>chainIDShift == chainID {
		return false
	}
	if climb(a.coinbase, a.branch, a.index) != a.parent.Merkle {
		return false
	}
	root := climb(block, a.chainBranch, a.chainIndex)
	for i, j := 0, len(root)-1; i < j; i, j = i+1, j-1 {
		root[i], root[j] = root[j], root[i] // it stands reversed in the script
	}
	at := bytes.Index(a.script, root[:])
	if at < 0 {
		return false
	}
	// Only one root counts, so that one parent cannot prove two blocks.
	if tag := bytes.Index(a.script, auxTag); tag >= 0 {
		if bytes.Contains(a.script[tag+1:], auxTag) || tag+len(auxTag) != at {
			return false
		}
	} else if at > rootWithin {
		return false
	}
	rest := a.script[at+len(root):]
	if len(rest) < 8 {
		return false
	}
	size, nonce := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
	return size == 1<<len(a.chainBranch) && a.chainIndex == auxIndex(nonce, chainID, len(a.chainBranch))
}

// auxIndex is the place of a chain's block in the tree: fixed by nonce and chain, so that it cannot be at two.
func auxIndex(nonce, chainID uint32, depth int) uint32 {
	n := nonce*1103515245 + 12345
	n = (n+chainID)*1103515245 + 12345
	return n % (1 << depth)
}

// climb follows a merkle branch to its root.
func climb(node pow.Hash, branch []pow.Hash, index uint32) pow.Hash {
	var pair [innerSize]byte
	for _, h := range branch {
		if index&1 == 1 {
			copy(pair[:32], h[:])
			copy(pair[32:], node[:])
		} else {
			copy(pair[:32], node[:])
			copy(pair[32:], h[:])
		}
		node = hasher.SumSHA256d(pair[:])
		index >>= 1
	}
	return node
}

// work is the hash that a header's target is held against: its own, or its parent's. It is false when the header may
// not be on the chain at that height.
func (rule auxRule) work(h pow.Header, aux *auxProof, height int32, a hasher.Algorithm) (pow.Hash, bool) {
	id := h.Version >> chainIDShift
	legacy := h.Version == 1 || h.Version == 2
	switch {
	case legacy && height >= rule.since, !legacy && !rule.loose && id != rule.chainID:
		return pow.Hash{}, false
	case h.Version&auxFlag == 0:
		return h.PoWHash(a), aux == nil
	case height < rule.since, aux == nil, !aux.check(h.BlockHash(), id, rule.loose):
		return pow.Hash{}, false
	}
	return aux.parent.PoWHash(a), true
}
