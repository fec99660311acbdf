package wallet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"goldpan/wallet/label"
)

// WriteCSV writes the history as a table, the oldest first, with the labels. Times are UTC, amounts whole coins with
// a point. A label cannot become a formula in the program that opens the table.
func (w *Wallet) WriteCSV(to io.Writer) error {
	labels, err := w.Labels()
	if err != nil {
		return err
	}
	texts := map[string]string{}
	for _, x := range labels {
		if x.Type == label.Tx {
			texts[x.Ref] = x.Label
		}
	}
	p := w.Params()
	out := csv.NewWriter(to)
	if err := out.Write([]string{"time", "kind", "amount", "unit", "network", "height", "confirmations", "transaction", "label"}); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	list := w.History()
	for i := range list {
		e := list[len(list)-1-i]
		kind := "received"
		switch {
		case e.Reward:
			kind = "reward"
		case e.Amount < 0:
			kind = "sent"
		}
		height := ""
		if e.Height > 0 {
			height = strconv.Itoa(int(e.Height))
		}
		row := []string{e.Time.UTC().Format(time.RFC3339), kind, e.Amount.String(), p.Coin.Symbol, string(p.Network), height,
			strconv.Itoa(int(e.Confirmations)), e.TxID.String(), cell(texts[e.TxID.String()])}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// cell makes a text of what a table program would take for a formula: those begin so, blanks before it or not. Where
// a comma is a decimal point, such a program begins a new cell at each semicolon, quoted or not.
func cell(s string) string {
	parts := strings.Split(s, ";")
	for i, part := range parts {
		parts[i] = noFormula(part)
	}
	return strings.Join(parts, ";")
}

func noFormula(s string) string {
	if strings.IndexAny(strings.TrimLeft(s, " \u00a0\t\r\n"), "=+-@|%＝＋－＠") == 0 || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") {
		return "'" + s
	}
	return s
}
