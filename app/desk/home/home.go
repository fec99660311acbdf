package home

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"goldpan/core/disk"
	"goldpan/core/gateway"
	"goldpan/core/gateway/accounts"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/seal"
	"goldpan/core/stratum"
	"goldpan/wasm/web"
)

// Errors of a gateway.
var (
	// ErrRunning: another gateway works in the same folder.
	ErrRunning = errors.New("a gateway is already running with this data directory")
	// ErrNotRunning: there is none to speak to.
	ErrNotRunning = errors.New("no gateway is running with this data directory")
	// ErrSealed: devices are sealed under a key that is not at hand.
	ErrSealed = errors.New("the list of devices is sealed under a key in the keyring, which cannot be had now")
	// ErrDamaged: the list of devices cannot be read.
	ErrDamaged = errors.New("the list of devices is damaged")
	// ErrNoDevice: no device has that id or name.
	ErrNoDevice = errors.New("there is no device of that name")
	// ErrSeveral: several devices have that name.
	ErrSeveral = errors.New("several devices have that name")
	// ErrName: a name that cannot be shown.
	ErrName = errors.New("a device's name has 1 to 40 printable characters")
	// ErrLimit: a limit that is none.
	ErrLimit = errors.New("a limit is a hash rate above zero, or 0 for none")
	// ErrNoPage: an invitation is a link to a page, and none is served.
	ErrNoPage = errors.New("this gateway serves no page to be invited to")
	// ErrCertificate: certificate or key cannot be used.
	ErrCertificate = errors.New("the certificate and its key cannot be used")
	// ErrPublicURL: the public address is not one.
	ErrPublicURL = errors.New("the public address is https://, a host, and perhaps a port")
	// ErrWebHost: no browser opens the page under its name, so nobody can be invited to it.
	ErrWebHost = errors.New("a name for the page has letters, digits, dots and hyphens alone")
	// ErrPayee: who is paid cannot be shown.
	ErrPayee = errors.New("who is paid is shown as a name and an address of printable characters, 120 bytes each at most")
)

// Household is who is paid where nobody was named. The page says it in its own language.
const Household = "this household"

// Options say what a Gateway serves. Dir, Pools, Algorithm and Payee must be set.
type Options struct {
	Dir string    // of this gateway alone; made if it is missing
	Key *seal.Key // seals the list of devices; nil keeps it in clear, for its owner alone

	Pools     []stratum.Pool
	Algorithm hasher.Algorithm
	Dialer    *jsonrpc.Dialer // to the pools and to wallet servers
	Payee     invite.Payee    // every device is shown it

	// What the page says of it.
	Network   string
	Coin      string
	Worthless bool

	Web       string   // address of the page; "" for none
	WebHosts  []string // further names that it may be asked for by; the first is what invitations are for
	Listen    string   // address of Stratum over tcp; "" for none
	ListenTLS string   // address of Stratum over tls; "" for none
	CertFile  string   // with ListenTLS or PublicURL
	KeyFile   string
	PublicURL string   // makes the page's address a public https origin; "" for plain http at home
	Electrum  []string // wallet servers that a public page may use

	MaxDevices int              // 0 is 32
	Events     func(Event)      // must not block; may be nil
	Now        func() time.Time // the clock of invitations; nil is time.Now

	patience time.Duration           // of devices with a pool that was not reached yet, for tests
	knocking time.Duration           // in the place of the constant, for tests
	backoff  func(int) time.Duration // of the pools' clients, for tests
}

// Event is something that a person may want to know.
type Event struct {
	Kind   string // joined, left, misfit (no share of it counts), refused (by the pool), pool, trouble
	Device string // its id, or nothing
	Name   string
	Text   string // for people
}

