package command

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/result"
)

func TestFlagsThatAreRefused(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"another platform", []string{"--platform", "aws:lambda"}, nil, "--platform aws:lambda: only local is supported; run sluice-load where"},
		{"several workers", []string{"--count", "4"}, nil, "--count 4: only 1 is supported; start more generators"},
		{"a share of nothing", []string{"--share", "1"}, nil, "say of how many with --shares"},
		{"shares without a number", []string{"--shares", "2"}, nil, `--shares needs --share or the environment's JOB_COMPLETION_INDEX, which is ""`},
		{"a share beyond the last", []string{"--shares", "2"}, []string{"JOB_COMPLETION_INDEX=2"}, "share 2 of 2 does not exist: they count from 0"},
		{"a negative number of shares", []string{"--shares", "-2"}, nil, "--shares -2: must be at least 1"},
		{"one user that several share", []string{"--solo", "--shares", "2", "--share", "0"}, nil, "--solo sends one virtual user"},
		{"a negative wait", []string{"--start-within", "-1s"}, nil, "must not be negative"},
		{"a condition that cannot be read", []string{"--abort-on", "errors.rat > 0.5"}, nil, `--abort-on "errors.rat > 0.5": column 1: unknown metric "errors.rat"; did you mean errors.rate?`},
		{"a condition on something else", []string{"--abort-on", "http.respons_time.p99 > 5"}, nil, `column 1: unknown metric "http.respons_time.p99"`},
		{"a condition that is none", []string{"--abort-on", "errors.rate"}, nil, "the condition is a number"},
		{"a tag without a value", []string{"--tag", "load"}, nil, `--tag "load": must be name=value`},
		{"a tag that would break a header", []string{"--tag", "a=b\r\nc: d"}, nil, "must be name=value"},
		{"one tag twice", []string{"--tag", "a=b", "--tag", "a=c"}, nil, "--tag a: the name is there twice"},
		{"tags without an end", []string{"--tag", "a=" + strings.Repeat("b", 600)}, nil, "more than the 512 that every request may carry"},
		{"a switch that is neither", nil, []string{"SLUICE_LOAD_DEFAULT_GATES=no"}, `SLUICE_LOAD_DEFAULT_GATES is "no": it may be on or off`},
		{"variables of an environment file that is not there", []string{"--dotenv", "DIR/none"}, nil, "reading --dotenv: open"},
		{"an environment file that is none", []string{"--dotenv", "FILE"}, nil, "--dotenv: line 2 of"},
		{"an input that is not there", []string{"-i", "DIR/none"}, nil, "reading an input of the script: open"},
		{"a target that is none", []string{"--compare-target", "shop"}, nil, "shop"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTarget(t, http.StatusOK)
			got := execute(t, seed, call{args: append(append([]string{"sluice-load", "run", "-t", s.URL}, tt.args...), "FILE"), env: tt.env})
			if got.code != exitUsage || !strings.Contains(got.err, tt.want) || len(s.asked) != 0 {
				t.Errorf("exit code %d and %q, want %d and %q; asked %v", got.code, got.err, exitUsage, tt.want, s.asked)
			}
		})
	}
}

