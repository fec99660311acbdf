package invite_test

import (
	"fmt"

	"goldpan/core/invite"
)

// A person makes an invitation, a device uses it, and comes back on its own later.
func Example() {
	gate := invite.NewGate(invite.Config{})
	made, err := gate.Invite("http://192.168.1.20:8080")
	if err != nil {
		fmt.Println(err)
		return
	}
	link := made.Link() // shown once, as text and as a QR code

	invitation, err := invite.ParseLink(link)
	if err != nil {
		fmt.Println(err)
		return
	}
	device, err := invite.NewJoin(invitation)
	if err != nil {
		fmt.Println(err)
		return
	}
	attempt, challenge, err := gate.Begin("http://192.168.1.20:8080", device.Hello())
	if err != nil {
		fmt.Println(err)
		return
	}
	proof, credential, err := device.Answer(challenge) // keep the credential, then send the proof
	if err != nil {
		fmt.Println(err)
		return
	}
	_, welcome, err := attempt.Finish(proof, invite.Payee{Name: "Home", Address: "bc1qexample"})
	if err != nil {
		fmt.Println(err)
		return
	}
	payee, err := device.Finish(welcome)
	fmt.Println(payee.Name, payee.Address, err)
	fmt.Println(credential.ID == gate.Devices()[0].ID, credential.Key)

	again, _ := invite.NewJoin(invitation)
	_, _, err = gate.Begin("http://192.168.1.20:8080", again.Hello())
	fmt.Println(err)
	// Output:
	// Home bc1qexample <nil>
	// true (secret)
	// this invitation was used already
}