// Gateway serves the household's devices. Its methods are safe for concurrent use; it must be running, by Run.
type Gateway struct {
	options  Options
	lock     *disk.Lock
	register *register
	gate     *invite.Gate
	core     *gateway.Gateway
	book     *accounts.Book
	cert     *certificate // nil without one

	listeners listeners
	visits    visits

	mu      sync.Mutex
	limits  map[string]*limit // by device
	misfits map[string]string // by device: why none of its work counts
	report  []accounts.Account
	begun   time.Time
	results [3]uint64 // of what the pool was sent, by pow.Status
}

// window is over which an account's hash rate is taken.
const window = 10 * time.Minute

// New opens the folder and the addresses, and contacts nobody. Close it when Run is not called. Errors are ErrRunning,
// those of the options, and the system's.
func New(o Options) (_ *Gateway, err error) {
	if o.MaxDevices <= 0 {
		o.MaxDevices = invite.MaxDevices
	}
	if o.knocking <= 0 {
		o.knocking = knocking
	}
	g := &Gateway{options: o, limits: map[string]*limit{}, misfits: map[string]string{}, begun: time.Now()}
	g.visits.gone = sync.NewCond(&g.visits.mu)
	if !showable(o.Payee) {
		return nil, ErrPayee
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	if g.lock, err = disk.LockFile(filepath.Join(o.Dir, "lock")); errors.Is(err, disk.ErrLocked) {
		return nil, ErrRunning
	} else if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	if err := os.Chmod(o.Dir, 0o700); err != nil { //nolint:gosec // a folder
		return nil, err
	}
	if o.CertFile != "" || o.KeyFile != "" {
		if g.cert, err = newCertificate(o.CertFile, o.KeyFile); err != nil {
			return nil, err
		}
		g.cert.told = func(err error) {
			g.tell(Event{Kind: "trouble", Text: "The renewed certificate is not used: " + err.Error()})
		}
	}
	if g.register, err = openRegister(o.Dir, o.Key); err != nil {
		return nil, err
	}
	g.gate = invite.NewGate(invite.Config{Now: o.Now, Kept: g.register.kept, Max: o.MaxDevices, Keep: g.register.keep})
	if g.book, err = accounts.Open(accounts.Config{
		Path:   filepath.Join(o.Dir, "accounts.db"),
		Hashes: pow.TargetFromDifficulty(o.Algorithm, 1).Expected(),
	}); err != nil {
		return nil, err
	}
	g.core, err = gateway.New(gateway.Config{
		Pools:      o.Pools,
		Client:     stratum.Config{Dialer: o.Dialer, Backoff: o.backoff},
		Algorithm:  o.Algorithm,
		Payee:      gateway.Payee{Name: o.Payee.Name, Address: o.Payee.Address},
		Devices:    door{g},
		Accounts:   ledger{g},
		Events:     g.happened,
		MaxDevices: o.MaxDevices,
		Patience:   o.patience,
		Server:     stratum.Options{Handshake: o.knocking},
	})
	if err != nil {
		return nil, err
	}
	for _, d := range g.gate.Devices() {
		m, _ := g.register.mannersOf(d.ID)
		g.core.Hold(text(d.ID), m.Paused)
		g.setLimit(text(d.ID), m.Limit)
	}
	return g, g.listen()
}

func showable(p invite.Payee) bool {
	return p.Name+p.Address != "" && p.Valid()
}

// Close gives up a Gateway that is not run.
func (g *Gateway) Close() error {
	err := g.listeners.close()
	if g.book != nil {
		err = errors.Join(err, g.book.Close())
	}
	return errors.Join(err, g.lock.Close())
}

// Run serves until ctx ends, which is no error, and all devices are gone.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := append([]func(context.Context) error{g.core.Run, g.book.Run, g.tend}, g.servers()...)
	ended := make(chan error, len(parts))
	for _, run := range parts {
		go func() { ended <- run(ctx) }()
	}
	var all error
	for range parts {
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			all = errors.Join(all, err)
		}
		cancel() // one that ends takes the others with it
	}
	g.visits.wait()
	return errors.Join(all, g.Close())
}

