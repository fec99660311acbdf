package machine

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldpan/core/engine"
)

// plant writes one of testdata's trees into a folder and returns it.
func plant(t testing.TB, name string) tree {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	root := tree(t.TempDir())
	for line := range strings.Lines(string(b)) {
		path, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			t.Fatalf("%s: %q", name, line)
		}
		root.write(t, text, path)
	}
	return root
}

func (t tree) write(tb testing.TB, text string, path string) {
	tb.Helper()
	file := filepath.Join(string(t), path)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// at is a machine whose files are under root, in an environment without a desktop.
func at(root tree) *Machine {
	return &Machine{sensors: sensorsAt(string(root), func(key string) string {
		switch key {
		case sessionBus, systemBus:
			return "unix:path=" + filepath.Join(string(root), "nothing")
		}
		return ""
	})}
}

func TestTrees(t *testing.T) {
	for name, want := range map[string]engine.Reading{
		"desktop":         {Power: engine.Mains, Celsius: engine.Known(53.0)},
		"laptop-battery":  {Power: engine.Battery, Charge: engine.Known(70.0), Celsius: engine.Known(82.0), Watts: engine.Known(18.4), WattsOf: "computer"},
		"laptop-charging": {Power: engine.Mains, Charge: engine.Known(75.0)},
		"two-batteries":   {Power: engine.Battery, Charge: engine.Known(50.0), Watts: engine.Known(10.0), WattsOf: "computer"},
		"phone-board":     {Power: engine.Battery, Charge: engine.Known(100.0), Celsius: engine.Known(47.236)},
		"server":          {Power: engine.Battery, Charge: engine.Known(64.0), Celsius: engine.Known(68.0), Watts: engine.Known(213.0), WattsOf: "computer"},
		"hostile":         {Power: engine.Battery},
		"empty":           {},
	} {
		t.Run(name, func(t *testing.T) {
			if got := at(plant(t, name)).Read(context.Background()); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestCounters: power and load are averages between two readings.
func TestCounters(t *testing.T) {
	root := plant(t, "desktop")
	m := &meters{tree: root}
	now := time.Unix(1000, 0)
	m.now = func() time.Time { return now }
	const energy, limit = "sys/class/powercap/intel-rapl:0/energy_uj", 262143328850
	watts := func(after time.Duration, counter int64) (v engine.Measured[float64]) {
		t.Helper()
		now = now.Add(after)
		root.write(t, strconv.FormatInt(counter, 10), energy)
		var r engine.Reading
		if c := m.read(context.Background()); c != nil {
			c(&r)
		}
		if r.Watts.Known && r.WattsOf != "processor" {
			t.Errorf("watts of %q", r.WattsOf)
		}
		return r.Watts
	}
	for _, c := range []struct {
		name    string
		after   time.Duration
		counter int64
		want    engine.Measured[float64]
	}{
		{"the first", 0, 261_000_000_000, engine.Measured[float64]{}},
		{"35 W for two seconds", 2 * time.Second, 261_070_000_000, engine.Known(35.0)},
		{"it begins anew", 2 * time.Second, 261_070_000_000 + 80_000_000_000 - limit, engine.Measured[float64]{}}, // 40 kW
		{"and goes on", 2 * time.Second, 78_926_671_150 + 100_000_000, engine.Known(50.0)},
		{"full", 2 * time.Second, limit - 10_000_000, engine.Measured[float64]{}},
		{"wrapped", 2 * time.Second, 30_000_000, engine.Known(20.0)},
		{"after a night", 8 * time.Hour, 90_000_000, engine.Measured[float64]{}},
		{"at once", 0, 95_000_000, engine.Measured[float64]{}},
		{"the clock went back", -time.Hour, 99_000_000, engine.Measured[float64]{}},
		{"the counter is over its end", time.Second, limit + 50, engine.Measured[float64]{}},
		{"and wraps", time.Second, 5, engine.Measured[float64]{}},
	} {
		if got := watts(c.after, c.counter); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	root.write(t, "2", "sys/class/powercap/intel-rapl:1/energy_uj")
	root.write(t, "psys", "sys/class/powercap/intel-rapl:1/name")
	watts(time.Second, 1_000_000)
	root.write(t, "90000002", "sys/class/powercap/intel-rapl:1/energy_uj")
	root.write(t, "2000000", energy)
	now = now.Add(time.Second)
	var r engine.Reading
	m.read(context.Background())(&r)
	if r.Watts != engine.Known(90.0) || r.WattsOf != "computer" {
		t.Errorf("%+v of the %s, where the platform is measured", r.Watts, r.WattsOf)
	}
}

func TestLoad(t *testing.T) {
	root := plant(t, "desktop")
	o := &others{tree: root}
	read := func(stat, self string) engine.Measured[float64] {
		t.Helper()
		root.write(t, stat, "proc/stat")
		root.write(t, self, "proc/self/stat")
		var r engine.Reading
		if c := o.read(context.Background()); c != nil {
			c(&r)
		}
		return r.Others
	}
	self := func(user string) string {
		return "7 (a) b (c) R 1 7 7 0 -1 0 0 0 0 0 " + user + " 50 0 0 20 0 5 0 1 1 1"
	}
	none := engine.Measured[float64]{}
	for _, c := range []struct {
		name, stat, self string
		want             engine.Measured[float64]
	}{
		{"the first", "cpu  1000 0 0 9000 0 0 0 0 0 0", self("700"), none},
		{"half busy, half of it ours", "cpu  1100 0 0 9100 0 0 0 0 0 0", self("750"), engine.Known(25.0)},
		{"all ours, and a tick too many", "cpu  1200 0 0 9200 0 0 0 0 0 0", self("851"), engine.Known(0.0)},
		{"waiting and other machines are no programs", "cpu  1200 0 0 9240 30 0 0 30 0 0", self("851"), engine.Known(0.0)},
		{"it stands still", "cpu  1200 0 0 9240 30 0 0 30 0 0", self("851"), none},
		{"it went back", "cpu  1 0 0 2 0 0 0 0 0 0", self("1"), none},
		{"old kernels tell less", "cpu 11 0 0 12", self("1"), engine.Known(50.0)},
		{"nonsense", "intr 5 5 5 5 5", self("1"), none},
		{"too large", "cpu 9223372036854775807 9223372036854775807 1 1", self("1"), none},
		{"no name", "cpu 11 0 0 12", "7 gold R 1", none},
		{"a short line", "cpu 11 0 0 12", "7 (gold) R 1", none},
	} {
		if got := read(c.stat, c.self); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestSlowSensor: one that hangs holds up nobody, is not called again while it
// hangs, and is heard again when it answers.
func TestSlowSensor(t *testing.T) {
	hang := make(chan struct{})
	var calls atomic.Int64
	m := at(plant(t, "laptop-charging"))
	m.sensors = append(m.sensors, &sensor{read: func(context.Context) change {
		calls.Add(1)
		<-hang
		return func(r *engine.Reading) { r.Idle = engine.Known(time.Minute) }
	}})
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		for ctx.Err() == nil { // the other sensors may need a moment on a busy machine
			if r := m.Read(ctx); r.Idle.Known {
				t.Fatalf("%+v", r)
			}
		}
		cancel()
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("called %d times while it hung", n)
	}
	close(hang)
	deadline := time.Now().Add(time.Minute)
	for {
		if r := m.Read(context.Background()); r.Idle == engine.Known(time.Minute) && r.Power == engine.Mains {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not heard again")
		}
	}
}

func TestRealMachine(t *testing.T) {
	m := New()
	r := m.Read(context.Background())
	if r.Power == engine.PowerUnknown && r.Charge.Known {
		t.Errorf("%+v", r)
	}
	if r.Others.Known {
		t.Errorf("an average of one reading: %+v", r.Others)
	}
	deadline := time.Now().Add(time.Minute)
	for !m.Read(context.Background()).Others.Known {
		if time.Now().After(deadline) {
			t.Fatal("what other programs use is not known after a minute")
		}
		<-time.After(20 * time.Millisecond)
	}
}

func Example() {
	m := New()
	e, err := engine.New(engine.Config{Algorithm: "sha256d", Lanes: 1, Share: noShares, Machine: m, Rules: engine.Rules{Celsius: 80, Nice: engine.DefaultNice}})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the person's Stop
	if err := e.Run(ctx); err != nil {
		panic(err)
	}
	// Output:
}

// FuzzFiles: whatever a file holds, a reading is sensible.
func FuzzFiles(f *testing.F) {
	f.Add("Discharging", "5")
	f.Add("cpu 1 2 3 4", "9223372036854775807")
	f.Fuzz(func(t *testing.T, text, number string) {
		root := tree(t.TempDir())
		for _, p := range []string{"type", "online", "status", "scope", "present"} {
			root.write(t, text, supplies+"/BAT0/"+p)
			root.write(t, number, supplies+"/AC/"+p)
		}
		root.write(t, "Battery", supplies+"/BAT1/type")
		root.write(t, "Discharging", supplies+"/BAT1/status")
		for _, p := range []string{"energy_now", "energy_full", "current_now", "voltage_now", "capacity"} {
			root.write(t, number, supplies+"/BAT1/"+p)
		}
		root.write(t, "coretemp", monitors+"/hwmon0/name")
		root.write(t, number, monitors+"/hwmon0/temp1_input")
		root.write(t, text, "proc/stat")
		root.write(t, text, "proc/self/stat")
		m := at(root)
		m.Read(context.Background())
		r := m.Read(context.Background())
		if c := r.Charge; c.Known && !(c.Value >= 0 && c.Value <= 100) {
			t.Errorf("charge %v", c.Value)
		}
		if c := r.Celsius; c.Known && !(c.Value >= -40 && c.Value <= 150) {
			t.Errorf("%v °C", c.Value)
		}
		if c := r.Watts; c.Known && !(c.Value >= 0 && c.Value <= maxWatts) {
			t.Errorf("%v W", c.Value)
		}
		if c := r.Others; c.Known && !(c.Value >= 0 && c.Value <= 100) {
			t.Errorf("others %v", c.Value)
		}
		parsePmset(text)
		parseIoreg(text)
		parsePs(text, 1, 2)
	})
}
