// Package template mines on the user's own node, without a pool. It fetches block
// templates (getblocktemplate, BIP 22, 23 and 145), makes the coinbase that pays
// the user's address, hands out jobs, and gives the node the blocks that are found
// (submitblock). It hashes nothing: whoever owns a [Client] joins it to an engine.
//
// It refuses an address of another coin or network, a node of another chain, a
// password over a connection that others can read, a redirect, an answer beyond its
// bounds, and a template whose figures cannot be. What the node says is never shown
// as it came: errors are in our own words, and a node's own are stripped to plain
// text.
//
// Bitcoin and Litecoin are tested against real nodes, Litecoin's with its extension
// blocks (MWEB). Dogecoin follows its node's rules, its version taken as it is for
// the chain's number is in it, and has not been tested against a node.
package template
