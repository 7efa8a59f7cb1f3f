package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// pacing measures how late users start at 5,000/s: by themselves, and with a request each.
func pacing(b *bench) ([]row, error) {
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	const phases = "phases: [{duration: 5, arrivalRate: 5000}]"
	alone, err := b.script("pacing.yaml", "config: {"+phases+"}\nscenarios: [{flow: [{think: 1ms}]}]\n")
	if err != nil {
		return nil, err
	}
	sending, err := b.script("sending.yaml", "config: {http: {pool: 50}, "+phases+"}\nscenarios: [{flow: [{get: {url: /}}]}]\n")
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, c := range []struct{ what, script string }{{"users alone", alone}, {"a request each", sending}} {
		var lags []result.Quantiles
		var floor []float64
		for range b.rounds {
			f, _, err := b.bare(-1, "", 5000, 5*time.Second)
			if err != nil {
				return nil, err
			}
			floor = append(floor, f.P99.Seconds()*1000)
			r, _, err := b.load(-1, c.script, s.URL)
			if err != nil {
				return nil, err
			}
			if r.Lag == nil {
				return nil, fmt.Errorf("no user started: %s", r.Why)
			}
			lags = append(lags, *r.Lag)
		}
		slices.SortFunc(lags, func(a, b result.Quantiles) int { return int(1000 * (a.P99 - b.P99)) })
		m := lags[len(lags)/2]
		rows = append(rows, row{
			what: "start lag p99 at 5,000/s, " + c.what, got: fmt.Sprintf("%.2f ms", m.P99), target: "≤ 1.5 ms", missed: m.P99 > 1.5,
			anchor: fmt.Sprintf("p50 %.2f ms; the best round's p99 %.2f ms; a bare thread's %.2f ms, %.2f in its best", m.P50, lags[0].P99, middle(floor), slices.Min(floor)),
		})
	}
	return rows, nil
}

// shapes are what latencies look like, in milliseconds.
func shapes() map[string]func(*rand.Rand) float64 {
	return map[string]func(*rand.Rand) float64{
		"even":        func(r *rand.Rand) float64 { return 1 + 99*r.Float64() },
		"exponential": func(r *rand.Rand) float64 { return 0.1 + 20*r.ExpFloat64() },
		"log-normal":  func(r *rand.Rand) float64 { return math.Exp(2 + 0.8*r.NormFloat64()) },
		"cliff": func(r *rand.Rand) float64 {
			switch x := r.Float64(); {
			case x < 0.001:
				return 1000 + 1000*r.Float64()
			case x < 0.01:
				return 200 + 200*r.Float64()
			}
			return math.Exp(1 + 0.5*r.NormFloat64())
		},
	}
}

var asked = []float64{50, 90, 95, 99, 99.9}

