// Command goldpan-desktop is Goldpan's window. It opens on the practice network,
// or on mining for real once that was set up, and mines when Start is pressed;
// closing the window ends it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"goldpan/app/desk"
	"goldpan/app/ui"
	"goldpan/core"
)

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit code: 0 done, 1 failed, 2 not understood.
func run(args []string) int {
	flags := flag.NewFlagSet("goldpan-desktop", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	data := flags.String("data", "", "`DIR` where wallet and chain live; the default is "+defaultDir())
	asJSON := flags.Bool("json", false, "tell what the window shows as JSON lines on standard output")
	web := flags.String("web", ui.DefaultWeb, "`ADDR` of the page for phones, opened when you let devices join")
	listen := flags.String("listen", ui.DefaultListen, "`ADDR` of other miner programs, opened when you let devices join")
	version := flags.Bool("version", false, "print the version")
	err := flags.Parse(args)
	r := &reporter{json: *asJSON, out: os.Stdout, err: os.Stderr}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print("Goldpan's window: practise, mine for real, let the devices at home join. Nothing is mined before you press Start.\n\nUsage: goldpan-desktop [--data DIR] [--json] [--web ADDR] [--listen ADDR]\n\n")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("%q is one word too many", flags.Arg(0))
		fallthrough
	case err != nil:
		r.fail(err.Error(), "Run goldpan-desktop --help to see what it takes.")
		return 2
	case *version:
		fmt.Println("goldpan", core.Version)
		return 0
	}
	if err := findDisplay(); err != nil {
		r.fail("there is no display to open a window on", "Use the terminal program, which needs none: goldpan practice")
		return 1
	}

	if cache, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(cache, 0o700) // Fyne complains where it is missing
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	o := ui.Options{Dir: *data, Web: *web, Listen: *listen, Look: r.look, Trouble: r.trouble}
	o.Practice.Threads = max(1, runtime.NumCPU()-1) // one is left for the person
	o.Practice.Share, o.Practice.Block = r.share, r.block
	o.Real, o.Share, o.Notice, o.Screen, o.Home, o.Asked = r.real, r.share, r.notice, r.screen, r.home, r.asked
	app.SetMetadata(fyne.AppMetadata{
		Name: "Goldpan", Version: core.Version, Icon: ui.Icon(),
		Migrations: map[string]bool{"fyneDo": true}, // drawing is on Fyne's goroutine alone
	})
	// Without an identifier Fyne keeps no preferences of its own. Goldpan uses none, and Fyne's
	// watch over their file can trip over its own last write at the end.
	if err := ui.Run(ctx, app.NewWithID(""), o); err != nil {
		return 1 // told by trouble, when the window showed it
	}
	r.done()
	return 0
}

func defaultDir() string {
	dir, err := desk.DefaultDir()
	if err != nil {
		return "not known on this system"
	}
	return dir
}
