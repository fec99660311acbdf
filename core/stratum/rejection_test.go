package stratum

import (
	"strings"
	"testing"
)

func TestParseError(t *testing.T) {
	for text, want := range map[string]*Rejection{
		``: nil, `null`: nil, `false`: nil, `""`: nil, `[]`: nil, `{}`: nil, `0`: nil,
		`true`:                            {20, ""},
		`23`:                              {23, ""},
		`"whatever"`:                      {20, "whatever"},
		`[25]`:                            {25, ""},
		`["Duplicate share"]`:             {22, "Duplicate share"},
		`["22","x"]`:                      {22, "x"},
		`[-1,"Unauthorized worker",null]`: {24, "Unauthorized worker"},
		`[20,"Stale"]`:                    {21, "Stale"},
		`[1e300,"x"]`:                     {20, "x"},
		`[2.5,"x"]`:                       {20, "x"},
		`[null,"high-hash"]`:              {20, ""},
		`{"code":21}`:                     {21, ""},
		`{"message":"Job not found"}`:     {21, "Job not found"},
		`{"code":"x","message":[]}`:       {20, ""},
		`[21,"a\u0000b\u202ec <i>\"d\"</i>\n\\"]`: {21, "abc id/i"},
		`[21,"` + strings.Repeat("ä", 500) + `"]`: {21, strings.Repeat("ä", 100)},
	} {
		got := parseError([]byte(text))
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// Error gives our words, whatever the peer wrote.
func TestRejectionError(t *testing.T) {
	seen := make(map[string]bool)
	for code := CodeOther; code <= CodeNotSubscribed; code++ {
		r := &Rejection{Code: code, Reason: "hunter2"}
		if strings.Contains(r.Error(), "hunter2") || seen[r.meaning()] {
			t.Errorf("code %d: %v", code, r)
		}
		seen[r.meaning()] = true
	}
}