// percentiles compares what is reported with the exactly sorted values.
func percentiles(b *bench) ([]row, error) {
	worst, worstPacked, worstVegeta, bytes := 0.0, 0.0, math.NaN(), 0
	for _, shape := range shapes() {
		random := rand.New(rand.NewPCG(1, 2))
		values := make([]float64, 300_000)
		set := stats.NewSet()
		for i := range values {
			values[i] = math.Round(shape(random)*1000) / 1000
			set.Time(series.Duration, time.Duration(values[i]*float64(time.Millisecond)))
		}
		h := set.Histogram(series.Duration)
		text := h.Pack()
		packed, err := stats.Unpack(text)
		if err != nil {
			return nil, err
		}
		bytes = max(bytes, len(text))
		vegeta, err := b.digest(values)
		if err != nil {
			return nil, err
		}
		slices.Sort(values)
		for i, p := range asked {
			exact := values[int(math.Ceil(p/100*float64(len(values))-1e-9))-1]
			off := func(v float64) float64 { return 100 * math.Abs(v-exact) / exact }
			worst, worstPacked = max(worst, off(h.Percentile(p))), max(worstPacked, off(packed.Percentile(p)))
			if vegeta != nil {
				worstVegeta = math.Max(off(vegeta[i]), orZero(worstVegeta))
			}
		}
	}
	return []row{
		{what: "worst percentile error, p50 to p99.9", got: fmt.Sprintf("%.2f %%", worst), target: "≤ 1 %", missed: worst > 1, anchor: fmt.Sprintf("vegeta's digest %.1f %%", worstVegeta)},
		{what: fmt.Sprintf("… of histograms that travelled, ≤ %d bytes", bytes), got: fmt.Sprintf("%.2f %%", worstPacked), target: "≤ 1 %", missed: worstPacked > 1},
	}, nil
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// digest asks vegeta's digest; nil without anchors.
func (b *bench) digest(values []float64) ([]float64, error) {
	if b.anchors == "" {
		return nil, nil
	}
	var text strings.Builder
	for _, v := range values {
		text.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
		text.WriteByte('\n')
	}
	cmd := exec.Command(filepath.Join(b.anchors, "anchors"), "digest")
	cmd.Stdin = strings.NewReader(text.String())
	raw, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var out []float64
	lines := bufio.NewScanner(strings.NewReader(string(raw)))
	for lines.Scan() {
		v, err := strconv.ParseFloat(lines.Text(), 64)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(out) != len(asked) {
		return nil, fmt.Errorf("the digest answered %d of %d questions", len(out), len(asked))
	}
	return out, nil
}

// stall freezes the server and compares the percentiles with arithmetic: of
// users who arrive evenly for T seconds, those of the frozen F seconds wait from
// F down to 0. So the slowest share x of all waits at least F − x·T.
func stall(b *bench) ([]row, error) {
	lasts, frozen, rate := 20*time.Second, 2*time.Second, 250
	if b.long {
		lasts, rate = 60*time.Second, 500
	}
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script, err := b.script("stall.yaml", fmt.Sprintf(
		"config: {http: {timeout: 30}, phases: [{duration: %g, arrivalRate: %d}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n", lasts.Seconds(), rate))
	if err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	time.AfterFunc(lasts/3, func() {
		_, err := s.ask("freeze " + frozen.String())
		failed <- err
	})
	r, _, err := b.load(-1, script, s.URL)
	if err != nil {
		return nil, err
	}
	if err := <-failed; err != nil {
		return nil, err
	}
	if r.Intended == nil {
		return nil, fmt.Errorf("nothing was measured: %s", r.Why)
	}
	var rows []row
	for _, q := range []struct {
		name       string
		share, got float64
	}{{"p95", 0.05, r.Intended.P95}, {"p99", 0.01, r.Intended.P99}, {"p99.9", 0.001, r.Intended.P999}} {
		want := 1000 * (frozen.Seconds() - q.share*lasts.Seconds())
		if want <= 0 { // fewer than that many users met the stall, so it does not show there
			continue
		}
		off := math.Abs(q.got-want) / want
		rows = append(rows, row{
			what: fmt.Sprintf("stall of 2 s in %.0f s at %d/s, %s from intended", lasts.Seconds(), rate, q.name),
			got:  fmt.Sprintf("%.0f ms", q.got), target: fmt.Sprintf("%.0f ms ± 5 %%", want), missed: off > 0.05, anchor: fmt.Sprintf("%.1f %% off", 100*off),
		})
	}
	rows[len(rows)-1].anchor += "; " + b.heyStalled(s, lasts)
	return rows, nil
}

// heyStalled says what a closed loop sees of the same stall: only as many slow requests as it has workers.
func (b *bench) heyStalled(s *server, lasts time.Duration) string {
	if b.anchors == "" {
		return "hey not here"
	}
	lasts = min(lasts, 10*time.Second)
	time.AfterFunc(lasts/3, func() { _, _ = s.ask("freeze 2s") })
	out, err := exec.Command(filepath.Join(b.anchors, "hey"), "-c", "5", "-q", "50", "-z", lasts.String(), s.URL+"/").Output()
	for line := range strings.SplitSeq(string(out), "\n") {
		if before, ok := strings.CutPrefix(strings.TrimSpace(line), "99% in "); ok || strings.Contains(line, "99%% in ") {
			if !ok {
				_, before, _ = strings.Cut(line, "in ")
			}
			return "hey's p99 of the same stall is " + before
		}
	}
	if err != nil {
		return "hey: " + err.Error()
	}
	return "hey printed no p99"
}

// firstRequest measures how long after its start the generator's first request arrives.
func firstRequest(b *bench) ([]row, error) {
	script, err := b.script("first.yaml", "config: {phases: [{duration: 0.001, arrivalCount: 1}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n")
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for range 2*b.rounds + 1 {
		s, err := start(b, "static")
		if err != nil {
			return nil, err
		}
		began := time.Now()
		_, _, err = b.load(b.clientCPU, script, s.URL)
		if err != nil {
			s.stop()
			return nil, err
		}
		text, err := s.ask("first")
		s.stop()
		if err != nil {
			return nil, err
		}
		nanos, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Unix(0, nanos).Sub(began))
	}
	slices.Sort(took)
	m := took[len(took)/2]
	return []row{{
		what: "first request after start", got: m.Round(100 * time.Microsecond).String(), target: "≤ 100 ms", missed: m > 100*time.Millisecond,
		anchor: "the slowest of " + strconv.Itoa(len(took)) + ": " + took[len(took)-1].Round(100*time.Microsecond).String(),
	}}, os.Remove(script)
}
