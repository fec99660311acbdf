package ui

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
)

// homePhase is how far letting devices join has come.
type homePhase int

const (
	homeOff      homePhase = iota
	homeStarting           // what is needed is being prepared
	homeWaiting            // open, and the pool gives no work yet
	homeOn
	homeFailed
)

// homeView is all that the screen shows.
type homeView struct {
	phase    homePhase
	real     bool          // for the pools of the settings; otherwise for practice
	settings config.Config // of mining for real
	web      string        // addresses that are opened, as they were asked for
	listen   string
	err      error // with homeFailed
	home     home.Snapshot
}

// portTaken tells whether another program has a port.
func portTaken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// homeWords say how it stands, and what it means.
func homeWords(v homeView) (kind, string, string) {
	switch v.phase {
	case homeStarting:
		if !v.real {
			return kindWait, "Opening", "Preparing the practice network that they will mine on …"
		}
		return kindWait, "Opening", "Preparing …"
	case homeFailed:
		if portTaken(v.err) {
			return kindBad, "Not open", "Another program is using port " + ports(v.web, v.listen) + ". Press Use other ports."
		}
		return kindBad, "Not open", explained(v.err)
	case homeWaiting:
		return kindWait, "Open, waiting for the pool", upstreamWords(v.home)
	case homeOn:
		if lonely(v) {
			return kindBad, "Open, but out of reach", "This computer is on no home network now. Join Wi-Fi or plug in a cable; it goes on by itself."
		}
		n := v.home.Connected
		switch n {
		case 0:
			if len(here(v.home)) == 0 {
				return kindGood, "Open", "No device has joined so far."
			}
			return kindGood, "Open", "No device is here now. Those that have joined come back by themselves."
		case 1:
			return kindGood, "Open: 1 device is here", "It mines " + rate(v.home.Hashrate) + "."
		}
		return kindGood, "Open: " + strconv.Itoa(n) + " devices are here", "Together they mine " + rate(v.home.Hashrate) + "."
	}
	return kindReady, "Closed", "No device can reach this computer until you switch it on."
}

// upstreamWords say why the pool gives no work.
func upstreamWords(s home.Snapshot) string {
	for _, u := range s.Upstreams {
		if u.Reason != "" {
			return sentence(hostOf(u.Pool)+": "+u.Reason) + " Devices can join; they begin when it gives work."
		}
	}
	return "It has given no work yet. Devices can join; they begin when it does."
}

// ready tells whether the pool gives work.
func ready(s home.Snapshot) bool {
	for _, u := range s.Upstreams {
		if u.State == "mining" {
			return true
		}
	}
	return false
}

// lonely tells whether devices elsewhere were asked for and cannot come: this computer has no address but its own.
func lonely(v homeView) bool {
	host, _, err := net.SplitHostPort(v.web)
	if err != nil || host != "" && host != "0.0.0.0" && host != "::" {
		return false // that address was asked for
	}
	return loopback(v.home.Page)
}

// loopback tells whether a page is within reach of this computer alone.
func loopback(page string) bool {
	u, err := url.Parse(page)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.IsLoopback()
}

// ports name the ports of addresses.
func ports(addresses ...string) string {
	var all []string
	for _, a := range addresses {
		if _, port, err := net.SplitHostPort(a); err == nil {
			all = append(all, port)
		}
	}
	return strings.Join(all, " or ")
}

// shifted is an address with a port that is n later. Port 0, which is any, stays.
func shifted(address string, n int) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	number, err := strconv.Atoi(port)
	if err != nil || number == 0 || number+n > 65535 {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(number+n))
}

