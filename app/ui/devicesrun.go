package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
)

// homeInterval is how often devices are looked at.
const homeInterval = 500 * time.Millisecond

// errPracticeStopped says why devices cannot practise any more.
var errPracticeStopped = errors.New("the practice network has stopped, and the devices that mined on it rest")

// devicesPlace is everything about the household's devices: the screen, and the
// gateway that may run. Its methods are for Fyne's goroutine, if not said
// otherwise.
type devicesPlace struct {
	window *window
	ctx    context.Context
	desk   *desk.Desk
	screen *devicesScreen
	view   homeView
	chosen bool // the person has said for whom

	waiting bool               // for the practice network
	cancel  context.CancelFunc // of the gateway that runs; nil if none does
	ended   chan struct{}      // closed when it is over
	gateway *desk.Gateway      // nil until its addresses are open
	invite  *inviteSheet       // that is shown; nil for none
}

func newDevicesPlace(ctx context.Context, w *window, d *desk.Desk) *devicesPlace {
	p := &devicesPlace{window: w, ctx: ctx, desk: d}
	p.view.web, p.view.listen = w.options.Web, w.options.Listen
	p.screen = newDevicesScreen(devicesActs{
		deviceActs: deviceActs{rename: p.rename, remove: p.remove, pause: p.pause},
		open:       p.open, choose: p.choose, mend: p.mend, phone: p.addPhone, miner: p.addMiner, withdraw: p.withdraw,
	})
	p.screen.show(p.view, time.Now())
	return p
}

// enter reads for whom devices could mine.
func (p *devicesPlace) enter() {
	c, err := config.Read(p.desk.Dir())
	if err != nil {
		c = config.Default() // Mine for real says what is wrong
	}
	if p.view.phase == homeOff || p.view.phase == homeFailed {
		p.view.settings = c
		can := len(c.Pools) > 0
		if p.view.real = p.view.real && can; !p.chosen {
			p.view.real = can
		}
	}
	p.draw()
}

func (p *devicesPlace) draw() { p.screen.show(p.view, time.Now()) }

// choose says whether devices mine for real.
func (p *devicesPlace) choose(real bool) {
	p.chosen, p.view.real = true, real
	p.draw()
}

// open is the switch. Nothing else lets devices join.
func (p *devicesPlace) open(on bool) {
	if on {
		p.start()
	} else {
		p.stop()
	}
}

func (p *devicesPlace) start() {
	if p.cancel != nil || p.waiting {
		return
	}
	p.view.phase, p.view.err, p.view.home = homeStarting, nil, home.Snapshot{}
	p.draw()
	if p.view.real {
		p.run(p.view.settings)
		return
	}
	p.window.practice.enter()
	switch {
	case p.window.practice.failed != nil:
		p.fail(p.window.practice.failed)
	case p.window.practice.practice == nil:
		p.waiting = true
	default:
		p.run(p.window.practice.practice.Upstream())
	}
}

// stop ends what runs. Its end is told to over.
func (p *devicesPlace) stop() {
	if p.waiting {
		p.waiting = false
		p.view.phase = homeOff
		p.draw()
	}
	if p.cancel != nil {
		p.cancel()
		p.screen.toggle.Disable()
	}
}

// mend is the button beside what is wrong.
func (p *devicesPlace) mend() {
	if portTaken(p.view.err) {
		p.view.web, p.view.listen = shifted(p.view.web, 1), shifted(p.view.listen, 1)
	}
	p.start()
}

// practises is told that the practice network is there, or with nil that it is not
// any more, and why.
func (p *devicesPlace) practises(practice *desk.Practice, err error) {
	switch {
	case practice != nil && p.waiting:
		p.waiting = false
		p.run(practice.Upstream())
	case practice == nil && p.waiting:
		p.waiting = false
		p.fail(err)
	case practice == nil && p.cancel != nil && !p.view.real:
		p.view.err = errPracticeStopped
		p.cancel()
	}
}

func (p *devicesPlace) fail(err error) {
	p.window.report(err)
	p.view.phase, p.view.err = homeFailed, err
	p.draw()
}

// run opens the addresses and serves.
func (p *devicesPlace) run(c config.Config) {
	ctx, cancel := context.WithCancel(p.ctx)
	ended := make(chan struct{})
	p.cancel, p.ended = cancel, ended
	o := desk.GatewayOptions{
		Dir: p.desk.Dir(), Config: c, Payee: desk.PaidTo(c), Web: p.view.web, Listen: p.view.listen,
		Secret: func(ctx context.Context, id string) (string, error) { return p.window.real.secret(ctx, id, false) },
	}
	go func() {
		defer close(ended)
		err := p.serve(ctx, o)
		p.window.draw(func() { p.over(err) })
	}()
}

// serve runs a gateway and draws it until ctx ends. It runs on a goroutine of its own.
func (p *devicesPlace) serve(ctx context.Context, o desk.GatewayOptions) error {
	key, _, err := p.desk.GatewayKey(ctx, desk.AutoStore, nil)
	if err != nil {
		return err
	}
	o.Key = key
	g, err := desk.NewGateway(ctx, o)
	if err != nil {
		return err
	}
	p.window.draw(func() { p.gateway = g })
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	look, report := time.NewTicker(homeInterval), time.NewTicker(reportInterval)
	defer look.Stop()
	defer report.Stop()
	drawing := painter{draw: p.window.draw}
	for {
		s := g.Snapshot()
		drawing.do(func() { p.looked(ctx, s) })
		select {
		case err := <-ended:
			return err
		case <-look.C:
		case <-report.C:
			if p.window.options.Home != nil {
				p.window.options.Home(g.Snapshot())
			}
		}
	}
}

