// Package vault keeps the keys that Goldpan uses and never shows: pool
// passwords, a node's password, keys of pools and exchanges.
//
// A [Store] holds the secrets themselves: the operating system's keyring
// (vault/keyring), a file sealed under a passphrase where there is no keyring
// (vault/sealed), or memory for tests ([NewMemory]). A [Vault] adds what a
// person needs to know about each secret (its name, purpose, environment, age,
// last use) in a small file beside Goldpan's other state, and a record of every
// use in another. Neither file holds a secret; both are authenticated with a key
// that lives in the store, so that a change made by anyone else is detected and
// named.
//
// A [Broker] makes requests with the keys: a caller says what to ask, and gets
// the answer. Clients of pools and exchanges are written against [Doer], which
// [Broker.Key] gives for a key of the vault, [Broker.Try] for one that is about
// to be added, and [Broker.Open] for public data. A [Signer] for each [Scheme]
// puts the signature on; [Limits] is asked before each request and told of each
// answer.
//
// The package refuses to hand a secret out for another purpose than the one it
// was added for, to use an entry that is revoked, locked or expired, to send a
// key to another host than its entry's own, to mix keys for real money with keys
// for tests, to print a secret (see [Secret]), and to write one to a file in
// clear. It does not defend against a program that runs as the same person and
// can ask the keyring itself.
//
// The metadata file is Goldpan's own format, described at [Vault]; the audit is
// at [Record]. The MAC is HMAC-SHA-256 (RFC 2104, FIPS 180-4).
package vault
