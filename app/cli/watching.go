package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"goldpan/app/desk"
	"goldpan/app/desk/api"
	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/vault"
)

// apiOptions head the options of defineAPI.
var apiOptions = group{"watching", []string{"api", "api-token-file", "api-token-key"}}

// defineAPI defines where other programs on this machine may look.
func (o overrides) defineAPI(f *flag.FlagSet) (tokenFile *string) {
	o.define(f, "api", "api.listen", "let programs on this machine look, at `ADDR`, for example 127.0.0.1:4880; \"\" is nowhere")
	o.define(f, "api-token-key", "api.token_key", "`ID` of a token, kept with goldpan key add ID --kind token, that may change things")
	return f.String("api-token-file", "", "`FILE` that holds the token instead; - is standard input")
}

// watched is mining that other programs may look at.
type watched interface {
	API(address, token string) (*api.Server, error)
}

// serveAPI lets other programs look at m while ctx lasts. stop waits until none
// does any more; it is never nil.
func (t *terminal) serveAPI(ctx context.Context, c storeChoice, a config.API, tokenFile string, m watched) (stop func(), err error) {
	if a.Listen == "" {
		if tokenFile != "" {
			return func() {}, usagef("--api-token-file: --api is needed too")
		}
		return func() {}, nil
	}
	var token string
	switch {
	case tokenFile != "":
		token, err = t.secret(ctx, tokenFile, "Token")
	case a.TokenKey != "":
		err = t.keys(ctx, c, func(v *vault.Vault) error {
			b, err := v.Token(ctx, a.TokenKey)
			token = string(b)
			vault.Wipe(b)
			return err
		})
	}
	if err != nil {
		return func() {}, err
	}
	s, err := m.API(a.Listen, token)
	if err != nil {
		return func() {}, err
	}
	may := "look"
	if token != "" {
		may = "look, and with the token change things"
	}
	t.say("Programs on this machine may %s: %s/openapi.json says how.", may, s.URL())
	t.emit(record{"type": "api", "url": s.URL(), "writable": token != ""})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			message, _ := desk.Explain(err)
			t.say("Other programs can no longer look: %s.", message)
		}
	}()
	return func() { cancel(); <-ended }, nil
}

// Looks, one a second, at which people are told what the shares show.
const (
	firstRates = 60
	everyRates = 15 * 60
)

// rates tells people now and then what the shares of the last hour show, beside
// what was hashed.
func (t *terminal) rates(look int, s core.Snapshot) {
	if look != firstRates && look%everyRates != 0 || s.State != core.StateMining {
		return
	}
	if line := ratesLine(s); line != "" && !t.json {
		t.say("%s", line)
	}
}

func ratesLine(s core.Snapshot) string {
	hour := s.Rates.Windows[len(s.Rates.Windows)-1]
	if hour.High <= 0 {
		return ""
	}
	line := fmt.Sprintf("Hashed here: %s. The shares show %s, give or take: from %s to %s. %s",
		rate(hour.Hashrate), rate(hour.Implied), rate(hour.Low), rate(hour.High), hour.Why)
	if s.Rates.Best.Difficulty > 0 {
		line += fmt.Sprintf(" Best share: %.3g.", s.Rates.Best.Difficulty)
	}
	return strings.TrimSpace(line)
}
