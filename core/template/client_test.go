//go:build !js

package template_test

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/template"
)

// A new tip means a new job at once, which makes the old ones void; a refresh does not.
func TestJobs(t *testing.T) {
	f := newFake(t)
	c := f.config()
	c.Refresh = 20 * time.Millisecond
	r := record(t, c)
	j := r.job(t)
	if !j.Clean || j.Prev.String() != prev(1) || j.Version != 0x20000000 || j.Bits != 0x207fffff || j.Time != 1_700_000_000 || j.VersionMask != 0 {
		t.Errorf("%+v", j)
	}
	if s := r.state(t, pow.Mining); s.Pool != f.URL || s.Difficulty != j.Difficulty {
		t.Errorf("%+v", s)
	}
	outputs, err := j.Outputs()
	script, err2 := cointest.Params(t, "bitcoin", coin.Regtest).Script(payout)
	if err != nil || err2 != nil || len(outputs) != 1 || outputs[0].Value != 50e8 || string(outputs[0].Script) != string(script) {
		t.Errorf("%+v, %v, %v", outputs, err, err2)
	}
	f.set("curtime", 1_700_000_030)
	for again := r.job(t); ; again = r.job(t) {
		if again.Clean || again.ID == j.ID {
			t.Fatalf("%+v", again)
		}
		if again.Time == 1_700_000_030 {
			break
		}
	}
	f.move(2)
	for again := r.job(t); ; again = r.job(t) {
		if again.Clean {
			if again.Prev.String() != prev(2) {
				t.Errorf("%+v", again)
			}
			break
		}
	}
	if s := r.client.Status(); s.Height != 17 || s.Reward != 50*coin.Unit || s.Transactions != 1 || s.Hashes < 1.9 || s.Hashes > 2.1 {
		t.Errorf("%+v", s)
	}
}

// Long polling tells of a new tip by itself; without it the node is asked often.
func TestTip(t *testing.T) {
	for _, long := range []bool{true, false} {
		t.Run(fmt.Sprintf("longpoll=%v", long), func(t *testing.T) {
			f := newFake(t)
			c := f.config()
			c.Refresh = time.Hour
			if !long {
				c.Poll = 10 * time.Millisecond
				f.set("longpollid", nil)
			}
			r := record(t, c)
			r.job(t)
			if long {
				f.move(2)
			} else {
				f.set("previousblockhash", prev(2))
			}
			for j := r.job(t); j.Prev.String() != prev(2); j = r.job(t) {
				if long {
					t.Fatalf("%+v", j)
				}
			}
		})
	}
}

// The time stays within what the node allows.
func TestTime(t *testing.T) {
	f := newFake(t)
	f.set("curtime", 10)
	f.set("mintime", 20)
	f.set("maxtime", 30)
	if j := record(t, f.config()).job(t); j.Time != 20 {
		t.Errorf("%d", j.Time)
	}
	f.set("curtime", 40)
	if j := record(t, f.config()).job(t); j.Time != 30 {
		t.Errorf("%d", j.Time)
	}
}

// What a node says of a block, and what it means.
func TestVerdicts(t *testing.T) {
	for verdict, want := range map[string]pow.Status{
		`null`:                           pow.Accepted,
		`"duplicate"`:                    pow.Accepted,
		`"inconclusive"`:                 pow.Stale,
		`"stale-prevblk"`:                pow.Stale,
		`"high-hash"`:                    pow.Rejected,
		`"bad-cb-amount"`:                pow.Rejected,
		`"rejected: high-hash"`:          pow.Rejected,
		`"rejected: already have block"`: pow.Accepted,
		`"<script>\u001b[2J\npay me"`:    pow.Rejected,
	} {
		t.Run(verdict, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.answer = func(w http.ResponseWriter, _ *http.Request, q question) bool {
				if q.Method == "submitblock" {
					fmt.Fprintf(w, `{"result":%s,"error":null,"id":%d}`, verdict, q.ID)
				}
				return q.Method == "submitblock"
			}
			found := make(chan template.Block, 1)
			c := f.config()
			c.Block = func(b template.Block) { found <- b }
			c.Poll = time.Millisecond
			r := record(t, c)
			s := solve(t, r.job(t))
			result := r.submit(t, s)
			if result.Status != want || result.Pool != f.URL || result.Target != s.Job.Difficulty || (want == pow.Accepted) != (result.Reason == "") {
				t.Errorf("%+v", result)
			}
			if strings.ContainsAny(result.Reason, "\x1b\n") {
				t.Errorf("%q", result.Reason)
			}
			if want == pow.Accepted {
				if b := <-found; b.Height != 17 || b.Reward != 50*coin.Unit || b.Hash != s.Job.Header(s.Solution).BlockHash() {
					t.Errorf("%+v", b)
				}
			}
			if r.job(t) != nil {
				t.Error("the lanes went on while the block was on its way")
			}
			// Whatever became of it, work goes on.
			for j := r.job(t); j == nil; j = r.job(t) {
			}
		})
	}
}

