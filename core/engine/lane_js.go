package engine

import (
	"context"
	"sync/atomic"
	"syscall/js"
	"time"
)

// Platform names the lane workers of a page. Each port leads to a worker that
// hosts one kernel; Token is the person's consent, without which a lane hashes
// nothing.
type Platform struct {
	Ports  []js.Value // MessagePorts, one a lane
	Token  string
	Kernel string // what the lanes said that they run
}

// worker is a lane in a Web Worker. JavaScript has one thread, so its fields
// need no lock; only count is read from elsewhere.
type worker struct {
	engine  *Engine
	number  int
	port    js.Value
	percent float64 // of its time
	token   string
	agreed  bool // the lane has been told of the consent
	current *assignment
	before  *assignment // hits for it may still be on their way
	count   atomic.Uint64
}

func newLanes(e *Engine) ([]lane, string, error) {
	lanes := make([]lane, len(e.config.Platform.Ports))
	for i, port := range e.config.Platform.Ports {
		lanes[i] = &worker{engine: e, number: i, port: port, token: e.config.Platform.Token}
	}
	return lanes, e.config.Platform.Kernel, nil
}

func (w *worker) assign(a *assignment) {
	w.before, w.current = w.current, a
	if !w.agreed {
		return // run sends it
	}
	if a == nil && w.before == nil {
		return // it rests; to one that is not made yet each word would wait for ever
	}
	if a == nil {
		w.port.Call("postMessage", map[string]any{"type": "rest"})
		return
	}
	b := a.work.Bytes()
	work := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(work, b)
	w.port.Call("postMessage", map[string]any{"type": "work", "token": w.token, "epoch": float64(a.epoch), "work": work})
}

// limit takes no heed of priority: a page has none to give.
func (w *worker) limit(share float64, _ int) {
	percent := share * 100
	if percent == w.percent || percent == 0 { // a lane that may not work has no work
		return
	}
	if w.percent = percent; w.agreed {
		w.port.Call("postMessage", map[string]any{"type": "limit", "token": w.token, "limit": percent})
	}
}

func (w *worker) hashes() uint64 { return w.count.Load() }

func (w *worker) busy() (time.Duration, bool) { return 0, false }

// addProcessors has nothing to add: a page's lanes are workers of the browser.
func addProcessors(int) (undo func()) { return func() {} }

func (w *worker) run(ctx context.Context) error {
	listen := js.FuncOf(func(_ js.Value, args []js.Value) any {
		w.message(args[0].Get("data"))
		return nil
	})
	defer listen.Release()
	w.port.Set("onmessage", listen)
	w.port.Call("postMessage", map[string]any{"type": "consent", "token": w.token, "limit": w.percent})
	if w.agreed = true; w.current != nil { // assigned before there was consent
		w.assign(w.current)
	}
	<-ctx.Done()
	w.port.Call("postMessage", map[string]any{"type": "rest"})
	w.port.Set("onmessage", js.Null())
	return nil
}

// message takes what the lane worker says.
func (w *worker) message(m js.Value) {
	var epoch uint64
	if e := m.Get("epoch"); e.Type() == js.TypeNumber {
		epoch = uint64(e.Float())
	}
	a := w.current
	if a == nil || a.epoch != epoch {
		if a = w.before; a != nil && a.epoch != epoch {
			a = nil
		}
	}
	switch m.Get("type").String() {
	case "progress":
		w.count.Add(uint64(m.Get("hashes").Float()))
	case "hits":
		nonces := m.Get("nonces")
		for i := range nonces.Length() {
			if a != nil {
				w.engine.hit(a, uint32(nonces.Index(i).Float()))
			}
		}
	case "done":
		if a != nil && a == w.current {
			if next := w.engine.exhausted(a, w.number); next != nil {
				w.assign(next)
			}
		}
	}
}
