package electrum

import "errors"

// ErrHidden says that a server leaves out a transaction that is proven to be in its own chain.
var ErrHidden = errors.New("the server hides a transaction that is proven")

// ErrOldHistory says that a server gives a history that is not the one it announces, again and again.
var ErrOldHistory = errors.New("the server gives another history than it announces")

// Cheated tells whether an error is one that an honest server, however old or busy, does not cause.
func Cheated(err error) bool {
	for _, e := range []error{ErrGenesis, ErrHeader, ErrUnlinked, ErrProof, ErrHidden, ErrOldHistory, ErrProtocol, ErrTooMuch} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Waits tells whether a server may get over an error by itself, so that it is worth to stay connected.
func Waits(err error) bool {
	return errors.Is(err, ErrBehind) || errors.Is(err, ErrLowWork) || errors.Is(err, ErrStale)
}
