package counter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"

	"goldpan/core/coin"
	"goldpan/wallet"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
	"goldpan/wallet/uri"
)

// status is how the wallet stands, all that its first screen shows.
type status struct {
	Open      bool      `json:"open"`
	Locked    bool      `json:"locked"`
	Proven    bool      `json:"proven"` // a backup was proven to bring the wallet back
	Words     int64     `json:"words"`  // when its words were proven; 0 for never
	File      int64     `json:"file"`   // when a backup file was
	Symbol    string    `json:"symbol"`
	Worthless bool      `json:"worthless"`
	Balance   balance   `json:"balance"`
	Server    server    `json:"server"`
	History   []entry   `json:"history"` // the newest
	More      int       `json:"more"`    // how many are older
	Maturity  int       `json:"maturity"`
	Payments  []payment `json:"payments"` // made here, and in no block yet
}

type balance struct {
	Confirmed   string `json:"confirmed"`
	Unconfirmed string `json:"unconfirmed"`
	Immature    string `json:"immature"`
	Dust        string `json:"dust"`
	Total       string `json:"total"`
}

type server struct {
	URL       string `json:"url"`
	Connected bool   `json:"connected"`
	Synced    bool   `json:"synced"`
	Height    int32  `json:"height"`    // of the last verified header; -1 before the first
	Announced int32  `json:"announced"` // what the server claims
	Code      string `json:"code"`      // why it does not serve; see Explain
}

type entry struct {
	ID            string `json:"id"`
	Time          int64  `json:"time"`
	Height        int32  `json:"height"`
	Confirmations int32  `json:"confirmations"`
	Amount        string `json:"amount"`
	Reward        bool   `json:"reward"`
	Matures       int32  `json:"matures"`
	Mature        bool   `json:"mature"`
	Label         string `json:"label"`
}

// maxEntries is how many transactions are shown.
const maxEntries = 100

// status tells how the wallet stands.
func (c *Counter) status(none) (status, error) {
	c.mu.Lock()
	w, url := c.w, c.url
	c.mu.Unlock()
	if w == nil {
		return status{History: []entry{}, Payments: []payment{}}, nil
	}
	p, b, backup, st := w.Params(), w.Balance(), w.Backup(), w.State()
	s := status{Open: true, Locked: w.Locked(), Proven: w.BackedUp(), Symbol: p.Coin.Symbol, Worthless: p.Network != coin.Main,
		Maturity: p.Maturity, History: []entry{}, Payments: underWay(w),
		Balance: balance{b.Confirmed.String(), b.Unconfirmed.String(), b.Immature.String(), b.Dust.String(), b.Total().String()},
		Server:  server{URL: url, Connected: st.Connected, Synced: st.Synced, Height: st.Headers, Announced: st.Announced}}
	if !backup.Words.IsZero() {
		s.Words = backup.Words.Unix()
	}
	if !backup.File.IsZero() {
		s.File = backup.File.Unix()
	}
	if url != "" && st.Err != nil {
		s.Server.Code = Explain(st.Err).Code
	}
	history := w.History()
	if s.More = len(history) - maxEntries; s.More < 0 {
		s.More = 0
	}
	labels := map[string]string{}
	records, err := w.Labels()
	if err != nil && !errors.Is(err, wallet.ErrLabels) { // the wallet is whole without them
		return status{}, err
	}
	for _, r := range records {
		if r.Type == label.Tx {
			labels[r.Ref] = r.Label
		}
	}
	for _, e := range history[:min(len(history), maxEntries)] {
		id := e.TxID.String()
		s.History = append(s.History, entry{ID: id, Time: e.Time.Unix(), Height: e.Height, Confirmations: e.Confirmations,
			Amount: e.Amount.String(), Reward: e.Reward, Matures: e.Matures, Mature: e.Mature, Label: labels[id]})
	}
	return s, nil
}

type shown struct {
	Words []string `json:"words"`
	Extra bool     `json:"extra"` // they have a passphrase of their own beside them, which is not shown
}

// words shows the seed words, against the passphrase.
func (c *Counter) words(a secretly) (shown, error) {
	w, err := c.opened()
	if err != nil {
		return shown{}, err
	}
	m, extra, err := w.Mnemonic(a.Passphrase)
	if err != nil {
		return shown{}, err
	}
	defer m.Wipe()
	return shown{append([]string(nil), m.Words()...), extra != ""}, nil
}

// asked is how many words are asked back.
const asked = 4

type challenge struct {
	Positions []int `json:"positions"` // from 1
}

// challenge chooses which words are asked back.
func (c *Counter) challenge(none) (challenge, error) {
	w, err := c.opened()
	if err != nil {
		return challenge{}, err
	}
	at, err := w.Challenge(asked)
	return challenge{at}, err
}

type answer struct {
	Positions []int    `json:"positions"`
	Words     []string `json:"words"`
}

type wrong struct {
	Wrong []int `json:"wrong"` // positions; none when all are right
}

