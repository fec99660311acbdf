//go:build !js

package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"goldpan/core/disk"
)

// steps make the database; the n-th leads from version n to n+1. One that was
// released is never changed.
func steps() []string {
	return []string{`
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), committed INTEGER NOT NULL, groups INTEGER NOT NULL) STRICT;
INSERT INTO state VALUES (1, 0, 0);
CREATE TABLE devices (
	device TEXT PRIMARY KEY, accepted INTEGER NOT NULL, stale INTEGER NOT NULL, rejected INTEGER NOT NULL,
	work INTEGER NOT NULL, parts INTEGER NOT NULL, best REAL NOT NULL, best_at INTEGER NOT NULL,
	first INTEGER NOT NULL, last INTEGER NOT NULL, online INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE times (
	device TEXT NOT NULL, span INTEGER NOT NULL, start INTEGER NOT NULL,
	accepted INTEGER NOT NULL, stale INTEGER NOT NULL, rejected INTEGER NOT NULL,
	work INTEGER NOT NULL, parts INTEGER NOT NULL,
	PRIMARY KEY (span, start, device)) STRICT, WITHOUT ROWID;`,
	}
}

// Open opens the accounts, or makes them where there are none. A damaged file is
// moved aside, which SetAside tells. Errors are ErrNewer and disk.ErrLocked when another
// process has them open.
func Open(c Config) (*Book, error) {
	return open(c, steps())
}

func open(c Config, steps []string) (*Book, error) {
	b := &Book{every: c.Every, hashes: c.Hashes, now: c.Now, fresh: newGroup(), online: map[string]*presence{}, changed: make(chan struct{})}
	if b.every <= 0 {
		b.every = 500 * time.Millisecond
	}
	b.every = min(b.every, time.Second)
	if b.hashes <= 0 {
		b.hashes = 1 << 32
	}
	if b.now == nil {
		b.now = time.Now
	}
	var err error
	if b.lock, err = disk.LockFile(c.Path + ".lock"); err != nil {
		return nil, err
	}
	if err := b.start(c.Path, steps); err != nil {
		return nil, errors.Join(err, b.lock.Close())
	}
	return b, nil
}

func (b *Book) start(path string, steps []string) error {
	err := b.load(path, steps)
	if damaged(err) {
		if b.aside, err = setAside(path, b.now()); err == nil {
			err = b.load(path, steps)
		}
	}
	return err
}

var errDamaged = errors.New("the file of accounts is damaged")

// load opens the file, having made it under another name first: so one that is empty
// was damaged.
func (b *Book) load(path string, steps []string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A log without its file is what is left of accounts that somebody took away.
		if err := without(path); err != nil {
			return err
		}
		if err := create(path, steps); err != nil {
			return err
		}
	case err != nil:
		return err
	case info.Size() == 0:
		return errDamaged
	}
	db, err := connect(path)
	if err != nil {
		return err
	}
	if err := b.read(db, steps); err != nil {
		return errors.Join(err, db.Close())
	}
	b.db = db
	return nil
}

