// Package home is the household's gateway as a program runs it: the page and Stratum for the devices at home, their
// invitations, names and accounts, and the socket by which other commands reach it.
//
// It joins core/gateway to a disk and to the network. It refuses to answer under a name that is not this machine's (DNS
// rebinding), to let another origin in, to serve a device that was not invited, and to serve two gateways from one
// folder. It holds no pool's credentials but those it is given, and shows them to nobody.
//
// What it keeps is in one folder, which others cannot read:
//
//	lock             held while it runs
//	devices.sealed   devices and pending invitations, sealed under a key of the keyring; or
//	devices.json     the same in clear, for its owner alone, where there is no keyring
//	accounts.db      what each device has done
//	control.sock     where other commands reach it, or
//	control.path     where that is, when the folder's own name is too long for a socket
//
// Specifications: RFC 6455 (WebSocket), RFC 8446 (TLS), Electrum protocol 1.4 (the relay's).
package home
