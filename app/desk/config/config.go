// Package config reads and writes what a person has chosen about mining: one
// TOML file, config.toml, in the data directory.
//
// It refuses what it does not understand, by line and column and with what to
// write instead, and it refuses secrets: a password is the id of a key that the
// vault keeps, and a text that looks like a key or like seed words is not taken
// for anything. Changing a setting rewrites that setting alone; the person's
// comments and order stay.
//
// The file follows TOML 1.0 (https://toml.io), without inline tables, and is at
// most [MaxSize] bytes.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"goldpan/core/disk"
	"goldpan/core/engine"
	"goldpan/core/seal"
)

// Name is the file's name in the data directory.
const Name = "config.toml"

// Bounds of the file.
const (
	MaxSize     = 64 << 10 // bytes
	MaxPools    = 16
	maxSchedule = 64
	maxText     = 512 // bytes of one text
	maxProblems = 20
)

// Config is what the file says. Its zero value is not [Default].
type Config struct {
	Coin       string  // the id of a coin, such as litecoin; "" where the algorithm says enough
	Algorithm  string  // "" takes the coin's
	Payout     string  // the person's own address, looked for in the work of pools that promise solo mining
	Proxy      string  // URL, without a password
	ProxyKey   string  // id of the proxy's password in the vault
	Difficulty float64 // of shares, to ask pools for; 0 leaves it to them
	Pools      []Pool  // in the order in which they are tried
	Node       Node    // mined on where there are no pools
	Limits     Limits
	Manners    Manners
	API        API
	Log        Log
}

// Pool is one pool, and who mines there.
type Pool struct {
	URL         string // or preset:NAME
	User        string
	Password    string // options for the pool, never a secret; "" sends x
	PasswordKey string // id of a password in the vault; it comes before Password
	Solo        bool   // the pool promises the whole block to Config.Payout
}

// Node is the person's own node of the coin, which pays Config.Payout.
type Node struct {
	URL         string // of its RPC port, http:// or https://; "" for none
	User        string
	PasswordKey string // id of its password in the vault
	Cookie      string // path of the file that the node writes user and password into, instead of both
}

// Limits say how much of the machine may be used. Zero is no limit.
type Limits struct {
	Threads  int     // at most; 0 is one for each processor
	Percent  int     // of each thread's time, 1 to 100
	Hashrate float64 // hashes a second
	Watts    float64
	Celsius  float64
	Nice     int // 0 to 19
}

// Manners say when mining gives way.
type Manners struct {
	OnBattery     bool          // mine on battery too
	BatteryFloor  int           // percent of charge under which it never does
	WhileActive   bool          // mine while the person uses the machine too
	IdleAfter     time.Duration // without a key or the mouse, after which nobody uses it
	OthersPercent int           // of the processor for other programs, above which mining pauses; 0 never
	Schedule      []string      // lines that [ParseWindow] takes; none is always
}

// Rules are the limits and the manners as the engine has them.
func (c Config) Rules() engine.Rules {
	r := engine.Rules{
		Threads: c.Limits.Threads, Percent: c.Limits.Percent, Hashrate: c.Limits.Hashrate,
		Watts: c.Limits.Watts, Celsius: c.Limits.Celsius, Nice: c.Limits.Nice,
		OnBattery: c.Manners.OnBattery, BatteryFloor: c.Manners.BatteryFloor,
		WhileActive: c.Manners.WhileActive, IdleAfter: c.Manners.IdleAfter, OthersPercent: c.Manners.OthersPercent,
	}
	for _, line := range c.Manners.Schedule {
		if w, err := ParseWindow(line); err == nil { // a Config that was read has no other
			r.Schedule = append(r.Schedule, w)
		}
	}
	return r
}

// API is where other programs on this machine may look.
type API struct {
	Listen   string // HOST:PORT; "" for none
	TokenKey string // id of a token in the vault that may change things; "" lets nobody
}

