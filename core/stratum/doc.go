// Package stratum speaks Stratum V1, the protocol between miners and pools: one codec, a client, and a server.
//
// There is no authority for the protocol; the package follows what pools and miners do (subscribe, authorize,
// notify, set_difficulty, set_extranonce, submit), BIP 310 for configure and BIP 320 for the bits that may be rolled.
// It accepts the variants that are met in the field: errors as text, pair, triple, object or true; ids of any kind;
// difficulties with fractions and exponents; an answer to authorize that comes after the first job, and one to
// configure that never comes. The dialogues in testdata show each of them.
//
// Everything that a peer sends is bounded before it is parsed. The client follows a pool to its own servers alone and
// never out of the encryption, sends no share twice and none of an earlier connection unless the pool takes up its
// session with the same extranonce, and shows a peer's words only after they were stripped of everything but plain
// text. The server refuses shares before a login, drops readers that are too slow, and throttles writers that are too
// fast.
package stratum

import (
	"errors"
	"time"
)

// Bounds on what a peer may send.
const (
	// MaxMessage is the longest message in bytes.
	MaxMessage = 16 << 10
	// MaxBranch is the longest merkle branch: 32 levels are 4 billion transactions.
	MaxBranch = 32
	// MaxCoinbasePart is the longest of the two parts of a coinbase transaction, in bytes.
	MaxCoinbasePart = 6 << 10
	// MaxJobID is the longest name of a job, in bytes.
	MaxJobID = 128
	// MaxName is the longest user name, password and agent, in bytes.
	MaxName = 256
)

// Sizes of the extranonces in bytes that a pool may set.
const (
	MinExtranonce1, MaxExtranonce1 = 1, 16
	MinExtranonce2, MaxExtranonce2 = 2, 16
)

// Difficulties beyond these bounds are taken for a mistake: the smallest is met by every hash, and no hash meets
// the largest.
const (
	MinDifficulty = 1e-18
	MaxDifficulty = 1e30
)

const (
	// maxDepth is how deeply a message may nest; Stratum needs five.
	maxDepth = 8
	// maxParams is how many params a message may have; notify has nine.
	maxParams = 64
	// writeTimeout is how long a peer may take to accept one message.
	writeTimeout = 30 * time.Second
)

// Errors that callers branch on. Those of package jsonrpc (refused, no host, too long and so on) come through
// wrapped.
var (
	// ErrAddress says that a text is not a pool's address.
	ErrAddress = errors.New("not a pool address")
	// ErrScheme says that an address begins with no scheme that Goldpan knows.
	ErrScheme = errors.New("unknown scheme")
	// ErrUser says that a user name or password cannot be sent as it is.
	ErrUser = errors.New("user name or password not usable")
	// ErrProtocol says that the peer sent something that is not Stratum.
	ErrProtocol = errors.New("peer does not speak stratum")
	// ErrUnauthorized says that the pool refused user and password. It wraps the pool's Rejection.
	ErrUnauthorized = errors.New("user refused")
	// ErrRefusedForGood says that Config.Greet was turned away, and would be again.
	ErrRefusedForGood = errors.New("refused for good")
	// ErrRedirect says that a pool wanted to send us to an address that is not surely its own.
	ErrRedirect = errors.New("redirect refused")
	// ErrSilent says that the peer was connected and said nothing for too long.
	ErrSilent = errors.New("peer silent")
	// ErrUnanswered says that a pool gave jobs and answered none of many shares.
	ErrUnanswered = errors.New("shares unanswered")
	// ErrSlow says that the peer did not read what was sent to it.
	ErrSlow = errors.New("peer reads too slowly")
	// ErrFull says that a server has as many connections as it takes.
	ErrFull = errors.New("server full")
	// ErrNotSubscribed says that a peer cannot take jobs yet.
	ErrNotSubscribed = errors.New("peer not subscribed")
)
