// Package ui is Goldpan's window: screens and widgets, one file a screen. A
// screen draws Snapshots and calls desk; it knows no protocol and does no
// arithmetic of mining.
//
// Nothing is hidden. There is no tray icon; closing the window stops mining and
// ends the program, and nothing is mined before the person presses Start.
package ui

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"goldpan/app/desk"
)

// Options are what a command line may say to the window. What is called is
// called from several goroutines and must not block.
type Options struct {
	Dir      string // data directory; "" for the default
	Practice desk.PracticeOptions

	// These may be nil.
	Look    func(desk.PracticeSnapshot) // once a second while the practice runs
	Trouble func(error)                 // an error that the window shows
}

const (
	// lookInterval is how often the figures are drawn anew.
	lookInterval = 250 * time.Millisecond
	// flowInterval is how often the picture moves: slow on purpose, for it is
	// paid with time that could hash.
	flowInterval = 80 * time.Millisecond
	// reportInterval is how often Look is called.
	reportInterval = time.Second
)

var errStopped = errors.New("the practice network has stopped by itself")

// window is the program's one window and what runs behind it.
type window struct {
	app     fyne.App
	win     fyne.Window
	options Options
	running context.CancelFunc // ends the attempt that runs; nil if none does
	ended   chan struct{}      // closed when that attempt is over
	err     error              // what the last attempt ended with, for Run
	closed  atomic.Bool        // nothing is drawn any more
}

// Run opens the window on the practice network and returns when the window was
// closed or ctx has ended, after everything behind it has stopped. The error is
// the one that the window showed last, if any. It must be called from the main
// goroutine, once for an app.
func Run(ctx context.Context, app fyne.App, o Options) error {
	th, err := Theme()
	if err != nil {
		return err
	}
	app.Settings().SetTheme(th)
	app.SetIcon(Icon())
	w := &window{app: app, win: app.NewWindow("Goldpan"), options: o}
	w.win.SetMaster()
	w.win.SetPadded(false)
	w.win.Resize(fyne.NewSize(800, 600))
	w.win.CenterOnScreen()
	w.begin(ctx)
	w.win.SetOnClosed(func() { w.closed.Store(true) })
	stop := context.AfterFunc(ctx, func() {
		w.closed.Store(true)
		fyne.Do(app.Quit)
	})
	defer stop()
	w.win.ShowAndRun()
	w.end()
	return w.err
}

// begin tries to practise, from the start. Fyne's goroutine.
func (w *window) begin(ctx context.Context) {
	attempt, cancel := context.WithCancel(ctx)
	screen := newPracticeScreen(w.app.Clipboard().SetContent)
	ended := make(chan struct{})
	w.running, w.ended, w.err = cancel, ended, nil
	w.win.SetContent(screen.content)
	go func() {
		defer close(ended)
		err := w.practise(attempt, screen)
		if err == nil || errors.Is(err, context.Canceled) {
			return
		}
		w.err = err // read after ended is closed
		if w.options.Trouble != nil {
			w.options.Trouble(err)
		}
		w.draw(func() { w.trouble(ctx, err) })
	}()
}

// draw has f called on Fyne's goroutine, while there is a window.
func (w *window) draw(f func()) {
	if !w.closed.Load() {
		fyne.Do(f)
	}
}

// end stops what runs and waits for it.
func (w *window) end() {
	w.running()
	<-w.ended
}

// trouble shows err with the one button that mends it.
func (w *window) trouble(ctx context.Context, err error) {
	if errors.Is(err, desk.ErrInUse) {
		w.win.SetContent(troubleScreen(err, "Quit", w.app.Quit))
		w.win.Resize(fyne.NewSize(560, 340))
		return
	}
	w.win.SetContent(troubleScreen(err, "Try again", func() {
		w.end()
		w.begin(ctx)
	}))
}

// practise runs the practice network and draws it until ctx ends.
func (w *window) practise(ctx context.Context, screen *practiceScreen) (err error) {
	d, err := desk.Open(w.options.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
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
	p, err := d.Practice(ctx, o)
	if err != nil {
		return err
	}
	p.SetMining(false) // until the person presses Start
	w.draw(func() { screen.mining = p.SetMining })
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()

	look, flow, report := time.NewTicker(lookInterval), time.NewTicker(flowInterval), time.NewTicker(reportInterval)
	defer look.Stop()
	defer flow.Stop()
	defer report.Stop()
	drawing := painter{draw: w.draw}
	for {
		select {
		case err := <-ended:
			w.look(p)
			if err == nil && ctx.Err() == nil {
				err = errStopped
			}
			return err
		case <-look.C:
			s := p.Snapshot()
			drawing.do(func() { screen.show(s, time.Now()) })
		case <-flow.C:
			drawing.do(func() { screen.flow(time.Now()) })
		case <-report.C:
			w.look(p)
		}
	}
}

func (w *window) look(p *desk.Practice) {
	if w.options.Look != nil {
		w.options.Look(p.Snapshot())
	}
}

// painter hands drawing to Fyne's goroutine and drops what that is too busy for,
// so that a slow display never builds up a queue.
type painter struct {
	draw    func(func())
	waiting atomic.Int32
}

func (p *painter) do(f func()) {
	if p.waiting.Load() >= 4 {
		return
	}
	p.waiting.Add(1)
	p.draw(func() {
		p.waiting.Add(-1)
		f()
	})
}
