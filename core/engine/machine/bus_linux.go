package machine

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"goldpan/core/engine"
)

// The desktop's words for "how long without input", on the session's bus and on
// the system's.
const (
	mutterName  = "org.gnome.Mutter.IdleMonitor"
	mutterPath  = "/org/gnome/Mutter/IdleMonitor/Core"
	mutterCall  = "org.gnome.Mutter.IdleMonitor.GetIdletime"
	saverName   = "org.freedesktop.ScreenSaver"
	saverCall   = "org.freedesktop.ScreenSaver.GetSessionIdleTime"
	loginName   = "org.freedesktop.login1"
	loginPath   = "/org/freedesktop/login1/session/auto"
	loginIface  = "org.freedesktop.login1.Session"
	getAll      = "org.freedesktop.DBus.Properties.GetAll"
	sessionBus  = "DBUS_SESSION_BUS_ADDRESS"
	systemBus   = "DBUS_SYSTEM_BUS_ADDRESS"
	systemPath  = "/run/dbus/system_bus_socket"
	maxIdleTime = 10 * 365 * 24 * time.Hour
)

// saverPaths are where desktops keep the screen saver; the second is older.
var saverPaths = []dbus.ObjectPath{"/org/freedesktop/ScreenSaver", "/ScreenSaver"}

// input tells when the person's last input was.
type input struct {
	env   func(string) string
	now   func() time.Time
	saver unit
}

func (i *input) read(ctx context.Context) change {
	idle, ok := i.idle(ctx)
	if !ok || idle < 0 || idle > maxIdleTime {
		return nil
	}
	return func(r *engine.Reading) { r.Idle = engine.Known(idle) }
}

// idle asks those who know best first. X11 is not asked on a Wayland desktop, where
// it sees only part of the input; logind knows no more than that the desktop thinks
// that nobody is there.
func (i *input) idle(ctx context.Context) (time.Duration, bool) {
	if d, ok := i.session(ctx); ok {
		return d, true
	}
	if i.env("WAYLAND_DISPLAY") == "" && i.env("XDG_SESSION_TYPE") != "wayland" {
		if d, err := screenSaverIdle(ctx, i.env); err == nil {
			return d, true
		}
	}
	return i.login(ctx)
}

// session asks the desktop on the session's bus.
func (i *input) session(ctx context.Context) (time.Duration, bool) {
	conn, ok := connect(ctx, i.sessionAddress())
	if !ok {
		return 0, false
	}
	defer conn.Close()
	var ms uint64
	if conn.Object(mutterName, mutterPath).CallWithContext(ctx, mutterCall, dbus.FlagNoAutoStart).Store(&ms) == nil {
		return time.Duration(min(ms, 1<<53)) * time.Millisecond, ms < 1<<43
	}
	for _, path := range saverPaths {
		var count uint32
		if conn.Object(saverName, path).CallWithContext(ctx, saverCall, dbus.FlagNoAutoStart).Store(&count) == nil {
			return i.saver.idle(count, i.now())
		}
	}
	return 0, false
}

// unit finds out what a screen saver counts in: the specification says seconds, and
// desktops answer in milliseconds. It is told by how fast the count grows.
type unit struct {
	one   time.Duration // 0: not known yet
	count uint32
	at    time.Time
}

func (u *unit) idle(count uint32, now time.Time) (time.Duration, bool) {
	if took := now.Sub(u.at); u.one == 0 && count > u.count && took >= time.Second && took < maxStep {
		switch speed := float64(count-u.count) / took.Seconds(); {
		case speed > 100 && speed < 2000:
			u.one = time.Millisecond
		case speed < 10:
			u.one = time.Second
		}
	}
	u.count, u.at = count, now
	// Until the unit is known the shorter time is told: better to rest for
	// nothing than to be in the way.
	return time.Duration(count) * max(u.one, time.Millisecond), true
}

// sessionAddress returns the address of the session's bus, if there is one. No bus
// is started for it.
func (i *input) sessionAddress() string {
	if address := i.env(sessionBus); address != "" {
		return address
	}
	dir := i.env("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(filepath.Join(dir, "bus"))
}

// connect reaches a bus on a socket of this computer. Other addresses would lead
// elsewhere or start a program.
func connect(ctx context.Context, address string) (*dbus.Conn, bool) {
	for one := range strings.SplitSeq(address, ";") {
		if !strings.HasPrefix(one, "unix:") {
			return nil, false
		}
	}
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	return conn, err == nil
}

// login asks logind what the desktop told it of this session.
func (i *input) login(ctx context.Context) (time.Duration, bool) {
	address := i.env(systemBus)
	if address == "" {
		address = "unix:path=" + systemPath
	}
	conn, ok := connect(ctx, address)
	if !ok {
		return 0, false
	}
	defer conn.Close()
	var properties map[string]dbus.Variant
	if conn.Object(loginName, loginPath).CallWithContext(ctx, getAll, dbus.FlagNoAutoStart, loginIface).Store(&properties) != nil {
		return 0, false
	}
	return hinted(properties, i.now())
}

// hinted reads the properties of a logind session. One without a desktop says
// nothing of the person at the computer.
func hinted(properties map[string]dbus.Variant, now time.Time) (time.Duration, bool) {
	switch kind, _ := properties["Type"].Value().(string); kind {
	case "x11", "wayland", "mir":
	default:
		return 0, false
	}
	idle, ok := properties["IdleHint"].Value().(bool)
	if !ok || !idle {
		return 0, ok
	}
	since, ok := properties["IdleSinceHint"].Value().(uint64) // µs since 1970
	if !ok || since == 0 || since > 1<<55 {
		return 0, false
	}
	return max(0, now.Sub(time.UnixMicro(int64(since)))), true
}
