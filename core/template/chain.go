package template

import "goldpan/core/coin"

// chain is what a node of a coin's network is known by, and how it is asked.
type chain struct {
	genesis []string // hashes of the first block; the test network has begun anew
	port    string   // of a node that was not told another
	rules   []string // that a template is asked for with
	most    coin.Amount
}

// A sum of all coins that is never reached: no reward is above it. Dogecoin has
// none, so it is what its node takes for the most that a transaction can hold.
const (
	mostBitcoin  = 21e6 * coin.Unit
	mostLitecoin = 84e6 * coin.Unit
	mostDogecoin = 10e9 * coin.Unit
)

// chainOf returns the chain of p; false where there is no node for it. The hashes
// are those of the coins' src/chainparams.cpp (kernel/chainparams.cpp in newer
// ones), the ports those of src/chainparamsbase.cpp.
func chainOf(p *coin.Params) (c chain, ok bool) {
	switch p.Coin.ID {
	case "bitcoin":
		c.rules, c.most = []string{"segwit"}, mostBitcoin
	case "litecoin":
		c.rules, c.most = []string{"mweb", "segwit"}, mostLitecoin
	case "dogecoin":
		c.rules, c.most = []string{}, mostDogecoin
	}
	switch p.Coin.ID + " " + string(p.Network) {
	case "bitcoin main":
		c.port, c.genesis = "8332", []string{"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"}
	case "bitcoin test": // the third and the fourth
		c.port, c.genesis = "18332", []string{
			"000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
			"00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
		}
	case "bitcoin regtest":
		c.port, c.genesis = "18443", []string{"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"}
	case "litecoin main":
		c.port, c.genesis = "9332", []string{"12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2"}
	case "litecoin test":
		c.port, c.genesis = "19332", []string{"4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0"}
	case "litecoin regtest":
		c.port, c.genesis = "19443", []string{"530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9"}
	case "dogecoin main":
		c.port, c.genesis = "22555", []string{"1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691"}
	case "dogecoin test":
		c.port, c.genesis = "44555", []string{"bb0a78264637406b6360aad926284d544d7049f45189db5664f3c4d07350559e"}
	case "dogecoin regtest":
		c.port, c.genesis = "18332", []string{"3d2160a3b5dc4a9d62e7e66a295f70313ac808440ef7400d6c0772171ce973a5"}
	default:
		return chain{}, false
	}
	return c, true
}
