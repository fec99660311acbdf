package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"

	"goldpan/app/desk/home"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/invite/knock"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/practice"
	"goldpan/core/stratum"
)

// practicePool is a practice network's pool, and an address that it pays.
func practicePool(t *testing.T) (pool, payee string) {
	t.Helper()
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	to, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), params.Chain)
	if err != nil {
		t.Fatal(err)
	}
	n, err := practice.Open(practice.Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: 2e4})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = n.Close()
	})
	return n.PoolURL(), to.EncodeAddress()
}

// gatewayLine is what the lines of gateway and its commands hold.
type gatewayLine struct {
	Type, Page, Payee, Payout, Link, Token, Name, State, Kind, ID, Joined string
	Stratum                                                               []string
	Accepted                                                              uint64
	Sealed                                                                bool
}

// household runs goldpan gateway on a data directory; at is where it listened the last time.
type household struct {
	*process
	t           *testing.T
	dir         string
	args        []string
	page, miner string
}

func startHousehold(t *testing.T, dir, pool, user string, more ...string) *household {
	t.Helper()
	h := &household{t: t, dir: dir, args: []string{"gateway", "--upstream", pool, "--user", user, "--algorithm", "sha256d", "--payee", "Ada", "--data", dir}}
	h.args = append(h.args, more...)
	h.start("127.0.0.1:0", "127.0.0.1:0")
	return h
}

func (h *household) start(web, listen string) {
	h.t.Helper()
	h.process = start(h.t, "", append(h.args, "--web", web, "--listen", listen)...)
	h.until("gateway")
	var l gatewayLine
	if err := json.Unmarshal(h.lines.Bytes(), &l); err != nil {
		h.t.Fatal(err)
	}
	h.page, h.miner = l.Page, l.Stratum[0]
	lines := h.lines
	go func() { // nobody may wait for us to read
		for lines.Scan() {
		}
	}()
}

// kill ends it as a power cut would, and again starts it at the same addresses.
func (h *household) kill() {
	h.t.Helper()
	if err := h.Process.Kill(); err != nil {
		h.t.Fatal(err)
	}
	_, _ = h.Process.Wait()
}

func (h *household) again() {
	h.t.Helper()
	h.start(strings.Trim(strings.TrimPrefix(h.page, "http:"), "/"), strings.TrimPrefix(h.miner, "stratum+tcp://"))
}

