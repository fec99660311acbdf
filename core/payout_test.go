package core_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"goldpan/core"
	"goldpan/core/pow"
)

// payingJob is a job whose coinbase pays these amounts, built by hand.
func payingJob(outputs ...string) *pow.Job {
	tail := "ffffffff" + hex.EncodeToString([]byte{byte(len(outputs))}) + strings.Join(outputs, "") + "00000000"
	one, err := hex.DecodeString("0100000001" + strings.Repeat("00", 32) + "ffffffff" + "0c" + "03aabbcc")
	if err != nil {
		panic(err)
	}
	two, err := hex.DecodeString(tail)
	if err != nil {
		panic(err)
	}
	return &pow.Job{Coinbase1: one, Extranonce1: []byte{1, 2, 3, 4}, Extranonce2Size: 4, Coinbase2: two}
}

func TestPaysTo(t *testing.T) {
	const (
		mine   = "0014751e76e8199196d454941c45d1b3a323f1433bd6"
		pool   = "001400000000000000000000000000000000000000ff"
		amount = "00e1f50500000000" // 100,000,000
		little = "80841e0000000000" // 2,000,000
		most   = "ffffffffffffffff"
		none   = "0000000000000000"
	)
	pay := func(value, script string) string {
		return value + hex.EncodeToString([]byte{byte(len(script) / 2)}) + script
	}
	script, err := hex.DecodeString(mine)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		job         *pow.Job
		least, most float64
		ok, bad     bool
		says        string
	}{
		"all":                 {payingJob(pay(amount, mine), pay(none, pool)), 1, 1, true, false, ""},
		"in two parts":        {payingJob(pay(amount, mine), pay(amount, mine)), 1, 1, true, false, ""},
		"but a fee":           {payingJob(pay(amount, mine), pay(little, pool)), 0.9803, 0.9804, true, false, ""},
		"half":                {payingJob(pay(amount, pool), pay(amount, mine)), 0.5, 0.5, true, false, "less than 95% of the block"},
		"a third":             {payingJob(pay(amount, pool), pay(amount, mine), pay(amount, pool)), 0.33, 0.34, true, false, "less than half of the block"},
		"a twentieth":         {payingJob(pay("0094357700000000", pool), pay(amount, mine)), 0.04, 0.05, true, false, "less than 10% of the block"},
		"a crumb":             {payingJob(pay("ffffffffff000000", pool), pay("0100000000000000", mine)), 0, 1e-9, true, false, "less than 1% of the block"},
		"the pool":            {payingJob(pay(amount, pool)), 0, 0, false, false, "not pay your address at all"},
		"mine, but nothing":   {payingJob(pay(amount, pool), pay(none, mine)), 0, 0, false, false, "not pay your address at all"},
		"more than can be":    {payingJob(pay(most, pool), pay(amount, mine)), 0, 0, false, true, "cannot read"},
		"unreadable":          {&pow.Job{Coinbase1: []byte("?")}, 0, 0, false, true, "cannot read"},
		"a longer script":     {payingJob(pay(amount, mine+"51")), 0, 0, false, false, "not pay your address at all"},
		"as data, not script": {payingJob(pay(amount, "6a16"+mine)), 0, 0, false, false, "not pay your address at all"},
	} {
		share, ok, err := core.PaysTo(c.job, script)
		if share < c.least || share > c.most || ok != c.ok || (err != nil) != c.bad || c.bad && !errors.Is(err, pow.ErrCoinbase) {
			t.Errorf("%s: %v, %v, %v", name, share, ok, err)
		}
		says := core.PayoutWarning(share, ok, err)
		if (says == "") != (c.says == "") || !strings.Contains(says, c.says) {
			t.Errorf("%s: says %q, want %q", name, says, c.says)
		}
	}
	if _, _, err := core.PaysTo(payingJob(pay(amount, "")), nil); err == nil {
		t.Error("an empty script was looked for and found")
	}
}
