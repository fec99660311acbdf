package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/core/jsonrpc"
	"goldpan/wallet"
	"goldpan/wallet/electrum"
)

// walletDial connects to a wallet server.
type walletDial = func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error)

// walletServers are the flags of commands that ask wallet servers.
type walletServers struct {
	urls  list
	proxy *string
}

func serverFlags(f *flag.FlagSet, without string) *walletServers {
	s := &walletServers{}
	f.Var(&s.urls, "server", "`URL` of an Electrum server, tls://, tcp://, wss:// or ws://; ?pin=sha256:… pins its key; may be given up to eight times, and then one that contradicts the proofs of another is told; if not given, "+without)
	s.proxy = f.String("proxy", "", "`URL` of a proxy to the server: socks5://HOST:PORT or http://HOST:PORT; if not given, the settings'")
	return s
}

// online tells whether any server is to be asked.
func (s *walletServers) online() bool { return len(s.urls) > 0 }

func (s *walletServers) check() error {
	if len(s.urls) > wallet.MaxServers {
		return usagef("--server: at most %d of them", wallet.MaxServers)
	}
	for i, text := range s.urls {
		scheme, _, _ := strings.Cut(strings.ToLower(text), "://")
		if !slices.Contains([]string{"tls", "ssl", "tcp", "wss", "ws"}, scheme) {
			return usagef("--server: it begins with tls://, tcp://, wss:// or ws://")
		}
		// A web address has a port of its own, the others none that all servers keep to.
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || u.Port() == "" && !strings.HasPrefix(scheme, "ws") {
			return usagef("--server: it is written like tls://HOST:PORT; most servers have port 50002, and 50001 without TLS")
		}
		if slices.Contains(s.urls[:i], text) {
			return usagef("--server: one of them stands there twice")
		}
	}
	return nil
}

// serverDial goes through the proxy given, else through that of the settings, to servers that the system's roots or
// the person trust; nil where none is to be asked.
func (t *terminal) serverDial(s *walletServers) (walletDial, error) {
	if err := s.check(); err != nil || !s.online() {
		return nil, err
	}
	dir, err := t.dir()
	if err != nil {
		return nil, err
	}
	d, err := desk.WalletDialer(dir, *s.proxy)
	if errors.Is(err, desk.ErrProxyPassword) {
		return nil, usagef("--proxy: %s; name a proxy without one", err)
	}
	if err != nil {
		return nil, err
	}
	return d.Dial, nil
}

const (
	// syncPatience is how long a sync may show no progress.
	syncPatience = 5 * time.Minute
	// progressLook and progressSay are how often a status line is drawn, and how often a line is written where none
	// can be drawn over.
	progressLook = 500 * time.Millisecond
	progressSay  = 15 * time.Second
)

// learn brings a wallet in step with the servers, or says that none is asked.
func (t *terminal) learn(ctx context.Context, w *wallet.Wallet, servers []string) error {
	if len(servers) == 0 {
		t.say("Off line: this is what the wallet learned last.")
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- w.Sync(ctx, servers...) }()
	tick := time.NewTicker(progressLook)
	defer tick.Stop()
	p := syncProgress{headers: w.State().Headers, moved: time.Now(), said: time.Now()}
	for {
		select {
		case err := <-ended:
			if cause := context.Cause(ctx); err != nil && cause != nil {
				err = cause
			}
			t.mu.Lock()
			t.clear()
			t.mu.Unlock()
			t.sayServers(w.State().Servers)
			return err
		case now := <-tick.C:
			line, due := p.look(w.State(), now)
			switch {
			case now.Sub(p.moved) > syncPatience:
				cancel(electrum.ErrTimeout)
			case line == "" || t.json:
			case t.live():
				t.redraw(line)
			case due:
				t.say("%s", line)
			}
		}
	}
}

// syncProgress is how a sync goes on.
type syncProgress struct {
	headers     int32             // height that was seen last
	phases      []wallet.Progress // of each server, that were seen last
	moved, said time.Time
}

// look gives a line for people while there is something to wait for, and whether it is due where no line can be drawn
// over.
func (p *syncProgress) look(s wallet.State, now time.Time) (line string, due bool) {
	phases := make([]wallet.Progress, len(s.Servers))
	for i, x := range s.Servers {
		phases[i] = x.Progress
	}
	if s.Headers != p.headers || !slices.Equal(phases, p.phases) {
		p.headers, p.phases, p.moved = s.Headers, phases, now
	}
	if line = progressWords(s); line == "" {
		return "", false
	}
	if due = now.Sub(p.said) >= progressSay; due {
		p.said = now
	}
	return line, due
}

// progressWords says what a sync is at; "" where it is soon told.
func progressWords(s wallet.State) string {
	if s.Announced > s.Headers+1 && s.Headers >= 0 {
		return fmt.Sprintf("Checking block headers: %d of %d. What is checked is kept, if you stop here.", s.Headers, s.Announced)
	}
	what := map[wallet.Phase]string{
		wallet.PhaseAddresses:    "Asking for addresses",
		wallet.PhaseHistories:    "Fetching the histories of used addresses",
		wallet.PhaseBlocks:       "Checking the headers of old blocks",
		wallet.PhaseTransactions: "Fetching and proving transactions",
	}[s.Progress.Phase]
	switch {
	case what == "":
		return ""
	case s.Progress.Of == 0:
		return fmt.Sprintf("%s: %d so far.", what, s.Progress.Done)
	}
	return fmt.Sprintf("%s: %d of %d.", what, s.Progress.Done, s.Progress.Of)
}

// sayServers tells what each of several servers did; of one alone the result tells.
func (t *terminal) sayServers(list []wallet.ServerState) {
	if len(list) < 2 {
		return
	}
	for _, s := range list {
		r := record{"type": "server", "url": s.URL, "synced": s.Synced, "height": s.Height}
		if s.Err == nil {
			t.emit(r)
			if !t.json {
				t.say("%s", serverWords(s))
			}
			continue
		}
		r["message"], r["hint"] = desk.Explain(s.Err)
		r["cheated"] = electrum.Cheated(s.Err)
		t.emit(r)
		if !t.json {
			t.say("%s", serverWords(s))
		}
	}
}

// serverWords says what a server did.
func serverWords(s wallet.ServerState) string {
	if s.Err == nil {
		if s.Synced {
			return fmt.Sprintf("%s: in step, at block %d.", s.URL, s.Height)
		}
		return s.URL + ": it was not heard to the end."
	}
	message, hint := desk.Explain(s.Err)
	if electrum.Cheated(s.Err) {
		hint = "Nothing that it said beyond what is proven counts. Leave it out from now on."
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s. %s", s.URL, strings.TrimRight(message, "."), hint))
}
