package gateway

import (
	"context"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// Device is who a connection belongs to.
type Device struct {
	ID   string // tells devices apart; the same at each connection
	Name string // for people
}

// Devices knows who may mine here. It is asked from several goroutines at once.
type Devices interface {
	// Authorize returns whose user name and password these are. What is wrong with them the device is not told,
	// unless the error is a *stratum.Rejection.
	Authorize(user, password string) (Device, error)
}

// Share is one share that counts for a device.
type Share struct {
	At         time.Time
	Target     float64 // the difficulty that it had to meet: the work done, in expectation
	Difficulty float64 // that it met
	Sent       bool    // it met the pool's target too, and was passed on
}

// Accounts hears what devices do. It is called from several goroutines at once, in order for one device, and must not
// block for long: the device waits meanwhile. Answered may be called from the goroutine that hears the pool.
type Accounts interface {
	// Joined and Left come in pairs. A device that comes back may join again before its old connection has left.
	Joined(Device, time.Time)
	Left(Device, time.Time)
	Counted(Device, Share)
	// Refused hears of a share that did not count; code is one of package stratum's.
	Refused(d Device, at time.Time, code int)
	// Answered hears what the pool said to a share that was passed on.
	Answered(Device, pow.Result)
}

// nobody keeps no accounts.
type nobody struct{}

func (nobody) Joined(Device, time.Time)       {}
func (nobody) Left(Device, time.Time)         {}
func (nobody) Counted(Device, Share)          {}
func (nobody) Refused(Device, time.Time, int) {}
func (nobody) Answered(Device, pow.Result)    {}

// Payee is who is paid. Every device may know it.
type Payee struct{ Name, Address string }

// Event is something that a person may want to know. One of State, Pool, Result and Misfit is set.
type Event struct {
	Upstream int            // which connection to the pool, from 0
	State    *pow.State     // it changed
	Pool     *stratum.Event // failover, or the pool's words
	Result   *pow.Result    // the pool refused a share
	Misfit   *Misfit        // a device's work does not count
}

// Misfit is a device whose shares do not count, and what is known of the reason. It is told once of a connection.
type Misfit struct {
	Device  Device
	Mines   hasher.Algorithm // that its shares are good for; "" if they are good for none, and it was sent away
	Refused int              // shares in a row that did not count
	Counted uint64           // shares that did, before them
}

// Config is what a Gateway needs. Pools, Algorithm and Devices must be set; the rest has defaults.
type Config struct {
	Pools []stratum.Pool // in order of preference
	// Client is what all connections to pools share. Its URL, User, Password, Algorithm, Handler and Message are not
	// looked at.
	Client    stratum.Config
	Algorithm hasher.Algorithm
	Payee     Payee
	Devices   Devices
	Accounts  Accounts    // nil keeps none
	Events    func(Event) // must not block, nor call the Gateway; may be nil

	// MaxDevices is how many devices may be connected at once; default 32.
	MaxDevices int
	// MaxUpstreams is how many connections to the pool may be opened where it leaves too little to divide; default 4.
	MaxUpstreams int
	// Patience is how long a device that joins is kept waiting for a pool that has not been reached yet, before it is
	// given what suits most pools; default 3 s.
	Patience time.Duration
	// Server holds limits on devices. MaxConnections is by default twice MaxDevices and 16 more; Agent and Algorithm
	// are not looked at.
	Server stratum.Options
	// Source opens a connection to the pools; default stratum.NewFailover. It is the seam for tests.
	Source func(stratum.FailoverConfig) Source
}

// Source is what a Gateway has its jobs from.
type Source interface {
	Run(context.Context) error
	Submit(pow.Share, func(pow.Result))
}

// Collector is how a program that holds so many devices should set Go's collector (debug.SetGCPercent): where thousands
// lie idle, what it spares is memory that nobody uses.
func Collector(devices int) int {
	if devices <= 1000 {
		return 100 // Go's own
	}
	return 20
}

// startRate is the first guess of a device's hash rate, in hashes a second: low, for a device that is slower than the
// guess waits, and one that is faster only sends a few shares more.
func startRate(a hasher.Algorithm) float64 {
	if a == hasher.SHA256d {
		return 25e3
	}
	return 2e3
}
