package main

import (
	"context"
	"flag"
	"time"

	"goldpan/app/desk"
)

func trustListCommand() command {
	return command{
		name:    "trust list",
		summary: "List the servers whose keys you trust though nobody vouches for them.",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(_ context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				known, err := t.knownServers()
				if err != nil {
					return err
				}
				for _, s := range known.List() {
					t.print(record{"type": "server", "host": s.Host, "fingerprint": s.Fingerprint, "since": s.Since.Format(time.RFC3339)},
						"%s %s since %s", s.Host, s.Fingerprint, s.Since.Format(time.DateOnly))
				}
				t.emit(record{"type": "done", "servers": len(known.List())})
				return nil
			}
		},
	}
}

func trustRemoveCommand() command {
	return command{
		name:    "trust remove",
		summary: "Trust a server's key no longer.",
		usage:   "HOST:PORT",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(_ context.Context, args []string) error {
				if len(args) != 1 {
					return usagef("one server is needed, as goldpan trust list shows it")
				}
				known, err := t.knownServers()
				if err != nil {
					return err
				}
				before := len(known.List())
				if err := known.Remove(args[0]); err != nil {
					return err
				}
				removed := before - len(known.List())
				text := "It is trusted no longer. A miner that is connected to it stays so until the connection ends, and is then refused."
				if removed == 0 {
					text = "That server was not among the trusted ones."
				}
				t.print(record{"type": "done", "removed": removed}, "%s", text)
				return nil
			}
		},
	}
}

func (t *terminal) knownServers() (*desk.KnownServers, error) {
	dir, err := t.dir()
	if err != nil {
		return nil, err
	}
	return desk.OpenKnownServers(dir)
}
