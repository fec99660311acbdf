//go:build !js

package web

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// hurried makes watch.js's and Start's patience of 15 s shorter.
const hurried = `(() => {
	const real = window.setTimeout;
	window.setTimeout = (f, ms, ...args) => real(f, ms >= 15_000 ? 500 : ms, ...args);
})()`

// stalling serves a page of which one part begins to come and then stays away, as on a connection that has died.
type stalling struct {
	page http.Handler
	mu   sync.Mutex
	part string
	head bool // the part's header comes
}

func (s *stalling) stall(part string, head bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part, s.head = part, head
}

// mend lets the part come from now on. Who waits for it already waits on.
func (s *stalling) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part = ""
}

func (s *stalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	part, head := s.part, s.head
	s.mu.Unlock()
	if part == "" || r.URL.Path != part {
		s.page.ServeHTTP(w, r)
		return
	}
	if head {
		w.Header().Set("Content-Type", "application/wasm")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte{0, 'a', 's', 'm', 1, 0, 0, 0})
		_ = http.NewResponseController(w).Flush()
	}
	<-r.Context().Done()
}

// TestAPartThatStalls: a start that waits for what does not come says so, and Stop and Start again mend it.
func TestAPartThatStalls(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	s := &stalling{page: newServer(builtPage(t), pool.options())}
	address, _ := serve(t, s)
	for _, c := range []struct {
		part string
		head bool
	}{{"/goldpan.wasm", true}, {"/kernel.wasm", false}, {"/lane.js", false}, {"/control.js", false}} {
		s.stall(c.part, c.head)
		tab := chrome(t)
		first(t, tab, hurried)
		visit(t, tab, address+"/")
		await(t, tab, isReady)
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, reason+".includes('longer than usual')")
		s.mend()
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		await(t, tab, "document.body.dataset.state === 'stopped'")
		unhurried(t, tab)
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, isMining)
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		stopped(t, tab, pool)
	}
}

// TestAPageThatStalls: where a part of the page itself stays away, it says so too; Try again has the invitation still.
func TestAPageThatStalls(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := &stalling{page: h.page}
	address, _ := serve(t, s)
	tab := chrome(t)
	first(t, tab, hurried)
	const broken = "document.getElementById('broken')?.getClientRects().length > 0"
	const again = "document.body?.dataset.state === 'ready' && location.hash === ''"
	for _, part := range []string{"/pan.js", "/info.json"} { // page.js has not run then, or has
		s.stall(part, false)
		visit(t, tab, "about:blank")
		link := h.invites(address)
		// The load does not end as long as a part of the page stays away: nobody waits for it.
		evaluate[bool](t, tab, "(location.href = '"+link+"', true)")
		await(t, tab, broken)
		s.mend()
		evaluate[bool](t, tab, "(document.getElementById('reload').click(), true)") // chromedp waits for the load
		await(t, tab, again)
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" && "+found(1))
}

// TestTriesAgainWithTheInvitation: neither an answer that did not come nor a program that was renewed costs the invitation.
func TestTriesAgainWithTheInvitation(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	var mu sync.Mutex
	missing, renewed := true, false
	newer := newServer(builtPage(t), h.page.(*server).options)
	newer.page = "another"
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case missing && r.URL.Path == "/info.json":
			http.NotFound(w, r)
		case renewed && r.URL.Path == "/info.json":
			newer.ServeHTTP(w, r)
		case r.URL.Path == "/stratum":
			mu.Unlock()
			h.page.ServeHTTP(w, r)
			mu.Lock()
		default:
			h.page.ServeHTTP(w, r)
		}
	}))
	set := func(m, r bool) { mu.Lock(); defer mu.Unlock(); missing, renewed = m, r }
	tab := chrome(t)
	visit(t, tab, h.invites(address))
	await(t, tab, "document.body.dataset.state === 'refused'")
	set(false, false)
	do(t, tab, chromedp.Click(chromedp.CSS("#again")))
	await(t, tab, "document.body?.dataset.state === 'ready' && location.hash === ''")
	evaluate[bool](t, tab, "(window.old = true)")
	set(false, true)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "!window.old && document.body?.dataset.state === 'ready' && location.hash === ''")
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" && "+found(1))

	// Renewed while it mined, and another is paid: the new page asks.
	evaluate[bool](t, tab, "(window.old = true)")
	set(false, false)
	h.pays("Mallory", h.payee.Address, true)
	h.end()
	h.start()
	await(t, tab, "document.body.dataset.state === 'stopped' && "+reason+".includes('has changed')")
	await(t, tab, "document.getElementById('payee').textContent === 'Mallory'")
	unhurried(t, tab)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "!window.old && document.body?.dataset.state === 'ready'")
}

// TestOpensMangledLinks: a link that was opened is read as one that was pasted: what is whole is taken, and else it is said
// before the person has read about costs and pressed Start.
func TestOpensMangledLinks(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	tab := chrome(t)
	link := h.invites(h.byNumber)
	visit(t, tab, link[:len(link)-1])
	await(t, tab, isInvite+" && "+problem+".includes('missing or wrong')")
	visit(t, tab, "about:blank")
	visit(t, tab, link+".")
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" && "+found(1))
}

// TestShowsWhyItStopped: who has scrolled away sees why mining has stopped, if they did not stop it.
func TestShowsWhyItStopped(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	mines(t, tab, address)
	if !evaluate[bool](t, tab, "(scrollTo({top: 1e6, behavior: 'instant'}), scrollY > 0)") {
		t.Fatal("the page does not scroll")
	}
	evaluate[bool](t, tab, `dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}))`)
	await(t, tab, "document.body.dataset.state === 'stopped'")
	if y := evaluate[float64](t, tab, "scrollY"); y != 0 {
		t.Errorf("the page is scrolled by %v", y)
	}
	stopped(t, tab, pool)
}

// unless answers as page does, and not at all while off is true.
func unless(off *atomic.Bool, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if off.Load() {
			panic(http.ErrAbortHandler)
		}
		page.ServeHTTP(w, r)
	})
}

// TestStartsWithoutAServer: where nothing answers, no blocker is to blame.
func TestStartsWithoutAServer(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var off atomic.Bool
	address, _ := serve(t, unless(&off, newServer(builtPage(t), pool.options())))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	off.Store(true)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.body.dataset.state === 'failed' && "+reason+".includes('same network')")
	off.Store(false)
	unhurried(t, tab)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// TestAsksOnceWhenAllChanges: a gateway that comes back with another coin and another payee shows both, and asks once.
func TestAsksOnceWhenAllChanges(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	tab := chrome(t)
	visit(t, tab, h.invites(h.byNumber))
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" && "+found(1))
	h.pays("Mallory", h.payee.Address, true)
	h.mu.Lock()
	h.info.Coin = "another coin"
	h.mu.Unlock()
	h.cutting(true)
	h.cutting(false)
	await(t, tab, "document.body.dataset.state === 'stopped' && "+reason+".includes('has changed')")
	await(t, tab, "document.getElementById('payee').textContent === 'Mallory'")
	unhurried(t, tab)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" || "+reason+".includes('has changed')")
	if !evaluate[bool](t, tab, isMining) {
		t.Error("it asks again")
	}
}
