package hasher

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// genesisHeader builds a version 1 header without a predecessor. merkle is the
// root in internal byte order, as hex.
func genesisHeader(merkle string, time, bits, nonce uint32) (h Header, err error) {
	root, err := hex.DecodeString(merkle)
	if err != nil || len(root) != 32 {
		return h, fmt.Errorf("merkle root %q: not 32 bytes of hex", merkle)
	}
	h[0] = 1
	copy(h[36:], root)
	binary.LittleEndian.PutUint32(h[68:], time)
	binary.LittleEndian.PutUint32(h[72:], bits)
	binary.LittleEndian.PutUint32(h[76:], nonce)
	return h, nil
}
