// Package poolapi reads what a pool counts for a person: hash rate, workers, what was
// earned and paid. For some pools a key of the vault is needed, for others the
// address that is mined to.
//
// It only looks. It never sees a key, for every request goes through a vault.Doer.
// Each provider is one file, which names the documents that it follows and when they
// were read. Hash rates are decimal text in H/s, amounts decimal text in the coin; no
// float is made of either. What a pool writes is bounded, and not repeated in errors.
package poolapi
