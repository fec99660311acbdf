//go:build !js

// Package practice is a whole coin network inside the program: a block chain,
// a pool to mine it with and a server for wallets, so that everything can be
// tried out without spending or earning anything. Its coins are worth nothing.
//
// The chain is btcd's, with rules of its own: blocks about every 10 seconds once
// the difficulty fits the hash rate, which it follows every 12 blocks and by a
// factor of 4 at most, so that a rate ten times higher than was measured has
// blocks every few seconds for a minute or two; rewards that never halve and can
// be spent 5 blocks deep. The scrypt chain has scrypt for its
// proof of work, which btcd does not know: it is checked here, before a block
// is handed in and again when it is read back. Every block is synced to a log
// before anybody hears of it, and the chain's database is rebuilt from the log
// when it is behind or damaged, so a killed process loses nothing.
//
// The pool speaks Stratum V1 and gives every device a job of its own that pays
// the address in its user name; it checks every share itself and finds each
// device's difficulty. The wallet server speaks the Electrum protocol, 1.4 to
// 1.6.
//
// It refuses addresses of any other network, has no peers, connects to nothing
// and listens on the loopback interface unless it is given another address.
package practice

import (
	"errors"

	"goldpan/core/disk"
)

var (
	// ErrLocked says that another process holds the directory.
	ErrLocked = disk.ErrLocked
	// ErrDamaged says that a chain's log cannot be read from its beginning, or
	// holds blocks that break the chain's rules. The files are left as they
	// are; the chain begins anew once its folder is moved away.
	ErrDamaged = errors.New("the practice chain's file is damaged")
)
