package desk

import "goldpan/app/desk/api"

// API opens an address of this machine's own where other programs may look at the
// mining; token, unless it is empty, lets whoever sends it change things. It is
// served once the server is run.
func (m *Mining) API(address, token string) (*api.Server, error) {
	return api.Listen(api.Options{Address: address, Token: token,
		Snapshot: m.Snapshot, Rules: m.session.Rules, SetRules: m.SetRules, SetPaused: m.SetPaused})
}

// API opens an address as that of [Mining] does.
func (s *Solo) API(address, token string) (*api.Server, error) {
	return api.Listen(api.Options{Address: address, Token: token,
		Snapshot: s.session.Snapshot, Rules: s.session.Rules, SetRules: s.SetRules, SetPaused: s.SetPaused})
}

// API opens an address as that of [Mining] does.
func (p *Practice) API(address, token string) (*api.Server, error) {
	return api.Listen(api.Options{Address: address, Token: token,
		Snapshot: p.session.Snapshot, Rules: p.session.Rules, SetRules: p.session.SetRules, SetPaused: p.session.SetPaused})
}
