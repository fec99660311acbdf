package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/purse"
	"goldpan/core/coin"
)

// walletSafety is about backups, locks and servers. Its methods are for Fyne's
// goroutine.
type walletSafety struct {
	view    *walletView
	content *fyne.Container

	backup   *widget.Label
	words    *widget.Button
	file     *widget.Button
	lockCard *panel
	lock     *widget.Select
	keyring  *widget.Check
	server   *widget.Label
	change   *widget.Button
	look     *widget.Button
	watch    *widget.Button
	drawn    bool
}

// locks are what may be chosen for the automatic lock.
var locks = []struct {
	after time.Duration
	name  string
}{{5 * time.Minute, "after 5 minutes"}, {10 * time.Minute, "after 10 minutes"}, {time.Hour, "after an hour"}, {0, "never"}}

func newWalletSafety(v *walletView) *walletSafety {
	s := &walletSafety{view: v, backup: explanation(""), server: explanation("")}
	p, a := v.place, v.account
	s.words = widget.NewButton("Show the words, and prove them", func() { p.showWords(a) })
	s.file = widget.NewButtonWithIcon("Make a backup file", theme.DocumentSaveIcon(), s.backupFile)
	backup := newPanel(container.New(column{6}, figureLabel("Backup"), s.backup, container.New(layout.NewRowWrapLayout(), s.words, s.file)))

	var names []string
	for _, l := range locks {
		names = append(names, l.name)
	}
	s.lock = widget.NewSelect(names, nil)
	s.lock.SetSelectedIndex(1)
	for i, l := range locks {
		if l.after == p.purse.AutoLock() {
			s.lock.SetSelectedIndex(i)
		}
	}
	s.lock.OnChanged = func(string) {
		if err := p.purse.SetAutoLock(locks[s.lock.SelectedIndex()].after); err != nil {
			p.window.tell(err)
		}
	}
	s.keyring = widget.NewCheck("Let this computer's keyring open it, without the passphrase", nil)
	s.keyring.SetChecked(p.purse.KeyringOpens(a))
	s.keyring.OnChanged = s.keep
	s.lockCard = newPanel(container.New(column{6}, figureLabel("Lock"),
		explanation("While it is locked, nothing can be spent and no word be seen; what comes in is shown all the same."),
		container.NewBorder(nil, nil, container.New(middle{}, caption("Its words lock themselves")), nil, s.lock), s.keyring,
		explanation("Whoever is signed in to this computer can then open it. The passphrase still opens it; do not forget it.")))

	s.change = widget.NewButton("Change the servers", func() { p.askServers(a) })
	s.look = widget.NewButton("Look for coins on other paths", func() { p.probe(a) })
	s.watch = widget.NewButton("Show what others watch it by", func() { p.public(a) })
	servers := newPanel(container.New(column{6}, figureLabel("Wallet servers"), s.server, container.New(layout.NewRowWrapLayout(), s.change, s.look, s.watch)))
	s.content = container.New(column{8}, backup, servers, s.lockCard)
	return s
}

func (s *walletSafety) show(v purse.Snapshot) {
	real := v.ID.Network != coin.Practice
	text := "No backup was proven yet."
	switch {
	case v.WatchOnly:
		text = "It has no words: the wallet that it watches has them."
	case !v.Backup.Words.IsZero():
		text = "Its words were proven on " + moment(v.Backup.Words) + "."
	case !v.Backup.File.IsZero():
		text = "A backup file was proven on " + moment(v.Backup.File) + ". Its words bring it back too."
	}
	say(s.backup, text)
	s.words.Hidden = v.WatchOnly
	s.lockCard.Hidden = !v.Sealed || v.WatchOnly
	text = "None is asked. A wallet server tells what was paid to your addresses; whoever runs it sees them. Your own is best. Goldpan believes none: it checks each payment against the chain's proof of work."
	switch {
	case !real:
		text = "The practice network has its own, inside Goldpan. It asks nobody else."
	case len(v.Named) > 0:
		lines := []string{"Asked: " + serverNames(v) + ". Whoever runs them sees your addresses."}
		for _, x := range v.Sync.Servers {
			how := "in step"
			switch {
			case x.Dropped:
				how = "dropped: it said what is not true"
			case x.Err != nil:
				how, _ = desk.Explain(x.Err)
			case !x.Synced:
				how = "being asked"
			}
			lines = append(lines, purse.Host(x.URL)+": "+how)
		}
		text = strings.Join(lines, "\n")
	}
	say(s.server, text)
	s.change.Hidden = !real
	s.look.Hidden = !real || v.WatchOnly || len(v.Named) == 0
	if !s.drawn {
		s.drawn = true
		s.content.Refresh()
	}
}

