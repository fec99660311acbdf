// Package electrum is a light client: it asks an Electrum server about scripts and believes nothing that it cannot
// check. Headers are held to their chain of hashes, their proof of work and, where the rule is known, their
// difficulty; a transaction counts as confirmed only with a merkle proof to such a header.
//
// It refuses servers of another chain, chains with less work than the one it knows, proofs that lead through inner
// nodes (CVE-2017-12842) or duplicated siblings (CVE-2012-2459), and every message over the limits of package
// message. It shows no text of a server, and holds no keys.
//
// What it cannot check is what a server leaves out: a server can hide a payment, never invent a confirmed one.
//
// The difficulty rule is checked on practice chains alone. On other networks a header must meet its own target, and
// that must not be easier than the network's limit; their retarget rules go into the function bitsRule.
//
// Specification: the Electrum protocol, versions 1.4 to 1.6.
package electrum
