// Package electrum is a light client: it asks an Electrum server about scripts and believes nothing that it cannot
// check. Headers are held to their chain of hashes, their proof of work and, where the rule is known, their
// difficulty; a transaction counts as confirmed only with a merkle proof to such a header.
//
// It refuses servers of another chain, chains with less work than the one it knows, proofs that lead through inner
// nodes (CVE-2017-12842) or duplicated siblings (CVE-2012-2459), and every message over the limits of package
// message. It shows no text of a server, and holds no keys.
//
// What it cannot check is what a server leaves out: a server can hide a payment, and it can invent an unconfirmed
// one. It can invent a confirmed one only at the price of the blocks' work.
//
// That price is the network's own on the main networks of Bitcoin, Litecoin and Dogecoin and on practice chains; and the
// chains of the main and of the test networks must have the blocks that are built in as checkpoints. On a test network
// a late block may be easy, and so the price is small, as is what its coins are worth; a regtest has none. Merge-mined
// headers, which Dogecoin's are since 2014, are held to their parent's work.
//
// Of Bitcoin's networks for tests it knows testnet3 and regtest. Testnet4 and signet, where a block is proved by a
// signature that is not in its header, are other chains to it and refused.
//
// Below a network's last checkpoint a block's header counts because a chain of headers leads from it up to a
// checkpoint; they are fetched when a transaction there is to be proved, and not kept.
//
// Specification: the Electrum protocol, versions 1.4 to 1.6; for merged mining see the AuxPoW specification of the
// Bitcoin wiki, for Litecoin's extension blocks LIP-0003.
package electrum