// ask runs one of the gateway's commands.
func (h *household) ask(args ...string) (lines []gatewayLine) {
	h.t.Helper()
	c := exec.Command(goldpan, append(append([]string{"gateway"}, args...), "--data", h.dir, "--json")...)
	out, err := c.Output()
	if err != nil {
		h.t.Fatalf("gateway %v: %v\n%s", args, err, out)
	}
	for text := range strings.Lines(string(out)) {
		var l gatewayLine
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Type == "" {
			h.t.Fatalf("not a line of the contract: %q, %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func (h *household) device(name string) gatewayLine {
	h.t.Helper()
	for _, l := range h.ask("devices", "--all") {
		if l.Type == "device" && l.Name == name {
			return l
		}
	}
	h.t.Fatalf("no device %q", name)
	return gatewayLine{}
}

func (h *household) accepted(name string) uint64 {
	h.t.Helper()
	return h.device(name).Accepted
}

// digger is a device that hashes by hand until it is told to rest.
type digger struct {
	*stratum.Client
	mu       sync.Mutex
	job      *pow.Job
	resting  bool
	sent     uint64 // shares
	accepted uint64 // of them, as it was told
}

func (d *digger) State(pow.State) {}

func (d *digger) Job(j *pow.Job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.job = j
}

func (d *digger) sum() (sent, accepted uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent, d.accepted
}

// rest stops or starts the hashing, and waits for what is on its way.
func (d *digger) rest(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resting = on
}

func dig(t *testing.T, at string, cfg stratum.Config) *digger {
	t.Helper()
	u, err := stratum.ParseURL(at)
	if err != nil {
		t.Fatal(err)
	}
	d := &digger{}
	cfg.URL, cfg.Algorithm, cfg.Handler, cfg.Suggest = u, hasher.SHA256d, d, 1e-7
	cfg.Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	d.Client = stratum.NewClient(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { d.work(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	return d
}

func (d *digger) work(ctx context.Context) {
	var last *pow.Job
	for nonce := uint32(0); ctx.Err() == nil; nonce++ {
		d.mu.Lock()
		j, resting := d.job, d.resting
		d.mu.Unlock()
		if j == nil || resting {
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
			continue
		}
		if j != last {
			last, nonce = j, 0
		}
		s, ok := j.Check(pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time, Nonce: nonce})
		if !ok {
			continue
		}
		told := make(chan struct{})
		d.Submit(s, func(r pow.Result) {
			d.mu.Lock()
			d.sent++
			if r.Status == pow.Accepted {
				d.accepted++
			}
			d.mu.Unlock()
			close(told)
		})
		select {
		case <-told:
		case <-ctx.Done():
		}
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// A page that was invited and a miner with a token mine through goldpan gateway; it is killed while they do, and comes
// back: they log in again by themselves, and the accounts are exact.
func TestGatewayKilled(t *testing.T) {
	t.Parallel()
	pool, payee := practicePool(t)
	h := startHousehold(t, t.TempDir(), pool, payee+".home")
	invited := h.ask("invite", "--name", "Phone")[0]
	token := h.ask("invite", "--miner", "--name", "Desk")[0].Token
	link, err := invite.ParseLink(invited.Link)
	if err != nil {
		t.Fatalf("%+v: %v", invited, err)
	}
	phone := &knock.Device{Invitation: link, Agreed: invite.Payee{Name: "Ada", Address: payee},
		Keep: func(context.Context, invite.Credential) error { return nil }, Welcome: func(invite.Payee) {}}
	diggers := map[string]*digger{
		"Phone": dig(t, strings.Replace(strings.TrimSuffix(h.page, "/"), "http", "ws", 1)+"/stratum", stratum.Config{User: "phone", Greet: func(ctx context.Context, conn jsonrpc.Conn) error {
			err := phone.Greet(ctx, conn)
			if f, ok := errors.AsType[*knock.Failure](err); ok && f.Final {
				return errors.Join(stratum.ErrRefusedForGood, err)
			}
			return err
		}}),
		"Desk": dig(t, h.miner, stratum.Config{User: "anybody", Password: token}),
	}
	more := func(n uint64) {
		t.Helper()
		for name, d := range diggers {
			_, before := d.sum()
			until(t, name+"'s shares are accepted", func() bool { _, now := d.sum(); return now >= before+n })
		}
	}
	more(3)
	seen := map[string]uint64{}
	for name := range diggers {
		seen[name] = h.accepted(name)
	}
	more(2)
	h.kill() // in the middle of it
	h.again()
	more(3)
	for _, d := range diggers {
		d.rest(true)
	}
	kept := map[string]uint64{}
	for name, d := range diggers {
		// What was accepted and is not on the disk is half a second's at most; one share may have been counted whose
		// answer was lost.
		var sent, accepted uint64
		until(t, name+" rests", func() bool {
			a, b := d.sum()
			still := a == sent && kept[name] == h.accepted(name)
			sent, accepted, kept[name] = a, b, h.accepted(name)
			return still
		})
		if kept[name] < seen[name]+3 || kept[name] > accepted+1 {
			t.Errorf("%s: %d shares were on the disk before the kill, %d were accepted in all, and %d are counted", name, seen[name], accepted, kept[name])
		}
	}
	h.kill() // while nobody works
	h.again()
	for name, want := range kept {
		if got := h.accepted(name); got != want {
			t.Errorf("%s: %d shares were counted, and %d are after a kill", name, want, got)
		}
	}

	if l := h.ask("rename", "Phone", "Old phone")[0]; l.Name != "Old phone" {
		t.Errorf("%+v", l)
	}
	h.ask("pause", "Old phone")
	if l := h.device("Old phone"); l.State != "paused" || l.Kind != "page" {
		t.Errorf("%+v", l)
	}
	h.ask("resume", "Old phone")
	h.ask("limit", "Desk", "2M")
	h.ask("remove", "Desk")
	if l := h.device("Desk"); l.State != "removed" || l.Accepted != kept["Desk"] {
		t.Errorf("%+v", l)
	}
	diggers["Desk"].rest(true)
	second := run(t, 1, "", append(h.args, "--web", "127.0.0.1:0")...)
	if e := last(t, second, "error"); !strings.Contains(e.Message, "already running") || e.Hint == "" {
		t.Errorf("a second gateway: %+v", e)
	}
	if err := h.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if state, err := h.Process.Wait(); err != nil || state.ExitCode() != 0 {
		t.Errorf("interrupted: %v, %v\n%s", state, err, h.said.String())
	}
}

// People get the link and a picture that can be scanned, and are told how long it is good.
func TestGatewayInviteForPeople(t *testing.T) {
	t.Parallel()
	h := startHousehold(t, t.TempDir(), "stratum+tcp://"+refusing(t), "account.home", "--payout", "the account")
	c := exec.Command(goldpan, "gateway", "invite", "--data", h.dir, "--name", "Ada's phone")
	var said transcript
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatal(err, said.String())
	}
	if text := string(out); !strings.Contains(text, h.page+"#join=") || !strings.Contains(text, "█▀") {
		t.Errorf("printed\n%s", text)
	}
	if text := said.String(); !strings.Contains(text, "Ada's phone") || !strings.Contains(text, "ten minutes") {
		t.Errorf("said\n%s", text)
	}
}

func TestGatewayBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := []string{"gateway", "--data", dir, "--upstream", "stratum+tcp://127.0.0.1:1", "--user", "account", "--algorithm", "sha256d"}
	with := func(more ...string) []string { return append(append([]string(nil), base...), more...) }
	for _, c := range []struct {
		name, says string
		code       int
		args       []string
	}{
		{"nothing", "--web, --listen", 2, []string{"gateway", "--data", dir}},
		{"no pool", "--upstream, --user", 2, []string{"gateway", "--data", dir, "--web", "127.0.0.1:0"}},
		{"no user", "--upstream and --user", 2, []string{"gateway", "--data", dir, "--web", "127.0.0.1:0", "--upstream", "stratum+tcp://127.0.0.1:1"}},
		{"a website", "--upstream", 2, []string{"gateway", "--data", dir, "--web", "127.0.0.1:0", "--upstream", "https://pool.example", "--user", "x"}},
		{"nowhere to come", "--web, --listen", 2, base},
		{"no address", "HOST:PORT", 1, with("--web", "here", "--payout", "x")},
		{"who is paid", "told who is paid", 1, with("--web", "127.0.0.1:0")},
		{"half a certificate", "together", 2, with("--web", "127.0.0.1:0", "--tls-cert", "x")},
		{"tls without a certificate", "--tls-cert and --tls-key", 2, with("--listen-tls", "127.0.0.1:0")},
		{"a certificate for nothing", "what it is for", 2, with("--web", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "y")},
		{"no such certificate", "cannot be used", 1, with("--listen-tls", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "y", "--payout", "x")},
		{"public without page", "--web ADDR", 2, with("--public-url", "https://x", "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "y")},
		{"a wallet server at home", "--public-url", 2, with("--web", "127.0.0.1:0", "--electrum", "tls://x:1")},
		{"no devices", "--max-devices", 2, with("--web", "127.0.0.1:0", "--max-devices", "0")},
		{"nobody runs", "no gateway is running", 1, []string{"gateway", "invite", "--data", dir}},
		{"nobody runs either", "no gateway is running", 1, []string{"gateway", "devices", "--data", dir}},
		{"whom", "DEVICE is needed", 2, []string{"gateway", "remove", "--data", dir}},
		{"no rate", "hashes a second", 2, []string{"gateway", "limit", "x", "fast", "--data", dir}},
		{"another word", "too many", 2, []string{"gateway", "dance", "--data", dir}},
	} {
		lines := inside(t, c.code, c.args...)
		if e := last(t, lines, "error"); !strings.Contains(e.Message+e.Hint, c.says) || e.Hint == "" {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

func TestParseRate(t *testing.T) {
	for s, want := range map[string]float64{"0": 0, "500000": 5e5, "500k": 5e5, "1.5 MH/s": 1.5e6, "2G": 2e9, "3TH/s": 3e12, "7H/s": 7} {
		if got, err := parseRate(s); err != nil || got != want {
			t.Errorf("%q: %g, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-1", "NaN", "Inf", "k", "5x", "1e300"} {
		if got, err := parseRate(s); err == nil {
			t.Errorf("%q is %g", s, got)
		}
	}
}

// TestInvitationIsWithdrawn: an open invitation takes a place, and is withdrawn by its name; what a command answers about a
// device in JSON holds what it has done.
func TestInvitationIsWithdrawn(t *testing.T) {
	t.Parallel()
	pool, payee := practicePool(t)
	h := startHousehold(t, t.TempDir(), pool, payee, "--max-devices", "2")
	h.ask("invite", "--miner", "--name", "Box")
	link := h.ask("invite", "--name", "Ada's phone")[0]
	run(t, 1, "", "gateway", "invite", "--data", h.dir)
	if l := h.ask("remove", "Ada's phone")[0]; l.Type != "withdrawn" || l.ID != link.ID {
		t.Errorf("%+v", l)
	}
	run(t, 1, "", "gateway", "remove", "Ada's phone", "--data", h.dir)
	if l := h.ask("pause", "Box")[0]; l.State != "paused" || l.Joined == "" {
		t.Errorf("%+v", l)
	}
}

// TestInvitationFits: a whole QR code and the line after it stand in a terminal of 24 lines, and whose link nobody else can
// open is told so.
func TestInvitationFits(t *testing.T) {
	t.Parallel()
	pool, payee := practicePool(t)
	h := startHousehold(t, t.TempDir(), pool, payee)
	out, err := exec.Command(goldpan, "gateway", "invite", "--data", h.dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, picture, found := strings.Cut(string(out), "█")
	if n := strings.Count(picture, "\n"); !found || n > 23 || strings.Contains(picture, "join") {
		t.Errorf("%d lines, %s", n, out)
	}
	if !strings.Contains(string(out), "on this computer alone") {
		t.Errorf("%s", out)
	}
}

// TestHelpOfOne: help with a command's words is that command's help.
func TestHelpOfOne(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{"help gateway": "Usage: goldpan gateway ", "help gateway invite": "Usage: goldpan gateway invite ", "help wallet": "goldpan wallet create", "help": "Commands:"} {
		if out, err := exec.Command(goldpan, strings.Fields(args)...).Output(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %q", args, err, out)
		}
	}
	run(t, 2, "", "help", "nothing")
}

// TestMisfitIsListed: the list of devices says why none of a device's work counts.
func TestMisfitIsListed(t *testing.T) {
	t.Parallel()
	var out, lines bytes.Buffer
	s := &home.Snapshot{Devices: []home.Device{{Name: "Box", Misfit: "Box mines scrypt."}, {Name: "Phone"}}}
	for _, x := range []*terminal{{out: &out, err: &out}, {out: &lines, err: &lines, json: true}} {
		if err := x.gatewayDevices(s, false); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(out.String(), "Box mines scrypt.\n") != 1 || strings.Count(lines.String(), `"misfit":"Box mines scrypt."`) != 1 || strings.Count(lines.String(), "misfit") != 1 {
		t.Errorf("%s%s", &out, &lines)
	}
}
