//go:build !js

package practice

import "goldpan/core/stratum"

// backend joins the pool to the Stratum server, which keeps the miner in the
// peer's Data.
type backend struct{ pool *pool }

var (
	_ stratum.Backend       = backend{}
	_ stratum.VersionRoller = backend{}
	_ stratum.Resumer       = backend{}
)

func (b backend) Connected(*stratum.Peer) {}

func (b backend) Subscribe(p *stratum.Peer, _ string) ([]byte, int, error) {
	m, ok := p.Data.(*miner)
	if !ok {
		m = b.pool.join(p)
		p.Data = m
	}
	return m.extranonce1, extranonce2Size, nil
}

func (b backend) Authorize(p *stratum.Peer, user, _ string) error {
	m, ok := p.Data.(*miner)
	if !ok {
		return &stratum.Rejection{Code: stratum.CodeNotSubscribed, Reason: "subscribe first"}
	}
	return b.pool.authorize(m, user)
}

func (b backend) Submit(p *stratum.Peer, s stratum.Submission) error {
	m, ok := p.Data.(*miner)
	if !ok {
		return &stratum.Rejection{Code: stratum.CodeNotSubscribed, Reason: "subscribe first"}
	}
	return b.pool.submit(m, s)
}

func (b backend) SuggestDifficulty(p *stratum.Peer, d float64) {
	if m, ok := p.Data.(*miner); ok {
		b.pool.suggest(m, d)
	}
}

func (b backend) Disconnected(p *stratum.Peer) {
	if m, ok := p.Data.(*miner); ok {
		b.pool.leave(m, p.Session())
	}
}

func (b backend) VersionMask(*stratum.Peer) uint32 { return versionMask }

func (b backend) Resume(p *stratum.Peer, session string) ([]byte, int, bool) {
	m := b.pool.resume(p, session)
	if m == nil {
		return nil, 0, false
	}
	p.Data = m
	return m.extranonce1, extranonce2Size, true
}
