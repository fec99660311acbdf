package counter

import (
	"io"
	"net"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/electrum"
	"goldpan/wallet/hd"
	spend "goldpan/wallet/tx"
	"goldpan/wallet/uri"
)

// known are the errors that have a word; the first that fits counts.
var known = []struct {
	err  error
	code string
}{
	{wallet.ErrInsecure, "insecure"},
	{wallet.ErrExists, "exists"},
	{wallet.ErrMissing, "missing"},
	{wallet.ErrInUse, "inuse"},
	{wallet.ErrDamaged, "damaged"},
	{wallet.ErrWeak, "weak"},
	{wallet.ErrLocked, "locked"},
	{wallet.ErrNotProven, "unproven"},
	{wallet.ErrOther, "otherwallet"},
	{wallet.ErrBackup, "nobackup"},
	{wallet.ErrBrowser, "storage"},
	{seal.ErrPassphrase, "passphrase"},
	{hd.ErrLength, "length"},
	{hd.ErrChecksum, "checksum"},
	{coin.ErrAmount, "amount"},
	{spend.ErrAmount, "amount"},
	{spend.ErrDust, "dust"},
	{spend.ErrFunds, "funds"},
	{spend.ErrFee, "fee"},
	{spend.ErrRate, "fee"},
	{spend.ErrTooMany, "toomany"},
	{wallet.ErrOwnAddress, "own"},
	{wallet.ErrExtensionAddress, "extension"},
	{wallet.ErrStale, "stale"},
	{wallet.ErrGiveUp, "giveup"},
	{wallet.ErrNoPayment, "stale"},
	{wallet.ErrOpenPayments, "openpayments"},
	{wallet.ErrPayments, "damaged"},
	{uri.ErrLink, "link"},
	{uri.ErrCoin, "network"},
	{uri.ErrRequired, "link"},
	{uri.ErrTwice, "link"},
	{coin.ErrWrongNetwork, "network"},
	{coin.ErrAmbiguous, "network"},
	{coin.ErrBadAddress, "address"},
	{errServer, "server"},
	{errClosed, "closed"},
	{electrum.ErrGenesis, "genesis"},
	{electrum.ErrHidden, "cheats"},
	{electrum.ErrProof, "cheats"},
	{electrum.ErrHeader, "cheats"},
	{electrum.ErrUnlinked, "cheats"},
	{electrum.ErrLowWork, "behind"},
	{electrum.ErrBehind, "behind"},
	{electrum.ErrVersion, "protocol"},
	{electrum.ErrTooMuch, "protocol"},
	{electrum.ErrProtocol, "protocol"},
	{electrum.ErrTimeout, "silent"},
	{jsonrpc.ErrTimeout, "silent"},
	{jsonrpc.ErrRefused, "unreachable"},
	{jsonrpc.ErrHandshake, "unreachable"},
	{jsonrpc.ErrTLS, "unreachable"},
	{jsonrpc.ErrAddress, "server"},
	{jsonrpc.ErrUnsupportedScheme, "server"},
	{io.EOF, "unreachable"},
	{io.ErrUnexpectedEOF, "unreachable"},
	{net.ErrClosed, "unreachable"},
}
