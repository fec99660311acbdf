package knock

import (
	"errors"

	"goldpan/core/invite"
)

// Said is what a person is told of an error of Knock, or of a link that cannot be read.
type Said struct {
	// Code tells them apart for who translates. It never changes.
	Code string
	Text string // what it means, and what to do
	// Final says that trying again is of no use before a person has done something.
	Final bool
}

const askAgain = "Ask for a new invitation on the computer that serves this page."

// Say returns what a person is told; nothing for an error that is none of the handshake's, as one of the network.
// login says that a credential was refused, and not an invitation.
func Say(err error, login bool) Said {
	if login && errors.Is(err, invite.ErrUnknown) {
		return Said{"removed", "The computer that serves this page does not know this device any more. It may have been removed there. " + askAgain, true}
	}
	for _, s := range []struct {
		Said
		of []error
	}{
		{Said{"busy", "The computer that serves this page cannot take this device just now. It is asked again.", false}, []error{ErrBusy}},
		{Said{"link", "This is no invitation, or it is mistyped or cut short. Copy the whole link, or scan the code again.", true}, []error{invite.ErrLink, invite.ErrTypo}},
		{Said{"newer", "The invitation was made by another Goldpan than this page's. Load this page again.", true}, []error{invite.ErrNewer}},
		{Said{"origin", "The invitation is for another address than this page's. Open its link as it is.", true}, []error{invite.ErrOrigin}},
		{Said{"unknown", "This invitation is not known there. " + askAgain, true}, []error{invite.ErrUnknown, invite.ErrCredential}},
		{Said{"spent", "This invitation was used already: each is good for one device. " + askAgain, true}, []error{invite.ErrSpent}},
		{Said{"expired", "This invitation is older than ten minutes. " + askAgain, true}, []error{invite.ErrExpired}},
		{Said{"full", "There are as many devices as may be. Remove one on the computer that serves this page, or allow more there.", true}, []error{invite.ErrFull}},
		{Said{"proof", "What answers could not prove that it made the invitation, so it was told nothing. Somebody may stand in between. " + askAgain, true},
			[]error{invite.ErrProof, invite.ErrReplayed, invite.ErrReflected}},
		{Said{"message", "What answers at this address and this page do not understand each other. Load this page again.", true},
			[]error{ErrNoGateway, ErrNotKept, invite.ErrMessage, invite.ErrOrder}},
	} {
		for _, e := range s.of {
			if errors.Is(err, e) {
				return s.Said
			}
		}
	}
	return Said{}
}
