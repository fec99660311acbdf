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
	const ldb = "github.com/syndtr/goleveldb/leveldb.(*DB)."
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction(ldb+"mpoolDrain"), goleak.IgnoreTopFunction(ldb+"compactionError"),
		goleak.IgnoreTopFunction(ldb+"tCompaction"), goleak.IgnoreTopFunction(ldb+"mCompaction"))
}
