package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"unicode"

	"goldpan/app/desk/api"
	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/practice"
	"goldpan/core/seal"
	"goldpan/core/stratum"
	"goldpan/core/template"
	"goldpan/vault"
	"goldpan/vault/limit"
	"goldpan/wallet"
	"goldpan/wallet/electrum"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
	"goldpan/wallet/tx"
	"goldpan/wallet/uri"
)

// explanations give an error's sentence and what to do next, the most particular
// first. An empty sentence takes the error's own words.
var explanations = []struct {
	err           error
	message, hint string
}{
	{ErrInUse, "", "Close the other copy, or give this one a directory of its own with --data DIR."},
	{practice.ErrLocked, "another program is using this practice network", "Close the other copy, or give this one a directory of its own with --data DIR."},
	{practice.ErrDamaged, "the practice chain's files are damaged", "Goldpan has left them as they are. Move the practice folder of the data directory away, and a new chain begins; practice coins are worth nothing."},
	{ErrDataDir, "", "Give a directory that you may write to with --data DIR."},
	{errPort, "", "Write it as HOST:PORT; 127.0.0.1 is this machine alone."},
	{ErrKnownServers, "", "Goldpan has left it as it is. Move it away, and Goldpan asks about each server again."},
	{ErrServerAddress, "", "Write the server as HOST:PORT and its fingerprint as sha256: and 64 hexadecimal digits."},
	{ErrTooManyServers, "", "Remove some that you no longer use."},
	{ErrNoPool, "", "Give one with --pool, or write it into the settings: goldpan config path says where they are."},
	{ErrNoAlgorithm, "", "Give --coin or --algorithm, or write one of them into the settings."},
	{ErrOtherAlgorithm, "", "Leave the algorithm out: the coin says it."},
	{ErrMixedSolo, "", "Say solo of all of them or of none: a solo pool pays nothing for shares."},
	{ErrPayout, "", "Give --coin and --payout ADDRESS, or write coin and payout into the settings."},
	{ErrNoPreset, "", "See them with goldpan pools, or write the pool's own address instead."},
	{ErrTooManyPools, "", "Take away some of them."},
	{api.ErrAddress, "", "Write it as 127.0.0.1:PORT: other machines are not let in."},
	{api.ErrToken, "", "Make one with a password manager, or with: openssl rand -hex 32"},
	{home.ErrRunning, "", "Use it with goldpan gateway invite, devices and remove; or stop it, or give this one a directory of its own with --data DIR."},
	{home.ErrNotRunning, "", "Start it first with goldpan gateway --upstream URL --user USER --web ADDR, with the same --data if you gave one."},
	{home.ErrSealed, "", "Unlock the keyring, or start Goldpan from a session that has it. If the key is lost, move the file devices.sealed of the gateway folder away and invite your devices again."},
	{home.ErrDamaged, "", "Goldpan has left it as it is. Move it away and invite your devices again."},
	{home.ErrNoDevice, "", "See them with goldpan gateway devices."},
	{home.ErrSeveral, "", "Name it by its id, which goldpan gateway devices shows."},
	{home.ErrNoPage, "", "Start the gateway with --web ADDR too. A miner's program needs no page: goldpan gateway invite --miner."},
	{home.ErrCertificate, "", "Name both files in PEM form, --tls-cert with the whole chain and --tls-key with its key."},
	{home.ErrWebHost, "", "Write --web-host as it stands in an address bar, without http:// and port, for example gold.home."},
	{home.ErrPublicURL, "", "Write it as https://HOST, with a port only if it is not 443."},
	{invite.ErrFull, "there are as many devices and open invitations as may be", "Remove a device or an invitation with goldpan gateway remove, or allow more with --max-devices N."},
	{ErrNoPayee, "", "Give --payout with the address, or the name of the account at the pool, that devices are to be shown."},
	{ErrPassphraseShort, "", "Use several words that only you would put together."},

	{stratum.ErrScheme, "", "A pool's address begins with stratum+tcp://, stratum+tls://, ws:// or wss://."},
	{stratum.ErrAddress, "", "Write it as stratum+tcp://HOST:PORT."},
	{stratum.ErrUser, "", "Check --user and the password; a pool wants ADDRESS or ADDRESS.WORKER, without spaces."},
	{stratum.ErrUnauthorized, "the pool refuses this user", "Check --user: many pools want a payout address of the right coin, then a dot and a worker name. Some want a password too; at a Goldpan gateway it is the device's token: --password-file FILE."},
	{stratum.ErrProtocol, "this server does not speak a pool's language (Stratum)", "Check the pool's address and port; a website's port is not its pool's."},
	{stratum.ErrSilent, "the pool is connected but says nothing", "If it stays so, choose another pool."},
	{stratum.ErrUnanswered, "the pool gives work, but answers no share", "If it stays so, choose another pool."},
	{stratum.ErrSlow, "the pool does not take what it is sent", "If it stays so, choose another pool."},
	{stratum.ErrRedirect, "the pool wanted to send Goldpan to an address that is not surely its own", "Goldpan did not follow. If it stays so, choose another pool."},
	{jsonrpc.ErrUnsupportedScheme, "Goldpan does not know this kind of address", "Pools are stratum+tcp://, stratum+tls://, ws:// or wss://; wallet servers tcp://, tls://, ws:// or wss://; proxies socks5:// or http://."},
	{jsonrpc.ErrAddress, "", "Copy it again, whole, without user and password; a pin is ?pin=sha256: and 64 hexadecimal digits."},
	{jsonrpc.ErrChanged, "this server has another key than the one you trusted before", "Somebody may stand in between. Only if its owner says that the key was changed, remove it from the trusted servers and trust it anew."},
	{jsonrpc.ErrPinned, "this server has another key than the one pinned in its address", "Somebody may stand in between. Compare the pin with what the server's owner publishes."},
	{jsonrpc.ErrUnknownAuthority, "nobody whom this system trusts vouches for this server", "Choose another server, or compare its fingerprint with what its owner publishes and pin it: ?pin=sha256:…."},
	{jsonrpc.ErrExpired, "the server's certificate is out of date, or this machine's clock is wrong", "Check this machine's date and time. If they are right, choose another server."},
	{jsonrpc.ErrWrongHost, "the server's certificate is made for another name", "Check the address letter by letter. If it is right, choose another server."},
	{jsonrpc.ErrCertificate, "the server's certificate is not valid", "Choose another server; do not trust this one."},
	{jsonrpc.ErrProxy, "the proxy does not serve", "Check its address, its user and password, and that it runs."},
	{jsonrpc.ErrUnreachable, "the proxy works, but cannot reach the server", "Check the server's address."},
	{jsonrpc.ErrTLS, "the server does not speak TLS at that address", "Check the port: encrypted connections often have one of their own. Goldpan does not fall back to clear text by itself."},
	{jsonrpc.ErrRefused, "nothing is listening at that address", "Check the host and the port, and that the server runs."},
	{jsonrpc.ErrNoHost, "that host name is not known", "Check its spelling, and that this machine is on line."},
	{jsonrpc.ErrTimeout, "the server did not answer in time", "Check the address, and that this machine is on line."},
	{jsonrpc.ErrTooLong, "the server sent more than it may", "Check the address; if it is right, do not trust this server."},
	{jsonrpc.ErrHandshake, "there is no WebSocket at that address", "Check the address and its path."},

	{template.ErrClearText, "", "Put the node behind https, or reach it through a tunnel that ends on this machine, for example ssh -L 8332:127.0.0.1:8332 HOST."},
	{template.ErrAddress, "", "Write it as http://127.0.0.1:PORT on this machine, or https://HOST:PORT."},
	{template.ErrLogin, "", "Check --node-user and the password, or name the node's cookie with --node-cookie FILE."},
	{ErrCookie, "", "It is named .cookie, in the node's data directory while the node runs; it can be read by the node's own user alone."},
	{template.ErrForbidden, "", "Allow this machine's address with rpcallowip in the node's settings."},
	{template.ErrBusy, "", "Give it some minutes; if it stays so, see what the node says of itself."},
	{template.ErrSyncing, "", "It can be mined on when it has the whole chain; the first time may take days."},
	{template.ErrNoPeers, "", "Check that the node is on line."},
	{template.ErrChain, "", "Check --coin and --network, and the node's port."},
	{template.ErrTemplate, "", "Bring the node up to date."},
	{template.ErrProtocol, "", "Check the address and the port: it is the node's RPC port, and the node needs server=1 in its settings."},
	{ErrCertificateFile, "", "Name the file in PEM form, which begins with -----BEGIN CERTIFICATE-----."},
	{ErrNoSolo, "", "Use --network main, test or regtest; for practice coins there is goldpan practice."},

	{coin.ErrCoin, "", "Choose one that can be mined: bitcoin, litecoin or dogecoin."},
	{coin.ErrWrongNetwork, "", "Use an address of the same coin and the same network."},
	{coin.ErrAmbiguous, "", "If it is yours, give it in that form."},
	{coin.ErrPrivateKey, "", "Show it to nobody. If anybody has seen it, move its coins to a new address; here goes an address."},
	{coin.ErrWords, "", "Show them to nobody; here goes an address."},
	{coin.ErrExtended, "", "Copy an address from the wallet instead."},
	{coin.ErrMWEB, "", "Ask the wallet for an address of the other kind."},
	{coin.ErrVersion, "", "Use an address of another kind."},
	{coin.ErrBadAddress, "", "Copy it again, whole, without spaces or line breaks."},
	{hasher.ErrKernel, "", "Unset " + hasher.Environment + " to let Goldpan choose."},

	{hd.ErrLength, "", "Write all the words, in order, separated by spaces."},
	{hd.ErrChecksum, "", "Compare each word, and their order, with what you wrote down."},
	{wallet.ErrExists, "there is a wallet already", "Use it, or give another directory with --data DIR. Goldpan never writes over a wallet."},
	{wallet.ErrMissing, "there is no wallet yet", "Make one with goldpan wallet create, or bring one back with goldpan wallet restore."},
	{wallet.ErrInUse, "another copy of Goldpan has this wallet open", "Close the other copy first."},
	{wallet.ErrName, "", "Give --wallet another name, or leave it out for the network's own wallet."},
	{wallet.ErrLocked, "", "Give its passphrase to unlock it."},
	{wallet.ErrUnlockKey, "", "Open it with its passphrase."},
	{ErrProxyPassword, "", "Name a proxy without a password, or none."},
	{ErrNoPassphraseKept, "", "There is nothing that the keyring could keep for it."},
	{wallet.ErrWatchOnly, "", "Ask the program that has the words."},
	{wallet.ErrWeak, "", "Use five or more words that only you would put together."},
	{wallet.ErrNotProven, "", "Write the words down, then run goldpan wallet verify."},
	{wallet.ErrOther, "", "Look for the words, or the backup file, of this wallet; or restore that one under another name with --wallet."},
	{wallet.ErrBackup, "", "Try another copy of it. Your words bring the wallet back too."},
	{wallet.ErrFewWords, "", "Answer three words at least."},
	{wallet.ErrOwnAddress, "", "Give the address of whom you want to pay."},
	{wallet.ErrExtensionAddress, "", "Ask for an address that begins with ltc1, L or M."},
	{wallet.ErrStale, "", "Plan the payment anew. If it was made already, wallet history shows it: it is not made twice."},
	{wallet.ErrUnsent, "", "The next time that Goldpan reaches a server, it sends it: goldpan wallet balance --server URL does. Do not pay again."},
	{wallet.ErrGiveUp, "", "Wait until it is in a block."},
	{wallet.ErrNoPayment, "", "See the payments with goldpan wallet history."},
	{wallet.ErrOpenPayments, "", "They are sent again by themselves."},
	{tx.ErrAmount, "", "Say how much arrives, or that everything is to be sent."},
	{tx.ErrDust, "", "Pay more, or nothing."},
	{tx.ErrFunds, "", "Pay less, or wait: rewards that ripen and coins that are not confirmed cannot be spent yet."},
	{tx.ErrRate, "", "Choose the fee by the number of blocks instead."},
	{tx.ErrFee, "", "Choose a lower fee rate, or pay a larger amount at once."},
	{tx.ErrTooMany, "", "Send about half of it, then the rest."},
	{tx.ErrSign, "", "Nothing was sent. This is a fault of Goldpan: please report it."},
	{uri.ErrCoin, "", "Choose that coin, or ask for an address of this one."},
	{uri.ErrRequired, "", "Ask for a plain address."},
	{uri.ErrTwice, "", "Ask for a plain address."},
	{uri.ErrLink, "", "Copy it again, whole."},
	{hd.ErrKind, "", "Give it with --kind; the program that made the key says which it uses."},
	{hd.ErrPrivate, "", "Show it to nobody. If anybody has seen it, move its coins away."},
	{hd.ErrOther, "", "Check --coin and --network."},
	{hd.ErrMultisig, "", "Watch it with the program that made it."},
	{hd.ErrExtended, "", "Copy it again, whole."},
	{hd.ErrDescriptor, "", "Copy it again, whole, with its check letters after #."},
	{hd.ErrDescriptorSum, "", "Copy it again, whole."},
	{hd.ErrPurpose, "", "Leave --purpose and --path out for the coin's own."},
	{label.ErrFormat, "", "Export the labels from the other wallet in the BIP329 format."},
	{label.ErrTooLong, "", "Look whether it is a file of labels."},
	{wallet.ErrLabels, "", "Goldpan has left it as it is, under wallets in the data directory. Your coins need no labels: move the file away and new ones begin; a backup file of the wallet has the old ones."},
	{wallet.ErrPayments, "", "Goldpan has left it as it is, under wallets in the data directory, and makes no payment: one that waits to be sent may be in it. What was sent shows in the history all the same. Move the file away, and the one beside it whose name ends in .previous, open the wallet again, and look there before you pay anybody a second time."},
	{electrum.ErrOldHistory, "", "Use another server; this one is not in step with itself."},
	{wallet.ErrDamaged, "the wallet file is damaged, and so is the copy kept of it", "Goldpan has left both as they are. Move them away and restore the wallet from its words."},
	{wallet.ErrKeyFile, "", "Make it readable by you alone again, or move every wallets/practice file of the data directory away; Goldpan then makes a new practice wallet."},
	{wallet.ErrNoPassphrase, "", "Give one when asked, or with --passphrase-file FILE."},
	{electrum.ErrLowWork, "that server's chain has less work behind it than the one known", "Use another server; this one is behind, or not to be trusted."},
	{electrum.ErrBehind, "that server is behind the chain that this wallet knows", "Try again later, or use another server."},
	{electrum.ErrUnlinked, "that server's chain does not hold together", "Use another server; do not trust this one."},
	{electrum.ErrHeader, "that server sent a block that breaks the chain's rules", "Use another server; do not trust this one."},
	{electrum.ErrProof, "that server could not prove what it said", "Use another server; do not trust this one."},
	{electrum.ErrVersion, "that server speaks another version of the wallet protocol", "Use another server; versions 1.4 to 1.6 are understood."},
	{electrum.ErrTooMuch, "that server sent more than it may", "Use another server."},
	{electrum.ErrProtocol, "that server does not speak the wallet protocol (Electrum)", "Check the address and the port of the server."},
	{electrum.ErrTimeout, "the wallet server did not answer in time", "Check the address, and that this machine is on line."},
	{electrum.ErrGenesis, "that server is of another chain", "Use a server of this wallet's coin and network."},
	{seal.ErrPassphrase, "that passphrase does not open it", "Try again; capital letters and spaces count."},
	{seal.ErrOpen, "a file is damaged or belongs to another key", "Goldpan has left it as it is. Restore a backup of the data directory, or restore the wallet from its words."},

	{vault.ErrNotFound, "there is no key with that id", "See the ids with goldpan key list."},
	{vault.ErrExists, "there is a key with that id already", "Choose another id. A revoked id is not used again."},
	{vault.ErrRevoked, "that key was revoked", "Add a new one with goldpan key add."},
	{vault.ErrWrongKind, "that key was added for another purpose", "See what it is for with goldpan key show ID."},
	{vault.ErrTampered, "", "Do not use these keys: revoke them where you made them, then start anew in another data directory."},
	{vault.ErrForeign, "the list of keys belongs to another keyring", "Use the same user and machine as before, or start anew in another data directory."},
	{vault.ErrLocked, "the keyring is locked", "Unlock it, for example by signing in to your desktop, and try again."},
	{vault.ErrUnavailable, "this session has no keyring", "Add --store file to keep keys in an encrypted file instead."},
	{vault.ErrTimeout, "the keyring gave no answer in ten seconds", "Unlock it or start it anew, or add --store file to keep keys in an encrypted file."},
	{vault.ErrPassphrase, "that passphrase does not open the keys", "Try again; capital letters and spaces count."},
	{vault.ErrTooLarge, "that secret is too long for a keyring", "Goldpan keeps up to 1,800 bytes."},
	{ErrTooMuchPower, "", "Make one that can look alone, and enter that. If it is meant to, add --although-it-can-withdraw; that is noted."},
	{limit.ErrHeld, "", "Nothing is broken: Goldpan keeps the silence, so that you are not shut out for longer. Ask again after that time."},
	{vault.ErrEnvironment, "", "Make a key for each: one for real money, another for tests."},
	{vault.ErrBadID, "", "Choose an id such as my-pool."},

	{syscall.ENOSPC, "the disk is full", "Make room and start again; nothing is lost."},
	{syscall.EROFS, "the data directory is on a disk that cannot be written to", "Give another with --data DIR."},
	{syscall.ENOTDIR, "a file stands where the data directory should be", "Give another with --data DIR."},
	{syscall.EISDIR, "a folder stands where a file should be", "Check the name of the file; config.toml in the data directory is one."},
	{io.EOF, "the server ended the connection", "Check the address, the port and the user; a server that is busy, or being mended, does so too."},
	{net.ErrClosed, "the server ended the connection", "Check the address, the port and the user; a server that is busy, or being mended, does so too."},
	{io.ErrUnexpectedEOF, "the server ended the connection in the middle of a message", "Check the address and the port; a server that is busy, or being mended, does so too."},
	{syscall.ECONNRESET, "the server ended the connection", "Check the address, the port and the user; a server that is busy, or being mended, does so too."},
	{syscall.EPIPE, "the server ended the connection", "Check the address, the port and the user; a server that is busy, or being mended, does so too."},
	{syscall.EADDRINUSE, "another program is using that port", "Choose another port."},
	{syscall.EADDRNOTAVAIL, "this machine does not have that address", "Use 127.0.0.1, or one of this machine's own addresses."},
	{fs.ErrPermission, "", "Check who owns the file and the folder."},
	{fs.ErrNotExist, "", "Check the name of the file."},
	{fs.ErrExist, "", "Goldpan writes over no file: choose another name, or move that one away."},
	{context.Canceled, "stopped before the work was done", ""},
}

