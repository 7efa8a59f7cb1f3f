package parity

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "record anew what Artillery does")

// timed are the scripts whose percentiles are compared, too.
var timed = []string{"constant"}

// theirs is Artillery's command, or the test is skipped with the reason.
func theirs(t *testing.T) []string {
	t.Helper()
	if os.Getenv("SLUICE_PARITY") != "1" {
		t.Skip("Artillery is run by `make parity`; what it does is recorded in testdata")
	}
	a, err := installed()
	if err != nil {
		t.Skipf("Artillery cannot be had here, so only recordings are compared: %v", err)
	}
	return []string{a.node, "--max-semi-space-size=32", a.run}
}

// installed installs once for all tests, or says why that cannot be.
var installed = sync.OnceValues(install)

// ours builds sluice-load under the name it stands in for. What it adds to a script on
// its own is turned off.
func ours(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "artillery")
	if out, err := exec.Command("go", "build", "-o", file, "../../cmd/sluice-load").CombinedOutput(); err != nil {
		t.Fatalf("building sluice-load: %v\n%s", err, out)
	}
	return []string{file}
}

// scripts are all scripts.
func scripts(t *testing.T) []script {
	t.Helper()
	files, err := filepath.Glob("testdata/scripts/*.yml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	var out []script
	for _, s := range all(files) {
		if !s.long || !testing.Short() {
			out = append(out, s)
		}
	}
	return out
}

func runs(t *testing.T, command []string, s script) outcome {
	t.Helper()
	o, err := run(t.TempDir(), command, s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// plain turns off what sluice-load adds to a script on its own.
func plain(s script) script {
	s.args = append([]string{"--no-default-gates"}, s.args...)
	return s
}

// What Artillery does with each script is recorded, so that every machine can compare;
// where Artillery is installed, the recordings are held against it.
func recording(name string) string { return filepath.Join("testdata", "recorded", name+".json") }

func recorded(t *testing.T, name string) outcome {
	t.Helper()
	data, err := os.ReadFile(recording(name))
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestArtilleryDoesWhatIsRecorded(t *testing.T) {
	command := theirs(t)
	for _, s := range scripts(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := runs(t, command, s)
			if len(o.Counters) == 0 && o.Exit == 0 {
				t.Fatalf("Artillery ran nobody:\n%s", o.stdout)
			}
			if *update {
				data, err := json.MarshalIndent(o, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(recording(s.name), append(data, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, d := range append(differences(s, o, recorded(t, s.name)), shapesDiffer(o.Shape, recorded(t, s.name).Shape)...) {
				t.Errorf("recorded is something else: %s", d)
			}
		})
	}
}

func TestBothToolsCountTheSame(t *testing.T) {
	command := ours(t)
	for _, s := range scripts(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := runs(t, command, plain(s))
			for _, d := range differences(s, recorded(t, s.name), o) {
				if why := known(s.name, d); why == "" {
					t.Error(d)
				}
			}
			// Who reads Artillery's JSON reports reads ours: every key is there, of the same kind.
			for _, d := range shapesDiffer(recorded(t, s.name).Shape, o.Shape) {
				t.Error(d)
			}
			if t.Failed() {
				t.Logf("sluice-load printed:\n%s", last(o.stdout, 25))
			}
		})
	}
}

// meant are differences that are meant: the script, the difference's beginning, and why.
var meant = []struct{ script, begins, why string }{
	{"expectregexp", "plugins.expect.", "Artillery matches a JSON answer as the words [object Object], so matchesRegexp never holds"},
	{"expectregexp", "exit code", "the same"},
	{"ensureunloaded", "checks", "thresholds that are not enforced are shown"},
	{"corpus-gates-twice", "checks", "Artillery does not have errors.rate"},
	{"corpus-gates-twice", "exit code: Artillery 1, sluice-load 0", "the same"},
	{"apdex", "checks", "the score is there for gates; Artillery's gate on it fails whatever the score is"},
	{"apdex", "exit code: Artillery 1, sluice-load 0", "the same"},
	{"selfsigned", "errors.", "all that TLS refuses is one error"},
	{"selfsigned", "plugins.metrics-by-endpoint./items/1.errors.", "the same"},
	{"selfsigned", "exit code: Artillery 0, sluice-load 3", "a target that never answers is inconclusive"},
	{"refused", "exit code: Artillery 0, sluice-load 3", "a target that never answers is inconclusive"},
	{"notfound", "exit code: Artillery 0, sluice-load 3", "the same"},
	{"onerror", "exit code: Artillery 0, sluice-load 3", "the same"},
	{"timeout", "exit code: Artillery 0, sluice-load 3", "the same"},
	{"expecterrors", "plugins.metrics-by-endpoint./status/404.codes.404", "an answer's code is counted although an expectation fails"},
	{"beforefails", "exit code: Artillery 1, sluice-load 3", "what fails before anything was measured is inconclusive"},
	{"useragent", "http.codes.", "sluice-load goes by its own name where the script gives none"},
	{"useragent", "plugins.metrics-by-endpoint./want.codes", "the same"},
	{"redirectsendless", "plugins.metrics-by-endpoint./redirect/20.errors", "the limit is counted among the errors, and at no endpoint"},
}

func known(script, difference string) string {
	for _, m := range meant {
		if (m.script == script || m.script == "") && strings.HasPrefix(difference, m.begins) {
			return m.why
		}
	}
	return ""
}

// Percentiles are compared by their medians over rounds of both tools in turn, on a
// machine that has nothing else to do.
func TestBothToolsTimeTheSame(t *testing.T) {
	artillery, sluice := theirs(t), ours(t)
	const busy, rounds = 0.25, 5
	for _, s := range scripts(t) {
		if !slices.Contains(timed, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			var a, b []outcome
			share := others(t, func() {
				for range rounds {
					a, b = append(a, runs(t, artillery, s)), append(b, runs(t, sluice, plain(s)))
				}
			})
			for _, name := range []string{"p50", "p95", "p99"} {
				t.Logf("http.response_time %s: Artillery %v ms, sluice-load %v ms", name, middle(a, name), middle(b, name))
			}
			found := slower(a, b)
			if len(found) > 0 && share > busy {
				t.Skipf("times are not compared, counts were: other work took %.0f %% of the machine: %s", 100*share, strings.Join(found, "; "))
			}
			if len(found) > 0 {
				t.Error(strings.Join(found, "; "))
			}
		})
	}
}

// others is the share of the processors that other programs used during f.
func others(t *testing.T, f func()) float64 {
	t.Helper()
	busy, all := ticks(t)
	mine := used(t)
	f()
	busyLater, allLater := ticks(t)
	const perSecond = 100 // of the ticks in /proc/stat, on every Linux
	return (busyLater - busy - perSecond*(used(t)-mine).Seconds()) / max(allLater-all, 1)
}

// ticks are how long all processors were busy, and how long they were there.
func ticks(t *testing.T) (busy, all float64) {
	t.Helper()
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Skip(err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	for i, field := range strings.Fields(line)[1:] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		all += n
		if i != 3 && i != 4 { // idle, waiting for disks
			busy += n
		}
	}
	return busy, all
}

// used is the processor time of this program and of those it ran.
func used(t *testing.T) time.Duration {
	t.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			t.Skip(err)
		}
		sum += time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return sum
}
