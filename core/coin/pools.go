package coin

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"goldpan/core/hasher"
)

// Pool is a preset: what is publicly said of a pool. Nobody tried it from here,
// and it may have changed: Checked and Sources say how old and how sure it is.
type Pool struct {
	ID, Name  string
	Page      string // where its operator describes it
	Coin      string // the coin's id in which it pays
	Algorithm hasher.Algorithm
	Servers   []Server // in the order in which to try them, encrypted ones first
	User      UserForm
	Password  string         // as given where nothing else is wanted
	Options   []PasswordForm // other passwords that mean something
	Scheme    string         // how it pays, in its own word
	// Solo tells that it promises to pay a whole block, less a fee, to the
	// miner's own address in the block itself: a promise that can be checked.
	Solo bool
	// FeeHundredths is what it keeps, in hundredths of a percent; -1 where it is
	// not known.
	FeeHundredths int
	MinimumPayout Amount // -1 where it is not known
	Low           LowDifficulty
	Note          string // what a beginner should know; may be ""
	Sources       []Source
	Checked       string // the day, as 2006-01-02
}

// Server is where a pool listens.
type Server struct {
	URL   string // as for stratum
	Where string // a region; may be ""
}

// UserForm is what a pool takes as the name of its user.
type UserForm string

// The forms. A worker is any name for the device, after a point.
const (
	UserAddress       UserForm = "address"
	UserAddressWorker UserForm = "address.worker"
	UserAccountWorker UserForm = "account.worker" // needs an account
)

// PasswordForm is a password that asks for something.
type PasswordForm struct {
	Password string // with {address} or {difficulty} to be filled in
	Means    string
}

// LowDifficulty is how a slow miner gets work that it can do.
type LowDifficulty string

// The ways. Where there is none, a processor may send no share for days.
const (
	LowNone     LowDifficulty = "none"
	LowSuggest  LowDifficulty = "suggest"  // by mining.suggest_difficulty
	LowPassword LowDifficulty = "password" // by one of the Options
)

// Source is where a fact comes from.
type Source struct {
	URL  string
	Says string
	// Read is how it was read: "copy", a stored copy of that page; "quoted", what
	// others say it says; "memory", neither.
	Read string
}

// Pools returns every preset, those where a slow miner is seen at all first,
// and otherwise by name.
func Pools() []Pool { return slices.Clone(shelf().pools) }

// PoolsFor returns the presets that pay in a coin.
func PoolsFor(c Coin) []Pool {
	return slices.DeleteFunc(Pools(), func(p Pool) bool { return p.Coin != c.ID })
}

type poolFile struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Page      string `json:"page"`
	Coin      string `json:"coin"`
	Algorithm string `json:"algorithm"`
	Servers   []struct {
		URL   string `json:"url"`
		Where string `json:"where"`
	} `json:"servers"`
	User     string `json:"user"`
	Password string `json:"password"`
	Options  []struct {
		Password string `json:"password"`
		Means    string `json:"means"`
	} `json:"options"`
	Scheme        string `json:"scheme"`
	Solo          bool   `json:"solo"`
	FeePercent    string `json:"fee_percent"`
	MinimumPayout string `json:"minimum_payout"`
	LowDifficulty string `json:"low_difficulty"`
	Note          string `json:"note"`
	Sources       []struct {
		URL  string `json:"url"`
		Says string `json:"says"`
		Read string `json:"read"`
	} `json:"sources"`
	Checked string `json:"checked"`
}

func (b *book) addPool(id string, text []byte) error {
	var f poolFile
	if err := decode(text, &f); err != nil {
		return err
	}
	p, err := f.pool(id)
	if err != nil {
		return err
	}
	var c check
	at := slices.IndexFunc(b.coins, func(c Coin) bool { return c.ID == p.Coin })
	c.that(at >= 0, "coin %q is not known", p.Coin)
	c.that(at < 0 || b.coins[at].Algorithm == p.Algorithm, "algorithm %q is not the coin's", p.Algorithm)
	c.that(!slices.ContainsFunc(b.pools, func(o Pool) bool { return o.ID == p.ID }), "there are two pools of this id")
	if c.err != nil {
		return c.err
	}
	b.pools = append(b.pools, p)
	slices.SortStableFunc(b.pools, func(x, y Pool) int {
		if low := (x.Low == LowNone); low != (y.Low == LowNone) {
			if low {
				return 1
			}
			return -1
		}
		return strings.Compare(x.Name, y.Name)
	})
	return nil
}

