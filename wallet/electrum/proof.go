package electrum

import (
	"errors"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// ErrProof says that a server did not prove what it claimed.
var ErrProof = errors.New("the server's proof does not hold")

// innerSize is the size of an inner node's preimage. A transaction of that size could pass for one.
const innerSize = 64

// CheckProof holds when branch leads from the transaction, at its place in the block, to the merkle root. Else it
// fails with ErrProof.
//
// It refuses what a merkle tree alone cannot rule out: a transaction that is an inner node of the tree or has one
// below it, a left sibling equal to its right one, a place that the branch cannot reach, and a coinbase that is not
// the first transaction, or another that is.
func CheckProof(t *Transaction, proof message.MerkleResult, root pow.Hash) error {
	if t.stripped == innerSize || len(proof.Branch) > message.MaxBranch {
		return ErrProof
	}
	if uint64(proof.Position)>>len(proof.Branch) != 0 || t.Coinbase != (proof.Position == 0) {
		return ErrProof
	}
	node := t.ID
	var pair [innerSize]byte
	for i, h := range proof.Branch {
		sibling := pow.Hash(h)
		left, right := node, sibling
		if proof.Position>>i&1 == 1 {
			if sibling == node {
				// Only a last, lone node is paired with itself, and that is never a right one.
				return ErrProof
			}
			left, right = sibling, node
		}
		copy(pair[:32], left[:])
		copy(pair[32:], right[:])
		if _, end, err := parse(pair[:], false); err == nil && end == innerSize {
			return ErrProof
		}
		node = hasher.SumSHA256d(pair[:])
	}
	if node != root {
		return ErrProof
	}
	return nil
}
