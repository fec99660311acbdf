package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/home"
)

// askGateway sends a command to the gateway that runs with this data directory.
func (t *terminal) askGateway(ctx context.Context, c home.Command) (home.Answer, error) {
	dir, err := t.dir()
	if err != nil {
		return home.Answer{}, err
	}
	if dir, err = desk.GatewayDir(dir); err != nil {
		return home.Answer{}, err
	}
	return home.Ask(ctx, dir, c)
}

func gatewayInviteCommand() command {
	return command{
		name:    "gateway invite",
		summary: "Invite one device: a link and its QR code, or a miner program's token.",
		usage:   "[--name NAME] [--miner]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			name := f.String("name", "", "`NAME` of the device, for you; if not given, the next free one")
			miner := f.Bool("miner", false, "for a miner program, which opens no page: a token that it gives as its password")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *miner {
					return t.gatewayToken(ctx, *name)
				}
				return t.gatewayInvite(ctx, *name)
			}
		},
	}
}

func (t *terminal) gatewayInvite(ctx context.Context, name string) error {
	a, err := t.askGateway(ctx, home.Command{Do: "invite", Name: name})
	if err != nil {
		return err
	}
	i := a.Invitation
	t.emit(record{"type": "invitation", "id": i.ID, "name": i.Name, "link": i.Link(), "expires": i.Expires.UTC().Format(time.RFC3339)})
	if t.json {
		return nil
	}
	code, err := home.QR(i.Link())
	if err != nil {
		return err
	}
	picture := code.String()
	if t.live() {
		picture = code.Colours()
	}
	t.say("Scan it with %s, or open the link there. It is good for this one device and ten minutes. Show it to nobody else.", i.Name)
	if onlyHere(i.Link()) {
		t.say("This link works on this computer alone: for another device start the gateway with --web :PORT, or with this computer's own address.")
	}
	fmt.Fprintf(t.out, "%s\n", i.Link())
	// The picture comes last, without an empty line: so it fits into a terminal of 24 lines.
	if width := t.width(); width > 0 && width < code.Width() {
		t.say("The QR code needs a window of %d columns; this one has %d.", code.Width(), width)
		return nil
	}
	fmt.Fprint(t.out, picture)
	return nil
}

// onlyHere tells whether a link leads to the machine itself from every device that opens it.
func onlyHere(link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

func (t *terminal) gatewayToken(ctx context.Context, name string) error {
	a, err := t.askGateway(ctx, home.Command{Do: "token", Name: name})
	if err != nil {
		return err
	}
	at := []string{}
	if s, err := t.askGateway(ctx, home.Command{Do: "snapshot"}); err == nil {
		at = append(at, s.Snapshot.Stratum...)
	}
	t.print(record{"type": "token", "id": a.Device.ID, "name": a.Device.Name, "token": a.Token, "stratum": at}, "%s", a.Token)
	t.say("This is the token of %s: its miner gives it as the password, with any user name. It is shown this once.", a.Device.Name)
	for _, url := range at {
		t.say("The miner connects to %s", url)
		if strings.HasPrefix(url, "stratum+tcp://") {
			t.say("There the token crosses your network in clear: whoever reads it can mine as this device, for the same payee.")
		}
	}
	if len(at) == 0 {
		t.say("The gateway serves no miner programs yet: start it with --listen ADDR.")
	}
	return nil
}

func gatewayDevicesCommand() command {
	return command{
		name:    "gateway devices",
		summary: "List the household's devices and what each has done.",
		usage:   "[--all]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			all := f.Bool("all", false, "those too that were removed")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				a, err := t.askGateway(ctx, home.Command{Do: "snapshot"})
				if err != nil {
					return err
				}
				return t.gatewayDevices(a.Snapshot, *all)
			}
		},
	}
}

func (t *terminal) gatewayDevices(s *home.Snapshot, all bool) error {
	n := 0
	for _, d := range s.Devices {
		if !d.Removed.IsZero() && !all {
			continue
		}
		if n++; n == 1 && !t.json {
			fmt.Fprintf(t.out, "%-20s %-18s %-8s %12s %8s %6s %8s %10s %10s %5s\n", "name", "id", "state", "rate", "shares", "stale", "rejected", "best", "on line", "part")
		}
		t.print(deviceRecord(d), "%-20s %-18s %-8s %12s %8d %6d %8d %10.4g %10s %4.0f%%", d.Name, d.ID, deviceState(d), rate(d.Hashrate),
			d.Accepted, d.Stale, d.Rejected, d.Best, d.Online.Round(time.Second), 100*d.Part)
		if d.Limit > 0 && !t.json {
			fmt.Fprintf(t.out, "%-20s limited to %s on average\n", "", rate(d.Limit))
		}
		if d.Misfit != "" && !t.json {
			fmt.Fprintf(t.out, "%-20s %s\n", "", d.Misfit)
		}
	}
	for _, i := range s.Invitations {
		t.print(record{"type": "pending", "id": i.ID, "name": i.Name, "expires": i.Expires.UTC().Format(time.RFC3339)},
			"%-20s %-18s invited; the invitation is good until %s", i.Name, i.ID, i.Expires.Local().Format("15:04"))
	}
	if n == 0 && len(s.Invitations) == 0 {
		t.say("No device has joined yet. Invite one with goldpan gateway invite.")
	}
	t.emit(record{"type": "done", "devices": n, "hashrate": s.Hashrate})
	return nil
}

func deviceState(d home.Device) string {
	switch {
	case !d.Removed.IsZero():
		return "removed"
	case d.Paused:
		return "paused"
	case d.Resting:
		return "resting"
	case d.Connected:
		return "here"
	}
	return "away"
}