// A block whose answer was lost is brought again, and counts once.
func TestBlockIsBroughtAgain(t *testing.T) {
	f := newFake(t)
	var tries atomic.Int32
	f.answer = func(w http.ResponseWriter, _ *http.Request, q question) bool {
		if q.Method != "submitblock" {
			return false
		}
		switch tries.Add(1) {
		case 1:
			panic(http.ErrAbortHandler) // the connection breaks
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	c := f.config()
	c.Poll = time.Millisecond
	r := record(t, c)
	s := solve(t, r.job(t))
	if result := r.submit(t, s); result.Status != pow.Accepted || tries.Load() != 3 {
		t.Errorf("%+v after %d tries", result, tries.Load())
	}
	if r.client.Status().Blocks != 1 {
		t.Errorf("%+v", r.client.Status())
	}
	// The block is whole: header, one transaction, our coinbase.
	header := s.Job.Header(s.Solution).Bytes()
	want := hex.EncodeToString(header[:]) + "01" + hex.EncodeToString(s.Job.Coinbase(s.Extranonce2))
	if f.blocks[0] != want {
		t.Errorf("sent %s, not %s", f.blocks[0], want)
	}
	// It is of no use a second time.
	if result := r.submit(t, s); result.Status != pow.Stale {
		t.Errorf("%+v", result)
	}
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if result := r.submit(t, s); result.Status != pow.Stale || result.Reason != "mining has ended" {
		t.Errorf("%+v", result)
	}
}

// Run ends soon although a block is on its way to a node that says nothing.
func TestEndWithABlockOnItsWay(t *testing.T) {
	f := newFake(t)
	f.answer = func(_ http.ResponseWriter, r *http.Request, q question) bool {
		if q.Method == "submitblock" {
			<-r.Context().Done()
		}
		return q.Method == "submitblock"
	}
	r := record(t, f.config())
	s := solve(t, r.job(t))
	fate := make(chan pow.Result, 1)
	r.client.Submit(s, func(r pow.Result) { fate <- r })
	eventually(t, "the block is sent", func() bool { return f.count("submitblock") > 0 })
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if result := <-fate; result.Status != pow.Stale {
		t.Errorf("%+v", result)
	}
}

// Faults of a node, and what they are called.
func TestFaults(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<script>sesame</script>", code) }
	}
	text := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = io.WriteString(w, body) }
	}
	rpc := func(code int) http.HandlerFunc {
		return text(500, fmt.Sprintf(`{"result":null,"error":{"code":%d,"message":"<script>sesame\u001b\n"},"id":1}`, code))
	}
	for name, c := range map[string]struct {
		node http.HandlerFunc
		want error
		ends bool
	}{
		"redirect": {node: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, want: template.ErrProtocol},
		"endless": {node: func(w http.ResponseWriter, r *http.Request) {
			for chunk := strings.Repeat(" ", 1<<16); r.Context().Err() == nil; {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		}, want: jsonrpc.ErrTooLong},
		"silent":  {node: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, want: jsonrpc.ErrTimeout},
		"dropped": {node: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"cut off": {node: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			_, _ = io.WriteString(w, "{")
		}},
		"no JSON":       {node: text(200, "<html><script>sesame"), want: template.ErrProtocol},
		"a list":        {node: text(200, "[]"), want: template.ErrProtocol},
		"nothing":       {node: text(200, ""), want: template.ErrProtocol},
		"deep":          {node: text(200, strings.Repeat("[", 1<<16)), want: template.ErrProtocol},
		"no result":     {node: text(200, `{"id":1}`), want: template.ErrProtocol},
		"another id":    {node: text(200, `{"id":7,"result":"`+regtestGenesis+`"}`), want: template.ErrProtocol},
		"a number":      {node: text(200, `{"id":1,"result":5}`), want: template.ErrProtocol},
		"401":           {node: status(401), want: template.ErrLogin, ends: true},
		"403":           {node: status(403), want: template.ErrForbidden},
		"404":           {node: status(404), want: template.ErrProtocol},
		"503":           {node: status(503), want: template.ErrBusy},
		"warming up":    {node: rpc(-28), want: template.ErrBusy},
		"no peers":      {node: rpc(-9), want: template.ErrNoPeers},
		"syncing":       {node: rpc(-10), want: template.ErrSyncing},
		"no method":     {node: rpc(-32601), want: template.ErrProtocol},
		"another error": {node: rpc(-1)},
		"another chain": {node: text(200, `{"id":1,"result":"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"}`), want: template.ErrChain, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // a server sees that a client leaves once it has read all
				c.node(w, r)
			}))
			defer func() { s.CloseClientConnections(); s.Close() }()
			config := newFake(t).config()
			var err error
			if config.Node, err = url.Parse(s.URL); err != nil {
				t.Fatal(err)
			}
			if name == "silent" {
				config.Patience = 50 * time.Millisecond
			}
			r := record(t, config)
			d := r.down(t)
			if d.Err == nil || c.want != nil && !errors.Is(d.Err, c.want) || d.Reason == "" || d.Pool != s.URL || (d.Retry == 0) != c.ends {
				t.Errorf("%+v", d)
			}
			clean(t, d.Reason+d.Err.Error())
			if c.ends {
				if err := <-r.ended; !errors.Is(err, c.want) {
					t.Errorf("%v", err)
				}
			} else if d := r.down(t); d.Err == nil { // it goes on trying
				t.Errorf("%+v", d)
			}
			r.cancel()
		})
	}
}