func TestFlagsOfTheCloudAreNotedAndIgnored(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, seed, call{args: []string{
		"artillery", "run", "-t", s.URL, "--record", "--key", "secret-key", "--name", "n", "--tags", "a:b", "--note", "x",
		"--platform", "local", "--platform-opt", "x=y", "--platform-region", "eu", "--count", "1", "FILE",
	}})
	for _, want := range []string{"note: --record and --key do nothing", "note: --name, --tags and --note do nothing", "note: --platform-opt and"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("nothing says %q:\n%s", want, got.err)
		}
	}
	if got.code != exitOK || strings.Contains(got.err+got.out, "secret-key") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func TestDefaultGates(t *testing.T) {
	with := func(gates string) string {
		return strings.Replace(seed, "    thresholds:", gates+"\n    thresholds:", 1)
	}
	tests := []struct {
		name, script string
		args, env    []string
		want         []string
	}{
		{"a script that looks at times only gets all", seed, nil, nil, []string{"errors.rate <= 0.01", "users.failed <= 0.01", "arrivals.achieved >= 0.99"}},
		{"a gate on one code leaves all others", with("    conditions: [{expression: 'http.codes.500 == 0'}]"), nil, nil,
			[]string{"errors.rate <= 0.01", "users.failed <= 0.01", "arrivals.achieved >= 0.99"}},
		{"a gate on failed users leaves 5xx answers", with("    maxErrorRate: 5"), nil, nil, []string{"errors.server <= 0.01", "arrivals.achieved >= 0.99"}},
		{"a gate on everything leaves nothing", with("    conditions: [{expression: 'errors.rate < 0.2 and users.failed < 0.2 and arrivals.achieved > 0.5'}]"), nil, nil, nil},
		{"a gate that is not strict sees nothing", with("    conditions: [{expression: 'errors.rate < 0.2', strict: false}]"), nil, nil,
			[]string{"errors.rate <= 0.01", "users.failed <= 0.01", "arrivals.achieved >= 0.99"}},
		{"nor does one that the environment makes optional", with("    conditions: [{expression: 'errors.rate < 0.2'}]"), nil, []string{"ARTILLERY_DISABLE_ENSURE=1"},
			[]string{"errors.rate <= 0.01", "users.failed <= 0.01", "arrivals.achieved >= 0.99"}},
		{"a flag leaves them out", seed, []string{"--no-default-gates"}, nil, nil},
		{"so does the environment", seed, nil, []string{"SLUICE_LOAD_DEFAULT_GATES=off"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, tt.script, call{args: append(append([]string{"sluice-load", "run", "--plan", "-t", "http://a"}, tt.args...), "FILE"), env: tt.env})
			var gates []string
			for line := range strings.Lines(got.out) {
				if text, ok := strings.CutSuffix(line, " (default)\n"); ok {
					gates = append(gates, text)
				}
			}
			if diff := cmp.Diff(tt.want, gates); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, got.err)
			}
		})
	}
}

func TestWithoutDefaultGatesAnswersOf500PassTheSeedButNeverSilently(t *testing.T) {
	s := newTarget(t, http.StatusInternalServerError)
	got := execute(t, seed, call{args: []string{"run", "run", "--no-default-gates", "-t", s.URL, "FILE"}})
	if got.code != exitOK || !strings.Contains(got.err, "NO GATE OF THIS SCRIPT LIMITS THE SHARE OF 5xx") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func TestDotenv(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	text := "# who\nexport WHO=file # a comment\nTOKEN='a # b'\nLINES=\"a\\nb\"\nEMPTY=\n\nSET=file\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := withDotenv(Env{Environ: []string{"SET=own"}}, file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"SET=own", "WHO=file", "TOKEN=a # b", "LINES=a\nb", "EMPTY="}
	if diff := cmp.Diff(want, env.Environ); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What -v and the environment give stands in no message, whatever is wrong with it.
func TestSecretsStandInNoMessage(t *testing.T) {
	const secret = "hunter2-hunter2"
	tests := []struct {
		name, script string
		args         []string
	}{
		{"a value where a number belongs", strings.Replace(seed, "arrivalRate: 10", "arrivalRate: '{{ $env.SECRET }}'", 1), nil},
		{"a variable where a number belongs", strings.Replace(seed, "arrivalRate: 10", "arrivalRate: '{{ rate }}'", 1), []string{"-v", `{"rate":"` + secret + `"}`}},
		{"variables that are no JSON", seed, []string{"-v", secret}},
		{"a target that is none", seed, []string{"-t", "", "-v", `{"host":"` + secret + `"}`, "--overrides", `{"config":{"target":"{{ host }}"}}`}},
		{"a before flow that fails", "before: {flow: [{get: {url: 'http://127.0.0.1:1/{{ $env.SECRET }}'}}]}\n" + seed, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTarget(t, http.StatusOK)
			args := append([]string{"sluice-load", "run", "-t", s.URL}, tt.args...)
			got := execute(t, tt.script, call{args: append(args, "FILE"), env: []string{"SECRET=" + secret}})
			if got.code == exitOK || got.code == exitFailed || got.err == "" {
				t.Errorf("exit code %d: %s", got.code, got.err)
			}
			if all := got.out + got.err + string(got.message); strings.Contains(all, secret) {
				t.Errorf("the secret is in %s", all)
			}
		})
	}
}

func TestABeforeFlowThatFailsSendsNothing(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "before: {flow: [{get: {url: 'http://127.0.0.1:1/'}}]}\n" + seed
	got := execute(t, script, call{args: []string{"sluice-load", "run", "-t", s.URL, "FILE"}})
	if got.code != exitInconclusive || got.result.Verdict != result.Inconclusive || !strings.Contains(got.result.Why, "the before flow failed") || len(s.asked) != 0 {
		t.Errorf("exit code %d, %s because %q, asked %v", got.code, got.result.Verdict, got.result.Why, s.asked)
	}
}

func TestAnExpectationThatIsNotMet(t *testing.T) {
	script := func(plugin string) string {
		return "config: {phases: [{duration: 0.1, arrivalCount: 2}], plugins: {ensure: {}, " + plugin + `}}
scenarios: [{flow: [{get: {url: /, expect: [{statusCode: 404}]}}]}]
`
	}
	tests := []struct {
		name, plugin string
		args         []string
		code         int
		why          string
	}{
		{"fails a test with a code of its own", "expect: {}", nil, exitExpectation, "2 expectations of the script were not met"},
		{"is not even looked at without its plugin", "apdex: {}", nil, exitOK, ""},
		{"is looked at without it when asked to", "apdex: {}", []string{"--enforce"}, exitExpectation, "2 expectations"},
		{"gives way to a gate that is not met", "expect: {}", []string{"--overrides", `{"config":{"ensure":{"conditions":[{"expression":"http.requests > 5"}]}}}`},
			exitFailed, "http.requests > 5: http.requests = 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTarget(t, http.StatusOK)
			got := execute(t, script(tt.plugin), call{args: append(append([]string{"artillery", "run", "-q", "-t", s.URL}, tt.args...), "FILE")})
			if got.code != tt.code || !strings.Contains(got.result.Why, tt.why) || (got.result.Why == "") != (tt.why == "") {
				t.Errorf("exit code %d because %q, want %d because %q\n%s", got.code, got.result.Why, tt.code, tt.why, got.err)
			}
		})
	}
}