// opensWords say what opens, before and while it is.
func opensWords(v homeView) string {
	if v.phase == homeOn || v.phase == homeWaiting {
		text := "The page for phones is at " + v.home.Page
		if len(v.home.Stratum) > 0 {
			text += ", miner programs connect to " + strings.Join(v.home.Stratum, ", ")
		}
		to := "your home network"
		if loopback(v.home.Page) {
			to = "this computer alone"
		}
		return text + ". It is open to " + to + ", and closes when you switch it off or close the window."
	}
	text := "It opens " + portOf(v.web) + " for the page"
	if v.listen != "" {
		text += " and " + portOf(v.listen) + " for miner programs"
	}
	return text + " on this computer. Your system may ask whether to allow it: allow home or private networks alone. " +
		"Each device needs an invitation from you. On your home network it is plain http: nothing that opens a wallet or your pool account travels, but somebody on it could alter the page."
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" {
		return "a free port"
	}
	return "port " + port
}

// paidWords say for whom devices mine.
func paidWords(v homeView) string {
	if p := v.home.Payee; p.Address != "" {
		what := "your wallet"
		if v.home.Page != "" && !v.real {
			what = "your practice wallet, in coins worth nothing"
		} else if v.real {
			what = coinName(v.settings) + " at " + poolsWords(v.settings.Pools)
		}
		return "They mine for " + what + ". Paid, and shown on each device: " + p.Address
	}
	return ""
}

// realOption is what choosing to mine for real means, and whether it can be chosen.
func realOption(c config.Config) (text string, can bool) {
	switch {
	case len(c.Pools) > 0:
		return coinName(c) + " at " + poolsWords(c.Pools) + ", paid to " + desk.PaidTo(c) + ". Each device is shown that, and nothing else of your account.", true
	case c.Node.URL != "":
		return "You mine on your own node; devices need a pool. Choose one in Mine for real first.", false
	}
	return "Choose a pool in Mine for real first (Ctrl+2).", false
}

// here lists the devices that were not removed.
func here(s home.Snapshot) []home.Device {
	var all []home.Device
	for _, d := range s.Devices {
		if d.Removed.IsZero() {
			all = append(all, d)
		}
	}
	return all
}

// deviceWords say how a device stands.
func deviceWords(d home.Device, now time.Time) (kind, string) {
	switch {
	case d.Connected && d.Paused:
		return kindIdle, "Paused by you"
	case d.Connected && d.Resting:
		return kindIdle, "Rests: it has reached its limit"
	case d.Misfit != "":
		return kindBad, "None of its work counts"
	case d.Connected && d.Last.IsZero():
		return kindWait, "Here, no share yet"
	case d.Connected:
		return kindGood, "Here, last share " + ago(now.Sub(d.Last))
	case d.Last.IsZero() && d.Online == 0:
		if d.Miner {
			return kindWait, "Has not connected yet"
		}
		return kindIdle, "Away"
	case d.Last.IsZero():
		return kindIdle, "Away, it has sent no share yet"
	}
	return kindIdle, "Away, last share " + ago(now.Sub(d.Last))
}

// deedWords say what a device has done, or why none of it counts.
func deedWords(d home.Device) string {
	if d.Misfit != "" {
		return d.Misfit
	}
	words := []string{plural(int(d.Accepted), "share")}
	if d.Accepted >= 1000 {
		words[0] = count(d.Accepted) + " shares"
	}
	if d.Stale+d.Rejected > 0 {
		words[0] += " (" + count(d.Stale+d.Rejected) + " not counted)"
	}
	if d.Best > 0 {
		words = append(words, "best "+difficulty(d.Best))
	}
	return strings.Join(append(words, span(d.Online)+" on line"), " · ")
}

// partWords is a device's part of the household's work.
func partWords(part float64) string {
	switch {
	case part <= 0:
		return "–"
	case part < 0.01:
		return "under 1%"
	}
	return strconv.Itoa(int(part*100+0.5)) + "%"
}

// leftWords is the time that an invitation is still good for.
func leftWords(left time.Duration) string {
	left = max(left, 0).Truncate(time.Second)
	return strconv.Itoa(int(left.Minutes())) + ":" + strconv.Itoa(int(left.Seconds())%60/10) + strconv.Itoa(int(left.Seconds())%10)
}
