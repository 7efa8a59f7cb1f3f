package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/result"
)

// seed is the seed's script at a twentieth of its length. Its limits are ten
// times as wide, so that a busy machine is not taken for a bottleneck.
const seed = `
config:
  phases:
    - {duration: 0.2, arrivalRate: 10, name: Warm up}
    - {duration: 0.3, arrivalRate: 20, name: Ramp up}
    - {duration: 0.5, arrivalRate: 40, name: Burn}
  plugins: {ensure: {}, apdex: {}, metrics-by-endpoint: {}}
  ensure:
    thresholds:
      - http.response_time.p95: 60000
      - http.response_time.p99: 60000
scenarios:
  - name: Shop
    flow:
      - get: {url: /collection/FRONT_PAGE}
      - post: {url: /products/, json: Shirt}
      - post: {url: /products/, json: {name: Shirt}}
`

// target is a small shop that remembers what it was asked.
type target struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
	code  int
}

func newTarget(t *testing.T, code int) *target {
	t.Helper()
	s := &target{asked: map[string]int{}, code: code}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked[fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)]++
		s.mu.Unlock()
		w.WriteHeader(s.code)
	}))
	t.Cleanup(s.Close)
	return s
}

// outcome is what a command left behind.
type outcome struct {
	code     int
	out, err string
	dir      string
	result   result.Result
	message  []byte
}

type call struct {
	args    []string
	in      string
	env     []string
	signals chan os.Signal
}

// execute runs a command line with a script and reads the result it wrote.
func execute(t *testing.T, script string, c call) outcome {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "benchmark.yaml")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	message := filepath.Join(dir, "termination-log")
	for i, arg := range c.args {
		c.args[i] = strings.NewReplacer("FILE", file, "DIR", dir).Replace(arg)
	}
	var stdout, stderr bytes.Buffer
	got := outcome{dir: dir}
	got.code = Main(c.args, Env{
		In: strings.NewReader(c.in), Out: &stdout, Err: &stderr, Environ: append(c.env, "SLUICE_TERMINATION_LOG="+message), Signals: c.signals, Version: "v1.2.3",
	})
	got.out, got.err = stdout.String(), strings.ReplaceAll(stderr.String(), dir+"/", "")
	if text, err := os.ReadFile(message); err == nil {
		got.message = text
		if got.result, err = result.Parse(text); err != nil {
			t.Errorf("the termination message cannot be read: %v\n%s", err, text)
		}
	}
	return got
}

