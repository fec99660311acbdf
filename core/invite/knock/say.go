package knock

import (
	"errors"

	"goldpan/core/invite"
)

// Said is what a person is told of an error of Knock, or of a link that cannot be read.
type Said struct {
	// Code tells them apart for who translates. It never changes.
	Code string
	Text string // a sentence and what to do
	// Final says that trying again is of no use before a person has done something.
	Final bool
}

const askAgain = "Ask for a new invitation on the computer that serves this page."

// Say returns what a person is told; "" for an error that is none of the handshake's, as one of the network. login says that
// a credential was refused, and not an invitation.
func Say(err error, login bool) Said {
	if login && errors.Is(err, invite.ErrUnknown) {
		return Said{"removed", "The computer that serves this page does not know this device any more. It may have been removed there. If you want it back, leave here and ask for a new invitation there.", true}
	}
	for _, s := range []struct {
		err error
		Said
	}{
		{ErrBusy, Said{"busy", "The computer that serves this page cannot take this device just now. It is asked again.", false}},
		{ErrNoGateway, Said{"handshake", "What answers at this address takes no invitations. Is it Goldpan's gateway?", true}},
		{ErrNotKept, Said{"not-kept", "This browser did not keep what this device needs to come back. Allow this page to keep data, then press Start again.", true}},
		{invite.ErrLink, Said{"link", "This is no invitation. Its link holds #join= and 40 characters. Copy it whole.", true}},
		{invite.ErrTypo, Said{"typo", "The invitation is mistyped or cut short. Copy the whole link, or scan the code again.", true}},
		{invite.ErrNewer, Said{"newer", "The invitation was made by a later Goldpan than this page's. Load this page again.", true}},
		{invite.ErrOrigin, Said{"origin", "The invitation is for another address than this page's. Open its link as it is.", true}},
		{invite.ErrCredential, Said{"damaged", "What this device kept to come back is damaged. " + askAgain, true}},
		{invite.ErrUnknown, Said{"unknown", "This invitation is not known there. " + askAgain, true}},
		{invite.ErrSpent, Said{"spent", "This invitation was used already: each is good for one device. " + askAgain, true}},
		{invite.ErrExpired, Said{"expired", "This invitation is older than ten minutes. " + askAgain, true}},
		{invite.ErrFull, Said{"full", "There are as many devices as may be. Remove one on the computer that serves this page, or allow more there.", true}},
		{invite.ErrProof, impostor()},
		{invite.ErrReplayed, impostor()},
		{invite.ErrReflected, impostor()},
		{invite.ErrMessage, impostor()},
		{invite.ErrOrder, impostor()},
	} {
		if errors.Is(err, s.err) {
			return s.Said
		}
	}
	return Said{}
}

func impostor() Said {
	return Said{"impostor", "What answers could not prove that it made the invitation, or did not believe this device. Somebody may stand in between. Nothing was sent that helps them. " + askAgain, true}
}
