package invite

import "errors"

// refusals in the order of their numbers, which never change.
func refusals() []error {
	return []error{ErrMessage, ErrNewer, ErrOrigin, ErrUnknown, ErrSpent, ErrExpired, ErrProof, ErrReplayed, ErrReflected, ErrOrder, ErrFull}
}

const firstCode = 100

// CodeBusy is the number for whatever is none of this package's refusals.
const CodeBusy = firstCode - 1

// Code is the number that tells a device why it was refused, from 100 up in a JSON-RPC
// error; the error's own text goes with it. CodeBusy for an error of anything else.
func Code(err error) int {
	for i, r := range refusals() {
		if errors.Is(err, r) {
			return firstCode + i
		}
	}
	return CodeBusy
}

// Refused is the error of a number that came from a gateway: our words, never a peer's.
// Nil for a number that is none of them.
func Refused(code int) error {
	if all := refusals(); code >= firstCode && code < firstCode+len(all) {
		return all[code-firstCode]
	}
	return nil
}
