// Package gateway lets many devices at home mine on one pool account: one connection to the pool, its search space
// divided among the devices, every share checked before the pool sees it.
//
// A device learns who is paid and nothing else: no credential of the pool, no other device. The gateway hashes no work
// of its own, keeps no accounts (it tells an [Accounts]), makes no invitations (it asks a [Devices], and for a page's
// handshake an invite.Gate) and opens no listener: whoever runs it hands it connections. Shares that are stale,
// repeated, too weak, or another device's work go no further than here.
//
// It speaks what package stratum speaks, to both sides. How a coinbase is divided is in division.go.
package gateway
