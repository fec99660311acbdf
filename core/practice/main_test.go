//go:build !js

package practice

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		mineUntilKilled(dir) // this process is the victim of TestKilledProcess
	}
	// btcd leaves LevelDB running when it gives up on a damaged database.
	var ignore []goleak.Option
	for _, f := range []string{"(*DB).mpoolDrain", "(*DB).compactionError", "(*DB).tCompaction", "(*DB).mCompaction", "(*session).refLoop"} {
		ignore = append(ignore, goleak.IgnoreTopFunction("github.com/syndtr/goleveldb/leveldb."+f))
	}
	goleak.VerifyTestMain(m, ignore...)
}
