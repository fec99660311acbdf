package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"goldpan/app/desk/config"
)

func configShowCommand() command {
	return command{
		name:    "config show",
		summary: "Show the settings that config.toml and its defaults come to.",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(_ context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				dir, err := t.dir()
				if err != nil {
					return err
				}
				c, err := config.Read(dir)
				if err != nil {
					return err
				}
				settings := c.Settings()
				for _, s := range settings {
					t.print(record{"type": "setting", "key": s.Key, "value": s.Value}, "%s = %s", s.Key, s.Value)
				}
				t.emit(record{"type": "done", "settings": len(settings), "path": config.Path(dir)})
				return nil
			}
		},
	}
}

// unsound is the sum of what was told already about a settings file.
type unsound struct {
	path     string
	problems int
	err      error
}

func (u *unsound) Unwrap() error { return u.err }
func (u *unsound) Error() string {
	if u.problems == 1 {
		return u.path + " has one mistake"
	}
	return fmt.Sprintf("%s has %d mistakes", u.path, u.problems)
}

func configCheckCommand() command {
	return command{
		name:    "config check",
		summary: "Say what is wrong with config.toml, by line.",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(_ context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				dir, err := t.dir()
				if err != nil {
					return err
				}
				c, err := config.Read(dir)
				var problems *config.Problems
				if errors.As(err, &problems) {
					for _, p := range problems.List {
						t.print(record{"type": "problem", "line": p.Line, "column": p.Column, "key": p.Key, "message": p.Wrong, "hint": p.Write}, "%s", p)
					}
					return &unsound{config.Path(dir), len(problems.List), err}
				}
				if err != nil {
					return err
				}
				t.print(record{"type": "done", "problems": 0, "pools": len(c.Pools), "path": config.Path(dir)}, "%s is in order.", config.Path(dir))
				return nil
			}
		},
	}
}

func configPathCommand() command {
	return command{
		name:    "config path",
		summary: "Say where config.toml is; it is made, with every setting explained, if it is missing.",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(_ context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				dir, err := t.dir()
				if err != nil {
					return err
				}
				made, err := config.Init(dir)
				if err != nil {
					return err
				}
				t.print(record{"type": "done", "path": config.Path(dir), "made": made}, "%s", config.Path(dir))
				return nil
			}
		},
	}
}

func configSetCommand() command {
	return command{
		name:    "config set",
		summary: "Change one setting in config.toml; everything else in it stays, notes too.",
		usage:   "KEY VALUE",
		prepare: func(t *terminal, _ *flag.FlagSet) func(context.Context, []string) error {
			return func(_ context.Context, args []string) error {
				if len(args) != 2 {
					return usagef("a setting and its value are needed, such as limits.percent 50")
				}
				dir, err := t.dir()
				if err != nil {
					return err
				}
				refused := false
				_, err = config.Update(dir, func(c *config.Config) error {
					err := c.Set(args[0], args[1])
					refused = err != nil
					return err
				})
				switch {
				case refused:
					var problems *config.Problems
					if errors.As(err, &problems) {
						return usagef("%s", problems.List[0])
					}
					return err
				case err != nil:
					return err
				}
				t.print(record{"type": "done", "key": args[0], "path": config.Path(dir)}, "%s is set. A miner that runs takes it up on SIGHUP, another at its start.", args[0])
				return nil
			}
		},
	}
}
