// Package purse keeps a person's wallets open for a screen: it lists those of the data directory, makes, restores and
// opens them, keeps each in step with the servers that the person named, and says how they stand.
//
// It contacts no server that was not named by SetServers, keeps no passphrase, and gives words out only against the
// passphrase that seals them. What it writes beside the wallets, which coins are shown and which servers are asked,
// holds no secret. Amounts and proofs are package wallet's.
package purse
