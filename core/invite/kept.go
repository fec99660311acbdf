package invite

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// record is a Device as it is kept.
type record struct {
	ID     ID        `json:"id"`
	Key    []byte    `json:"key,omitempty"`
	Token  []byte    `json:"token,omitempty"`
	From   ID        `json:"from,omitzero"`
	Joined time.Time `json:"joined"`
}

// ErrRecord is returned for what is no device's record.
var ErrRecord = errors.New("the device's record is damaged")

// Export is the device with its key as one JSON object, for a sealed place and no log.
func (d Device) Export() ([]byte, error) {
	r := record{ID: d.ID, From: d.From, Joined: d.Joined}
	if d.Key != (Key{}) {
		r.Key = d.Key.bytes[:]
	}
	if d.Token != ([32]byte{}) {
		r.Token = d.Token[:]
	}
	return json.Marshal(r)
}

// ParseDevice reads what Export wrote.
func ParseDevice(b []byte) (Device, error) {
	var r record
	if err := strict(b, &r); err != nil {
		return Device{}, ErrRecord
	}
	d := Device{ID: r.ID, From: r.From, Joined: r.Joined.UTC()}
	copy(d.Key.bytes[:], r.Key)
	copy(d.Token[:], r.Token)
	keyed, tokened := d.Key != Key{}, d.Token != [32]byte{}
	if y := d.Joined.Year(); y < 1 || y > 9998 || d.ID == (ID{}) || keyed == tokened || keyed && len(r.Key) != 32 || tokened && len(r.Token) != 32 || !keyed && len(r.Key) > 0 || !tokened && len(r.Token) > 0 {
		return Device{}, ErrRecord
	}
	return d, nil
}

// issued is an Issued as it is kept.
type issued struct {
	ID      ID        `json:"id"`
	Origin  string    `json:"origin"`
	Secret  []byte    `json:"secret,omitempty"`
	Expires time.Time `json:"expires"`
	Spent   bool      `json:"spent,omitempty"`
}

// Export is the invitation with its secret, if it is pending, as one JSON object, for a sealed place and no log.
func (i Issued) Export() ([]byte, error) {
	r := issued{ID: i.ID, Origin: i.Origin, Expires: i.Expires.UTC().Round(0), Spent: i.State == Spent}
	if i.State == Pending {
		r.Secret = i.Secret.bytes[:]
	}
	return json.Marshal(r)
}

// ParseIssued reads what Export wrote. Its error is ErrRecord.
func ParseIssued(b []byte) (Issued, error) {
	var r issued
	if err := strict(b, &r); err != nil {
		return Issued{}, ErrRecord
	}
	i := Issued{Invitation: Invitation{ID: r.ID, Origin: r.Origin, Expires: r.Expires.UTC()}, State: Expired}
	switch {
	case len(r.Secret) > 0:
		i.State = Pending
	case r.Spent:
		i.State = Spent
	}
	copy(i.Secret.bytes[:], r.Secret)
	if y := i.Expires.Year(); y < 1 || y > 9998 || i.ID == (ID{}) || checkOrigin(i.Origin) != nil ||
		i.State == Pending && (r.Spent || len(r.Secret) != len(i.Secret.bytes) || i.Secret == Secret{}) {
		return Issued{}, ErrRecord
	}
	return i, nil
}

// strict reads one JSON object of ours and nothing more.
func strict(b []byte, into any) error {
	if len(b) > MaxMessage {
		return ErrRecord
	}
	j := json.NewDecoder(bytes.NewReader(b))
	j.DisallowUnknownFields()
	if err := j.Decode(into); err != nil {
		return ErrRecord
	}
	if _, err := j.Token(); !errors.Is(err, io.EOF) {
		return ErrRecord
	}
	return nil
}
