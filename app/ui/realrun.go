package ui

import (
	"context"
	"errors"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/coin"
)

// session is mining for real, at pools or on the person's own node.
type session struct {
	run      func(context.Context) error
	snapshot func() (core.Snapshot, string) // the second says what to expect, or nothing
	reload   func(context.Context, config.Config) (later []string, err error)
	trust    func(host, fingerprint string) error // nil where nothing can be trusted
}

// realPlace is everything about mining for real: the set-up, the screen, and the
// one session that may run. Its methods are for Fyne's goroutine, if not said
// otherwise.
type realPlace struct {
	window  *window
	ctx     context.Context
	desk    *desk.Desk
	content *fyne.Container // the set-up, the screen, or a trouble
	screen  *realScreen
	setup   *setup
	config  config.Config

	cancel  context.CancelFunc // of the session that runs; nil if none does
	ended   chan struct{}      // closed when it is over
	session *session           // nil until it is prepared
	last    core.Snapshot
	asked   map[string]bool // certificates that the person was asked about

	mu      sync.Mutex
	secrets map[string]string // fetched from the vault, so that a passphrase is asked for once
}

func newRealPlace(ctx context.Context, w *window, d *desk.Desk) *realPlace {
	p := &realPlace{window: w, ctx: ctx, desk: d, content: container.NewStack(), secrets: map[string]string{}}
	p.screen = newRealScreen(p.press, p.change)
	p.screen.ready()
	p.enter()
	return p
}

// chosen tells whether there is something to mine at.
func (p *realPlace) chosen() bool { return chosen(p.config) }

// enter reads the settings and shows the screen, or the set-up where nothing was
// chosen so far.
func (p *realPlace) enter() {
	if p.cancel != nil || p.setup != nil {
		return
	}
	c, err := config.Read(p.desk.Dir())
	if err != nil {
		p.put(troubleScreen(err, "Try again", p.enter))
		return
	}
	p.config = c
	if !p.chosen() {
		p.change()
		return
	}
	p.screen.settle(c)
	p.put(p.screen.content)
}

// shown is told when the place is in view.
func (p *realPlace) shown() {
	if p.setup != nil && len(p.content.Objects) == 1 && p.content.Objects[0] == fyne.CanvasObject(p.setup.content) {
		p.setup.begin()
		return
	}
	p.window.focus(placeReal, nil, "real")
}

func (p *realPlace) put(o fyne.CanvasObject) {
	p.content.Objects = []fyne.CanvasObject{o}
	p.content.Refresh()
}

// change begins the set-up. What runs goes on until the draft is saved.
func (p *realPlace) change() {
	leave := p.leaveSetup
	if !p.chosen() {
		leave = nil
	}
	p.setup = newSetup(p.config, func(f fyne.Focusable, name string) { p.window.focus(placeReal, f, name) }, leave, p.save)
	p.setup.own = func(c coin.Coin) (string, bool) {
		if p.window == nil || p.window.wallet == nil {
			return "", false
		}
		return p.window.wallet.forNewMiner(c)
	}
	p.put(p.setup.content)
}

// leaveSetup goes back to the screen.
func (p *realPlace) leaveSetup() {
	p.setup = nil
	p.screen.settle(p.config)
	p.put(p.screen.content)
	p.window.top()
}

// save writes the draft into the settings, and starts if that was pressed.
func (p *realPlace) save(d draft, start bool) {
	p.stop()
	p.screen.preparing("Saving")
	p.put(p.screen.content)
	ctx, ended := p.ctx, p.ended
	go func() {
		if ended != nil {
			<-ended
		}
		c, err := p.keep(ctx, d)
		p.window.draw(func() { p.saved(c, err, start) })
	}()
}

// keep saves a draft. It may be called from any goroutine.
func (p *realPlace) keep(ctx context.Context, d draft) (config.Config, error) {
	id, err := "", error(nil)
	switch {
	case d.password == "" || d.venue == presetPool:
	case d.venue == ownNode:
		id, err = p.desk.KeepNodePassword(ctx, p.window.passphrase, hostOf(d.node), d.password)
	default:
		id, err = p.desk.KeepPoolPassword(ctx, p.window.passphrase, hostOf(d.address), d.password)
	}
	if err != nil {
		return config.Config{}, err
	}
	return config.Update(p.desk.Dir(), func(c *config.Config) error { return d.apply(c, id) })
}

func (p *realPlace) saved(c config.Config, err error, start bool) {
	if err != nil {
		p.window.tell(err)
		p.put(p.setup.content) // as it was left
		return
	}
	p.config = c
	p.setup = nil
	p.screen.settle(c)
	p.screen.ready()
	p.window.top()
	if start {
		p.start()
	}
}

// press is the screen's button.
func (p *realPlace) press(on bool) {
	if on {
		p.start()
	} else {
		p.stop()
	}
}

// start mines by the settings. Nothing else calls it than a press of Start.
func (p *realPlace) start() {
	if p.cancel != nil {
		return
	}
	p.window.restPractice()
	ctx, cancel := context.WithCancel(p.ctx)
	ended := make(chan struct{})
	p.cancel, p.ended, p.asked, p.last = cancel, ended, map[string]bool{}, core.Snapshot{State: core.StateConnecting}
	p.screen.notices = nil
	reveal(p.screen.notesRow, false)
	p.screen.showButton(true)
	p.screen.preparing("Preparing to mine")
	p.put(p.screen.content)
	c := p.config
	go func() {
		defer close(ended)
		last, err := p.mine(ctx, c)
		p.window.draw(func() { p.over(last, err) })
	}()
}

// stop ends what runs. Its end is told to over.
func (p *realPlace) stop() {
	if p.cancel != nil {
		p.cancel()
		p.screen.start.Disable()
	}
}