// keep has the keyring keep what opens the wallet, or forget it.
func (s *walletSafety) keep(on bool) {
	p, a := s.view.place, s.view.account
	s.keyring.Disable()
	set := func(on bool) {
		s.keyring.OnChanged = nil
		s.keyring.SetChecked(on)
		s.keyring.OnChanged = s.keep
		s.keyring.Enable()
	}
	if on && a.Snapshot().State == purse.Locked {
		set(false)
		s.view.lock()
		return
	}
	p.tasks.Add(1)
	go func() {
		defer p.tasks.Done()
		var err error
		if on {
			err = a.KeepKey(p.ctx)
		} else {
			err = a.DropKey(p.ctx)
		}
		p.window.draw(func() {
			set(on == (err == nil))
			if err != nil {
				p.window.tell(err)
			}
		})
	}()
}

// backupFile writes an encrypted backup file, and proves it.
func (s *walletSafety) backupFile() {
	p, a := s.view.place, s.view.account
	begin := func(string) {
		passphrase := ""
		box, _, good := p.passphraseEntry(func(text, _ string) { passphrase = text }, func() {})
		p.askFile("Make a backup file", "It holds the words, the labels and the paths, sealed by a passphrase of its own. Keep it on another disk than this one.", "Write and prove it",
			p.freshFile(a, "backup-"+time.Now().Format("2006-01-02")+".age"), func(_ context.Context, path string) (string, error) {
				if !good() {
					return "", errDiffer
				}
				return "It is written, was read again, and brings this wallet back.", a.WriteBackup(path, passphrase)
			}, box)
	}
	if a.Snapshot().State == purse.Locked {
		p.askUnlock(a, "Before a backup is made", "The words go into it, so it must be unlocked.", begin)
		return
	}
	begin("")
}

// askServers asks which servers are asked, and says what they see. None is contacted
// before the answer.
func (p *walletPlace) askServers(a *purse.Account) {
	entry := widget.NewMultiLineEntry()
	entry.SetMinRowsVisible(3)
	entry.SetPlaceHolder("tls://host:50002")
	entry.SetText(strings.Join(a.Snapshot().Named, "\n"))
	says := explanation("")
	says.Hide()
	_, proxy, err := a.Contacts()
	through := "They are asked directly; a proxy can be named in config.toml."
	switch {
	case err != nil:
		through = explained(err)
	case proxy != "":
		through = "All goes through the proxy " + proxy + "."
	}
	judge := func(text string) []string {
		urls := strings.Fields(text)
		lines := []string{}
		for _, u := range urls {
			switch {
			case purse.CheckServer(u) != nil:
				lines = append(lines, u+": "+explained(purse.CheckServer(u)))
			case !purse.Encrypted(u):
				lines = append(lines, purse.Host(u)+": in clear text; whoever is on the way sees your addresses too.")
			default:
				lines = append(lines, purse.Host(u)+": encrypted.")
			}
		}
		hint(says, strings.Join(lines, "\n"))
		return urls
	}
	entry.OnChanged = func(text string) { judge(text) }
	judge(entry.Text)
	var s *sheet
	ok := widget.NewButton("Ask these", nil)
	ok.Importance = widget.HighImportance
	ok.OnTapped = func() {
		urls := judge(entry.Text)
		if err := a.SetServers(urls...); err != nil {
			hint(says, explained(err))
			return
		}
		s.hide()
		p.look()
	}
	none := widget.NewButton("None for now", func() {
		s.hide()
		if err := a.SetServers(); err != nil {
			p.window.tell(err)
		}
		p.look()
	})
	s = p.window.newSheet("Which wallet server may be asked?", container.New(column{6},
		wrapped("A wallet server is a computer that has read the whole chain, and tells your wallet what was paid to its addresses. Whoever runs it sees these addresses and where you ask from. It cannot take a coin, and what it says is checked."),
		entry, says,
		explanation("One a line, such as tls://host:50002. "+through+" They are asked from now on, whenever this wallet is open. Two or more hold each other to the truth."),
		serverHelp(a.ID())), fyne.Focusable(entry), none, ok)
	if p.window.options.Screen != nil {
		p.window.options.Screen("wallet servers")
	}
}

