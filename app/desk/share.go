package desk

import "goldpan/core/pow"

// Share is how a share of this machine fared. Screens know it by this name, so
// that they need not know the pool's language.
type Share = pow.Result
