package wallet

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	keepAlone()
	payAlone()
	// In a browser this one waits for events as long as the program lives.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}