// serverHelp says how to come by a wallet server of a coin.
func serverHelp(id purse.ID) fyne.CanvasObject {
	node, program := "a node of the coin", "ElectrumX"
	switch id.Coin {
	case "bitcoin":
		node, program = "Bitcoin Core", "electrs, Fulcrum or ElectrumX"
	case "litecoin":
		node = "Litecoin Core"
	case "dogecoin":
		node = "Dogecoin Core"
	}
	return newPanel(container.New(column{4}, figureLabel("You have none yet?"),
		explanation("Goldpan comes with none: which one sees your addresses is for you to say. There are two good ways."),
		explanation("1. Your own. Run "+node+" and beside it "+program+"; both are free. Its address is then tcp://127.0.0.1:50001 on this computer. Nobody else sees anything."),
		explanation("2. Somebody's whom you trust. Ask them for the address, its port, and the fingerprint of its key."),
		explanation("Until then take “None for now”: you can receive and mine to this wallet all the same, and name a server later under Safety and servers.")))
}

// probe looks for coins on the paths of other wallets.
func (p *walletPlace) probe(a *purse.Account) {
	begin := func(string) {
		says := wrapped("The servers see the addresses of each path.")
		state := explanation("")
		box := container.New(column{6}, says, state)
		ctx, cancel := context.WithCancel(p.ctx)
		var s *sheet
		stop := widget.NewButton("Stop", func() {
			cancel()
			s.hide()
		})
		s = p.window.newSheet("Looking along the paths of other wallets", box, nil, stop)
		p.tasks.Add(1)
		go func() {
			defer p.tasks.Done()
			found, err := a.Probe(ctx, func(done, all int) {
				p.window.draw(func() { say(state, "Path "+count(uint64(done+1))+" of "+count(uint64(all))+" …") })
			})
			if ctx.Err() != nil {
				return
			}
			p.window.draw(func() {
				stop.SetText("Close")
				if err != nil {
					say(state, explained(err))
					return
				}
				lines := []string{}
				for _, f := range found {
					lines = append(lines, f.Path+", of "+f.By+": "+plural(f.Transactions, "payment")+", "+amount(f.Balance.Total())+". It is in the list of your wallets now.")
					id := a.ID()
					id.Path = f.Path
					if _, err := p.purse.Show(id); err != nil {
						lines = append(lines, explained(err))
					}
				}
				if len(lines) == 0 {
					lines = append(lines, "Nothing was found beside what is shown already.")
				}
				say(state, strings.Join(lines, "\n"))
				s.pop.Resize(s.pop.MinSize())
				p.list()
			})
		}()
	}
	if a.Snapshot().State == purse.Locked {
		p.askUnlock(a, "Before other paths are looked at", "Their addresses are made of the words.", begin)
		return
	}
	begin("")
}

// public shows what others watch the wallet by.
func (p *walletPlace) public(a *purse.Account) {
	extended, descriptor, err := a.Public()
	if err != nil {
		p.window.tell(err)
		return
	}
	box := container.New(column{6}, wrapped("Whoever has it sees every address and every payment, and can spend nothing."))
	for _, each := range [][2]string{{"Public key", extended}, {"Descriptor", descriptor}} {
		value := widget.NewLabel(each[1])
		value.TextStyle.Monospace, value.Selectable, value.SizeName, value.Wrapping = true, true, theme.SizeNameCaptionText, fyne.TextWrapBreak
		b := widget.NewButtonWithIcon("Copy", theme.ContentCopyIcon(), nil)
		b.OnTapped = func() { p.window.copyOut(b, each[1]) }
		box.Add(container.NewBorder(nil, nil, nil, container.NewVBox(b), container.New(column{0}, caption(each[0]), value)))
	}
	var s *sheet
	s = p.window.newSheet("To watch this wallet elsewhere", box, nil, widget.NewButton("Close", func() { s.hide() }))
}
