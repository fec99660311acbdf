package template

import "goldpan/core/coin"

// genesis returns the hashes of the first block by which a node of p's chain is
// known; none where there is no node for it. Bitcoin's test network has begun anew:
// the third and the fourth go on side by side. Source: src/chainparams.cpp of
// Bitcoin Core (src/kernel/chainparams.cpp since 25), Litecoin Core 0.21 and
// Dogecoin Core 1.14.
func genesis(p *coin.Params) []string {
	switch p.Coin.ID + " " + string(p.Network) {
	case "bitcoin main":
		return []string{"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"}
	case "bitcoin test":
		return []string{
			"000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
			"00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
		}
	case "bitcoin regtest":
		return []string{"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"}
	case "litecoin main":
		return []string{"12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2"}
	case "litecoin test":
		return []string{"4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0"}
	case "litecoin regtest":
		return []string{"530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9"}
	case "dogecoin main":
		return []string{"1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691"}
	case "dogecoin test":
		return []string{"bb0a78264637406b6360aad926284d544d7049f45189db5664f3c4d07350559e"}
	case "dogecoin regtest":
		return []string{"3d2160a3b5dc4a9d62e7e66a295f70313ac808440ef7400d6c0772171ce973a5"}
	}
	return nil
}

// mostMoney is a sum that no reward is above: all coins there will ever be.
// Dogecoin has no end, so it is what its node takes for the most that a transaction
// can hold.
func mostMoney(p *coin.Params) coin.Amount {
	switch p.Coin.ID {
	case "bitcoin":
		return 21e6 * coin.Unit
	case "litecoin":
		return 84e6 * coin.Unit
	}
	return 10e9 * coin.Unit
}