const stoppedByUser = "you stopped it"

// over is told that a session has ended, with what it came to.
func (p *realPlace) over(last core.Snapshot, err error) {
	p.cancel()
	p.cancel, p.session, p.last = nil, nil, last
	p.screen.start.Enable()
	p.screen.show(last, "", time.Now(), false)
	if err != nil && !errors.Is(err, context.Canceled) {
		p.window.report(err)
		setMark(p.screen.mark, kindBad)
		say(p.screen.state, "Stopped")
		say(p.screen.reason, explained(err))
	}
}

// secret fetches a secret of the vault, once. It may be called from any goroutine.
func (p *realPlace) secret(ctx context.Context, id string, node bool) (string, error) {
	p.mu.Lock()
	s, ok := p.secrets[id]
	p.mu.Unlock()
	if ok {
		return s, nil
	}
	fetch := p.desk.PoolPassword
	if node {
		fetch = p.desk.NodePassword
	}
	s, err := fetch(ctx, p.window.passphrase, id)
	if err == nil {
		p.mu.Lock()
		p.secrets[id] = s
		p.mu.Unlock()
	}
	return s, err
}

// prepare makes a session of the settings.
func (p *realPlace) prepare(ctx context.Context, c config.Config, log *desk.Log) (*session, error) {
	if len(c.Pools) == 0 {
		return p.prepareNode(ctx, c, log)
	}
	m, err := desk.NewMining(ctx, desk.MineOptions{
		Dir: p.desk.Dir(), Config: c, Log: log, Shares: p.shared, Notice: p.noticed,
		Secret: func(ctx context.Context, id string) (string, error) { return p.secret(ctx, id, false) },
	})
	if err != nil {
		return nil, err
	}
	return &session{
		run:      m.Run,
		snapshot: func() (core.Snapshot, string) { return m.Snapshot(), "" },
		reload:   m.Reload,
		trust:    m.Trust,
	}, nil
}

// prepareNode makes a session on the person's own node.
func (p *realPlace) prepareNode(ctx context.Context, c config.Config, log *desk.Log) (*session, error) {
	o, err := desk.NodeOptions(ctx, c, func(ctx context.Context, id string) (string, error) { return p.secret(ctx, id, true) })
	if err != nil {
		return nil, err
	}
	o.Log, o.Shares, o.Notice = log, p.shared, p.noticed
	o.Block = func(b desk.SoloBlock) {
		p.noticed(core.Notice{Time: time.Now(), Level: core.Info, Text: blockFound(b)})
	}
	m, err := desk.NewSolo(o)
	if err != nil {
		return nil, err
	}
	return &session{
		run: m.Run,
		snapshot: func() (core.Snapshot, string) {
			v := m.Snapshot()
			return v.Snapshot, v.Odds
		},
		reload: func(_ context.Context, c config.Config) ([]string, error) { return nil, m.SetRules(c.Rules()) },
	}, nil
}

func (p *realPlace) shared(s desk.Share) {
	p.window.draw(func() { p.screen.shared(s, time.Now()) })
	if p.window.options.Share != nil {
		p.window.options.Share(s)
	}
}

func (p *realPlace) noticed(n core.Notice) {
	p.window.draw(func() { p.screen.notice(n) })
	if p.window.options.Notice != nil {
		p.window.options.Notice(n)
	}
}

// mine runs a session and draws it until ctx ends; it returns how it stood at the
// end. It runs on a goroutine of its own.
func (p *realPlace) mine(ctx context.Context, c config.Config) (last core.Snapshot, err error) {
	last = core.Snapshot{State: core.StatePaused, Reason: stoppedByUser}
	log, err := desk.OpenLog(p.desk.Dir(), c.Log, nil)
	if err == nil {
		defer log.Close()
	} // without a log it mines all the same
	s, err := p.prepare(ctx, c, log)
	if err != nil {
		return last, err
	}
	p.window.draw(func() { p.session = s })
	p.window.mining.Store(true)
	defer p.window.mining.Store(false)
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	look, flow, report := time.NewTicker(lookInterval), time.NewTicker(flowInterval), time.NewTicker(reportInterval)
	defer look.Stop()
	defer flow.Stop()
	defer report.Stop()
	drawing := painter{draw: p.window.draw}
	for {
		select {
		case err := <-ended:
			last, _ = s.snapshot()
			last.State, last.Reason, last.Hashrate = core.StatePaused, stoppedByUser, 0
			p.tell(last)
			return last, err
		case <-look.C:
			v, odds := s.snapshot()
			drawing.do(func() { p.looked(ctx, v, odds) })
		case <-flow.C:
			drawing.do(func() { p.screen.flow(time.Now()) })
		case <-report.C:
			v, _ := s.snapshot()
			p.tell(v)
		}
	}
}

// tell reports how it stands to the command line.
func (p *realPlace) tell(v core.Snapshot) {
	if p.window.options.Real != nil {
		p.window.options.Real(v)
	}
}

// looked draws how it stands.
func (p *realPlace) looked(ctx context.Context, v core.Snapshot, odds string) {
	if ctx.Err() != nil {
		return // it ends, and over draws that
	}
	p.last = v
	p.screen.show(v, odds, time.Now(), true)
	p.certificates(v)
}

// retune takes up changed settings: at once where it mines.
func (p *realPlace) retune(c config.Config) {
	p.config = c
	if p.cancel == nil || p.session == nil {
		return
	}
	s, ctx := p.session, p.ctx
	go func() {
		if _, err := s.reload(ctx, c); err != nil {
			p.window.draw(func() { p.window.tell(err) })
		}
	}()
}

// end stops what runs and waits for it.
func (p *realPlace) end() {
	if p.cancel != nil {
		p.cancel()
		<-p.ended
	}
}
