package electrumtest

import (
	"context"
	"net"
	"sync"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/message"
)

// Server serves a chain and a mempool.
type Server struct {
	// Version is the highest protocol version offered; the zero value is message.MaxVersion. It is set before the
	// first connection.
	Version message.Version

	mu      sync.Mutex
	lie     func(message.Request, message.Response) message.Response
	take    func(raw []byte) error
	chain   *Chain
	index   index
	mempool [][]byte
	peers   map[*peer]bool
	dials   int
	work    sync.WaitGroup
}

type peer struct {
	conn    jsonrpc.Conn
	mu      sync.Mutex // one message at a time
	headers bool
	scripts map[message.Hash]message.Status
	list    bool
}

// NewServer serves a chain.
func NewServer(c *Chain) *Server {
	s := &Server{chain: c, peers: map[*peer]bool{}}
	s.index.update(c)
	return s
}

// Dial connects in memory; it has the form of wallet.Options.Dial.
func (s *Server) Dial(_ context.Context, _ string, limit int) (jsonrpc.Conn, error) {
	a, b := net.Pipe()
	s.Attach(jsonrpc.NewLineConn(b, message.MaxRequest))
	return jsonrpc.NewLineConn(a, limit), nil
}

// Attach serves a connection in the background.
func (s *Server) Attach(conn jsonrpc.Conn) {
	p := s.enter(conn)
	s.work.Go(func() { s.host(p) })
}

// Serve serves a connection until it ends.
func (s *Server) Serve(conn jsonrpc.Conn) { s.host(s.enter(conn)) }

func (s *Server) enter(conn jsonrpc.Conn) *peer {
	p := &peer{conn: conn, scripts: map[message.Hash]message.Status{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[p] = true
	s.dials++
	return p
}

func (s *Server) host(p *peer) {
	s.serve(p)
	p.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, p)
}

// Lie has every answer changed on its way out; nil ends that.
func (s *Server) Lie(lie func(message.Request, message.Response) message.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lie = lie
}

// Take has every transaction that is broadcast judged; nil takes all. A *message.Error is what the server answers.
func (s *Server) Take(take func(raw []byte) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take = take
}

// broadcast takes a transaction into the mempool, unless Take refuses it.
func (s *Server) broadcast(r message.Request) (any, error) {
	var p message.BroadcastParams
	if err := r.Decode(&p); err != nil {
		return nil, err
	}
	t, rest, err := take(p.Raw)
	if err != nil || len(rest) > 0 {
		return nil, message.Errorf(message.CodeRejected, "SERVERTEXT TX decode failed")
	}
	s.mu.Lock()
	judge := s.take
	s.mu.Unlock()
	if judge != nil {
		if err := judge(p.Raw); err != nil {
			return nil, err
		}
	}
	id := double(t.stripped)
	s.Update(func(c *Chain, mempool *[][]byte) *Chain {
		if raw, _, _ := s.find(id); raw == nil {
			*mempool = append(*mempool, p.Raw)
		}
		return c
	})
	return message.Hash(id), nil
}

// Dials is how often it was dialled.
func (s *Server) Dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

// Hangup ends every connection.
func (s *Server) Hangup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.peers {
		p.conn.Close()
	}
}

// Close ends every connection and waits.
func (s *Server) Close() {
	s.Hangup()
	s.work.Wait()
}

// Update changes the chain or the mempool and tells the subscribers.
func (s *Server) Update(change func(c *Chain, mempool *[][]byte) *Chain) {
	s.mu.Lock()
	s.chain = change(s.chain, &s.mempool)
	s.index.update(s.chain)
	type news struct {
		p     *peer
		notes []message.Notification
	}
	var all []news
	for p := range s.peers {
		n := news{p: p}
		if p.headers {
			note, _ := message.TipNotice(s.tip())
			n.notes = append(n.notes, note)
		}
		for h, old := range p.scripts {
			if status := message.StatusOf(s.history(h)); status != old {
				p.scripts[h] = status
				note, _ := message.Notify(message.ScriptHashSubscribe, message.StatusNotice{ScriptHash: h, Status: status})
				n.notes = append(n.notes, note)
			}
		}
		all = append(all, n)
	}
	s.mu.Unlock()
	for _, n := range all {
		for _, note := range n.notes {
			n.p.send(note.Bytes())
		}
	}
}

// Send sends raw bytes to every peer.
func (s *Server) Send(b []byte) {
	s.mu.Lock()
	peers := make([]*peer, 0, len(s.peers))
	for p := range s.peers {
		peers = append(peers, p)
	}
	s.mu.Unlock()
	for _, p := range peers {
		p.send(b)
	}
}