func TestTheSeedsCommandAgainstAHealthyTarget(t *testing.T) {
	for _, names := range [][]string{{"run", "run"}, {"/usr/bin/artillery", "run"}, {"sluice-load", "run"}, {"/bin/run"}} {
		t.Run(strings.Join(names, " "), func(t *testing.T) {
			t.Parallel()
			s := newTarget(t, http.StatusOK)
			got := execute(t, seed, call{args: append(names, "-t", s.URL, "FILE")})
			if got.code != exitOK {
				t.Fatalf("exit code %d\n%s%s", got.code, got.err, got.out)
			}
			asked := map[string]int{
				"GET /collection/FRONT_PAGE ": 28, `POST /products/ "Shirt"`: 28, `POST /products/ {"name":"Shirt"}`: 28,
			}
			if diff := cmp.Diff(asked, s.asked); diff != "" {
				t.Errorf("what the target was asked (-want +got):\n%s", diff)
			}
			r := got.result
			numbers := []any{r.Verdict, r.Arrivals, r.Requests, r.Codes["200"], len(r.Errors), len(r.Phases), len(r.Gates), r.ErrorRate}
			want := []any{result.Pass, int64(28), int64(84), int64(84), 0, 3, 5, 0.0}
			if diff := cmp.Diff(want, numbers); diff != "" {
				t.Errorf("the result (-want +got):\n%s", diff)
			}
			if r.Latency == nil || r.Latency.P99 <= 0 || r.Duration < 1 || r.Histogram == "" || len(got.message) > result.MaxBudget {
				t.Errorf("the result is not whole: %s", got.message)
			}
			for _, line := range []string{"Summary report @", "http.codes.200: ", "ok: http.response_time.p95 < 60000", "Verdict: pass"} {
				if !strings.Contains(got.out, line) {
					t.Errorf("the console has no %q", line)
				}
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	const gone = "http://127.0.0.1:1"
	strict := strings.Replace(seed, "    thresholds:", "    conditions: [{expression: 'http.codes.500 / http.requests <= 0.01'}]\n    thresholds:", 1)
	tests := []struct {
		name, script, target string
		answer               int
		code                 int
		verdict              result.Verdict
		err                  []string
	}{
		{"answers of 500 fail the seed's script, whose own gates do not look at them", seed, "", 500, exitFailed, result.Fail,
			[]string{"100.0 % of 84 requests went wrong: 84 answers 5xx", "Verdict: fail: errors.rate <= 0.01: errors.rate = 1"}},
		{"answers of 500 fail a script that looks at them", strict, "", 500, exitFailed, result.Fail,
			[]string{"Verdict: fail: http.codes.500 / http.requests <= 0.01: http.codes.500 = 84, http.requests = 84"}},
		{"a latency beyond its limit fails", strings.Replace(seed, "    thresholds:", "    conditions: [{expression: 'not (http.response_time.p95 < 60000)'}]\n    thresholds:", 1), "", 200,
			exitFailed, result.Fail, []string{"Verdict: fail: not (http.response_time.p95 < 60000)"}},
		{"a target that never answers is inconclusive", seed, gone, 200, exitInconclusive, result.Inconclusive, []string{"the target never answered: 28 × conn_refused"}},
		{"a script with a mistake sends nothing", strings.Replace(seed, "arrivalRate: 10", "arivalRate: 10", 1), "", 200, exitUsage, result.Inconclusive,
			[]string{"benchmark.yaml:4:23: config.phases[0].arivalRate: unknown key; did you mean arrivalRate?"}},
		{"so does one for another protocol", strings.Replace(seed, "config:", "config:\n  ws: {}", 1), "", 200, exitUsage, result.Inconclusive,
			[]string{"config.ws: not supported; WebSocket scenarios are not run"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTarget(t, tt.answer)
			if tt.target == "" {
				tt.target = s.URL
			}
			got := execute(t, tt.script, call{args: []string{"run", "run", "--no-early-abort", "-t", tt.target, "FILE"}})
			if got.code != tt.code || got.result.Verdict != tt.verdict {
				t.Errorf("exit code %d and verdict %s, want %d and %s\n%s", got.code, got.result.Verdict, tt.code, tt.verdict, got.err)
			}
			for _, text := range tt.err {
				if !strings.Contains(got.err, text) {
					t.Errorf("the errors do not say %q:\n%s", text, got.err)
				}
			}
			if tt.code == exitUsage && len(s.asked) != 0 {
				t.Errorf("the target was asked %v", s.asked)
			}
		})
	}
}

func TestAnswersOf500AreInTheResult(t *testing.T) {
	s := newTarget(t, http.StatusInternalServerError)
	got := execute(t, seed, call{args: []string{"run", "run", "-q", "--no-early-abort", "-t", s.URL, "FILE"}}).result
	if got.Codes["500"] != 84 || got.ErrorRate != 1 {
		t.Errorf("codes %v and an error rate of %v, want 84 answers of 500 and 1", got.Codes, got.ErrorRate)
	}
}

func TestASignalLeavesAPartialResult(t *testing.T) {
	for sig, code := range map[os.Signal]int{syscall.SIGTERM: exitTerminate, os.Interrupt: exitInterrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := newTarget(t, http.StatusOK)
			signals := make(chan os.Signal, 1)
			time.AfterFunc(600*time.Millisecond, func() { signals <- sig })
			long := strings.Replace(seed, "duration: 0.5", "duration: 60", 1)
			begin := time.Now()
			got := execute(t, long, call{args: []string{"run", "run", "-t", s.URL, "FILE"}, signals: signals})
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("stopping took %s", took)
			}
			r := got.result
			if got.code != code || r.Verdict != result.Inconclusive || r.Requests == 0 || !strings.Contains(r.Why, "stopped by") {
				t.Errorf("exit code %d, %s because %q after %d requests", got.code, r.Verdict, r.Why, r.Requests)
			}
		})
	}
}

func TestTheReportHasArtillerysShape(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	out := filepath.Join(t.TempDir(), "report.json")
	got := execute(t, seed, call{args: []string{"artillery", "run", "FILE", "-t", s.URL, "-o", out, "--quiet"}})
	if got.code != exitOK || got.out != "" {
		t.Errorf("exit code %d, and a quiet run printed %q", got.code, got.out)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Aggregate struct {
			Counters  map[string]int64
			Summaries map[string]map[string]float64
		}
		Intermediate []struct{ Period string }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if n := report.Aggregate.Counters["http.codes.200"]; n != 84 {
		t.Errorf("http.codes.200 = %d, want 84", n)
	}
	if n := report.Aggregate.Summaries["http.response_time"]["count"]; n != 84 {
		t.Errorf("http.response_time.count = %v, want 84", n)
	}
	if len(report.Intermediate) != 1 || report.Intermediate[0].Period == "" {
		t.Errorf("intermediate = %v, want one period with a text for its start", report.Intermediate)
	}
}

func TestTheResultKeepsItsBudget(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, seed, call{args: []string{"run", "run", "-t", s.URL, "FILE"}, env: []string{"RESULT_BUDGET=700"}})
	if len(got.message) > 700 || got.result.Verdict != result.Pass || len(got.result.Truncated) == 0 {
		t.Errorf("%d bytes, verdict %s, dropped %v", len(got.message), got.result.Verdict, got.result.Truncated)
	}
}

func TestPlanSendsNothing(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, seed, call{args: []string{"sluice-load", "run", "--plan", "-t", s.URL, "FILE"}})
	want := `Target: URL
Arrivals: 28 in 1s

PHASE    FROM   TO     ARRIVALS  PER SECOND
Warm up  0s     200ms  2         10
Ramp up  200ms  500ms  6         20
Burn     500ms  1s     20        40

SCENARIO  WEIGHT  REQUESTS
Shop      1       3

CHECK
http.response_time.p95 < 60000
http.response_time.p99 < 60000
errors.rate <= 0.01 (default)
users.failed <= 0.01 (default)
arrivals.achieved >= 0.99 (default)
`
	if diff := cmp.Diff(want, strings.Replace(got.out, s.URL, "URL", 1)); diff != "" {
		t.Errorf("the plan (-want +got):\n%s", diff)
	}
	if got.code != exitOK || len(s.asked) != 0 || got.message != nil {
		t.Errorf("exit code %d, asked %v, message %s", got.code, s.asked, got.message)
	}
}

