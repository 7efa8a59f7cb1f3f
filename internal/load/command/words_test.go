package command

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/result"
)

// inDir are the arguments that leave all reports in a directory that does not exist yet.
func inDir(dir string) []string {
	return []string{"-o", filepath.Join(dir, "new", "o.json"), "--html", filepath.Join(dir, "new", "o.html")}
}

func contents(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "new", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What went wrong stands wherever the number of errors does, and shows no secret.
func TestTheCauseOfErrorsIsEverywhere(t *testing.T) {
	dir := t.TempDir()
	args := append([]string{"sluice-load", "run", "-q", "-t", "http://shop-hunter2x.invalid"}, append(inDir(dir), "FILE")...)
	script := "config: {http: {timeout: 20}, phases: [{duration: 0.2, arrivalCount: 4}], variables: {v: '{{ $env.TOKEN }}'}}\nscenarios: [{flow: [{get: {url: /}}]}]\n"
	got := execute(t, script, call{args: args, env: []string{"TOKEN=hunter2x"}})
	const want = "lookup shop-***.invalid: "
	if got.code != exitInconclusive || !strings.HasPrefix(got.result.Causes["dns"], want) {
		t.Errorf("exit code %d, causes %q", got.code, got.result.Causes)
	}
	for name, text := range map[string]string{
		"the warnings": got.err, "the verdict": got.result.Why, "the page": contents(t, dir, "o.html"), "the report": contents(t, dir, "o.json"),
	} {
		if !strings.Contains(text, want) || strings.Contains(text, "hunter2x") {
			t.Errorf("%s do not say %q, or show the secret:\n%s", name, want, text)
		}
	}
	if !strings.Contains(got.err, "100.0 % of 4 requests went wrong: 4 without an answer (4 × dns)\nwarning: dns, the first one: lookup") {
		t.Errorf("the warnings:\n%s", got.err)
	}
}

func TestCountsThatAreNoneAreNotTold(t *testing.T) {
	for want, counts := range map[string][2]int64{
		"10 answers 5xx": {10, 0}, "3 without an answer (3 × dns)": {0, 3}, "10 answers 5xx, 3 without an answer (3 × dns)": {10, 3},
	} {
		if got := wentWrong(counts[0], counts[1], "3 × dns"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestExpectationsThatAreNotMetAreTold(t *testing.T) {
	const script = "config: {phases: [{duration: 0.4, arrivalCount: 10}], plugins: {ensure: {}, expect: {}}, ensure: {p99: 60000}}\nscenarios: [{flow: [{get: {url: /tea, expect: {statusCode: 200}}}]}]\n"
	run := func(code int) outcome {
		return execute(t, script, call{args: []string{"sluice-load", "run", "-q", "-t", newTarget(t, code).URL, "FILE"}})
	}
	got := run(http.StatusTeapot)
	if got.code != exitExpectation || !strings.Contains(got.err, "warning: 10 expectations were not met\nwarning: expect, the first one: GET /tea: statusCode: expected 200, got 418\n") {
		t.Errorf("exit code %d\n%s", got.code, got.err)
	}
	if both := run(http.StatusInternalServerError); both.code != exitFailed {
		t.Errorf("exit code %d: a gate that is not met weighs more", both.code)
	}
}

// A run that was stopped says so, and no phase lasts longer than it.
func TestARunThatWasStoppedSaysSo(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{name: First, duration: 20, arrivalRate: 20}, {name: Second, duration: 20, arrivalRate: 20}]
scenarios: [{flow: [{get: {url: /}}]}]
`
	dir := t.TempDir()
	got := execute(t, script, call{args: append([]string{"run", "run"}, append(inDir(dir), "FILE")...), signals: newSignals(700*time.Millisecond, syscall.SIGINT)})
	if strings.Contains(got.out, "All VUs finished") || !strings.Contains(got.out, "Stopped by SIGINT; VUs under way were ended. Total time: ") {
		t.Errorf("the console says:\n%s", got.out)
	}
	phases := got.result.Phases
	if len(phases) != 2 || phases[0].To > got.result.Duration || phases[0].To == 0 || phases[1].To != phases[1].From {
		t.Errorf("in a run of %v s the phases are %+v", got.result.Duration, phases)
	}
	page := contents(t, dir, "o.html")
	if !strings.Contains(page, "never began") || strings.Contains(page, "0s to 20s") || strings.Contains(page, "Until 20") {
		t.Error("the page has a phase that is longer than the run")
	}
}

func TestTheJSONReportHasTheVerdictAndBothSides(t *testing.T) {
	bad, good := newTarget(t, http.StatusInternalServerError), newTarget(t, http.StatusOK)
	dir := t.TempDir()
	args := append([]string{"sluice-load", "run", "-q", "-t", bad.URL, "--compare-target", good.URL}, append(inDir(dir), "FILE")...)
	got := execute(t, tenUsers, call{args: args})
	var written struct {
		Aggregate struct{ Counters map[string]int64 }
		Sluice    struct {
			Result json.RawMessage
			Target string
			Stable struct {
				Aggregate    struct{ Counters map[string]int64 }
				Intermediate []json.RawMessage
			}
		}
	}
	if err := json.Unmarshal([]byte(contents(t, dir, "o.json")), &written); err != nil {
		t.Fatal(err)
	}
	own := written.Sluice
	if written.Aggregate.Counters["http.codes.500"] != 10 || own.Stable.Aggregate.Counters["http.codes.200"] != 10 || len(own.Stable.Intermediate) != 1 || own.Target != bad.URL {
		t.Errorf("%+v", written)
	}
	res, err := result.ParseLong(own.Result)
	if err != nil || res.Verdict != result.Fail || res.Why != got.result.Why || len(res.Gates) != len(got.result.Gates) {
		t.Errorf("%v: %+v", err, res)
	}
	again := execute(t, tenUsers, call{args: []string{"sluice-load", "report", filepath.Join(dir, "new", "o.json"), "-o", filepath.Join(dir, "new", "again.html")}})
	page := contents(t, dir, "again.html")
	for _, want := range []string{"✘ Failed", "errors.rate &lt;= 0.01", bad.URL + ", compared with " + good.URL, "Answers 500", "Side by side"} {
		if !strings.Contains(page, want) {
			t.Errorf("exit code %d; the page of the report does not say %q", again.code, want)
		}
	}
}

// What keeps a comparison from being made is said also where no report is.
func TestAStableSideThatCouldNotBeMeasuredIsTold(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, tenUsers, call{args: []string{"sluice-load", "run", "-q", "-t", s.URL, "--compare-target", "http://127.0.0.1:1", "FILE"}})
	if !strings.Contains(got.err, "warning: the stable version could not be measured: the target never answered: 10 × conn_refused (dial tcp 127.0.0.1:1") {
		t.Error(got.err)
	}
}

func TestARunThatIsStoppedAfterItsLoadHasFinishedItsUsers(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.2, arrivalCount: 3}]
after: {flow: [{think: 20}]}
scenarios: [{flow: [{get: {url: /}}]}]
`
	got := execute(t, script, call{args: []string{"run", "run", "FILE"}, signals: newSignals(900*time.Millisecond, syscall.SIGINT)})
	if got.code != exitInterrupt || !strings.Contains(got.out, "All VUs finished. Total time") || !strings.Contains(got.result.Why, "stopped by SIGINT after the load") {
		t.Errorf("exit code %d: %q\n%s", got.code, got.result.Why, got.out)
	}
}

func TestAReportFromStandardInput(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	got := execute(t, "", call{args: []string{"sluice-load", "report", "-", "-o", page}, in: `{"v":1,"verdict":"pass"}`})
	if text, err := os.ReadFile(page); err != nil || got.code != exitOK || !strings.Contains(string(text), "Passed") {
		t.Errorf("exit code %d, %v: %s", got.code, err, got.err)
	}
}

func TestAScriptFromStandardInput(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, "", call{args: []string{"sluice-load", "run", "-q", "-t", s.URL, "-"}, in: tenUsers})
	if got.code != exitOK || got.result.Requests != 10 {
		t.Errorf("exit code %d after %d requests: %s", got.code, got.result.Requests, got.err)
	}
	bad := strings.Replace(tenUsers, "phases", "fases", 1)
	for _, command := range []string{"run", "lint"} {
		got := execute(t, "", call{args: []string{"sluice-load", command, "-"}, in: bad})
		if got.code == exitOK || !strings.Contains(got.out+got.err, "stdin:3:3: ") {
			t.Errorf("%s: exit code %d: %s%s", command, got.code, got.out, got.err)
		}
	}
}

// A report that cannot be written at the end does not take the verdict away.
func TestAReportThatCannotBeWrittenLeavesTheVerdict(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for answer, code := range map[int]int{http.StatusOK: exitUsage, http.StatusInternalServerError: exitFailed} {
		s := newTarget(t, answer)
		got := execute(t, tenUsers, call{args: []string{"sluice-load", "run", "-t", s.URL, "-o", "/dev/full", "FILE"}})
		if got.code != code || !strings.Contains(got.err, "error: writing the report: ") || !strings.Contains(got.out+got.err, "Verdict: ") {
			t.Errorf("exit code %d, want %d\n%s", got.code, code, got.err)
		}
	}
}

// A run that cannot begin leaves reports that say so.
func TestARunThatNeverBeganLeavesItsReports(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	dir := t.TempDir()
	script := "config: {target: '" + s.URL + "', phases: [{duration: 1, arrivalCount: 1}]}\nbefore: {flow: [{get: {url: /, capture: {json: $.token, as: t}}}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"
	got := execute(t, script, call{args: append([]string{"sluice-load", "run", "-q"}, append(inDir(dir), "FILE")...)})
	const why = "the before flow failed"
	if got.code != exitInconclusive || !strings.Contains(contents(t, dir, "o.json"), why) || !strings.Contains(strings.ToLower(contents(t, dir, "o.html")), why) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if page := execute(t, script, call{args: []string{"sluice-load", "report", filepath.Join(dir, "new", "o.json")}}); page.code != exitOK {
		t.Errorf("its report cannot be read: %s", page.err)
	}
}