// Log is what is written to goldpan.log.
type Log struct {
	Level string // debug, info, warn or error
	Size  int    // MiB at which a new file is begun
	Keep  int    // old files
}

// Default returns what a fresh file says.
func Default() Config {
	return Config{
		Limits:  Limits{Percent: 100, Celsius: 90, Nice: engine.DefaultNice},
		Manners: Manners{BatteryFloor: 30, WhileActive: true, IdleAfter: engine.DefaultIdleAfter},
		Log:     Log{Level: "info", Size: 5, Keep: 3},
	}
}

// Path returns the file's path in a data directory.
func Path(dir string) string { return filepath.Join(dir, Name) }

// Read returns what the file in dir says; without one it is [Default]. A file
// that is wrong is a [*Problems].
func Read(dir string) (Config, error) {
	source, err := read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return Config{}, err
	}
	return Parse(source)
}

func read(dir string) ([]byte, error) {
	f, err := os.Open(Path(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// Init writes a fresh file, every key in it explained, unless there is one.
// made says whether it did.
func Init(dir string) (made bool, err error) {
	if _, err := os.Lstat(Path(dir)); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, write(dir, Format(Default()))
}

// Update changes the file in dir, which it reads anew, so that what was written
// into it by hand meanwhile is kept; comments and order are kept as [Apply] says.
// The content before is kept beside it. A file that is wrong is left as it is.
// Several at once, of one program or of many, take turns.
func Update(dir string, change func(*Config) error) (Config, error) {
	turn, err := takeTurn(dir)
	if err != nil {
		return Config{}, err
	}
	defer turn.Close()
	source, err := read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		source, err = Format(Default()), nil
	}
	if err != nil {
		return Config{}, err
	}
	c, err := Parse(source)
	if err != nil {
		return Config{}, err
	}
	if err := change(&c); err != nil {
		return Config{}, err
	}
	if source, err = Apply(source, c); err != nil {
		return Config{}, err
	}
	return c, write(dir, source)
}

// lockName is the file that writers of the settings lock for as long as they write.
const lockName = ".config.lock"

// patience is far more than a change takes.
const patience = 10 * time.Second

// takeTurn waits until nobody else writes the file. It sweeps up what one left
// that was killed while it did.
func takeTurn(dir string) (*disk.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; {
		turn, err := disk.LockFile(filepath.Join(dir, lockName))
		if errors.Is(err, disk.ErrLocked) && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if err != nil {
			return nil, err
		}
		left, _ := filepath.Glob(filepath.Join(dir, "."+Name+".*.tmp")) // as seal names them
		for _, path := range left {
			_ = os.Remove(path)
		}
		return turn, nil
	}
}

func write(dir string, source []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return seal.WriteFile(Path(dir), source, 0o600)
}

// Problem is one thing that is wrong with the file.
type Problem struct {
	Line, Column int    // from 1; 0 where it is about no place
	Key          string // such as limits.percent; "" where it is about no key
	Wrong        string // what is wrong
	Write        string // what to write instead, or ""
}

// String is one sentence.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Wrong)
	if p.Write != "" {
		b.WriteString("; " + p.Write)
	}
	return b.String()
}

// Problems is all that is wrong with a file, in its order.
type Problems struct{ List []Problem }

// Error tells the first.
func (p *Problems) Error() string {
	text := Name + ", " + p.List[0].String()
	switch more := len(p.List) - 1; {
	case more == 1:
		text += " (and one more)"
	case more > 1:
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// Equal tells whether two say the same.
func (c Config) Equal(other Config) bool { return reflect.DeepEqual(c.normal(), other.normal()) }

// normal has no empty list that is not nil.
func (c Config) normal() Config {
	if len(c.Pools) == 0 {
		c.Pools = nil
	}
	if len(c.Manners.Schedule) == 0 {
		c.Manners.Schedule = nil
	}
	return c
}