func TestCommandLinesThatAreRefused(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"an unknown flag", []string{"artillery", "run", "--recording", "FILE"}, nil, "artillery: unknown flag: --recording"},
		{"an unknown short flag", []string{"run", "run", "-z", "FILE"}, nil, "unknown shorthand flag: 'z'"},
		{"an unknown command", []string{"artillery", "dino"}, nil, `unknown command "dino"`},
		{"no command", []string{"artillery"}, nil, "say what to do"},
		{"no script", []string{"artillery", "run"}, nil, "run takes one SCRIPT, not 0: artillery run shop.yaml"},
		{"two scripts", []string{"artillery", "run", "FILE", "FILE"}, nil, "run takes one SCRIPT, not 2"},
		{"a script that is not there", []string{"artillery", "run", "DIR/none.yaml"}, nil, "reading the script: open none.yaml: no such file"},
		{"a report nobody can write", []string{"artillery", "run", "-t", "http://127.0.0.1:1", "-o", "FILE/x.json", "FILE"}, nil, "opening the report: mkdir benchmark.yaml: not a directory"},
		{"two reports in one file", []string{"artillery", "run", "-t", "http://127.0.0.1:1", "-o", "DIR/x", "--html", "DIR/./x", "FILE"}, nil, "--output and --html both name "},
		{"a report in place of the script", []string{"artillery", "run", "-t", "http://127.0.0.1:1", "--html", "FILE", "FILE"}, nil, "the report would replace benchmark.yaml"},
		{"no address", []string{"sluice-load", "quick"}, nil, "quick takes one URL, not 0: sluice-load quick http://localhost:8080/"},
		{"nothing to lint", []string{"sluice-load", "lint"}, nil, "lint takes one SCRIPT or several"},
		{"a target from a variable that is not set", []string{"artillery", "run", "-t", "", "FILE"}, nil, "--target is given and empty"},
		{"nothing to compare with", []string{"artillery", "run", "-t", "http://127.0.0.1:1", "--compare-target=", "FILE"}, nil, "--compare-target is given and empty"},
		{"an address to compare with that is none", []string{"artillery", "run", "-t", "http://127.0.0.1:1", "--compare-target", "shop", "FILE"}, nil,
			`--compare-target: must be an address that begins with http:// or https://, not "shop"`},
		{"a report that is none", []string{"artillery", "report", "FILE"}, nil, "artillery: benchmark.yaml: reading the report: not a JSON report"},
		{"a report without a name for its page", []string{"artillery", "report", "-"}, nil, "say with --output where the page should go"},
		{"an empty script from standard input", []string{"artillery", "run", "-"}, nil, "stdin"},
		{"variables that are no JSON", []string{"artillery", "run", "-t", "http://127.0.0.1:1", "-v", "[]", "FILE"}, nil, "--variables:1:1: must be a JSON map"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, seed, call{args: tt.args, env: tt.env})
			if got.code != exitUsage || !strings.Contains(got.err, tt.want) {
				t.Errorf("exit code %d and %q, want %d and %q", got.code, got.err, exitUsage, tt.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"sluice-load", "version"}, {"sluice-load", "--version"}, {"artillery", "-V"}, {"run", "-V"}, {"run", "--version"}} {
		if got := execute(t, seed, call{args: args}); got.out != "v1.2.3\n" || got.code != exitOK {
			t.Errorf("%v: exit code %d, %q, %q", args, got.code, got.out, got.err)
		}
	}
}

// gone is a console that nobody reads any more.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAConsoleNobodyReadsDoesNotKeepTheResultBack(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	dir := t.TempDir()
	file, message := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "message")
	if err := os.WriteFile(file, []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	code := Main([]string{"run", "run", "-t", s.URL, file}, Env{Out: gone{}, Err: &stderr, Environ: []string{"SLUICE_TERMINATION_LOG=" + message}})
	text, err := os.ReadFile(message)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := result.Parse(text); code != exitOK || err != nil || r.Requests != 84 || !strings.Contains(stderr.String(), "writing to the console") {
		t.Errorf("exit code %d, %d requests, %v\n%s", code, r.Requests, err, stderr.String())
	}
}