// answer holds the words that a person gave against the wallet's.
func (c *Counter) answer(a answer) (wrong, error) {
	w, err := c.opened()
	if err != nil {
		return wrong{}, err
	}
	at, err := w.Answer(a.Positions, a.Words)
	if at == nil {
		at = []int{}
	}
	return wrong{at}, err
}

type wanted struct {
	Next   bool   `json:"next"`   // a fresh address, though one is shown that nobody was given
	Amount string `json:"amount"` // what the link asks for; "" for nothing
}

type received struct {
	Address string   `json:"address"`
	Groups  []string `json:"groups"`
	Index   uint32   `json:"index"`
	Path    string   `json:"path"`
	Link    string   `json:"link"` // BIP21
	QR      []string `json:"qr"`   // rows of modules, 1 for dark, without the quiet zone
}

// receive gives an address, once a backup was proven.
func (c *Counter) receive(a wanted) (received, error) {
	w, err := c.opened()
	if err != nil {
		return received{}, err
	}
	if !w.BackedUp() {
		return received{}, wallet.ErrNotProven
	}
	give := w.NextUnused
	if a.Next {
		give = w.Fresh
	}
	text, index, err := give()
	if err != nil {
		return received{}, err
	}
	r := received{Address: text, Groups: wallet.Groups(text), Index: index, Path: w.Path(index)}
	to, err := w.Params().ParseAddress(text)
	if err != nil {
		return received{}, err
	}
	ask := uri.Request{Address: to}
	if ask.Amount, err = parseAmount(a.Amount); err != nil {
		return received{}, err
	}
	r.Link = uri.Format(w.Params(), ask)
	r.QR, err = draw(r.Link)
	return r, err
}

// draw makes a QR code, ISO/IEC 18004, with error correction of level M.
func draw(text string) ([]string, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, err
	}
	size := code.Bounds().Dx()
	rows := make([]string, size)
	for y := range rows {
		row := make([]byte, size)
		for x := range row {
			row[x] = '0'
			if code.At(x, y) == color.Black {
				row[x] = '1'
			}
		}
		rows[y] = string(row)
	}
	return rows, nil
}

type addressed struct {
	Address string `json:"address"`
}

type owned struct {
	Mine bool   `json:"mine"`
	Path string `json:"path"`
}

// mine tells whether an address is this wallet's.
func (c *Counter) mine(a addressed) (owned, error) {
	w, err := c.opened()
	if err != nil {
		return owned{}, err
	}
	text := strings.TrimSpace(a.Address)
	if r, err := uri.Parse(w.Params(), text); err == nil {
		text = r.Address.Text
	}
	path, ok, err := w.Mine(text)
	return owned{ok, path}, err
}

type labelled struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// label names a transaction.
func (c *Counter) label(a labelled) (none, error) {
	w, err := c.opened()
	if err != nil {
		return none{}, err
	}
	if b, err := hex.DecodeString(a.ID); err != nil || len(b) != 32 {
		return none{}, errCall
	}
	return none{}, w.SetLabel(label.Tx, a.ID, a.Label)
}

type file struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data"`
}

// backup is a sealed file of the whole wallet.
func (c *Counter) backup(a secretly) (file, error) {
	w, err := c.opened()
	if err != nil {
		return file{}, err
	}
	if err := strong(a.Passphrase); err != nil {
		return file{}, err
	}
	b, err := w.WriteBackup(a.Passphrase)
	return file{"goldpan-" + string(w.Params().Network) + "-backup.age", "application/octet-stream", b}, err
}

// verify proves that a backup file brings this wallet back.
func (c *Counter) verify(a creation) (none, error) {
	w, err := c.opened()
	if err != nil {
		return none{}, err
	}
	return none{}, w.VerifyBackup(a.File, a.Opens)
}

type exported struct {
	What string `json:"what"` // history, labels
}

// export is a file for other programs.
func (c *Counter) export(a exported) (file, error) {
	w, err := c.opened()
	if err != nil {
		return file{}, err
	}
	var b bytes.Buffer
	name := "goldpan-" + string(w.Params().Network) + "-" + w.Params().Coin.ID
	switch a.What {
	case "history":
		err = w.WriteCSV(&b)
		return file{name + "-history.csv", "text/csv", b.Bytes()}, err
	case "labels":
		err = w.ExportLabels(&b)
		return file{name + "-labels.jsonl", "application/jsonl", b.Bytes()}, err
	}
	return file{}, errCall
}

// Fault is an error as a word for who translates.
type Fault struct {
	Code     string `json:"code"`
	Position int    `json:"position,omitempty"` // of a wrong word, from 1
	Word     string `json:"word,omitempty"`     // that word
	Near     string `json:"near,omitempty"`     // one that may be meant
	Text     string `json:"text,omitempty"`     // in English, where there is no word for it
}

// Explain gives the word for an error.
func Explain(err error) Fault {
	if w, ok := errors.AsType[*hd.WordError](err); ok {
		return Fault{Code: "word", Position: w.Position, Word: w.Word, Near: w.Near}
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return Fault{Code: k.code}
		}
	}
	return Fault{Code: "other", Text: err.Error()}
}