func TestQuick(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, seed, call{args: []string{"artillery", "quick", "-c", "3", "-n", "4", s.URL + "/a?b=1"}})
	if diff := cmp.Diff(map[string]int{"GET /a?b=1 ": 12}, s.asked); diff != "" || got.code != exitOK {
		t.Errorf("exit code %d, asked (-want +got):\n%s%s", got.code, diff, got.err)
	}
	for _, args := range [][]string{{"shop"}, {"-c", "0", s.URL}, {"-n", "-1", s.URL}} {
		if got := execute(t, seed, call{args: append([]string{"artillery", "quick"}, args...)}); got.code != exitUsage {
			t.Errorf("%v: exit code %d: %s", args, got.code, got.err)
		}
	}
}

func TestReportMakesAPage(t *testing.T) {
	const old = `{"aggregate":{"timestamp":"2021-08-06T13:27:30.000Z","scenariosCreated":10,"scenariosCompleted":10,"requestsCompleted":30,
"latency":{"min":1,"max":9,"median":3,"p95":7,"p99":8},"rps":{"count":30,"mean":3},"codes":{"200":28,"500":2},"errors":{}},"intermediate":[]}`
	s := newTarget(t, http.StatusOK)
	dir := t.TempDir()
	ours := filepath.Join(dir, "ours.json")
	if got := execute(t, seed, call{args: []string{"sluice-load", "run", "-q", "-t", s.URL, "-o", ours, "FILE"}}); got.code != exitOK {
		t.Fatal(got.err)
	}
	theirs := filepath.Join(dir, "old.json")
	if err := os.WriteFile(theirs, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, page := range map[string]string{ours: filepath.Join(dir, "ours.html"), theirs: filepath.Join(dir, "old.html")} {
		got := execute(t, seed, call{args: []string{"artillery", "report", file}})
		text, err := os.ReadFile(page)
		if got.code != exitOK || err != nil || !strings.Contains(string(text), "<html") || !strings.Contains(got.out, "Report generated: ") {
			t.Errorf("%s: exit code %d, %v: %s", file, got.code, err, got.err)
		}
	}
	for name, args := range map[string][]string{
		"a report that is none": {"FILE"}, "one that is not there": {"DIR/none.json"}, "a page over its own report": {ours, "-o", ours},
	} {
		if got := execute(t, seed, call{args: append([]string{"artillery", "report"}, args...)}); got.code != exitUsage {
			t.Errorf("%s: exit code %d", name, got.code)
		}
	}
}
