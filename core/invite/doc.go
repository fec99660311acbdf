// Package invite is what a device and its gateway prove to each other: that the
// device holds an invitation made for it, later that it holds the key it got then,
// and each time that the gateway is the one that made them. No secret is sent.
//
// It opens no socket, keeps no file, and knows no mining. It does not encrypt: it
// says who speaks when a connection begins, not what is done to it afterwards. It
// protects the invitation from whoever reads the wire, not the person from a page
// that was altered on its way over plain http (core/THREATS.md).
//
// # The link
//
// An Invitation is for one device and ten minutes. Its link is
//
//	ORIGIN/#join=CODE
//
// ORIGIN is http or https, a host and, where it is not the scheme's own, a port, all
// in the form that browsers give an origin: lower case, ASCII, addresses in their
// shortest form. CODE stands in the fragment, which browsers keep to themselves. It
// is 40 characters of base64url (RFC 4648, section 5, no padding) for 30 bytes:
//
//	 0  1  version, 1
//	 1  9  id: random, public, names the invitation
//	10 16  secret: 128 random bits
//	26  4  check: the first bytes of SHA-256 over frames("goldpan/1 link", ORIGIN, bytes 0 to 25)
//
// The check tells a mistyped link, in its origin too, and protects nothing. Whoever
// opens a link should take it out of the address bar and the history at once.
//
// frames(a, b, …) is each string's length in two bytes, most significant first,
// and then its bytes, one after another: no two lists have the same frames.
//
// # The order of messages
//
// Everything comes before mining.subscribe, as two calls of JSON-RPC in the lines or
// WebSocket messages that Stratum uses, each with one object as its only parameter:
//
//	device → gateway  goldpan.hello  {"v":1,"kind":"join","id":ID,"nonce":ND,"origin":ORIGIN}
//	gateway → device  result         {"echo":ND,"nonce":NG,"proof":TAG}
//	device → gateway  goldpan.prove  {"echo":NG,"proof":TAG}
//	gateway → device  result         {"device":ID,"payee":NAME,"address":ADDRESS,"proof":TAG}
//
// An ID is 9 bytes, a nonce (ND the device's, NG the gateway's) and a TAG are 32
// bytes, all in base64url without padding. Nonces are fresh at each attempt. A
// message has MaxMessage bytes at most and no other fields. An error of JSON-RPC
// stands in a result's place, with the number of Code: that tells a device what to
// say to its person, and a stranger nothing that 72 random bits do not hide.
//
// kind is "join" with an invitation, whose id is ID and whose secret is K below; or
// "login" with a device's own id and key. In both
//
//	the gateway's proof  HMAC-SHA256(K, frames("goldpan/1 KIND gateway", ID, ND, NG, ORIGIN))
//	the device's proof   HMAC-SHA256(K, frames("goldpan/1 KIND device", ID, ND, NG, ORIGIN))
//	the welcome's proof  HMAC-SHA256(K', frames("goldpan/1 KIND welcome", ID, ND, NG, ORIGIN, DEVICE, NAME, ADDRESS))
//
// The gateway proves itself first: a device says nothing of use to a stranger. After
// a join both have, by HKDF-SHA256 (RFC 5869) with the salt ND followed by NG,
//
//	the device's key K'  32 bytes, info frames("goldpan/1 device key", ID, ORIGIN)
//	the device's id       9 bytes, info frames("goldpan/1 device id", ID, ORIGIN)
//
// In a login K' is K. The origin in each proof is the one that the device believes
// it speaks to; the gateway takes only the one that the connection came in for. So
// what was proved to one gateway is worth nothing at another, and who stands between
// two cannot pass it on. The labels keep one side's proof from being sent back as
// the other's, the nonces keep an old one from being sent again.
//
// A device keeps its Credential before it sends its proof: if the welcome is lost,
// it logs in with it, and if that is refused the invitation is still good. A gateway
// keeps the Device before it sends the welcome.
//
// # A miner that knows no handshake
//
// Another program gives a device token as its Stratum password: "gp1" and 48 characters
// of base32 (RFC 4648, section 6, lower case, no padding) for 30 bytes: version, id,
// 16 random bytes, and a check as above with the label "goldpan/1 token check" and no
// origin. It is shown once; kept is SHA-256 over frames("goldpan/1 token", id, the 16
// bytes), which is compared in constant time. It is sent in clear over tcp: whoever
// reads the wire at home can mine as that device, for the same payee.
//
// # What is not protected
//
// Whoever alters the page over plain http has what the page has. Whoever has both a
// recording of a join and its link, later, has the device's key: remove the device,
// invite it again. A credential in a browser is read by whatever runs on its origin.
package invite
