package stratum

import (
	"os"
	"strings"
	"testing"
)

// rows are the points where implementations of the protocol go wrong. Each has two dialogues at least, one of them
// with a hostile peer.
var rows = []string{
	"extranonce sizes", "prevhash", "difficulty 1", "set_difficulty", "set_extranonce", "ntime", "version rolling",
	"resume", "errors", "ids and order", "params", "suggest_difficulty", "silence", "client.reconnect", "WebSocket",
}

// refusals is what each side refuses. Each has a dialogue at least.
var refusals = []string{
	// The client refuses shares,
	"wrong length of extranonce2", "share twice", "share of a lost connection", "time out of range",
	"version bits outside the mask", "version bits withdrawn", "share to a pool that answers none",
	"share to a pool that does not read",
	// what a pool sends,
	"not stratum", "long message", "deep message", "bad job", "bad difficulty", "bad extranonce",
	"bad answer to subscribe", "version mask that was not asked for", "unknown question", "markup in a message",
	"too many messages", "silence", "shares unanswered",
	// who it says that it is,
	"certificate of nobody", "certificate out of date", "certificate for another name",
	"another key than the pinned one", "another key than before",
	// where it leads us,
	"redirect to another owner", "redirect to another address", "redirect into the clear", "redirect to a bad address",
	// and to try again in vain.
	"user refused",
	// The server refuses miners.
	"miner not subscribed", "miner not authorized", "size of extranonce2", "parameters", "unknown method",
	"miner speaks something else", "deep message of a miner", "long message of a miner", "guessed users",
	"unprintable user", "unwanted miner", "talk without login", "idle miner", "version bits of a miner",
	"unknown session",
}

func TestLibrary(t *testing.T) {
	friendly, hostile, refused := map[string]int{}, map[string]int{}, map[string]int{}
	scripted := 0
	for _, file := range append(scripts(t, "client"), scripts(t, "server")...) {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripted++
		count := friendly
		if strings.Contains("\n"+string(script), "\n# hostile\n") {
			count = hostile
		}
		for line := range strings.Lines(string(script)) {
			if row, ok := strings.CutPrefix(line, "# row: "); ok {
				count[strings.TrimSpace(row)]++
			}
			if list, ok := strings.CutPrefix(line, "# refuses: "); ok {
				for name := range strings.SplitSeq(list, ",") {
					refused[strings.TrimSpace(name)]++
				}
			}
		}
	}
	for _, row := range rows {
		t.Logf("%-20s %d friendly, %d hostile", row, friendly[row], hostile[row])
		if friendly[row] == 0 || hostile[row] == 0 {
			t.Errorf("%s: a dialogue is missing", row)
		}
		delete(friendly, row)
		delete(hostile, row)
	}
	for _, name := range refusals {
		if refused[name] == 0 {
			t.Errorf("no dialogue shows the refusal of: %s", name)
		}
		delete(refused, name)
	}
	if len(friendly)+len(hostile)+len(refused) > 0 {
		t.Errorf("unknown headings: %v, %v, %v", friendly, hostile, refused)
	}
	t.Logf("%d dialogues", scripted)
}
