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
	"testing"
	"time"
)

var update = flag.Bool("update", false, "record anew what Artillery does")

// arguments are what a script is run with besides its target and its report.
var arguments = map[string][]string{
	"environment": {"-e", "small", "-v", `{"given": 6}`},
}

// timed are the scripts whose percentiles are compared, too.
var timed = []string{"constant"}

// theirs is Artillery's command, or the test is skipped with the reason.
func theirs(t *testing.T) []string {
	t.Helper()
	if os.Getenv("SLUICE_PARITY") != "1" {
		t.Skip("Artillery is run by `make parity`; what it does is recorded in testdata")
	}
	a, err := install()
	if err != nil {
		t.Skip(err)
	}
	return []string{a.node, a.run}
}

// ours builds sluice-load under the name it stands in for. What it adds to a script on
// its own is turned off.
func ours(t *testing.T) (command, flags []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "artillery")
	if out, err := exec.Command("go", "build", "-o", file, "../../cmd/sluice-load").CombinedOutput(); err != nil {
		t.Fatalf("building sluice-load: %v\n%s", err, out)
	}
	help, err := exec.Command(file, "run", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	if strings.Contains(string(help), "--no-default-gates") {
		flags = append(flags, "--no-default-gates")
	}
	return []string{file}, flags
}

// scripts are the names of all scripts.
func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/scripts/*.yml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".yml")
	}
	return files
}

func runs(t *testing.T, command, flags []string, name string) outcome {
	t.Helper()
	args := slices.Concat(flags, arguments[name], []string{filepath.Join("testdata", "scripts", name+".yml")})
	o, err := run(t.TempDir(), command, args)
	if err != nil {
		t.Fatal(err)
	}
	return o
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
	for _, name := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := runs(t, command, nil, name)
			if len(o.Counters) == 0 && o.Exit == 0 {
				t.Fatalf("Artillery ran nobody:\n%s", o.stdout)
			}
			if *update {
				data, err := json.MarshalIndent(o, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(recording(name), append(data, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, d := range differences(o, recorded(t, name)) {
				t.Errorf("recorded is something else: %s", d)
			}
		})
	}
}

func TestBothToolsCountTheSame(t *testing.T) {
	command, flags := ours(t)
	for _, name := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := runs(t, command, flags, name)
			found := differences(recorded(t, name), o)
			for _, d := range found {
				if why := known(name, d); why == "" {
					t.Error(d)
				}
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

func last(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Percentiles are compared on a machine that has nothing else to do; three attempts,
// because nothing keeps it so.
func TestBothToolsTimeTheSame(t *testing.T) {
	artillery := theirs(t)
	command, flags := ours(t)
	for _, name := range timed {
		t.Run(name, func(t *testing.T) {
			var found []string
			for range 3 {
				found = slower(runs(t, artillery, nil, name), runs(t, command, flags, name))
				if len(found) == 0 {
					return
				}
			}
			if busy := busyShare(t, time.Second); busy > 0.3 {
				t.Skipf("the machine has other work (%.0f %% busy), so times say nothing: %v", 100*busy, found)
			}
			t.Error(found)
		})
	}
}

// busyShare is how much of the processors was used during a while.
func busyShare(t *testing.T, d time.Duration) float64 {
	t.Helper()
	read := func() (busy, all float64) {
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
	busy, all := read()
	time.Sleep(d)
	busyLater, allLater := read()
	return (busyLater - busy) / max(allLater-all, 1)
}
