package stratum

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"goldpan/core/pow"
)

// scripted is a Backend for dialogues: user "panner" is known, and the code of a refusal is the share's nonce.
type scripted struct {
	*dialogue
	job *pow.Job
}

func (b *scripted) Connected(*Peer)    { b.event("connected") }
func (b *scripted) Disconnected(*Peer) { b.event("disconnected") }
func (b *scripted) Subscribe(p *Peer, agent string) ([]byte, int, error) {
	if err := p.Notify(b.job); !errors.Is(err, ErrNotSubscribed) {
		b.t.Errorf("a job before subscribe: %v", err)
	}
	b.event("subscribe %s", agent)
	if agent == "leech" {
		return nil, 0, &Rejection{Code: CodeOther, Reason: "not for you"}
	}
	return []byte{0xf0, 0, 0, 1}, 4, nil
}

func (b *scripted) Authorize(p *Peer, user, password string) error {
	b.event("authorize %s %s", user, password)
	switch user {
	case "panner":
	case "broken":
		return errors.New("disk full")
	default:
		return &Rejection{Code: CodeUnauthorized, Reason: "address of another network"}
	}
	if p.Subscribed() {
		if err := errors.Join(p.SetDifficulty(0.5), p.Notify(b.job)); err != nil {
			b.t.Error(err)
		}
	}
	return nil
}

func (b *scripted) Submit(_ *Peer, s Submission) error {
	version := ""
	if s.Version != nil {
		version = fmt.Sprintf(" version %08x", *s.Version)
	}
	b.event("submit %s %s %x %08x %08x%s", s.User, s.JobID, s.Extranonce2, s.Time, s.Nonce, version)
	if s.Nonce == 0 {
		return nil
	}
	if s.Nonce > 25 {
		return errors.New("internal")
	}
	return &Rejection{Code: int(s.Nonce), Reason: "as you wish"}
}

// able is a scripted backend that knows what is optional. A share with the nonce 100 has it change everything.
type able struct{ *scripted }

func (b *able) VersionMask(*Peer) uint32 { return 0x00ffe000 }

func (b *able) Resume(p *Peer, session string) ([]byte, int, bool) {
	b.event("resume %s", session)
	return []byte{0xab, 0xcd}, 8, session == "known"
}

func (b *able) Submit(p *Peer, s Submission) error {
	if s.Nonce != 0x100 {
		return b.scripted.Submit(p, s)
	}
	b.event("%v, %v, %v", p.SetVersionMask(0x6000), p.SetExtranonce([]byte{0xee}, 2), p.ShowMessage("Hello <b>panner</b>"))
	return nil
}

func (b *scripted) SuggestDifficulty(_ *Peer, d float64) { b.event("suggest %g", d) }

func TestServerDialogues(t *testing.T) {
	dialogues(t, "server", func(d *dialogue, script []string) {
		ctx, cancel := context.WithCancel(d.t.Context())
		var backend Backend = &scripted{d, slushJob(d.t)}
		if _, ok := d.config["able"]; ok {
			backend = &able{&scripted{d, slushJob(d.t)}}
		}
		srv := NewServer(backend, Options{})
		srv.session = func() string { return "1" }
		served := make(chan struct{})
		conn := d.attach()
		go func() {
			defer close(served)
			if err := srv.ServeConn(ctx, conn); err != nil {
				d.event("sent away: %v", err)
			}
		}()
		d.each(script, func(verb, rest string) {
			switch verb {
			case ">":
				d.theySay(rest, true)
			case "<":
				d.weSaid(rest)
			default:
				d.fail("unknown step")
			}
		})
		d.finish()
		cancel()
		<-served
		d.peer.close()
	})
}
