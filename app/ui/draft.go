package ui

import (
	"errors"
	"strconv"
	"strings"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core/coin"
)

// venue is where a draft would mine.
type venue int

const (
	presetPool venue = iota
	otherPool
	ownNode
)

// draft is what a person has said in the set-up so far. Nothing of it counts
// before it is saved.
type draft struct {
	coin    coin.Coin
	venue   venue
	preset  coin.Pool // of presetPool
	address string    // of otherPool
	node    string    // address of ownNode
	login   string    // user of ownNode; may be ""
	solo    bool      // otherPool promises whole blocks to the payout address
	payee   string    // a payout address, or an account
	worker  string    // what the pool calls this device; may be ""

	agreed   string // the payee that the person took as it is, though something speaks against it
	password string // of another pool or of the node; it goes to the vault and nowhere else
}

// defaultWorker is what pools call this device unless the person says otherwise.
const defaultWorker = "goldpan"

// paysAddress tells whether the payee has to be an address.
func (d *draft) paysAddress() bool {
	switch d.venue {
	case presetPool:
		return d.preset.User != coin.UserAccountWorker
	case ownNode:
		return true
	}
	return d.solo
}

// user is what the pool is told.
func (d *draft) user() string {
	if d.worker == "" || d.venue == presetPool && d.preset.User == coin.UserAddress {
		return d.payee
	}
	return d.payee + "." + d.worker
}

// apply writes the draft into the settings, in the place of the pools there.
// passwordKey is the id of the pool's password in the vault, or nothing.
func (d *draft) apply(c *config.Config, passwordKey string) error {
	c.Coin, c.Algorithm, c.Payout, c.Difficulty = d.coin.ID, "", "", 0
	c.Pools, c.Node = nil, config.Node{}
	if d.venue == ownNode {
		if err := c.Set("node.url", d.node); err != nil {
			return err
		}
		if err := c.Set("node.login", d.login); err != nil {
			return err
		}
		c.Node.PasswordKey = passwordKey
		return c.Set("payout", d.payee)
	}
	c.Pools = make([]config.Pool, 1)
	address := d.address
	if d.venue == presetPool {
		address = config.Preset + d.preset.ID
	}
	if err := c.Set("pool.1.url", address); err != nil {
		return err
	}
	if err := c.Set("pool.1.user", d.user()); err != nil {
		return err
	}
	c.Pools[0].PasswordKey = passwordKey
	if d.venue == otherPool {
		c.Pools[0].Solo = d.solo
	}
	if d.paysAddress() {
		return c.Set("payout", d.payee)
	}
	return nil
}

// contacts lists whom the settings with the draft in them would contact.
func (d *draft) contacts(c config.Config) (hosts []string, proxy string, err error) {
	if d.venue != ownNode {
		hosts, proxy, _, err = desk.Contacts(c)
		return hosts, proxy, err
	}
	return []string{hostOf(d.node)}, "", desk.CheckNode(c, d.password != "")
}

// settings are the person's settings with the draft in them.
func (d *draft) settings(now config.Config) (config.Config, error) {
	err := d.apply(&now, "")
	return now, err
}

// wrongWith says of a setting's value what is wrong with it, in a sentence or two;
// "" when nothing is.
func wrongWith(key, text string) string {
	c := config.Config{Pools: make([]config.Pool, 1)}
	var problems *config.Problems
	if err := c.Set(key, text); errors.As(err, &problems) {
		p := problems.List[0]
		if p.Write == "" {
			return sentence(p.Wrong)
		}
		return sentence(p.Wrong) + " " + sentence(p.Write)
	}
	return ""
}

// verdict is what is to be said of a payee.
type verdict struct {
	kind kind // kindReady: nothing yet; kindGood; kindWait: the person is asked; kindBad
	text string
	// mend, if not "", is what a button says that puts mended in the payee's place.
	mend, mended string
	// ask, if not "", is what the person may agree to, and then it may stand.
	ask string
}

// good tells whether the draft may go on with it.
func (v verdict) good(d *draft) bool {
	return v.kind == kindGood || v.ask != "" && d.agreed == d.payee
}

// shortestAddress is under which a text is more likely a name.
const shortestAddress = 25

