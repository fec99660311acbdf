// Package vault keeps the keys that Goldpan uses and never shows: pool
// passwords, a node's password, exchange keys.
//
// A [Store] holds the secrets themselves: the operating system's keyring
// (vault/keyring), a file sealed under a passphrase where there is no keyring
// (vault/sealed), or memory for tests ([NewMemory]). A [Vault] adds what a
// person needs to know about each secret (its name, purpose, environment, age,
// last use) in a small file beside Goldpan's other state. That file holds no
// secret; it is authenticated with a key that lives in the store, so that a
// change made by anyone else is detected and named.
//
// The package refuses to hand a secret out for another purpose than the one it
// was added for, to use a revoked entry, to print a secret (see [Secret]), and
// to write one to a file in clear. It does not defend against a program that
// runs as the same person and can ask the keyring itself.
//
// The metadata file is Goldpan's own format, described at [Vault]. The MAC is
// HMAC-SHA-256 (RFC 2104, FIPS 180-4).
package vault
