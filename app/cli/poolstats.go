package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
	"goldpan/vault/poolapi"
)

func poolstatsCommand() command {
	return command{
		name:    "poolstats",
		summary: "Show what a pool counts for you: hash rate, workers, what was earned.",
		usage:   "KEY [--user NAME] [--coin COIN] | --kind ckpool|public-pool --pool https://HOST --address A",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			user := f.String("user", "", "`NAME` of the mining user, which F2Pool wants")
			coin := f.String("coin", "", "`COIN` by its symbol, such as LTC; the pool's main one if not given")
			kind := f.String("kind", "", "`KIND` of a pool that tells about an address without a key: "+strings.Join(poolapi.Styles(), " or "))
			pool := f.String("pool", "", "`ADDRESS` of such a pool's statistics, https:// and a host")
			address := f.String("address", "", "`ADDRESS` that is mined to")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if *kind != "" || *pool != "" || *address != "" {
					if *kind == "" || *pool == "" || *address == "" || len(args) > 0 {
						return usagef("without a key, --kind, --pool and --address are needed, all three")
					}
					d, err := desk.Open(t.data)
					if err != nil {
						return err
					}
					defer d.Close()
					s, e, err := d.AddressStats(ctx, *kind, *pool, *address)
					if err != nil {
						return err
					}
					t.poolStats(*pool, s)
					t.budget(d, e)
					return nil
				}
				id, err := oneID(args)
				if err != nil {
					return err
				}
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					b := d.Broker(v)
					defer b.Close()
					s, e, err := d.PoolStats(ctx, v, b, id, poolapi.Account{User: *user, Coin: *coin})
					if err != nil {
						return err
					}
					t.poolStats(id, s)
					t.budget(d, e)
					return nil
				})
			}
		},
	}
}

func (t *terminal) poolStats(of string, s poolapi.Stats) {
	r := record{"type": "pool-stats", "of": of, "hash_rate": s.HashRate, "hash_rate_day": s.HashRate1, "online": s.Online, "offline": s.Offline, "earned": s.Earned}
	if !s.LastShare.IsZero() {
		r["last_share"] = s.LastShare.Format(time.RFC3339)
	}
	if s.BestShare != "" {
		r["best_share"] = s.BestShare
	}
	line := fmt.Sprintf("%s now, %s over a day; %d workers at work, %d gone", poolapi.Rate(s.HashRate), poolapi.Rate(s.HashRate1), s.Online, s.Offline)
	if s.BestShare != "" {
		line += "; best share " + string(s.BestShare)
	}
	t.print(r, "%s", line)
	for _, e := range s.Earned {
		var parts []string
		for _, p := range []struct{ amount, what string }{{string(e.Unpaid), "unpaid"}, {string(e.Paid), "paid"}, {string(e.Day), "in a day"}} {
			if p.amount != "" {
				parts = append(parts, fmt.Sprintf("%s %s %s", p.amount, e.Coin, p.what))
			}
		}
		t.print(record{"type": "pool-earned", "of": of, "coin": e.Coin, "unpaid": e.Unpaid, "paid": e.Paid, "day": e.Day}, "  %s", strings.Join(parts, ", "))
	}
	for _, w := range s.Workers {
		state := "gone"
		if w.Online {
			state = "at work"
		}
		name := string(w.Name)
		if name == "" {
			name = "(no name)"
		}
		last := ""
		if !w.LastShare.IsZero() {
			last = ", last share " + w.LastShare.Local().Format(time.DateTime)
		}
		t.print(record{"type": "pool-worker", "of": of, "name": w.Name, "online": w.Online, "hash_rate": w.HashRate}, "  %-20s %-8s %s%s", name, state, poolapi.Rate(w.HashRate), last)
	}
	t.emit(record{"type": "done", "workers": len(s.Workers)})
}