// judge looks at the payee of a draft. It repairs nothing unasked.
func (d *draft) judge() verdict {
	if d.payee == "" {
		if d.paysAddress() {
			return verdict{text: "Copy the address from your wallet, and paste it here."}
		}
		return verdict{text: "Write the name of your account at the pool."}
	}
	main, err := d.coin.Params(coin.Main)
	if err != nil {
		return verdict{kind: kindBad, text: sentence(err.Error())}
	}
	_, err = main.ParseAddress(d.payee)
	if err == nil {
		return verdict{kind: kindGood, text: "This is a good " + d.coin.Name + " address. Compare its first and last letters with your wallet: they are " + ends(d.payee) + "."}
	}
	var hidden *coin.HiddenError
	var two *coin.AmbiguousError
	var elsewhere *coin.ElsewhereError
	switch {
	case errors.As(err, &hidden):
		v := verdict{kind: kindBad, text: "There is " + hidden.What + " in it, which was copied along."}
		if hidden.Clean != "" {
			v.mend, v.mended = "Take it out", hidden.Clean
		}
		return v
	case errors.Is(err, coin.ErrPrivateKey), errors.Is(err, coin.ErrWords), errors.Is(err, coin.ErrExtended):
		return verdict{kind: kindBad, text: explained(err)}
	case errors.As(err, &two):
		return verdict{kind: kindWait, text: sentence(two.Error()) + " In a form that only " + d.coin.Name + " uses it is " + two.Means.Text + ".",
			mend: "It is my " + d.coin.Name + " address", mended: two.Means.Text}
	case errors.As(err, &elsewhere):
		return d.judgeElsewhere(elsewhere)
	case d.paysAddress():
		return verdict{kind: kindBad, text: explained(err)}
	case len(d.payee) >= shortestAddress && (errors.Is(err, coin.ErrChecksum) || errors.Is(err, coin.ErrMixedCase)):
		return verdict{kind: kindWait, text: "This looks like an address with a typing error. Copy it again, whole.", ask: "It is the name of my account"}
	}
	if wrong := wrongWith("pool.1.user", d.payee); wrong != "" {
		return verdict{kind: kindBad, text: wrong}
	}
	return verdict{kind: kindGood, text: "The pool pays whoever holds this account. Whether it exists, the pool says when mining starts."}
}

// judgeElsewhere is about a good address of another network.
func (d *draft) judgeElsewhere(e *coin.ElsewhereError) verdict {
	v := verdict{kind: kindBad, text: explained(e)}
	worthless := true
	for _, looks := range e.Looks {
		worthless = worthless && looks.Network != coin.Main
	}
	if worthless {
		looks := e.Looks[0]
		v.text = "This is an address of the " + string(looks.Network) + " network of " + looks.Coin.Name + ", whose coins are worth nothing."
		if looks.Network == coin.Practice {
			v.text = "This is an address of the practice network, whose coins are worth nothing."
		}
	}
	switch {
	case d.venue == otherPool && !d.solo:
		v.kind, v.ask = kindWait, "It is what this pool wants"
	case d.venue == ownNode && worthless && e.Looks[0].Network != coin.Practice && e.Looks[0].Coin == d.coin:
		v.kind, v.ask = kindWait, "My node is of that network"
	}
	return v
}

// explained is an error's sentence and what to do about it.
func explained(err error) string {
	message, hint := desk.Explain(err)
	return strings.TrimSpace(sentence(message) + " " + hint)
}

// explainedHint is what to do about an error.
func explainedHint(err error) string {
	_, hint := desk.Explain(err)
	return hint
}

// ends are the first and the last letters of an address, which people compare.
func ends(address string) string {
	if len(address) < 16 {
		return address
	}
	return address[:6] + " … " + address[len(address)-6:]
}

// limitWords say how much of the machine mining may use by the settings, and when.
func limitWords(c config.Config, processors int) []string {
	l, m := c.Limits, c.Manners
	threads := plural(processors, "thread") + ", one for each processor"
	if l.Threads > 0 {
		threads = "at most " + plural(l.Threads, "thread")
	}
	if l.Percent > 0 && l.Percent < 100 {
		threads += ", each working " + strconv.Itoa(l.Percent) + "% of the time"
	}
	words := []string{sentence(threads)}
	if l.Celsius > 0 {
		words = append(words, "It slows down above "+plain(l.Celsius)+" °C.")
	}
	if l.Watts > 0 {
		words = append(words, "It stays under "+plain(l.Watts)+" W.")
	}
	if l.Hashrate > 0 {
		words = append(words, "It stays under "+rate(l.Hashrate)+".")
	}
	if m.OnBattery {
		words = append(words, "It goes on on battery.")
	} else {
		words = append(words, "It pauses on battery.")
	}
	if !m.WhileActive {
		words = append(words, "It pauses while you use the computer.")
	}
	if m.OthersPercent > 0 {
		words = append(words, "It pauses while other programs are busy.")
	}
	if len(m.Schedule) > 0 {
		words = append(words, "It mines at these times only: "+strings.Join(m.Schedule, "; ")+".")
	}
	return words
}

// plain writes a number as short as it is.
func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// plainTo writes a number in about three figures.
func plainTo(f float64) string {
	switch {
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}
