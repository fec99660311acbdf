package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"goldpan/app/desk"
)

// practicePlace is the practice network and its screen. It is begun when the
// person first looks at it. Its methods are for Fyne's goroutine, if not said
// otherwise.
type practicePlace struct {
	window  *window
	ctx     context.Context
	desk    *desk.Desk
	content *fyne.Container // the screen, or a trouble
	screen  *practiceScreen
	running context.CancelFunc // nil before the first begin
	ended   chan struct{}      // closed when that attempt is over
	last    desk.PracticeSnapshot

	practice *desk.Practice // while it runs
	failed   error          // why the last attempt ended
}

func newPracticePlace(ctx context.Context, w *window, d *desk.Desk) *practicePlace {
	return &practicePlace{window: w, ctx: ctx, desk: d, content: container.NewStack()}
}

// enter begins the practice network, at the first time.
func (p *practicePlace) enter() {
	if p.running == nil {
		p.begin()
	}
}

// begin tries to practise, from the start.
func (p *practicePlace) begin() {
	attempt, cancel := context.WithCancel(p.ctx)
	screen := newPracticeScreen(p.window.app.Clipboard().SetContent)
	ended := make(chan struct{})
	p.running, p.ended, p.screen, p.failed = cancel, ended, screen, nil
	p.content.Objects = []fyne.CanvasObject{screen.content}
	p.content.Refresh()
	go func() {
		defer close(ended)
		if err := p.practise(attempt, screen); err != nil && !errors.Is(err, context.Canceled) {
			p.window.draw(func() { p.trouble(err) })
		}
	}()
}

// end stops what runs and waits for it.
func (p *practicePlace) end() {
	if p.running != nil {
		p.running()
		<-p.ended
	}
}

// rest lets the lanes rest, if they work.
func (p *practicePlace) rest() {
	if p.screen != nil && p.screen.ready && p.screen.on {
		p.screen.toggle()
	}
}

// trouble shows err with the button that mends it.
func (p *practicePlace) trouble(err error) {
	p.practice, p.failed = nil, err
	p.window.devices.practises(nil, err)
	p.window.wallet.practises(nil)
	p.window.report(err)
	p.content.Objects = []fyne.CanvasObject{troubleScreen(err, "Try again", func() {
		p.end()
		p.window.err = nil
		p.begin()
	})}
	p.content.Refresh()
}

// practise runs the practice network and draws it until ctx ends. It runs on a
// goroutine of its own.
func (p *practicePlace) practise(ctx context.Context, screen *practiceScreen) error {
	w := p.window
	o := w.options.Practice
	o.Progress = func(what string) { w.draw(func() { screen.preparing(what) }) }
	o.Block = func(b desk.Block) {
		w.draw(func() { screen.found(b, time.Now()) })
		if w.options.Practice.Block != nil {
			w.options.Practice.Block(b)
		}
	}
	o.Share = func(s desk.Share) {
		w.draw(func() { screen.shared(s, time.Now()) })
		if w.options.Practice.Share != nil {
			w.options.Practice.Share(s)
		}
	}
	practice, err := p.desk.Practice(ctx, o)
	if err != nil {
		return err
	}
	practice.SetMining(false) // until the person presses Start
	w.draw(func() {
		screen.mining = func(on bool) {
			if on {
				w.real.stop() // one thing is mined at a time
			}
			practice.SetMining(on)
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- practice.Run(ctx) }()
	w.draw(func() {
		p.practice = practice
		w.devices.practises(practice, nil)
		w.wallet.practises(practice.Wallet())
	})

	look, flow, report := time.NewTicker(lookInterval), time.NewTicker(flowInterval), time.NewTicker(reportInterval)
	defer look.Stop()
	defer flow.Stop()
	defer report.Stop()
	drawing := painter{draw: w.draw}
	for {
		select {
		case err := <-ended:
			p.tell(practice)
			if err == nil && ctx.Err() == nil {
				err = errStopped
			}
			return err
		case <-look.C:
			s := practice.Snapshot()
			drawing.do(func() {
				p.last = s
				screen.show(s, time.Now())
			})
		case <-flow.C:
			drawing.do(func() { screen.flow(time.Now()) })
		case <-report.C:
			p.tell(practice)
		}
	}
}

// tell reports how it stands to the command line, unless something else is mined.
func (p *practicePlace) tell(practice *desk.Practice) {
	if w := p.window; w.options.Look != nil && !w.mining.Load() {
		w.options.Look(practice.Snapshot())
	}
}