// tend does what is to be done every second.
func (g *Gateway) tend(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var told error
	doubt := ""
	for {
		before := doubt
		if doubt = g.doubt(); doubt != "" && doubt != before {
			g.tell(Event{Kind: "trouble", Text: doubt})
		}
		g.reckon(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		g.enforce()
		if err := g.book.Err(); err != nil && told == nil {
			g.tell(Event{Kind: "trouble", Text: "What devices do cannot be written down now, and waits in memory: " + err.Error()})
			told = err
		} else if err == nil {
			told = nil
		}
	}
}

// doubt is what is known against the certificate in use.
func (g *Gateway) doubt() string {
	if g.cert == nil {
		return ""
	}
	host := ""
	if g.public() {
		_, host, _ = parsePublic(g.options.PublicURL) // it was read before
	}
	return g.cert.doubt(host)
}

// reckon reads the accounts.
func (g *Gateway) reckon(ctx context.Context) {
	all, err := g.book.Report(ctx, window)
	if err != nil {
		return // told by the book's own error, or ctx has ended
	}
	g.mu.Lock()
	g.report = all
	g.mu.Unlock()
}

func (g *Gateway) tell(e Event) {
	if g.options.Events != nil {
		g.options.Events(e)
	}
}

// happened hears what the pool does.
func (g *Gateway) happened(e gateway.Event) {
	switch {
	case e.Pool != nil:
		if t := e.Pool.Text; t != "" {
			g.tell(Event{Kind: "pool", Text: t})
		}
	case e.Misfit != nil:
		g.misfit(*e.Misfit)
	case e.Result != nil:
		g.tell(Event{Kind: "refused", Text: fmt.Sprintf("The pool did not take a share: %s", e.Result.Reason)})
	}
}

// misfit keeps and tells why none of a device's work counts.
func (g *Gateway) misfit(m gateway.Misfit) {
	here, name := g.options.Algorithm, m.Device.Name
	text := fmt.Sprintf("The last %d shares of %s did not count, and it was sent away. Its program or its hardware miscalculates: restart it, and have it run slower if it was sped up.", m.Refused, name)
	switch {
	case m.Mines != "":
		text = fmt.Sprintf("%s mines %s, and %s is mined here: none of its work counts. Set its program to %s, or have it mine elsewhere.", name, m.Mines, here, here)
	case m.Counted == 0:
		text = fmt.Sprintf("Not one of %d shares of %s counted, and it was sent away. Most likely it mines another algorithm than %s, which is mined here: look at the settings of its program.", m.Refused, name, here)
	}
	g.mu.Lock()
	g.misfits[m.Device.ID] = text
	g.mu.Unlock()
	g.tell(Event{Kind: "misfit", Device: m.Device.ID, Name: name, Text: text})
}

// info is what the page shows before anything starts.
func (g *Gateway) info() web.Info {
	o := g.options
	i := web.Info{Network: o.Network, Coin: o.Coin, Algorithm: string(o.Algorithm), PayeeName: o.Payee.Name, Payout: o.Payee.Address, Worthless: o.Worthless, Join: true}
	if o.Payee.Name == Household {
		i.Payee = "household"
	}
	return i
}

// Reload reads a renewed certificate at once. Without one it does nothing.
func (g *Gateway) Reload() error {
	if g.cert == nil {
		return nil
	}
	return g.cert.reload()
}

// visits are connections that are being served.
type visits struct {
	mu      sync.Mutex
	here    int
	closing bool
	gone    *sync.Cond
}

// enter lets one in, unless the gateway is closing.
func (v *visits) enter() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closing {
		v.here++
	}
	return !v.closing
}

func (v *visits) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.here--
	v.gone.Broadcast()
}

// wait lets nobody in any more, and waits until the last is gone.
func (v *visits) wait() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.closing = true; v.here > 0; {
		v.gone.Wait()
	}
}

// within serves a connection unless the gateway is closing.
func (v *visits) within(serve func() error) error {
	if !v.enter() {
		return net.ErrClosed
	}
	defer v.leave()
	return serve()
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
