//go:build !windows && !darwin && !js

package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"goldpan/vault"
)

// Names of the Secret Service (specifications.freedesktop.org, "Secret Service
// API Draft").
const (
	secretsName       = "org.freedesktop.secrets"
	secretsPath       = "/org/freedesktop/secrets"
	loginPath         = secretsPath + "/collection/login"
	serviceInterface  = "org.freedesktop.Secret.Service"
	collectionIface   = "org.freedesktop.Secret.Collection"
	propertiesGet     = "org.freedesktop.DBus.Properties.Get"
	errorIsLocked     = "org.freedesktop.Secret.Error.IsLocked"
	busAddressKey     = "DBUS_SESSION_BUS_ADDRESS"
	hintSession       = "Start Goldpan from your desktop session, or under dbus-run-session with a keyring such as gnome-keyring unlocked in it. On a machine without a desktop: " + hintSealedLower
	hintSealedLower   = "keep keys in the sealed file instead, which a passphrase protects."
	hintInstall       = "Install and start a keyring (gnome-keyring, KWallet or KeePassXC). On a machine without a desktop: " + hintSealedLower
	hintUnlock        = "Unlock your login keyring (signing in does it, or the program Passwords and Keys), then try again."
	hintDefaultNeeded = "Create a default keyring, for instance in the program Passwords and Keys, then try again. On a machine without a desktop: " + hintSealedLower
)

// ready finds out, on a connection of its own and without starting a bus,
// whether go-keyring can be called without hanging: there is a session bus, the
// secret service is on it, and the collection that go-keyring will use is
// unlocked.
func ready(ctx context.Context) error {
	address, err := busAddress()
	if err != nil {
		return err
	}
	// go-keyring finds the bus by itself, looks elsewhere than in
	// XDG_RUNTIME_DIR, and starts one if it finds none. Naming the bus prevents
	// that.
	if os.Getenv(busAddressKey) != address {
		if err := os.Setenv(busAddressKey, address); err != nil {
			return unavailable("the session bus could not be chosen", hintSession)
		}
	}
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return unavailable("the session bus does not take connections", hintSession)
	}
	defer conn.Close()
	if err := hasSecrets(ctx, conn); err != nil {
		return err
	}
	locked, err := collectionLocked(ctx, conn)
	if err != nil {
		return err
	}
	if locked {
		return &vault.Error{Store: storeName, Detail: "the login keyring is locked", Hint: hintUnlock, Err: vault.ErrLocked}
	}
	return nil
}

// busAddress returns the address of the session bus that is there.
func busAddress() (string, error) {
	if address := os.Getenv(busAddressKey); address != "" {
		if strings.Contains(address, "autolaunch:") {
			return "", unavailable(busAddressKey+" asks for a new bus to be started", hintSession)
		}
		return address, nil
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	path := filepath.Join(dir, "bus")
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeSocket == 0 {
		return "", unavailable("there is no session bus: "+busAddressKey+" is not set, and XDG_RUNTIME_DIR holds no socket named bus", hintSession)
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path), nil
}

func hasSecrets(ctx context.Context, conn *dbus.Conn) error {
	var owned bool
	err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned)
	if err != nil {
		return explainSystem(err)
	}
	if owned {
		return nil
	}
	var names []string
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names)
	if err != nil {
		return explainSystem(err)
	}
	if !slices.Contains(names, secretsName) {
		return unavailable("no keyring runs in this session, and none can be started", hintInstall)
	}
	return nil
}

// collectionLocked looks at the collection that go-keyring chooses: "login" if
// there is one, otherwise the default.
func collectionLocked(ctx context.Context, conn *dbus.Conn) (bool, error) {
	service := conn.Object(secretsName, secretsPath)
	var value dbus.Variant
	if err := service.CallWithContext(ctx, propertiesGet, 0, serviceInterface, "Collections").Store(&value); err != nil {
		return false, explainSystem(err)
	}
	collections, ok := value.Value().([]dbus.ObjectPath)
	if !ok {
		return false, unavailable("its answer makes no sense", hintInstall)
	}
	path := dbus.ObjectPath(loginPath)
	if !slices.Contains(collections, path) {
		if err := service.CallWithContext(ctx, serviceInterface+".ReadAlias", 0, "default").Store(&path); err != nil {
			return false, explainSystem(err)
		}
		if path == "/" || !path.IsValid() {
			return false, unavailable("it has no default collection", hintDefaultNeeded)
		}
	}
	if err := conn.Object(secretsName, path).CallWithContext(ctx, propertiesGet, 0, collectionIface, "Locked").Store(&value); err != nil {
		return false, explainSystem(err)
	}
	locked, ok := value.Value().(bool)
	if !ok {
		return false, unavailable("its answer makes no sense", hintInstall)
	}
	return locked, nil
}

func unavailable(detail, hint string) error {
	return &vault.Error{Store: storeName, Detail: detail, Hint: hint, Err: vault.ErrUnavailable}
}

// explainSystem never repeats the service's own text.
func explainSystem(err error) error {
	var peer dbus.Error
	if !errors.As(err, &peer) {
		// go-keyring's own words, after a prompt that was dismissed.
		if strings.HasPrefix(err.Error(), "failed to unlock") {
			return &vault.Error{Store: storeName, Detail: "the keyring was not unlocked", Hint: hintUnlock, Err: vault.ErrLocked}
		}
		return unavailable("the session bus was lost", hintSession)
	}
	switch name := peer.Name; {
	case name == errorIsLocked:
		return &vault.Error{Store: storeName, Detail: "the login keyring is locked", Hint: hintUnlock, Err: vault.ErrLocked}
	case name == "org.freedesktop.DBus.Error.NoReply", name == "org.freedesktop.DBus.Error.Timeout", name == "org.freedesktop.DBus.Error.TimedOut":
		return &vault.Error{Store: storeName, Detail: "the keyring ended without an answer", Hint: hintUnlock, Err: vault.ErrTimeout}
	case name == "org.freedesktop.DBus.Error.ServiceUnknown", name == "org.freedesktop.DBus.Error.NameHasNoOwner",
		strings.HasPrefix(name, "org.freedesktop.DBus.Error.Spawn."):
		return unavailable("the keyring could not be started", hintInstall)
	case name == "org.freedesktop.DBus.Error.AccessDenied":
		return unavailable("the session bus does not let Goldpan reach the keyring", hintSession)
	}
	return unavailable("the keyring refused", hintUnlock)
}