// Explain turns an error into a sentence and, where there is something to do, a
// second one that says what. Neither has a secret or a server's text in it.
func Explain(err error) (message, hint string) {
	message = err.Error()
	var word *hd.WordError
	if errors.As(err, &word) {
		return printable(word.Error()), "Compare it with what you wrote down; every word is from one list."
	}
	var unsupported *hd.UnsupportedError
	if errors.As(err, &unsupported) {
		return printable(unsupported.Error()), "Watch it with the program that made it."
	}
	var certificate *jsonrpc.CertificateError
	if errors.As(err, &certificate) {
		if message, hint := explainCertificate(certificate); message != "" {
			return message, hint
		}
	}
	var refused *electrum.RefusedError
	if errors.As(err, &refused) {
		return printable(refused.Error()), explainRefused(refused.Reason)
	}
	var problems *config.Problems
	if errors.As(err, &problems) {
		return printable(problems.Error()), "Mend it there, and see all of it with goldpan config check."
	}
	for _, e := range explanations {
		if !errors.Is(err, e.err) {
			continue
		}
		if e.message != "" {
			message = e.message
		}
		hint = e.hint
		break
	}
	if own := vault.Hint(err); own != "" {
		hint = own
		// Whoever gives a hint of their own for something that is there already says what it is.
		if of := (*vault.Error)(nil); errors.Is(err, vault.ErrExists) && errors.As(err, &of) && of.Detail != "" {
			message = of.Detail
		}
	}
	return printable(message), hint
}

