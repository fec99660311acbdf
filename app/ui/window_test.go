package ui

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
)

// queue keeps what is to be drawn until the test draws it. The test driver draws on
// whatever goroutine asks, where a real one has but one: what runs behind a window
// would draw beside the test.
type queue struct {
	mu      sync.Mutex
	waiting []func()
}

func (q *queue) add(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
}

func (q *queue) draw() {
	q.mu.Lock()
	waiting := q.waiting
	q.waiting = nil
	q.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

// The test driver's windows are closed as soon as they are open, so the window
// ends what it began at once.
func TestRunEndsWithItsWindow(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	w := newWindow(t.Context(), fyne.CurrentApp(), Options{
		Dir:     t.TempDir(),
		Trouble: func(err error) { t.Errorf("trouble: %v", err) },
	})
	var later queue
	w.do = later.add
	if err := w.run(t.Context()); err != nil {
		t.Error(err)
	}
	later.draw()
}

func TestRunRefusesASecondCopy(t *testing.T) {
	dir := t.TempDir()
	d, err := desk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var told error
	err = Run(t.Context(), test.NewTempApp(t), Options{Dir: dir, Trouble: func(err error) { told = err }})
	if !errors.Is(err, desk.ErrInUse) || !errors.Is(told, desk.ErrInUse) {
		t.Errorf("Run: %v; told: %v", err, told)
	}
}

func TestTryAgain(t *testing.T) {
	th, err := Theme()
	if err != nil {
		t.Fatal(err)
	}
	app := test.NewTempApp(t)
	app.Settings().SetTheme(th)
	tries := 0
	w := newWindow(t.Context(), app, Options{
		Dir:     filepath.Join("practice.go", "no", "folder"),
		Trouble: func(error) { tries++ },
	})
	w.begin()
	for _, o := range test.LaidOutObjects(w.win.Content()) {
		if b, ok := o.(*widget.Button); ok && b.Text == "Try again" {
			test.Tap(b)
			break
		}
	}
	w.end()
	if tries != 2 || !errors.Is(w.err, desk.ErrDataDir) {
		t.Errorf("%d tries, the last ended with %v", tries, w.err)
	}
}

// A slow display loses pictures and never builds up a queue.
func TestPainterDropsWhatComesTooFast(t *testing.T) {
	var queue []func()
	p := painter{draw: func(f func()) { queue = append(queue, f) }}
	drawn := 0
	for range 100 {
		p.do(func() { drawn++ })
	}
	if len(queue) > 8 {
		t.Errorf("%d drawings wait", len(queue))
	}
	for _, f := range queue {
		f()
	}
	waiting := len(queue)
	p.do(func() { drawn++ })
	if len(queue) != waiting+1 {
		t.Error("nothing is drawn after a slow moment")
	}
}
