package main

import (
	"context"
	"errors"
	"flag"
	"strings"

	"goldpan/app/desk"
	"goldpan/vault"
)

var errUnrepaired = errors.New("the keys kept here were tampered with, and nothing was changed yet")

func keyRepairCommand() command {
	return command{
		name:    "key repair",
		summary: "After tampering or loss: show what was found, keep it as evidence, and save what can still be trusted.",
		usage:   "[--accept] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			accept := f.Bool("accept", false, "you have seen what was found: keep it as evidence, lock or revoke what it names, and go on; this is noted in the record")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				return t.deskKeys(ctx, store, func(_ *desk.Desk, v *vault.Vault) error {
					found, err := v.Examine(ctx)
					if err != nil {
						return err
					}
					if found.Fine() {
						t.print(findingRecord(found, false), "Nothing is wrong with the %s kept here.", some(len(found.Kept), "key"))
						return nil
					}
					if !*accept {
						t.print(findingRecord(found, false), "What was found:\n\n%s", indented(found.String()))
						t.sayRepair(found)
						return errUnrepaired
					}
					if found, err = v.Repair(ctx); err != nil {
						return err
					}
					t.print(findingRecord(found, true), "%s\nThis is kept as evidence in %s.", strings.TrimRight(found.String(), "\n"), found.Evidence)
					if found.List != "" && len(found.Kept) > 0 {
						t.say("The keys that could be saved are locked. Look at each with goldpan key show ID, above all at where it is used, and unlock those that you trust with goldpan key unlock ID.")
					}
					t.say("Revoke where it was issued whatever you do not trust. goldpan key panic tells the steps.")
					return nil
				})
			}
		},
	}
}

// sayRepair says what accepting would do.
func (t *terminal) sayRepair(found vault.Finding) {
	t.say("If you did not do this yourself, someone else may have used this computer: run goldpan key panic, and do what it says.")
	t.say("To go on here, run goldpan key repair --accept. It copies the files as they are into a folder, as evidence, and notes that you did this.")
	switch {
	case found.List != "" && len(found.Kept) == 0:
		t.say("No list of keys can be trusted, so all secrets kept here are deleted, and you add your keys again.")
	case found.List != "":
		t.say("It keeps %d keys by the newest list that can be trusted, and locks them until you have looked at each.", len(found.Kept))
	case len(found.Lost) > 0:
		t.say("It revokes the %d keys whose secrets are gone or exchanged.", len(found.Lost))
	}
	if found.Audit != "" {
		t.say("It sets the altered record of uses aside and begins a new one.")
	}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

func findingRecord(f vault.Finding, accepted bool) record {
	ids := func(list []vault.Entry) []string {
		out := []string{}
		for _, e := range list {
			out = append(out, e.ID)
		}
		return out
	}
	return record{"type": "key-repair", "fine": f.Fine(), "accepted": accepted, "list": f.List, "audit": f.Audit, "kept": ids(f.Kept), "lost": ids(f.Lost), "strays": wordList(f.Strays), "evidence": f.Evidence}
}
