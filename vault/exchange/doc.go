// Package exchange looks into accounts at exchanges: what a key may do, what is
// there, and to which address coins are sent in.
//
// It only looks: there is no order and no withdrawal in it. It never sees a key, for
// every request goes through a vault.Doer, which signs. Each provider is one file,
// which names the documents whose forms it follows, as they were known then. It has
// been tried against doubles (package fake) and no exchange. Amounts stay decimal
// text. What a provider writes is bounded, and repeated to nobody: an error tells
// its code, in words of our own.
package exchange