func deviceRecord(d home.Device) record {
	kind := "page"
	if d.Miner {
		kind = "miner"
	}
	r := record{"type": "device", "id": d.ID, "name": d.Name, "kind": kind, "state": deviceState(d), "hashrate": d.Hashrate, "difficulty": d.Difficulty,
		"accepted": d.Accepted, "stale": d.Stale, "rejected": d.Rejected, "best": d.Best, "online_s": d.Online.Seconds(), "part": d.Part, "limit": d.Limit}
	for name, at := range map[string]time.Time{"joined": d.Joined, "removed": d.Removed, "last": d.Last, "best_at": d.BestAt} {
		if !at.IsZero() {
			r[name] = at.UTC().Format(time.RFC3339)
		}
	}
	if d.Address != "" {
		r["address"] = d.Address
	}
	if d.Misfit != "" {
		r["misfit"] = d.Misfit
	}
	return r
}

// deviceCommand is a command about one device, named by its name or id.
func deviceCommand(name, summary, usage string, words int, ask func(args []string) (home.Command, error), say func(home.Device) string) command {
	return command{name: name, summary: summary, usage: usage, prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
		return func(ctx context.Context, args []string) error {
			if len(args) != words {
				return usagef("%s is needed", usage)
			}
			c, err := ask(args)
			if err != nil {
				return err
			}
			c.Device = args[0]
			a, err := t.askGateway(ctx, c)
			if err != nil {
				return err
			}
			t.print(deviceRecord(t.figures(ctx, *a.Device)), "%s", say(*a.Device))
			return nil
		}
	}}
}

// figures adds what a device has done to what a command answered about it, for programs.
func (t *terminal) figures(ctx context.Context, d home.Device) home.Device {
	if !t.json {
		return d
	}
	if a, err := t.askGateway(ctx, home.Command{Do: "snapshot"}); err == nil {
		for _, known := range a.Snapshot.Devices {
			if known.ID == d.ID {
				return known
			}
		}
	}
	return d
}

func gatewayRemoveCommand() command {
	c := removeDeviceCommand()
	prepare := c.prepare
	c.prepare = func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
		remove := prepare(t, f)
		return func(ctx context.Context, args []string) error {
			err := remove(ctx, args)
			if errors.Is(err, home.ErrNoDevice) {
				return t.gatewayWithdraw(ctx, args[0], err)
			}
			return err
		}
	}
	return c
}

// gatewayWithdraw ends an invitation that nobody has used, named by its id or its name. missing is returned if there is none.
func (t *terminal) gatewayWithdraw(ctx context.Context, which string, missing error) error {
	a, err := t.askGateway(ctx, home.Command{Do: "snapshot"})
	if err != nil {
		return err
	}
	var found []home.Invitation
	for _, i := range a.Snapshot.Invitations {
		if i.ID == which || i.Name == which {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return missing
	case 1:
	default:
		return home.ErrSeveral
	}
	if _, err := t.askGateway(ctx, home.Command{Do: "withdraw", Device: found[0].ID}); err != nil {
		return err
	}
	t.print(record{"type": "withdrawn", "id": found[0].ID, "name": found[0].Name}, "The invitation of %s is withdrawn: its link is worth nothing from now on.", found[0].Name)
	return nil
}

func removeDeviceCommand() command {
	return deviceCommand("gateway remove", "Remove a device, or an open invitation: its credential, or its link, is worth nothing from now on.", "DEVICE", 1,
		func([]string) (home.Command, error) { return home.Command{Do: "remove"}, nil },
		func(d home.Device) string {
			return d.Name + " is removed, and was sent away if it was here. What it has done stays in the accounts: goldpan gateway devices --all."
		})
}

func gatewayRenameCommand() command {
	return deviceCommand("gateway rename", "Give a device another name.", "DEVICE NAME", 2,
		func(args []string) (home.Command, error) { return home.Command{Do: "rename", Name: args[1]}, nil },
		func(d home.Device) string { return "It is called " + d.Name + " now." })
}

func gatewayPauseCommand() command {
	return deviceCommand("gateway pause", "Give a device no work until goldpan gateway resume.", "DEVICE", 1,
		func([]string) (home.Command, error) { return home.Command{Do: "pause", On: true}, nil },
		func(d home.Device) string { return d.Name + " gets no work until goldpan gateway resume." })
}

func gatewayResumeCommand() command {
	return deviceCommand("gateway resume", "Give a device work again.", "DEVICE", 1,
		func([]string) (home.Command, error) { return home.Command{Do: "pause"}, nil },
		func(d home.Device) string { return d.Name + " gets work again." })
}

func gatewayLimitCommand() command {
	return deviceCommand("gateway limit", "Bound a device's hash rate, on average over some minutes; 0 bounds it no more.", "DEVICE RATE", 2,
		func(args []string) (home.Command, error) {
			limit, err := parseRate(args[1])
			return home.Command{Do: "limit", Limit: limit}, err
		},
		func(d home.Device) string {
			if d.Limit == 0 {
				return d.Name + " is not limited any more."
			}
			return fmt.Sprintf("%s may do %s on average. It is kept by giving it no work for a while; in between it is as fast as it can be. To have it run slower and cooler, set that on the device.", d.Name, rate(d.Limit))
		})
}

// parseRate reads hashes a second: 500000, 500k, 1.5M, 2G or 3T, with or without H/s.
func parseRate(s string) (float64, error) {
	number := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(s), "/s"), "H")
	number = strings.TrimSpace(number)
	unit := 1.0
	for suffix, u := range map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), u
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) || v*unit > 1e21 {
		return 0, usagef("a limit is hashes a second, for example 500k or 2M; 0 is none")
	}
	return v * unit, nil
}
