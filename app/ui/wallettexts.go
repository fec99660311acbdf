package ui

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/wallet"
)

// unaudited is said wherever a wallet of real coins is shown.
const unaudited = "Nobody has audited this wallet. Keep small amounts in it."

// accountName is what a wallet is called in the row.
func accountName(a *purse.Account) string {
	id := a.ID()
	if id.Network == coin.Practice {
		return "Practice"
	}
	name := id.Coin
	if c, err := coin.ByID(id.Coin); err == nil {
		name = c.Name
	}
	if kind, n, found := strings.Cut(id.Name, "-"); found {
		if kind == "watch" { // these are counted from 2 as the others are, but no first stands before them
			if i, err := strconv.Atoi(n); err == nil {
				n = strconv.Itoa(i - 1)
			}
		}
		if n != "1" {
			name += " " + n
		}
	} else if id.Name != "" {
		name += " " + id.Name
	}
	if a.WatchOnly() {
		name += ", watched"
	}
	if id.Network != coin.Main {
		name += " (" + string(id.Network) + ")"
	}
	if id.Path != "" {
		name += ", " + id.Path
	}
	return name
}

// moneyWords say what a balance is made of, a part a line; none is said twice.
func moneyWords(s purse.Snapshot, r purse.Ripening) []string {
	b := s.Balance
	unit := unitOf(s.Params)
	if b.Total() == 0 {
		return []string{"Nothing came in yet. Give somebody your address, or mine to it."}
	}
	lines := []string{amount(b.Confirmed) + unit + " can be spent"}
	if b.Unconfirmed != 0 {
		lines = append(lines, amount(b.Unconfirmed)+unit+" on its way: in no block yet, and it may never be")
	}
	if b.Immature != 0 {
		line := amount(b.Immature) + unit + " immature: rewards ripen for " + plural(s.Params.Maturity, "block")
		if r.Needs > 0 {
			line = amount(b.Immature) + unit + " immature: " + strconv.Itoa(int(r.Deep)) + "/" + strconv.Itoa(int(r.Needs)) + " blocks"
			if r.Rewards > 1 {
				line += " for the first of " + plural(r.Rewards, "reward")
			}
		}
		lines = append(lines, line)
	}
	if b.Dust != 0 {
		lines = append(lines, amount(b.Dust)+unit+" of dust: to spend it would cost more than it is worth")
	}
	return lines
}

// unitOf is what stands behind an amount: practice coins have no symbol of their own,
// and must not be taken for real ones.
func unitOf(p *coin.Params) string {
	if p.Network == coin.Practice {
		return " practice coins"
	}
	return " " + p.Coin.Symbol
}

// syncWords say how a wallet stands with its servers.
func syncWords(s purse.Snapshot) (kind, string, string) {
	switch {
	case s.State == purse.Shut && s.ID.Network == coin.Practice:
		return kindWait, "Getting ready", "The practice network is starting. It runs inside Goldpan."
	case s.State == purse.Shut:
		return kindIdle, "Not open", "Nothing of it is known before you open it."
	case s.Failed != nil:
		return kindBad, "Not in step", explained(s.Failed)
	case s.ID.Network != coin.Practice && len(s.Named) == 0:
		return kindIdle, "Off line", "No server is asked. Addresses work all the same; name a server to see what comes in."
	case s.Sync.Synced:
		return kindGood, "In step", "Proven up to block " + count(uint64(max(s.Height, 0))) + "."
	case s.Sync.Connected && s.Sync.Announced > s.Sync.Headers+1 && s.Sync.Headers >= 0:
		return kindWait, "Checking", "Block " + count(uint64(s.Sync.Headers)) + " of " + count(uint64(s.Sync.Announced)) + ". What is checked is kept."
	case s.Sync.Err != nil:
		return kindBad, "Not in step", explained(s.Sync.Err) + " Goldpan tries again by itself."
	}
	return kindWait, "Connecting", "Asking " + serverNames(s) + "."
}

func serverNames(s purse.Snapshot) string {
	if s.ID.Network == coin.Practice {
		return "the practice network's own server"
	}
	names := make([]string, len(s.Named))
	for i, u := range s.Named {
		names[i] = purse.Host(u)
	}
	return strings.Join(names, ", ")
}

// entryWords say what a line of the history is: title, and how it stands.
func entryWords(e purse.Entry) (title, state string) {
	switch {
	case e.Reward:
		title = "Mining reward"
	case e.Amount < 0:
		title = "Sent"
		if e.To != "" {
			title += " to " + ends(e.To)
		}
	default:
		title = "Received"
	}
	if e.Label != "" {
		title = e.Label
	}
	switch {
	case e.Height == 0:
		state = "on its way, in no block yet"
	case !e.Mature:
		state = "immature " + strconv.Itoa(int(e.Confirmations)) + "/" + strconv.Itoa(int(e.Matures))
	case e.Confirmations < 6:
		state = "confirmed by " + plural(int(e.Confirmations), "block")
	default:
		state = "confirmed"
	}
	return title, state
}

// signed is an amount with its sign.
func signed(a coin.Amount) string {
	if a > 0 {
		return "+" + amount(a)
	}
	return strings.Replace(amount(a), "-", "\u2212", 1)
}

// strengthWords judge a new passphrase.
func strengthWords(bits float64, enough bool) string {
	switch {
	case bits == 0:
		return "Take five or more words that only you would put together, or have some made for you."
	case !enough:
		return "Too soon guessed. Put one or two more words to it that do not belong together."
	case bits < 55:
		return "Good: it would take a guesser thousands of years."
	}
	return "Very good."
}

// backupWords say that no backup was proven, or "".
func backupWords(s purse.Snapshot) string {
	switch {
	case s.State == purse.Shut || s.WatchOnly || s.BackedUp:
		return ""
	case s.ID.Network == coin.Practice:
		return "Practise the backup: write twelve words down, and prove it. These coins are worth nothing, so nothing can go wrong."
	case s.Balance.Total() > 0:
		return "No backup of these coins was proven yet. If this computer breaks, they are gone."
	}
	return "No backup was proven yet. Write the words down before you receive anything."
}

// paymentWords say how a payment stands that was made here.
func paymentWords(p wallet.Sent) string {
	switch p.State {
	case wallet.PayWaiting:
		return "Waiting: no server has had it yet. It is sent by itself as soon as one is reached, and never twice."
	case wallet.PayRefused:
		why := "The servers do not take it."
		if p.Err != nil {
			why = explained(p.Err)
		}
		return why + " It is offered to them again."
	case wallet.PaySent:
		return "On its way, in no block yet."
	case wallet.PayReplaced:
		return "Another payment of the same coins was made instead."
	case wallet.PayGivenUp:
		return "Given up: its coins are yours again."
	}
	return "Arrived in a block."
}

// moment is a time for people.
func moment(t time.Time) string { return t.Local().Format("2 January 2006, 15:04") }

// saysWrong shows an error that is about what was typed, and tells whether it is one.
func saysWrong(l *widget.Label, err error, of ...error) bool {
	for _, e := range of {
		if errors.Is(err, e) {
			hint(l, explained(err))
			return true
		}
	}
	return false
}