// pool checks a file by itself.
func (f *poolFile) pool(id string) (Pool, error) {
	var c check
	p := Pool{
		ID: f.ID, Name: f.Name, Page: f.Page, Coin: f.Coin, User: UserForm(f.User), Password: f.Password,
		Scheme: f.Scheme, Solo: f.Solo, Low: LowDifficulty(f.LowDifficulty), Note: f.Note, Checked: f.Checked,
		FeeHundredths: -1, MinimumPayout: -1,
	}
	c.that(f.ID == id && goodID(id), "id %q does not fit the file's name", f.ID)
	c.text("name", f.Name)
	c.that(goodPage(f.Page, "https"), "page %q", f.Page)
	var err error
	p.Algorithm, err = hasher.ParseAlgorithm(f.Algorithm)
	c.that(err == nil, "algorithm %q is not known", f.Algorithm)
	c.between("number of servers", len(f.Servers), 1, maxItems)
	clear := false
	for _, s := range f.Servers {
		encrypted, ok := goodServer(s.URL)
		c.that(ok, "server %q", s.URL)
		c.that(!clear || !encrypted, "server %q stands behind one that is not encrypted", s.URL)
		clear = clear || !encrypted
		if s.Where != "" {
			c.text("where", s.Where)
		}
		p.Servers = append(p.Servers, Server(s))
	}
	c.that(slices.Contains([]UserForm{UserAddress, UserAddressWorker, UserAccountWorker}, p.User), "user %q", f.User)
	c.that(!p.Solo || p.User != UserAccountWorker, "solo pays an address, and user is %q", f.User)
	c.text("password", f.Password)
	c.between("number of options", len(f.Options), 0, maxItems)
	for _, o := range f.Options {
		c.text("option's password", o.Password)
		c.text("option's means", o.Means)
		rest := strings.NewReplacer("{address}", "", "{difficulty}", "").Replace(o.Password)
		c.that(!strings.ContainsAny(rest, "{} "), "option's password %q", o.Password)
		p.Options = append(p.Options, PasswordForm(o))
	}
	c.text("scheme", f.Scheme)
	if f.FeePercent != "" {
		// In hundredths of a percent, exactly.
		fee, err := ParseAmount(f.FeePercent)
		c.that(err == nil && fee <= 50*Unit && fee%(Unit/100) == 0, "fee_percent %q", f.FeePercent)
		p.FeeHundredths = int(fee / (Unit / 100))
	}
	if f.MinimumPayout != "" {
		p.MinimumPayout, err = ParseAmount(f.MinimumPayout)
		c.that(err == nil, "minimum_payout %q", f.MinimumPayout)
	}
	c.that(slices.Contains([]LowDifficulty{LowNone, LowSuggest, LowPassword}, p.Low), "low_difficulty %q", f.LowDifficulty)
	asks := slices.ContainsFunc(p.Options, func(o PasswordForm) bool { return strings.Contains(o.Password, "{difficulty}") })
	c.that(p.Low != LowPassword || asks, "no option asks for a difficulty")
	if f.Note != "" {
		c.text("note", f.Note)
	}
	c.between("number of sources", len(f.Sources), 1, maxItems)
	for _, s := range f.Sources {
		c.that(goodPage(s.URL, "https", "http"), "source %q", s.URL)
		c.text("source's says", s.Says)
		c.that(slices.Contains([]string{"copy", "quoted", "memory"}, s.Read), "source's read %q", s.Read)
		p.Sources = append(p.Sources, Source(s))
	}
	c.day("checked", f.Checked)
	return p, c.err
}

// goodServer tells whether s is a scheme that stratum dials, a public name and
// a port, and nothing else, and whether the connection is encrypted.
func goodServer(s string) (encrypted, ok bool) {
	scheme, rest, found := strings.Cut(s, "://")
	switch scheme {
	case "stratum+tls", "wss":
		encrypted = true
	case "stratum+tcp", "ws":
	default:
		return false, false
	}
	host, port, err := net.SplitHostPort(rest)
	n, bad := strconv.Atoi(port)
	return encrypted, found && err == nil && bad == nil && n > 0 && n < 65536 && goodHost(host)
}

// goodHost tells whether a host is a name of the public net in small letters.
func goodHost(host string) bool {
	dot := strings.LastIndexByte(host, '.')
	return shaped(host, 4, 253, small+numbers+"-.") && dot > 0 && dot < len(host)-2 && strings.IndexByte(small, host[dot+1]) >= 0
}

func goodPage(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxText && slices.Contains(schemes, u.Scheme) && u.User == nil && goodHost(u.Host) && u.Fragment == "" && u.RawQuery == ""
}

// Fee returns what the pool keeps as people write it, "2%" or "2.5%"; "" where
// it is not known.
func (p Pool) Fee() string {
	if p.FeeHundredths < 0 {
		return ""
	}
	whole, part := p.FeeHundredths/100, p.FeeHundredths%100
	if part == 0 {
		return fmt.Sprintf("%d%%", whole)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%02d", whole, part), "0") + "%"
}
