package parity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// outcome is what a run of either tool says; its exported part is recorded.
type outcome struct {
	Exit     int
	Counters map[string]float64
	// Checks are the verdicts of the ensure plugin.
	Checks []string
	// Served is how many requests the server saw.
	Served int64
	// Shape are the JSON report's keys with the kinds of their values, where they are compared.
	Shape  []string           `json:",omitempty"`
	times  map[string]float64 // min, p50, p95, p99 … of http.response_time
	stdout string
}

// aggregate is the part of a JSON report that is compared.
type aggregate struct {
	Aggregate struct {
		Counters  map[string]float64            `json:"counters"`
		Summaries map[string]map[string]float64 `json:"summaries"`
	} `json:"aggregate"`
}

// run runs a tool on a script, against a server of its own.
func run(dir string, command []string, s script) (outcome, error) {
	server := newServer(s.secure)
	defer server.Close()
	report := filepath.Join(dir, "report.json")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	args := slices.Concat(command[1:], []string{"run", "--target", server.URL, "--output", report}, s.args, []string{s.file})
	cmd := exec.CommandContext(ctx, command[0], args...)
	// Half of what Node does in a run is to compile the same files: it keeps them.
	cmd.Env = append(os.Environ(), "NODE_COMPILE_CACHE="+filepath.Join(filepath.Dir(filepath.Dir(command[0])), "compiled"), "ARTILLERY_DISABLE_TELEMETRY=true", "NO_UPDATE_NOTIFIER=1", "CI=", "PARITY_WORD=hello", "CSV=semicolon.csv")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	o := outcome{stdout: stdout.String() + stderr.String(), Served: server.requests.Load()}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		o.Exit = exit.ExitCode()
	} else if err != nil {
		return o, fmt.Errorf("running %s: %w\n%s", command[0], err, last(o.stdout, 10))
	}
	o.Checks = checks(o.stdout)
	data, err := os.ReadFile(report)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(data) == 0 {
		return o, nil // a script that is refused has no report
	}
	if err != nil {
		return o, err
	}
	var a aggregate
	if err := json.Unmarshal(data, &a); err != nil {
		return o, fmt.Errorf("reading the report of %s: %w", command[0], err)
	}
	o.Counters, o.times = kept(a.Aggregate.Counters, s, server.URL), a.Aggregate.Summaries["http.response_time"]
	if s.shape {
		if o.Shape, err = shape(data); err != nil {
			return o, err
		}
	}
	return o, os.Remove(report)
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checks finds the verdicts of the ensure plugin in what was printed: how many are
// met and not, the optional ones apart. Their wording is each tool's own.
func checks(out string) []string {
	var found []string
	for line := range strings.SplitSeq(out, "\n") {
		// Colours may stand around the mark.
		mark, _, cut := strings.Cut(colours.ReplaceAllString(strings.TrimSpace(line), ""), ": ")
		if !cut || mark != "ok" && mark != "fail" {
			continue
		}
		if strings.Contains(line, "(optional)") {
			mark += " (optional)"
		}
		found = append(found, mark)
	}
	slices.Sort(found)
	return found
}

// kept leaves what is compared; counters of zero are as good as none.
// The server's address, which is another each time, reads TARGET.
func kept(counters map[string]float64, s script, target string) map[string]float64 {
	left := map[string]float64{}
	for name, n := range counters {
		if n != 0 && s.compares(name) {
			left[strings.ReplaceAll(name, target, "TARGET")] += n
		}
	}
	return left
}

// differences compares the counts of two outcomes: they are equal, or, where chance
// decides them, no further apart than it brings them once in a million runs.
func differences(s script, theirs, ours outcome) []string {
	var found []string
	// On a machine with other work sluice-load says that it was the bottleneck: rightly so.
	bottleneck := ours.Exit == 3 && strings.Contains(ours.stdout, "the load generator was the bottleneck")
	if theirs.Exit != ours.Exit && !bottleneck {
		found = append(found, fmt.Sprintf("exit code: Artillery %d, sluice-load %d", theirs.Exit, ours.Exit))
	}
	names := map[string]bool{}
	for name := range theirs.Counters {
		names[name] = true
	}
	for name := range ours.Counters {
		names[name] = true
	}
	for name := range names {
		if a, b := theirs.Counters[name], ours.Counters[name]; s.compares(name) && s.differ(a, b) {
			found = append(found, fmt.Sprintf("%s: Artillery %v, sluice-load %v", name, a, b))
		}
	}
	if !slices.Equal(theirs.Checks, ours.Checks) {
		found = append(found, fmt.Sprintf("checks: Artillery %q, sluice-load %q", theirs.Checks, ours.Checks))
	}
	if s.differ(float64(theirs.Served), float64(ours.Served)) {
		found = append(found, fmt.Sprintf("requests the server saw: Artillery %d, sluice-load %d", theirs.Served, ours.Served))
	}
	slices.Sort(found)
	return found
}

// sketch is how far a percentile that Artillery prints may be from the one it measured:
// it stands for the bucket of its sketch.
const sketch = 0.01

// slower compares the percentiles of http.response_time, by their medians over all
// rounds: equal within 1 ms or 2 %, from where Artillery's bucket ends.
func slower(theirs, ours []outcome) []string {
	var found []string
	for _, name := range []string{"p50", "p95", "p99"} {
		a, b := middle(theirs, name), middle(ours, name)
		nearest := min(max(b, a*(1-sketch)), a*(1+sketch))
		if d := max(nearest-b, b-nearest); d > max(1, 0.02*nearest) {
			found = append(found, fmt.Sprintf("http.response_time %s: Artillery %v ms, sluice-load %v ms", name, a, b))
		}
	}
	return found
}

// middle is the median of a percentile.
func middle(outcomes []outcome, name string) float64 {
	var values []float64
	for _, o := range outcomes {
		values = append(values, o.times[name])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func last(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