func (p *peer) send(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn.WriteMessage(context.Background(), b)
}

func (s *Server) serve(p *peer) {
	for {
		b, err := p.conn.ReadMessage(context.Background())
		if err != nil {
			return
		}
		request, err := message.ParseRequest(b)
		var response message.Response
		if err == nil {
			var result any
			if result, err = s.answer(p, request); err == nil {
				response, err = message.Reply(request, result)
			}
		}
		if err != nil {
			response = message.Refuse(request, err)
		}
		s.mu.Lock()
		lie := s.lie
		s.mu.Unlock()
		if lie != nil {
			response = lie(request, response)
		}
		if p.send(response.Bytes()) != nil {
			return
		}
	}
}

func (s *Server) tip() message.HeaderNotice {
	b := s.chain.Blocks[len(s.chain.Blocks)-1].Header.Bytes()
	return message.HeaderNotice{Height: s.chain.Height(), Header: b[:]}
}

var errNone = message.Errorf(message.CodeBadRequest, "SERVERTEXT no such thing")

func (s *Server) answer(p *peer, r message.Request) (any, error) {
	if r.Method == message.TransactionBroadcast {
		return s.broadcast(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.update(s.chain) // a test may have grown it without Update
	var hash message.ScriptHashParams
	switch r.Method {
	case message.ServerVersion:
		var v message.VersionParams
		if err := r.Decode(&v); err != nil {
			return nil, err
		}
		highest := s.Version
		if highest == (message.Version{}) {
			highest = message.MaxVersion
		}
		got, ok := message.Negotiate(v.Min, v.Max, message.Version{Major: 1}, highest)
		if !ok {
			return nil, errNone
		}
		p.list = got.Compare(message.Version{Major: 1, Minor: 6}) >= 0
		return message.VersionResult{Software: "SERVERTEXT", Version: got}, nil
	case message.ServerFeatures:
		return message.Features{Genesis: message.Hash(s.chain.Genesis()), HashFunction: "sha256",
			Min: message.MinVersion, Max: message.MaxVersion}, nil
	case message.ServerPing:
		return nil, nil
	case message.HeadersSubscribe:
		p.headers = true
		return s.tip(), nil
	case message.BlockHeaders:
		var h message.HeadersParams
		if err := r.Decode(&h); err != nil {
			return nil, err
		}
		result := message.HeadersResult{Max: message.MaxHeaders, List: p.list}
		for i := h.Start; i <= s.chain.Height() && result.Count < int(min(h.Count, message.MaxHeaders)); i++ {
			b := s.chain.Blocks[i].Header.Bytes()
			result.Raw = append(result.Raw, b[:]...)
			result.Count++
		}
		return result, nil
	case message.ScriptHashSubscribe:
		if err := r.Decode(&hash); err != nil {
			return nil, err
		}
		p.scripts[hash.ScriptHash] = message.StatusOf(s.history(hash.ScriptHash))
		return p.scripts[hash.ScriptHash], nil
	case message.ScriptHashHistory:
		if err := r.Decode(&hash); err != nil {
			return nil, err
		}
		return s.history(hash.ScriptHash), nil
	case message.TransactionGet:
		var t message.TransactionParams
		if err := r.Decode(&t); err != nil {
			return nil, err
		}
		if raw, _, _ := s.find(pow.Hash(t.TxHash)); raw != nil {
			return message.Hex(raw), nil
		}
		return nil, errNone
	case message.TransactionMerkle:
		var m message.MerkleParams
		if err := r.Decode(&m); err != nil {
			return nil, err
		}
		raw, height, i := s.find(pow.Hash(m.TxHash))
		if raw == nil || height != m.Height {
			return nil, errNone
		}
		result := message.MerkleResult{Height: height, Position: uint32(i)}
		for _, h := range Branch(s.chain.Blocks[height].IDs, i) {
			result.Branch = append(result.Branch, message.Hash(h))
		}
		return result, nil
	}
	return nil, message.Errorf(message.CodeNoMethod, "SERVERTEXT")
}

// find gives a transaction with its height, 0 in the mempool, and its place.
func (s *Server) find(id pow.Hash) ([]byte, int32, int) {
	if at, ok := s.index.place[id]; ok {
		return s.chain.Blocks[at[0]].Txs[at[1]], at[0], int(at[1])
	}
	for _, raw := range s.mempool {
		if ID(raw) == id {
			return raw, 0, 0
		}
	}
	return nil, 0, 0
}

func (s *Server) history(h message.Hash) message.History { return s.index.with(h, s.mempool) }