// explainRefused says what to do about a payment that no server takes. It is kept in every case, and offered again.
func explainRefused(r electrum.Reason) string {
	switch r {
	case electrum.ReasonFee:
		return "It is kept, and offered to the servers again: it goes through when less is waiting. Or give it up with goldpan wallet send --give-up and its id, and pay with a higher fee."
	case electrum.ReasonSpent:
		return "The same words may be in use elsewhere. Look at the history before you pay again: as soon as the other payment is in a block, it shows there."
	case electrum.ReasonEarly, electrum.ReasonChain, electrum.ReasonBusy:
		return "It is kept, and offered to the servers again by itself. Do not pay again."
	}
	return "It is kept, and offered to the servers again. Try another server; or give it up with goldpan wallet send --give-up and its id."
}

// explainCertificate says what is wise about a key that nobody vouches for, or
// that is another than it was; it names the fingerprint, to be compared. It says
// nothing about other certificates.
func explainCertificate(c *jsonrpc.CertificateError) (message, hint string) {
	switch {
	case c.Changed:
		message = "%s has another key than the one that you trusted before; somebody may stand in between. The fingerprint is now %s"
		hint = "Do not go on, unless its owner says that the key was changed, and this is the fingerprint that they publish. Then remove the server from the trusted ones with goldpan trust remove HOST:PORT, and trust it anew."
	case errors.Is(c.Err, jsonrpc.ErrPinned):
		message = "%s has another key than the one pinned in its address; somebody may stand in between. Its fingerprint is %s"
		hint = "Compare it with what its owner publishes, and change the pin only if that is the same."
	case c.MayTrust():
		message = "nobody whom this system trusts vouches for %s; its fingerprint is %s"
		hint = "If its owner publishes the same fingerprint, it is the right server: trust it, or add ?pin= and the fingerprint to the address. Otherwise choose another."
	default:
		return "", ""
	}
	return printable(fmt.Sprintf(message, c.Host, c.Fingerprint)), hint
}

// printable keeps an error on one line of a reasonable length.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
