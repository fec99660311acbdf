package machine

import (
	"os"
	"time"
)

func sensors() []*sensor { return sensorsAt("/", os.Getenv) }

// sensorsAt makes the sensors of a machine whose files are under root.
func sensorsAt(root string, env func(string) string) []*sensor {
	t := tree(root)
	person := &input{env: env, now: time.Now}
	energy := &meters{tree: t, now: time.Now}
	programs := &others{tree: t}
	return []*sensor{{read: t.power}, {read: t.heat}, {read: energy.read}, {read: programs.read}, {read: person.read}}
}