// looked draws how it stands.
func (p *devicesPlace) looked(ctx context.Context, s home.Snapshot) {
	if ctx.Err() != nil {
		return // it ends, and over draws that
	}
	began := p.view.phase == homeStarting
	p.view.home, p.view.phase = s, homeWaiting
	if ready(s) {
		p.view.phase = homeOn
	}
	p.draw()
	if began { // what to press next
		p.window.focus(placeDevices, p.screen.first(), "devices open")
	}
	if p.invite != nil {
		p.invite.show(s, time.Now())
	}
}

// over is told that the gateway has ended.
func (p *devicesPlace) over(err error) {
	p.cancel()
	p.cancel, p.gateway = nil, nil
	p.screen.toggle.Enable()
	if p.invite != nil {
		p.invite.sheet.hide()
		p.invite = nil
	}
	if err == nil || errors.Is(err, context.Canceled) {
		err = p.view.err
	}
	p.view.home, p.view.err = home.Snapshot{}, nil
	p.view.phase = homeOff
	if err != nil {
		p.fail(err)
		return
	}
	p.draw()
	p.window.focus(placeDevices, p.screen.toggle, "devices closed")
}

// end stops what runs and waits for it.
func (p *devicesPlace) end() {
	p.waiting = false
	if p.cancel != nil {
		p.cancel()
		<-p.ended
	}
}

// ask has the gateway do something, off Fyne's goroutine, for it may write to the
// disk. done, which may be nil, is called when it was done.
func (p *devicesPlace) ask(do func(*desk.Gateway) error, done func()) {
	g, ctx := p.gateway, p.ctx
	if g == nil {
		return
	}
	go func() {
		err := do(g)
		s := g.Snapshot()
		p.window.draw(func() {
			if ctx.Err() != nil || p.gateway != g {
				return
			}
			if err != nil {
				p.window.tell(err)
			} else if done != nil {
				done()
			}
			p.looked(ctx, s)
		})
	}()
}

func (p *devicesPlace) addPhone() {
	var made home.Invitation
	p.ask(func(g *desk.Gateway) (err error) {
		made, err = g.Invite("")
		return err
	}, func() { p.invited(made) })
}

// invited shows an invitation, in the place of the one that is shown.
func (p *devicesPlace) invited(made home.Invitation) {
	if p.invite != nil {
		p.invite.sheet.hide()
	}
	s, err := newInviteSheet(p.window, made, here(p.view.home), p.addPhone)
	if err != nil {
		p.window.tell(err)
		return
	}
	s.closed = func() { p.invite = nil }
	p.invite = s
	if p.window.options.Screen != nil {
		p.window.options.Screen("invitation")
	}
}

func (p *devicesPlace) addMiner() {
	var made home.Device
	var token string
	p.ask(func(g *desk.Gateway) (err error) {
		made, token, err = g.Token("")
		return err
	}, func() { p.window.showToken(made, token, p.view.home.Stratum) })
}

func (p *devicesPlace) withdraw(i home.Invitation) {
	p.ask(func(g *desk.Gateway) error {
		if err := g.Withdraw(i.ID); !errors.Is(err, home.ErrNoDevice) { // it was used, or is too old, meanwhile
			return err
		}
		return nil
	}, nil)
}

func (p *devicesPlace) pause(d home.Device, on bool) {
	p.ask(func(g *desk.Gateway) error {
		_, err := g.Pause(d.ID, on)
		return err
	}, nil)
}

func (p *devicesPlace) rename(d home.Device) {
	entry := widget.NewEntry()
	entry.SetText(d.Name)
	var s *sheet
	save := func() {
		name := entry.Text
		s.hide()
		if name != d.Name {
			p.ask(func(g *desk.Gateway) error {
				_, err := g.Rename(d.ID, name)
				return err
			}, nil)
		}
	}
	entry.OnSubmitted = func(string) { save() }
	ok := widget.NewButton("Rename", save)
	ok.Importance = widget.HighImportance
	s = p.window.newSheet("What do you call it?", container.New(column{4}, caption("1 to 40 characters, for you alone"), entry), fyne.Focusable(entry),
		widget.NewButton("Leave it", func() { s.hide() }), ok)
}

// remove asks once.
func (p *devicesPlace) remove(d home.Device) {
	var s *sheet
	keep := widget.NewButton("Keep it", func() { s.hide() })
	keep.Importance = widget.HighImportance
	s = p.window.newSheet("Remove "+clip(d.Name, 40)+"?", wrapped(
		"It stops mining for you at once and cannot come back, unless you invite it again. What it has earned stays yours."), nil,
		widget.NewButton("Remove it", func() {
			s.hide()
			p.ask(func(g *desk.Gateway) error {
				_, err := g.Remove(d.ID)
				return err
			}, nil)
		}), keep)
}
