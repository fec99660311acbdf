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
	"fyne.io/fyne/v2/container"

	"goldpan/app/desk"
	"goldpan/app/desk/home"
	"goldpan/core"
)

// Options are what a command line may say to the window. What is called is
// called from several goroutines and must not block.
type Options struct {
	Dir      string // data directory; "" for the default
	Practice desk.PracticeOptions

	// Where devices at home find this computer once the person lets them join.
	Web    string // of the page for phones; "" is DefaultWeb
	Listen string // of other miner programs; "" is DefaultListen

	// These may be nil.
	Look    func(desk.PracticeSnapshot) // once a second while the practice runs and nothing is mined for real
	Real    func(core.Snapshot)         // once a second while mining for real
	Share   func(desk.Share)            // how a share fared, of mining for real
	Notice  func(core.Notice)           // what the person should hear of, of mining for real
	Screen  func(name string)           // where the person is in the window now
	Asked   func(positions []int)       // which words of a wallet are asked back
	Home    func(home.Snapshot)         // once a second while devices may join
	Trouble func(error)                 // an error that the window shows
}

// Addresses that are opened when the person lets devices join: all of this
// computer's, for which of them is the home network's may change.
const (
	DefaultWeb    = ":8080"
	DefaultListen = ":3333"
)

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
	ctx     context.Context // of all that runs
	stop    context.CancelFunc

	desk     *desk.Desk
	frame    *frame
	practice *practicePlace
	real     *realPlace
	wallet   *walletPlace
	devices  *devicesPlace
	settings *settingsScreen
	about    fyne.CanvasObject
	state    chan struct{} // closed when the line of state is no longer drawn

	err     error        // what is wrong, for Run; Fyne's goroutine
	closed  atomic.Bool  // nothing is drawn any more
	mining  atomic.Bool  // for real
	do      func(func()) // calls on Fyne's goroutine
	later   func(func()) // calls after what is being handled now
	closing bool         // the question whether to close is on the screen
	sheets  int          // that lie over the window
	still   bool         // pictures do not move: a test's driver would draw them beside the test
}

// Run opens the window and returns when it was closed or ctx has ended, after
// everything behind it has stopped. It opens on the practice network, or on mining
// for real where that was set up; nothing is mined before Start is pressed. The
// error is the one that the window showed last, if any. It must be called from the
// main goroutine, once for an app.
func Run(ctx context.Context, app fyne.App, o Options) error {
	th, err := Theme()
	if err != nil {
		return err
	}
	app.Settings().SetTheme(th)
	app.SetIcon(Icon())
	return newWindow(ctx, app, o).run(ctx)
}

// run is Run for a window that is made.
func (w *window) run(ctx context.Context) error {
	w.win.SetMaster()
	w.win.SetPadded(false)
	w.win.Resize(fyne.NewSize(800, 600))
	w.win.CenterOnScreen()
	w.begin()
	w.win.SetCloseIntercept(w.askToClose)
	w.win.SetOnClosed(func() { w.closed.Store(true) })
	stop := context.AfterFunc(ctx, func() {
		w.closed.Store(true)
		w.do(w.app.Quit)
	})
	defer stop()
	w.win.ShowAndRun()
	w.closed.Store(true)
	w.end()
	return w.err
}

func newWindow(ctx context.Context, app fyne.App, o Options) *window {
	if o.Web == "" {
		o.Web = DefaultWeb
	}
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	w := &window{app: app, win: app.NewWindow("Goldpan"), options: o, do: fyne.Do}
	w.ctx, w.stop = context.WithCancel(ctx)
	w.later = func(f func()) { go w.draw(f) }
	return w
}

// begin opens the data directory and shows the first screen. Fyne's goroutine.
func (w *window) begin() {
	w.err = nil
	d, err := desk.Open(w.options.Dir)
	if err != nil {
		w.report(err)
		w.trouble(err)
		return
	}
	w.desk = d
	w.frame = newFrame(w.visit)
	w.real = newRealPlace(w.ctx, w, d)
	w.wallet = newWalletPlace(w.ctx, w, d)
	w.practice = newPracticePlace(w.ctx, w, d)
	w.devices = newDevicesPlace(w.ctx, w, d)
	w.win.SetContent(w.frame.content)
	shortcuts(w.win.Canvas(), w.visit)
	first := placePractice
	if w.real.chosen() {
		first = placeReal
	}
	w.visit(first)
	w.state = make(chan struct{})
	go w.watch()
}