// A node that starts, and one that is lost, are waited for.
func TestRecovery(t *testing.T) {
	f := newFake(t)
	var broken atomic.Bool
	broken.Store(true)
	f.answer = func(w http.ResponseWriter, _ *http.Request, _ question) bool {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return broken.Load()
	}
	c := f.config()
	c.Refresh = 5 * time.Millisecond
	r := record(t, c)
	if s := r.down(t); !errors.Is(s.Err, template.ErrBusy) {
		t.Errorf("%+v", s)
	}
	broken.Store(false)
	r.state(t, pow.Mining)
	broken.Store(true)
	r.down(t)
	for j := r.job(t); j != nil; j = r.job(t) { // the lanes rest
	}
	broken.Store(false)
	if j := r.job(t); j == nil || !j.Clean {
		t.Errorf("%+v", j)
	}
	// A long poll that is cut off again and again loses nothing while the node answers.
	f.mu.Lock()
	f.answer = func(_ http.ResponseWriter, _ *http.Request, q question) bool {
		if q.Method == "getblocktemplate" && strings.Contains(string(q.Params[0]), "longpollid") {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	f.mu.Unlock()
	f.move(2)
	for j := r.job(t); j.Prev.String() != prev(2); j = r.job(t) {
		if j == nil {
			t.Fatal("the node was given up")
		}
	}
}

// What New refuses.
func TestRefusals(t *testing.T) {
	base := newFake(t).config()
	for name, c := range map[string]struct {
		change func(*template.Config)
		want   error
	}{
		"no address":              {func(c *template.Config) { c.Node = nil }, template.ErrAddress},
		"another scheme":          {func(c *template.Config) { c.Node = link(t, "ftp://127.0.0.1:1") }, template.ErrAddress},
		"no host":                 {func(c *template.Config) { c.Node = link(t, "http://:8332") }, template.ErrAddress},
		"a password in it":        {func(c *template.Config) { c.Node = link(t, "http://us:sesame@127.0.0.1:1") }, template.ErrAddress},
		"a bad pin":               {func(c *template.Config) { c.Node = link(t, "https://127.0.0.1:1?pin=sha256:1") }, template.ErrAddress},
		"a pin for clear text":    {func(c *template.Config) { c.Node = link(t, "http://127.0.0.1:1?pin=sha256:"+strings.Repeat("0", 64)) }, template.ErrAddress},
		"clear text":              {func(c *template.Config) { c.Node = link(t, "http://192.0.2.1:8332") }, template.ErrClearText},
		"clear text to a name":    {func(c *template.Config) { c.Node = link(t, "http://node.example:8332") }, template.ErrClearText},
		"an address of mainnet":   {func(c *template.Config) { c.Payout = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4" }, coin.ErrWrongNetwork},
		"an address of practice":  {func(c *template.Config) { c.Coin = cointest.Params(t, "bitcoin", coin.Main); c.Payout = payout }, coin.ErrWrongNetwork},
		"no address to pay":       {func(c *template.Config) { c.Payout = "" }, coin.ErrBadAddress},
		"a network without nodes": {func(c *template.Config) { c.Coin = cointest.Params(t, "bitcoin", coin.Practice) }, template.ErrChain},
	} {
		t.Run(name, func(t *testing.T) {
			config := base
			config.Handler = &recorder{}
			c.change(&config)
			_, err := template.New(config)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v", err)
			}
			clean(t, err.Error())
		})
	}
	// Without a password there is nothing to be read on the way, and https is for any.
	for _, address := range []string{"http://192.0.2.1", "https://192.0.2.1"} {
		config := base
		config.Handler = &recorder{}
		config.Node = link(t, address)
		if address[4] != 's' {
			config.User, config.Password = "", ""
		}
		if c, err := template.New(config); err != nil || c.Address() != address+":18443" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A certificate that nobody vouches for is refused before the password is sent. The
// node's own certificate helps, and so does its key in the address.
func TestCertificate(t *testing.T) {
	f := newFake(t)
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer func() { s.CloseClientConnections(); s.Close() }()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	pin := "?pin=" + jsonrpc.PinOf(s.Certificate()).String()
	other := "?pin=sha256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		roots *x509.CertPool
		query string
		want  error
	}{
		"unknown":      {nil, "", jsonrpc.ErrCertificate},
		"known":        {roots, "", nil},
		"pinned":       {nil, pin, nil},
		"one of two":   {nil, other + strings.Replace(pin, "?", "&", 1), nil},
		"another key":  {nil, other, jsonrpc.ErrPinned},
		"another both": {roots, other, jsonrpc.ErrPinned},
	} {
		t.Run(name, func(t *testing.T) {
			config := f.config()
			config.Node, config.Dialer = link(t, s.URL+c.query), &jsonrpc.Dialer{Roots: c.roots}
			before := f.count("getblockhash")
			r := record(t, config)
			if c.want == nil {
				r.state(t, pow.Mining)
			} else if d := r.down(t); !errors.Is(d.Err, c.want) || f.count("getblockhash") != before {
				t.Errorf("%+v", d)
			}
			r.cancel()
		})
	}
}

func link(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The cookie is read anew for each question: a node that starts again writes another.
func TestCookieChanges(t *testing.T) {
	f := newFake(t)
	var secret atomic.Value
	secret.Store("first")
	f.answer = func(w http.ResponseWriter, r *http.Request, _ question) bool {
		_, password, _ := r.BasicAuth()
		if password != secret.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	var known atomic.Value
	known.Store("none yet")
	c := f.config()
	c.User, c.Password, c.Login = "", "", func() (string, string, error) {
		if known.Load() == "none yet" {
			return "", "", errors.New("there is no such file")
		}
		return "__cookie__", known.Load().(string), nil
	}
	c.Refresh = 5 * time.Millisecond
	r := record(t, c)
	if s := r.down(t); !errors.Is(s.Err, template.ErrNoLogin) {
		t.Errorf("%+v", s)
	}
	known.Store("first")
	r.state(t, pow.Mining)
	secret.Store("second")
	if s := r.down(t); !errors.Is(s.Err, template.ErrLogin) || s.Retry == 0 {
		t.Errorf("%+v", s)
	}
	known.Store("second")
	r.state(t, pow.Mining)
}
