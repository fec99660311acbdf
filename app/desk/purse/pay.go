package purse

import (
	"context"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet"
)

// Everything is the amount of all that can be spent.
const Everything = wallet.Everything

// Recipient reads an address or a payment link of the wallet's coin: the address, and the amount that the link names
// or 0. name is the receiver as the link has it, a stranger's text.
func (a *Account) Recipient(text string) (address string, amount coin.Amount, name string, err error) {
	w, err := a.wallet()
	if err != nil {
		return "", 0, "", err
	}
	r, err := w.ParseRecipient(text)
	return r.Address.Text, r.Amount, r.Label, err
}

// Plan plans a payment within so many blocks. Nothing is signed or sent.
func (a *Account) Plan(to string, amount coin.Amount, blocks int) (wallet.Payment, error) {
	w, err := a.wallet()
	if err != nil {
		return wallet.Payment{}, err
	}
	return w.PlanPayment(to, amount, wallet.Fee{Blocks: blocks})
}

// Pay signs a payment, keeps it, and has it sent by the servers that the wallet is in step with. What could not be sent
// now, wallet.ErrUnsent, is sent as soon as one is reached, and never twice. Without an id nothing was kept.
func (a *Account) Pay(ctx context.Context, p wallet.Payment) (id string, err error) {
	w, err := a.wallet()
	if err != nil {
		return "", err
	}
	txid, err := w.Pay(ctx, p)
	if txid == (pow.Hash{}) {
		return "", err
	}
	return txid.String(), err
}

// GiveUp frees the coins of a payment that no server has had: it is not sent any more.
func (a *Account) GiveUp(p wallet.Sent) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	return w.GiveUp(p.TxID)
}

// Payments are those that were made with this wallet, the newest first.
func (a *Account) Payments() []wallet.Sent {
	w, err := a.wallet()
	if err != nil {
		return nil
	}
	return w.Payments()
}
