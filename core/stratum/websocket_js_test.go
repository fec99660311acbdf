package stratum

import (
	"net"

	"goldpan/core/jsonrpc"
)

// attachWebSocket has no other end to offer: a browser accepts no WebSocket.
func (d *dialogue) attachWebSocket(net.Conn, net.Conn) jsonrpc.Conn {
	d.t.Skip("nothing accepts a WebSocket here")
	return nil
}
