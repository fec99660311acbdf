// Command goldpan is Goldpan for the terminal: the same core, wallet and vault
// as the window, without one.
//
// With --json every line on standard output is one JSON object with a "type";
// what is said to people then goes to standard error. The exit code is 0 when
// the work is done, 1 when it failed, and 2 when the command was not understood.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"goldpan/app/desk"
	"goldpan/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	t := &terminal{in: os.Stdin, out: &output{to: os.Stdout}, err: os.Stderr}
	code := t.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// A command is one word of the command line, or two.
type command struct {
	name, summary string
	usage         string // what follows the name
	groups        []group
	// prepare defines the command's flags and returns what runs once they are
	// read. args are the words after the flags.
	prepare func(t *terminal, f *flag.FlagSet) func(ctx context.Context, args []string) error
}

// group is a heading in a command's help, and the options below it; all others
// come last.
type group struct {
	name    string
	options []string
}

var errUsage = errors.New("the command was not understood")

// usagef is an error of the person's own making: it ends with exit code 2.
func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

func commands() []command {
	return []command{
		practiceCommand(), mineCommand(), soloCommand(), benchCommand(),
		walletCreateCommand(), walletRestoreCommand(), walletAddressCommand(), walletBalanceCommand(), walletHistoryCommand(), walletSendCommand(),
		walletExportCommand(), walletVerifyCommand(), walletLabelCommand(), walletUnlockKeyCommand(),
		keyAddCommand(), keyListCommand(), keyShowCommand(), keyCheckCommand(), keyRotateCommand(), keyRevokeCommand(),
		keyLockCommand(), keyUnlockCommand(), keyPanicCommand(), keyAuditCommand(), keyRepairCommand(), keyMoveCommand(), keyExportCommand(), keyImportCommand(),
		exchangeBalanceCommand(), exchangeDepositCommand(), exchangePermissionsCommand(), poolstatsCommand(),
		configShowCommand(), configCheckCommand(), configSetCommand(), configPathCommand(),
		poolsCommand(), trustListCommand(), trustRemoveCommand(),
		gatewayInviteCommand(), gatewayDevicesCommand(), gatewayRemoveCommand(), gatewayRenameCommand(),
		gatewayPauseCommand(), gatewayResumeCommand(), gatewayLimitCommand(), gatewayCommand(),
		doctorCommand(),
	}
}

// run does what args ask for and returns the exit code.
func (t *terminal) run(ctx context.Context, args []string) int {
	// --json counts wherever it stands, so that an error in the words before it
	// is a JSON line too.
	for _, a := range args {
		if a == "--" {
			break
		}
		if a == "--json" || a == "-json" {
			t.json = true
		}
	}
	err := t.dispatch(ctx, t.common(args))
	if o, ok := t.out.(*output); ok && err == nil && o.err != nil {
		err = fmt.Errorf("%w: %v", errOutput, o.err)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		t.fail(strings.TrimPrefix(err.Error(), errUsage.Error()+": "), t.usageHint())
		return 2
	default:
		message, hint := desk.Explain(err)
		var certificate *untrusted
		var settings *unsound
		switch {
		case errors.As(err, &settings):
			message, hint = settings.Error(), "Mend them there, in any editor; the file was left as it is."
		case errors.As(err, &certificate):
			hint = certificate.hint()
		case errors.Is(err, errOutput):
			hint = "Look where the output goes; what was asked for is done."
		case hint == "" && errors.Is(err, errEnded):
			hint = "Type the whole of it and press Enter, or name a file that holds it; goldpan " + t.command + " --help tells how."
		case hint == "" && errors.Is(err, errSecret):
			hint = "Run this in a terminal, or name a file that holds it; goldpan " + t.command + " --help tells how."
		}
		t.fail(message, hint)
		return 1
	}
}

// common reads the options that may stand before the command too, and returns the words after them.
func (t *terminal) common(args []string) []string {
	for len(args) > 0 {
		name, value, joined := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[0], "-"), "-"), "=")
		switch {
		case !strings.HasPrefix(args[0], "-"):
			return args
		case name == "json" && !joined:
			args = args[1:]
		case name == "data" && joined:
			t.data, args = value, args[1:]
		case name == "data" && len(args) > 1:
			t.data, args = args[1], args[2:]
		default:
			return args
		}
	}
	return args
}

