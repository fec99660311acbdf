package ui

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/config"
	"goldpan/core/engine"
)

// settingsScreen changes how much of the machine mining for real may use, and
// when. Each change is saved at once. Its methods are for Fyne's goroutine.
type settingsScreen struct {
	content fyne.CanvasObject
	dir     string
	changed func(config.Config) // told of each change that was saved
	saved   *widget.Label
	rows    []*setting
	first   fyne.Focusable // where the keyboard begins
}

// setting is one line of the screen.
type setting struct {
	key      string // of the settings file
	control  fyne.CanvasObject
	says     *widget.Label               // one sentence, or what is wrong
	sentence string                      // when nothing is wrong
	known    func(engine.Reading) string // what the machine tells of it; nil where it need not
}

func newSettingsScreen(dir string, changed func(config.Config)) *settingsScreen {
	s := &settingsScreen{dir: dir, changed: changed, saved: caption("")}
	c, err := config.Read(dir)
	if err != nil {
		s.content = troubleScreen(err, "Try again", func() {
			fresh := newSettingsScreen(dir, changed)
			s.content = fresh.content
		})
		return s
	}
	title := figure(theme.SizeNameSubHeadingText)
	title.SetText("Limits and manners")
	head := container.NewBorder(nil, nil, nil, s.saved, title)
	how, when := container.New(column{10}), container.New(column{10})
	for _, row := range s.limits(c) {
		s.add(how, row)
	}
	for _, row := range s.manners(c) {
		s.add(when, row)
	}
	s.content = container.New(layout.NewCustomPaddedLayout(8, 12, 14, 14), container.New(column{8},
		container.New(column{0}, head, explanation("They hold for mining for real, act at once, and are kept in config.toml.")),
		newPanel(container.New(column{10}, caption("How much it may use"), how)),
		newPanel(container.New(column{10}, caption("When it gives way"), when))))
	return s
}

func (s *settingsScreen) add(box *fyne.Container, row *setting) {
	row.says = explanation(row.sentence)
	s.rows = append(s.rows, row)
	box.Add(container.New(column{0}, row.control, row.says))
}

// set saves one setting. raw is its value as config takes it.
func (s *settingsScreen) set(row *setting, raw string) {
	c, err := config.Update(s.dir, func(c *config.Config) error { return c.Set(row.key, raw) })
	if err != nil {
		say(row.says, whatIsWrong(err))
		row.says.Importance = widget.DangerImportance
		row.says.Refresh()
		say(s.saved, "")
		return
	}
	row.says.Importance = widget.LowImportance
	say(row.says, row.sentence)
	row.says.Refresh()
	say(s.saved, "Saved at "+time.Now().Format("15:04:05")+". It holds already.")
	s.changed(c)
}

// whatIsWrong is what a person reads of a setting that was not taken.
func whatIsWrong(err error) string {
	var problems *config.Problems
	if !errors.As(err, &problems) {
		return explained(err)
	}
	p := problems.List[0]
	if p.Line > 0 { // the file was wrong before
		return sentence(problems.Error())
	}
	return strings.TrimSpace(sentence(p.Wrong) + " " + sentence(p.Write))
}

// measure says beside each setting what this machine tells of it.
func (s *settingsScreen) measure(r engine.Reading) {
	for _, row := range s.rows {
		if row.known == nil {
			continue
		}
		before := row.sentence
		base, _, _ := strings.Cut(before, measuredMark)
		row.sentence = base + measuredMark + row.known(r)
		if row.says.Text == before {
			say(row.says, row.sentence)
		}
	}
}

// measuredMark stands between a setting's sentence and what the machine tells.
const measuredMark = "\u2002"

// slider is a setting with a figure from low to high; words say it, raw writes it.
func (s *settingsScreen) slider(key, label, sentence string, low, high, now int, words func(int) string, raw func(int) string) *setting {
	row := &setting{key: key, sentence: sentence}
	value := widget.NewLabel(words(now))
	value.Alignment = fyne.TextAlignTrailing
	slide := widget.NewSlider(float64(low), float64(high))
	slide.Step = 1
	slide.Value = float64(now)
	if s.first == nil {
		s.first = slide
	}
	slide.OnChanged = func(v float64) { say(value, words(int(v))) }
	slide.OnChangeEnded = func(v float64) { s.set(row, raw(int(v))) }
	row.control = container.New(column{0}, container.NewBorder(nil, nil, figureLabel(label), value), slide)
	return row
}

// field is a setting that is typed, with its unit behind it.
func (s *settingsScreen) field(key, label, unit, sentence, now string, raw func(string) string) *setting {
	row := &setting{key: key, sentence: sentence}
	entry := widget.NewEntry()
	entry.SetText(now)
	entry.OnChanged = func(text string) { s.set(row, raw(strings.TrimSpace(text))) }
	row.control = container.NewBorder(nil, nil, figureLabel(label), caption(unit), container.New(rightHand{120}, entry))
	return row
}

