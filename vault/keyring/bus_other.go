//go:build windows || darwin

package keyring

import (
	"context"
	"errors"
	"os/exec"

	"goldpan/vault"
)

// ready is nil: nothing needs to be looked at before a call.
var ready func(context.Context) error

// Exit statuses of macOS's security tool: the low byte of the Security
// framework's result.
const (
	exitInteractionNotAllowed = 36  // errSecInteractionNotAllowed, -25308
	exitAuthFailed            = 51  // errSecAuthFailed, -25293
	exitNoKeychain            = 50  // errSecNoSuchKeychain, -25294
	exitCancelled             = 128 // errSecUserCanceled, -128
)

func explainSystem(err error) error {
	e := &vault.Error{Store: storeName, Detail: "the system's keyring refused", Hint: hintSealed, Err: vault.ErrUnavailable}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		switch exit.ExitCode() {
		case exitInteractionNotAllowed, exitAuthFailed, exitCancelled:
			e.Detail, e.Err = "the login keychain is locked", vault.ErrLocked
			e.Hint = "Unlock the login keychain in the program Keychain Access, then try again."
		case exitNoKeychain:
			e.Detail = "there is no login keychain"
		}
	}
	return e
}
