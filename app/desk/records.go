package desk

import (
	"encoding/json"
	"fmt"
	"io"

	"goldpan/app/desk/api"
	"goldpan/core"
	"goldpan/core/pow"
	"goldpan/wallet"
)

// Record is one line for scripts. Its "type" says what else is in it; amounts
// are decimal strings in whole coins, rates are hashes a second.
type Record map[string]any

// Write writes r as a line of JSON.
func (r Record) Write(w io.Writer) {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // a record holds plain values alone
	}
	fmt.Fprintf(w, "%s\n", b)
}

// StatusRecord tells how a session stands. The implied rate is the one that the
// shares of the last hour show.
func StatusRecord(s core.Snapshot) Record {
	r := Record{"type": "status", "pool": s.Pool, "state": s.State, "reason": s.Reason, "algorithm": s.Algorithm, "kernel": s.Kernel,
		"lanes": s.Lanes, "hashrate": s.Hashrate, "accepted": s.Accepted, "rejected": s.Rejected, "stale": s.Stale,
		"difficulty": s.Difficulty, "uptime_s": s.Uptime.Seconds(), "best_share": s.Rates.Best.Difficulty, "luck": s.Rates.Luck}
	for _, w := range s.Rates.Windows {
		r["hashrate_"+api.WindowName(w.Length)] = w.Hashrate
	}
	hour := s.Rates.Windows[len(s.Rates.Windows)-1]
	r["implied"], r["implied_low"], r["implied_high"], r["implied_why"] = hour.Implied, hour.Low, hour.High, hour.Why
	return r
}

// ShareRecord tells how a share fared; one that was not accepted has a code and
// a reason.
func ShareRecord(s Share) Record {
	r := Record{"type": "share", "result": s.Status.String(), "difficulty": s.Difficulty, "latency_ms": s.Latency.Milliseconds()}
	if s.Status != pow.Accepted {
		r["code"], r["reason"] = s.Code, s.Reason
	}
	return r
}

// BlockRecord tells of a block.
func BlockRecord(b Block) Record { return Record{"type": "block", "height": b.Height, "hash": b.Hash} }

// BalanceRecord tells a balance.
func BalanceRecord(coin, network string, b wallet.Balance) Record {
	return Record{"type": "balance", "coin": coin, "network": network,
		"confirmed": b.Confirmed.String(), "immature": b.Immature.String(), "unconfirmed": b.Unconfirmed.String()}
}

// ErrorRecord tells of an error as Explain puts it.
func ErrorRecord(message, hint string) Record {
	return Record{"type": "error", "message": message, "hint": hint}
}

// TotalsRecord ends a session: what it did in all. The caller may add to it.
func TotalsRecord(s core.Snapshot) Record {
	return Record{"type": "done", "accepted": s.Accepted, "rejected": s.Rejected, "stale": s.Stale,
		"hashes": s.Hashes, "seconds": s.Uptime.Seconds()}
}