func without(path string) error {
	for _, more := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + more); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func create(path string, steps []string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := without(fresh); err != nil {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := connect(fresh)
	if err != nil {
		return err
	}
	err = migrate(db, steps)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func connect(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive's letter
	}
	name := url.URL{Scheme: "file", Path: slashed, OmitHost: true,
		RawQuery: "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cell_size_check(1)&_txlock=immediate"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (b *Book) read(db *sql.DB, steps []string) error {
	var sound string
	if err := db.QueryRow(`PRAGMA quick_check(1)`).Scan(&sound); err != nil {
		return err
	}
	if sound != "ok" {
		return errDamaged
	}
	if err := migrate(db, steps); err != nil {
		return err
	}
	err := db.QueryRow(`SELECT committed, groups FROM state`).Scan(&b.committed, &b.group)
	if errors.Is(err, sql.ErrNoRows) {
		return errDamaged
	}
	b.next, b.group = b.committed+1, b.group+1
	return err
}

func migrate(db *sql.DB, steps []string) error {
	var version int
	if err := db.QueryRow(`PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(steps) {
		return ErrNewer
	}
	for ; version < len(steps); version++ {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		_, err = tx.Exec(steps[version] + fmt.Sprintf("\nPRAGMA user_version = %d;", version+1))
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			return errors.Join(err, rollback(tx))
		}
	}
	return nil
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// damaged tells a broken file from a disk that is full or a file that may not be read.
func damaged(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		code := e.Code() & 0xff
		return code == 11 || code == 26 || code == 1 // SQLITE_CORRUPT, SQLITE_NOTADB; SQLITE_ERROR: a table is missing
	}
	return errors.Is(err, errDamaged)
}

// setAside renames the file, with its log, to a name that is free, and gives that name.
func setAside(path string, now time.Time) (string, error) {
	base := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	aside := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", err
		}
		aside = fmt.Sprintf("%s-%d", base, n)
	}
	for _, more := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+more, aside+more); err != nil && !(more != "" && errors.Is(err, fs.ErrNotExist)) {
			return "", err
		}
	}
	return aside, nil
}

// write adds a group, once: one whose commit seemed to fail may be there already.
func (b *Book) write(g *group) error {
	tx, err := b.db.Begin()
	if err != nil {
		return err
	}
	if err := add(tx, g); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return errors.Join(err, rollback(tx))
	}
	return nil
}

func add(tx *sql.Tx, g *group) error {
	var groups uint64
	if err := tx.QueryRow(`SELECT groups FROM state`).Scan(&groups); err != nil {
		return err
	}
	if groups >= g.number {
		return nil
	}
	device, err := tx.Prepare(`INSERT INTO devices VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET
		accepted = accepted + excluded.accepted, stale = stale + excluded.stale, rejected = rejected + excluded.rejected,
		work = work + excluded.work + ((parts + excluded.parts) >> 32), parts = (parts + excluded.parts) & 4294967295,
		best_at = CASE WHEN excluded.best > best THEN excluded.best_at ELSE best_at END, best = max(best, excluded.best),
		first = CASE WHEN first = 0 THEN excluded.first WHEN excluded.first = 0 THEN first ELSE min(first, excluded.first) END,
		last = max(last, excluded.last), online = online + excluded.online`)
	if err != nil {
		return err
	}
	for id, d := range g.devices {
		if _, err := device.Exec(id, d.counts[Accepted], d.counts[Stale], d.counts[Rejected], d.work.Whole, d.work.Parts,
			d.best, d.bestAt, d.first, d.last, int64(d.online)); err != nil {
			return errors.Join(err, device.Close())
		}
	}
	if err := device.Close(); err != nil {
		return err
	}
	stretch, err := tx.Prepare(`INSERT INTO times VALUES (?,?,?,?,?,?,?,?) ` + merge)
	if err != nil {
		return err
	}
	for k, d := range g.times {
		if _, err := stretch.Exec(k.device, k.span, k.start, d.counts[Accepted], d.counts[Stale], d.counts[Rejected],
			d.work.Whole, d.work.Parts); err != nil {
			return errors.Join(err, stretch.Close())
		}
	}
	if err := stretch.Close(); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE state SET committed = ?, groups = ?`, g.last, g.number)
	return err
}

const merge = `ON CONFLICT DO UPDATE SET
	accepted = accepted + excluded.accepted, stale = stale + excluded.stale, rejected = rejected + excluded.rejected,
	work = work + excluded.work + ((parts + excluded.parts) >> 32), parts = (parts + excluded.parts) & 4294967295`

// How long each kind of stretch is kept.
const (
	minutesKept = 3 * hour
	hoursKept   = 90 * day
	daysKept    = 3653 * day
)

// roll makes hours of old minutes and days of old hours.
func (b *Book) roll(now time.Time) error {
	tx, err := b.db.Begin()
	if err != nil {
		return err
	}
	at := now.Unix()
	for _, r := range []struct{ from, to, keep int64 }{{minute, hour, minutesKept}, {hour, day, hoursKept}} {
		before := (at - r.keep) / r.to * r.to
		if _, err = tx.Exec(`INSERT INTO times SELECT device, ?1, start / ?1 * ?1, sum(accepted), sum(stale), sum(rejected),
			sum(work) + (sum(parts) >> 32), sum(parts) & 4294967295
			FROM times WHERE span = ?2 AND start < ?3 GROUP BY device, start / ?1 `+merge, r.to, r.from, before); err != nil {
			return errors.Join(err, rollback(tx))
		}
		if _, err = tx.Exec(`DELETE FROM times WHERE span = ? AND start < ?`, r.from, before); err != nil {
			return errors.Join(err, rollback(tx))
		}
	}
	if _, err = tx.Exec(`DELETE FROM times WHERE span = ? AND start < ?`, day, at-daysKept); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return errors.Join(err, rollback(tx))
	}
	return nil
}

func (b *Book) totals(ctx context.Context) (all []Account, err error) {
	rows, err := b.db.QueryContext(ctx, `SELECT device, accepted, stale, rejected, work, parts, best, best_at, first, last, online
		FROM devices ORDER BY device`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Account
		var bestAt, first, last, online int64
		if err := rows.Scan(&a.Device, &a.Accepted, &a.Stale, &a.Rejected, &a.Work.Whole, &a.Work.Parts, &a.Best, &bestAt, &first, &last, &online); err != nil {
			return nil, err
		}
		a.BestAt, a.First, a.Last, a.Online = moment(bestAt), moment(first), moment(last), time.Duration(online)
		all = append(all, a)
	}
	return all, rows.Err()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// since sums the stretches that begin at a time or later, and the one it falls in.
func (b *Book) since(ctx context.Context, from time.Time) (work map[string]Work, err error) {
	rows, err := b.db.QueryContext(ctx, `SELECT device, sum(work) + (sum(parts) >> 32), sum(parts) & 4294967295
		FROM times WHERE start + span > ? GROUP BY device`, from.Unix())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	work = map[string]Work{}
	for rows.Next() {
		var device string
		var w Work
		if err := rows.Scan(&device, &w.Whole, &w.Parts); err != nil {
			return nil, err
		}
		work[device] = w
	}
	return work, rows.Err()
}
