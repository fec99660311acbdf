package api

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"goldpan/core"
)

// TestMetrics: Prometheus' own parser reads them, its own rules for names hold,
// and their number is bounded.
func TestMetrics(t *testing.T) {
	s := serve(t, new(miner).options(""), generous())
	status, header, answer := ask(t, s, "GET", "/metrics", "", with("Accept-Encoding", "gzip"))
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") || header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", status, header)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answer))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for name, f := range families {
		if len(f.Metric) > 16 {
			t.Errorf("%s has %d metrics", name, len(f.Metric))
		}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if strings.HasPrefix(name, "goldpan_") {
					name += "/" + l.GetValue()
				}
			}
			values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			name = f.GetName()
		}
	}
	for name, want := range map[string]float64{
		"goldpan_info/scrypt/avx2/" + core.Version: 1,
		"goldpan_state/mining":                     1, "goldpan_state/down": 0,
		"goldpan_hashrate_hashes_per_second/15m":        1000,
		"goldpan_implied_hashrate_hashes_per_second/1h": 900,
		"goldpan_shares_total/accepted":                 5, "goldpan_shares_total/rejected": 1, "goldpan_shares_total/stale": 2,
		"goldpan_hashes_total": 60_000, "goldpan_best_share_difficulty": 0.5, "goldpan_luck_ratio": 0.9,
		"goldpan_pools/down": 1, "goldpan_pools/mining": 1, "goldpan_pools/connecting": 1,
		"goldpan_duty_ratio": 0.5, "goldpan_processor_temperature_celsius": 61.5,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v; there are %v", name, got, want, slices.Sorted(maps.Keys(values)))
		}
	}
	for _, missing := range []string{"goldpan_power_watts", "goldpan_battery_charge_ratio"} {
		if _, ok := values[missing]; ok {
			t.Errorf("%s is told, and not known", missing)
		}
	}
	problems, err := promlint.New(strings.NewReader(answer)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "goldpan_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestCollectorIsConsistent: the client's registry refuses metrics that are not as
// they were announced, also before anything was measured.
func TestCollectorIsConsistent(t *testing.T) {
	for _, snapshot := range []func() core.Snapshot{new(miner).snapshot, func() core.Snapshot { return core.Snapshot{} }} {
		r := prometheus.NewPedanticRegistry()
		if err := r.Register(newCollector(snapshot)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Gather(); err != nil {
			t.Error(err)
		}
	}
}
