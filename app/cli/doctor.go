package main

import (
	"context"
	"flag"

	"goldpan/app/desk"
)

func doctorCommand() command {
	return command{
		name:    "doctor",
		summary: "Say what this machine has and lacks. Nothing is contacted.",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				lacking := 0
				for _, f := range desk.Doctor(ctx, t.data) {
					mark, hint := "ok  ", ""
					if !f.OK {
						lacking++
						mark, hint = "lack", " "+f.Hint
					}
					t.print(record{"type": "finding", "name": f.Name, "ok": f.OK, "text": f.Text, "hint": f.Hint},
						"%s  %-14s %s.%s", mark, f.Name, f.Text, hint)
				}
				t.emit(record{"type": "done", "lacking": lacking})
				return nil
			}
		},
	}
}
