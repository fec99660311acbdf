package main

import (
	"context"
	"flag"
	"strings"

	"goldpan/core/coin"
)

func poolsCommand() command {
	return command{
		name:    "pools",
		summary: "List the pools that Goldpan knows, and how sure that is. Nothing is contacted.",
		usage:   "[--coin COIN]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			only := f.String("coin", "", "`COIN` that they pay in: bitcoin, litecoin or dogecoin")
			return func(_ context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				pools := coin.Pools()
				if *only != "" {
					c, err := coin.ByID(*only)
					if err != nil {
						return usagef("--coin: %s", err)
					}
					pools = coin.PoolsFor(c)
				}
				for _, p := range pools {
					t.print(poolRecord(p), "preset:%-18s %s", p.ID, aboutPool(p))
				}
				t.say("These are facts that others publish; nobody has tried them from here. Look at a pool's own page before you choose.")
				t.emit(record{"type": "done", "pools": len(pools)})
				return nil
			}
		},
	}
}

func poolRecord(p coin.Pool) record {
	urls := make([]string, len(p.Servers))
	for i, s := range p.Servers {
		urls[i] = s.URL
	}
	return record{"type": "pool", "id": p.ID, "name": p.Name, "page": p.Page, "coin": p.Coin, "algorithm": p.Algorithm, "urls": urls,
		"user": p.User, "scheme": p.Scheme, "solo": p.Solo, "fee": p.Fee(), "low_difficulty": p.Low, "note": p.Note, "checked": p.Checked}
}

// aboutPool is what a person should know of a preset, in one line.
func aboutPool(p coin.Pool) string {
	parts := []string{p.Name, p.Coin, p.Scheme}
	if fee := p.Fee(); fee != "" {
		parts = append(parts, "fee "+fee)
	}
	parts = append(parts, "user "+string(p.User), "as of "+p.Checked, p.Page)
	text := strings.Join(parts, ", ")
	if p.Note != "" {
		text += ". " + p.Note
	}
	return text
}