// line is a setting that is typed, and may be long.
func (s *settingsScreen) line(key, label, sentence, now string) *setting {
	row := &setting{key: key, sentence: sentence}
	entry := widget.NewEntry()
	entry.SetText(now)
	entry.OnChanged = func(text string) { s.set(row, strings.TrimSpace(text)) }
	row.control = container.New(column{0}, figureLabel(label), entry)
	return row
}

// tick is a setting that is on or off.
func (s *settingsScreen) tick(key, label, sentence string, now, inverted bool) *setting {
	row := &setting{key: key, sentence: sentence}
	check := widget.NewCheck(label, nil)
	check.Checked = now != inverted
	check.OnChanged = func(on bool) { s.set(row, strconv.FormatBool(on != inverted)) }
	row.control = check
	return row
}

// number is what is typed, with nothing for 0.
func number(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

// some writes a number that may be nothing.
func some(f float64) string {
	if f == 0 {
		return ""
	}
	return plain(f)
}

// limits are the settings of how much mining may use.
func (s *settingsScreen) limits(c config.Config) []*setting {
	processors := runtime.NumCPU()
	threads := c.Limits.Threads
	if threads == 0 || threads > processors {
		threads = processors
	}
	rows := []*setting{
		s.slider("limits.threads", "Threads", "Each thread keeps one of this computer's processors busy.", 1, processors, threads,
			func(n int) string { return strconv.Itoa(n) + " of " + strconv.Itoa(processors) },
			func(n int) string {
				if n == processors {
					return "0"
				}
				return strconv.Itoa(n)
			}),
		s.slider("limits.percent", "Time", "How much of its time each thread works: less is cooler and quieter.", 1, 100, max(c.Limits.Percent, 1),
			func(n int) string { return strconv.Itoa(n) + "%" }, strconv.Itoa),
		s.slider("limits.nice", "Politeness", "How readily other programs go before mining, from 0, not at all, to 19, always.", 0, 19, c.Limits.Nice, strconv.Itoa, strconv.Itoa),
		s.field("limits.celsius", "Temperature at most", "°C", "Above it mining slows down, and pauses when that is not enough. Empty is no limit.", some(c.Limits.Celsius), number),
		s.field("limits.watts", "Power at most", "W", "Above it mining slows down. Empty is no limit.", some(c.Limits.Watts), number),
		s.field("limits.hashrate", "Hash rate at most", "H/s", "Mining goes no faster than this. Empty is no limit.", some(c.Limits.Hashrate), number),
	}
	rows[3].known = func(r engine.Reading) string {
		if !r.Celsius.Known {
			return "This computer does not tell its temperature, so the limit has no effect."
		}
		return "Now " + plainTo(r.Celsius.Value) + " °C."
	}
	rows[4].known = func(r engine.Reading) string {
		if !r.Watts.Known {
			return "This computer does not tell its power, so the limit has no effect."
		}
		return "Now " + plainTo(r.Watts.Value) + " W for the whole " + r.WattsOf + "."
	}
	return rows
}

// manners are the settings of when mining gives way.
func (s *settingsScreen) manners(c config.Config) []*setting {
	m := c.Manners
	rows := []*setting{
		s.tick("manners.on_battery", "Mine on battery too", "Mining empties a battery fast, and wears it.", m.OnBattery, false),
		s.field("manners.battery_floor", "But never under", "% of charge", "Below it mining waits for the mains.", strconv.Itoa(m.BatteryFloor), number),
		s.tick("manners.while_active", "Pause while I use the computer", "It goes on when you have left the keyboard and the mouse alone for a while.", m.WhileActive, true),
		s.field("manners.idle_after", "I am away after", "minutes", "So long without a key or the mouse.", plain(m.IdleAfter.Minutes()), func(text string) string {
			minutes, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return text
			}
			return time.Duration(minutes * float64(time.Minute)).String()
		}),
		s.field("manners.others_percent", "Pause when others use", "% or more", "Others are the other programs, and the share is of the processor: a game then has the machine to itself. 0 never pauses.", strconv.Itoa(m.OthersPercent), number),
		s.line("manners.schedule", "Only at these times", "Such as mon-fri 22:00-07:00; sat,sun 00:00-24:00. Empty is always.", strings.Join(m.Schedule, "; ")),
	}
	rows[0].known = func(r engine.Reading) string {
		if r.Power == engine.PowerUnknown {
			return "This computer does not tell whether it has a battery."
		}
		return "It is on " + r.Power.String() + " now."
	}
	rows[2].known = func(r engine.Reading) string {
		if !r.Idle.Known {
			return "This computer does not tell when you use it, so it cannot pause for that."
		}
		return ""
	}
	rows[4].known = func(r engine.Reading) string {
		if !r.Others.Known {
			return "This computer does not tell what others use, so it cannot pause for them."
		}
		return "They use " + strconv.Itoa(int(r.Others.Value+0.5)) + "% now."
	}
	return rows
}