func (t *terminal) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		t.help(t.err)
		return usagef("no command was given")
	}
	switch args[0] {
	case "help", "--help", "-h":
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			return t.dispatch(ctx, append(slices.Clone(args[1:]), "--help"))
		}
		t.help(t.people())
		return nil
	case "version", "--version":
		t.print(record{"type": "version", "version": core.Version}, "goldpan %s", core.Version)
		return nil
	}
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) < len(words) || strings.Join(args[:len(words)], " ") != c.name {
			continue
		}
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		flags.BoolVar(&t.json, "json", t.json, "print JSON lines on standard output")
		flags.StringVar(&t.data, "data", t.data, "`DIR` where state lives; the default is "+defaultDir())
		work := c.prepare(t, flags)
		t.command = c.name
		rest := args[len(words):]
		// The id of a key may stand before the flags as well as after them.
		var front []string
		for len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			front, rest = append(front, rest[0]), rest[1:]
		}
		if err := flags.Parse(rest); errors.Is(err, flag.ErrHelp) {
			t.helpCommand(c, flags)
			return nil
		} else if err != nil {
			return usagef("%s", plainFlagError(err))
		}
		return work(ctx, append(front, flags.Args()...))
	}
	return t.noCommand(args)
}

// noCommand answers words that no command begins with. "wallet" and "key" alone
// are half of one, and those who ask for their help get it.
func (t *terminal) noCommand(args []string) error {
	var second []string
	for _, c := range commands() {
		if word, ok := strings.CutPrefix(c.name, args[0]+" "); ok {
			second = append(second, word)
		}
	}
	asked := args[:1]
	switch {
	case len(args) > 1 && !strings.HasPrefix(args[1], "-"):
		asked = args[:2]
	case len(second) == 0:
	case len(args) > 1 && slices.Contains([]string{"--help", "-help", "-h"}, args[1]):
		w := t.people()
		for _, c := range commands() {
			if strings.HasPrefix(c.name, args[0]+" ") {
				fmt.Fprintf(w, "  goldpan %-16s %s\n", c.name, c.summary)
			}
		}
		return nil
	default:
		return usagef("%q needs one more word: %s", args[0], strings.Join(second, ", "))
	}
	return usagef("there is no command %q", strings.Join(asked, " "))
}

// usageHint says where to read how the command is written.
func (t *terminal) usageHint() string {
	if t.command == "" {
		return "Run goldpan help to see the commands."
	}
	return "Run goldpan " + t.command + " --help to see how it is written."
}

// plainFlagError says what package flag says, in words for people and with the
// two dashes that the help has.
func plainFlagError(err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return "there is no option --" + strings.TrimPrefix(name, "-")
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return "--" + strings.TrimPrefix(name, "-") + " needs a value after it"
	}
	if rest, ok := strings.CutPrefix(text, "invalid value "); ok {
		value, rest, _ := strings.Cut(rest, " for flag -")
		name, _, _ := strings.Cut(rest, ":")
		return "--" + name + " cannot be " + value
	}
	return text
}

func defaultDir() string {
	dir, err := desk.DefaultDir()
	if err != nil {
		return "not known on this system"
	}
	return dir
}

// noArguments refuses words that a command does not take.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usagef("%q is one word too many", args[0])
	}
	return nil
}

func (t *terminal) help(w io.Writer) {
	fmt.Fprint(w, "Goldpan mines with what you own and keeps what you earn. No fee, no telemetry.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  goldpan %-16s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nEvery command takes --json, --data DIR and --help. A good start: goldpan practice\n")
}

func (t *terminal) helpCommand(c command, flags *flag.FlagSet) {
	w := t.people()
	fmt.Fprintf(w, "%s\n\nUsage: goldpan %s %s\n\n", c.summary, c.name, c.usage)
	shown := map[string]bool{}
	show := func(f *flag.Flag) {
		if shown[f.Name] {
			return
		}
		shown[f.Name] = true
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		fmt.Fprintf(w, "  --%s%s\n        %s", f.Name, value, text)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false" && f.DefValue != "[]" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	}
	for _, g := range c.groups {
		fmt.Fprintf(w, "%s:\n", strings.ToUpper(g.name[:1])+g.name[1:])
		for _, name := range g.options {
			show(flags.Lookup(name))
		}
		fmt.Fprintln(w)
	}
	if len(c.groups) > 0 {
		fmt.Fprintln(w, "Further:")
	}
	flags.VisitAll(show)
}