// end stops what runs, waits for it, and closes the data directory.
func (w *window) end() {
	w.stop()
	if w.desk == nil {
		return
	}
	w.devices.end()
	w.real.end()
	w.wallet.end()
	w.practice.end()
	<-w.state
	if err := w.desk.Close(); err != nil {
		w.err = errors.Join(w.err, err)
	}
	w.desk = nil
}

// visit shows one of the places.
func (w *window) visit(to place) {
	switch to {
	case placePractice:
		w.practice.enter()
		w.frame.show(to, w.practice.content)
		w.focus(to, nil, "practice")
	case placeReal:
		w.real.enter()
		w.frame.show(to, w.real.content)
		w.real.shown()
	case placeWallet:
		w.frame.show(to, w.wallet.content)
		w.wallet.enter()
	case placeDevices:
		w.devices.enter()
		w.frame.show(to, w.devices.screen.content)
		w.focus(to, w.devices.screen.first(), "devices")
	case placeSettings:
		w.settings = newSettingsScreen(w.desk.Dir(), w.real.retune)
		w.frame.show(to, w.settings.content)
		w.focus(to, w.settings.first, "settings")
		go w.measure(w.settings)
	case placeAbout:
		if w.about == nil {
			w.about = aboutScreen(w.desk.Dir())
		}
		w.frame.show(to, w.about)
		w.focus(to, nil, "about")
	}
}

// watch keeps the line at the top true, and the focus in view, until all ends.
func (w *window) watch() {
	defer close(w.state)
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	drawing := painter{draw: w.draw}
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-look.C:
			drawing.do(w.look)
		}
	}
}

// look draws what is around the screens. Fyne's goroutine.
func (w *window) look() {
	switch {
	case w.real.cancel != nil:
		w.frame.tell(stateLine(coinName(w.real.config), w.real.last))
	case w.practice.last.Mining.State != "" && w.practice.last.Mining.State != core.StatePaused:
		w.frame.tell(stateLine("Practice", w.practice.last.Mining))
	case w.devices.view.home.Connected > 0:
		w.frame.tell(kindGood, plural(w.devices.view.home.Connected, "device")+": "+rate(w.devices.view.home.Hashrate))
	default:
		w.frame.tell(kindIdle, "Nothing is mined now")
	}
	if w.frame.at == placeWallet {
		w.wallet.look()
	}
	w.frame.warn(placeWallet, w.wallet.unproven())
	if w.win.Canvas().Overlays().Top() == nil {
		var step *container.Scroll
		if w.real.setup != nil && w.frame.at == placeReal {
			step = w.real.setup.scroll
		}
		if w.wallet.adding != nil && w.frame.at == placeWallet {
			step = w.wallet.adding.scroll
		}
		w.frame.follow(w.win.Canvas().Focused(), step)
	}
}

// draw has f called on Fyne's goroutine, while there is a window.
func (w *window) draw(f func()) {
	if !w.closed.Load() {
		w.do(f)
	}
}

// focus gives the keyboard's focus to a part of the place that is shown, and tells
// scripts where the person is. It does so after the key that is being handled:
// what that key writes, a space, must not land in a field.
func (w *window) focus(at place, f fyne.Focusable, name string) {
	w.later(func() {
		if w.frame == nil || w.frame.at != at {
			return
		}
		if f != nil {
			w.win.Canvas().Focus(f)
		}
		if w.options.Screen != nil {
			w.options.Screen(name)
		}
	})
}

// top shows the beginning of a screen.
func (w *window) top() {
	if w.frame != nil {
		w.frame.scroll.ScrollToTop()
	}
}

// report notes an error that is shown.
func (w *window) report(err error) {
	w.err = err
	if w.options.Trouble != nil {
		w.options.Trouble(err)
	}
}

// trouble shows err, because of which there is nothing else to show, with the one
// button that mends it.
func (w *window) trouble(err error) {
	if errors.Is(err, desk.ErrInUse) {
		w.win.SetContent(troubleScreen(err, "Quit", w.app.Quit))
		w.win.Resize(fyne.NewSize(560, 340))
		return
	}
	w.win.SetContent(troubleScreen(err, "Try again", w.begin))
}

// restPractice lets the practice rest: one thing is mined at a time.
func (w *window) restPractice() {
	if w.practice != nil {
		w.practice.rest()
	}
}

// measure looks what this machine tells of itself, for the settings. It may be
// called from any goroutine.
func (w *window) measure(s *settingsScreen) {
	r := desk.ReadMachine(w.ctx)
	w.draw(func() { s.measure(r) })
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
