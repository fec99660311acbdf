package stratum

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// slush reads the published share.
func slush(t testing.TB) (subscribed, notify, submit message) {
	text, err := os.ReadFile("testdata/slush.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []message
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		m, err := parseMessage([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list[0], list[1], list[2]
}

func slushJob(t testing.TB) *pow.Job {
	_, notify, _ := slush(t)
	j, err := parseNotify(notify.params)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// The published share proves the order of every byte: its header's hash meets difficulty 1.
func TestPublishedShare(t *testing.T) {
	subscribed, _, submit := slush(t)
	j := slushJob(t)
	e, err := parseSubscribed(subscribed.result)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSubmit(submit.params)
	if err != nil {
		t.Fatal(err)
	}
	j.Algorithm, j.Extranonce1, j.Extranonce2Size = hasher.SHA256d, e.first, e.size
	j.Target = pow.TargetFromDifficulty(j.Algorithm, 1)
	if len(s.Extranonce2) != e.size || s.JobID != j.ID || s.User != "slush.miner1" {
		t.Errorf("got %+v", s)
	}
	share, ok := j.Check(pow.Solution{Extranonce2: s.Extranonce2, Version: j.Version, Time: s.Time, Nonce: s.Nonce})
	if !ok {
		t.Errorf("the share's hash is %v", share.Hash)
	}
	const prev = "00000000440b921e1b77c6c0487ae5616de67f788f44ae2a5af6e2194d16b6f8"
	if j.Prev.String() != prev {
		t.Errorf("previous hash %v", j.Prev)
	}
}

func TestCodecRoundTrip(t *testing.T) {
	j := &pow.Job{
		ID: "a \"quoted\" <id>", Coinbase1: []byte{1, 2}, Coinbase2: []byte{3}, Branch: []pow.Hash{{1}, {31: 2}},
		Version: 0x20000000, Bits: 0x1d00ffff, Time: 1, Clean: true,
	}
	for i := range j.Prev {
		j.Prev[i] = byte(i)
	}
	got, err := parseNotify(appendNotify(nil, j))
	if err != nil || !reflect.DeepEqual(got, j) {
		t.Errorf("got %+v, %v", got, err)
	}
	version := uint32(0x1fffe000)
	for _, s := range []Submission{
		{User: "u", JobID: "1", Extranonce2: []byte{0, 1}, Time: 2, Nonce: 0xffffffff},
		{User: "ü", JobID: "", Extranonce2: []byte{}, Version: &version},
	} {
		got, err := parseSubmit(appendSubmit(nil, s))
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("got %+v, %v; want %+v", got, err, s)
		}
	}
	for _, d := range []float64{MinDifficulty, 1e-12, 1.0000000000000001e-5, 0.1, 1, 65536, 1 << 53, 1e15, MaxDifficulty} {
		got, err := parseSetDifficulty(append(appendDifficulty(json.RawMessage{'['}, d), ']'))
		if err != nil || got != d {
			t.Errorf("difficulty %g: got %g, %v", d, got, err)
		}
	}
}

// parseAll puts a message through every parser of the package; none may panic.
func parseAll(m message) {
	parseNotify(m.params)
	parseSetDifficulty(m.params)
	parseSubscribed(m.result)
	parseAuthorize(m.params)
	parseConfigure(m.params)
	parseSession(m.result)
	parseReconnect(m.params, URL{scheme: "stratum+tls", host: "a.pool.test:1"})
	m.number()
	m.refusal()
	m.verdict()
	if args, err := m.args(); err == nil {
		parseExtranonce(args, 0)
	}
}

// FuzzMessage: what was read and written again reads the same, and stays within bounds.
func FuzzMessage(f *testing.F) {
	for _, line := range fuzzSeeds(f) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := parseMessage(line)
		if err != nil {
			return
		}
		if m.err != nil && (pow.Plain(m.err.Reason, 100) != m.err.Reason || m.err.Code < 0) {
			t.Fatalf("unsafe error %+v", m.err)
		}
		written := m.append(nil)
		if bytes.IndexByte(written, '\n') >= 0 {
			t.Fatalf("line feed in %q", written)
		}
		again, err := parseMessage(written)
		if err != nil {
			t.Fatalf("%s became %s: %v", line, written, err)
		}
		if !reflect.DeepEqual(m, again) {
			t.Fatalf("%s became %s: %+v, %+v", line, written, m, again)
		}
		parseAll(m)
	})
}

// FuzzNotify: a job that was read is within bounds, and reads the same after it was written.
func FuzzNotify(f *testing.F) {
	for _, line := range fuzzSeeds(f) {
		if m, err := parseMessage(line); err == nil && m.method == methodNotify {
			f.Add([]byte(m.params))
		}
	}
	f.Fuzz(func(t *testing.T, params []byte) {
		if !json.Valid(params) {
			return
		}
		j, err := parseNotify(params)
		if err != nil {
			return
		}
		if err := checkJob(j); err != nil {
			t.Fatal(err)
		}
		again, err := parseNotify(appendNotify(nil, j))
		if err != nil || !reflect.DeepEqual(j, again) {
			t.Fatalf("%+v became %+v, %v", j, again, err)
		}
	})
}

// FuzzSubmit does the same for shares.
func FuzzSubmit(f *testing.F) {
	_, _, submit := slush(f)
	f.Add([]byte(submit.params))
	f.Add([]byte(`["u","j","","1","ffffffff","1fffe000"]`))
	f.Fuzz(func(t *testing.T, params []byte) {
		if !json.Valid(params) {
			return
		}
		s, err := parseSubmit(params)
		if err != nil {
			return
		}
		again, err := parseSubmit(appendSubmit(nil, s))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}

// FuzzParseURL: an address that was read is written and read the same.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"stratum+tcp://pool.test:3333", "ws://[::1]/a%20b?x=1", "stratum+ssl://p.test:1?pin=sha256:00", "wss://p.test/?pin=a&b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err != nil {
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again != u {
			t.Fatalf("%q became %q: %+v, %v", s, u, again, err)
		}
	})
}

// fuzzSeeds are the lines of all dialogues.
func fuzzSeeds(f *testing.F) (lines [][]byte) {
	for _, dir := range []string{"testdata/client", "testdata/server"} {
		files, err := os.ReadDir(dir)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(dir + "/" + file.Name())
			if err != nil {
				f.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); verb == "<" || verb == ">" {
					text, err := expand(f, rest)
					if err != nil {
						f.Fatal(err)
					}
					lines = append(lines, []byte(text))
				}
			}
		}
	}
	return lines
}
