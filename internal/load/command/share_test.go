package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/merge"
	"sluice.dev/sluice/internal/load/result"
)

// newSignals brings the signals after a while.
func newSignals(after time.Duration, signals ...os.Signal) chan os.Signal {
	out := make(chan os.Signal, len(signals))
	time.AfterFunc(after, func() {
		for _, s := range signals {
			out <- s
		}
	})
	return out
}

// Three generators that start together send what one would have sent, and
// their results add up to one.
func TestSharesStartTogetherAndAddUp(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	start := filepath.Join(t.TempDir(), "start")
	at := time.Now().Add(700 * time.Millisecond)
	time.AfterFunc(200*time.Millisecond, func() {
		if err := os.WriteFile(start, []byte(at.Format(time.RFC3339Nano)+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	})
	parts := make([]result.Result, 3)
	var group sync.WaitGroup
	for i := range parts {
		group.Go(func() {
			got := execute(t, seed, call{
				args: []string{"sluice-load", "run", "-q", "-t", s.URL, "--shares", "3", "--start-file", start, "FILE"},
				env:  []string{fmt.Sprintf("JOB_COMPLETION_INDEX=%d", i)},
			})
			if got.code != exitOK || got.result.Share == nil || *got.result.Share != [2]int64{int64(i), 3} {
				t.Errorf("share %d: exit code %d, %+v\n%s", i, got.code, got.result.Share, got.err)
			}
			if late := time.Duration(got.result.StartedAt*float64(time.Second)) - time.Duration(at.UnixNano()); late.Abs() > 2*time.Millisecond {
				t.Errorf("share %d started %s after it should", i, late)
			}
			parts[i] = got.result
		})
	}
	group.Wait()
	whole, err := merge.Results(parts, 3)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Verdict != result.Pass || whole.Arrivals != 28 || whole.Requests != 84 || whole.Codes["200"] != 84 || len(whole.Gates) != 5 {
		t.Errorf("the whole: %+v", whole)
	}
	if whole.Latency == nil || whole.Phases[2].Latency == nil || whole.Phases[2].Requests != 60 {
		t.Errorf("latencies %v and phases %v", whole.Latency, whole.Phases)
	}
}

func TestAStartThatNeverComes(t *testing.T) {
	tests := []struct {
		name, holds string
		signals     []os.Signal
		code        int
		why         string
	}{
		{"no file", "", nil, exitInconclusive, "nobody said within 150ms when to start: reading the start file: open start: no such file"},
		{"a file that is still empty", " \n", nil, exitInconclusive, "is empty"},
		{"something else", "soon", nil, exitInconclusive, `holds "soon", which is not a time such as`},
		{"a start that is over", time.Now().Add(-time.Minute).Format(time.RFC3339Nano), nil, exitInconclusive, "ago when this generator came to read it"},
		{"a signal while it waits", "", []os.Signal{syscall.SIGTERM}, exitTerminate, "stopped by SIGTERM while it waited for its start"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTarget(t, http.StatusOK)
			dir := t.TempDir()
			if tt.holds != "" {
				if err := os.WriteFile(filepath.Join(dir, "start"), []byte(tt.holds), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := execute(t, seed, call{
				args:    []string{"run", "run", "-t", s.URL, "--start-file", filepath.Join(dir, "start"), "--start-within", "150ms", "FILE"},
				signals: newSignals(50*time.Millisecond, tt.signals...),
			})
			why := strings.ReplaceAll(got.result.Why, dir+"/", "")
			if got.code != tt.code || got.result.Verdict != result.Inconclusive || !strings.Contains(why, tt.why) || len(s.asked) != 0 {
				t.Errorf("exit code %d, %s because %q, asked %v", got.code, got.result.Verdict, why, s.asked)
			}
		})
	}
}

func TestTwoVersionsSideBySide(t *testing.T) {
	slow, quick := newTarget(t, http.StatusOK), newTarget(t, http.StatusOK)
	delay := func(s *target, d time.Duration) {
		next := s.Config.Handler
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(d)
			next.ServeHTTP(w, r)
		})
	}
	delay(slow, 400*time.Millisecond)
	delay(quick, 40*time.Millisecond)
	got := execute(t, seed, call{args: []string{"sluice-load", "run", "-t", slow.URL, "--compare-target", quick.URL, "--html", "DIR/page.html", "FILE"}})
	tree := got.result.Tree()
	at := func(path ...string) float64 {
		var v any = tree
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		number, _ := v.(float64)
		return number
	}
	if got.code != exitOK || at("canary", "requests") != 84 || at("stable", "requests") != 84 || at("ratio", "requests") != 1 {
		t.Fatalf("exit code %d, requests %v, %v, %v\n%s", got.code, at("canary", "requests"), at("stable", "requests"), at("ratio", "requests"), got.err)
	}
	if r := at("ratio", "latency", "p50"); r < 2 || r > 20 {
		t.Errorf("the median is %v times as long, want about 10", r)
	}
	if r := at("ratio", "phases", "Burn", "latency", "p50"); r < 2 || r > 20 {
		t.Errorf("in one phase it is %v times as long, want about 10", r)
	}
	if len(slow.asked) != len(quick.asked) {
		t.Errorf("one was asked %v, the other %v", slow.asked, quick.asked)
	}
	if !strings.Contains(got.out, "latency p50") || !strings.Contains(got.out, "ratio") {
		t.Errorf("the console does not compare:\n%s", got.out)
	}
}

func TestTheStableVersionMeetsNoGatesButIsToBeMeasured(t *testing.T) {
	for name, tt := range map[string]struct {
		stable  int
		target  string
		ratios  bool
		code    int
		verdict result.Verdict
	}{
		"it only fails":      {stable: 500, ratios: true, code: exitOK, verdict: result.Pass},
		"it is not there":    {stable: 200, target: "http://127.0.0.1:1", code: exitInconclusive, verdict: result.Inconclusive},
		"it is fine as well": {stable: 200, ratios: true, code: exitOK, verdict: result.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canary, stable := newTarget(t, http.StatusOK), newTarget(t, tt.stable)
			if tt.target == "" {
				tt.target = stable.URL
			}
			got := execute(t, seed, call{args: []string{"sluice-load", "run", "-q", "-t", canary.URL, "--compare-target", tt.target, "FILE"}})
			if got.code != tt.code || got.result.Verdict != tt.verdict {
				t.Errorf("exit code %d, %s because %q", got.code, got.result.Verdict, got.result.Why)
			}
			ratios, _ := got.result.Tree()["ratio"].(map[string]any)
			if len(ratios) > 0 != tt.ratios || (got.result.Stable.Why == "") != tt.ratios {
				t.Errorf("ratios %v, and the stable version %q", ratios, got.result.Stable.Why)
			}
		})
	}
}

func TestTagsGoWithEveryRequest(t *testing.T) {
	var mu sync.Mutex
	got := map[string][2]string{}
	s := newTarget(t, http.StatusOK)
	s.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path] = [2]string{r.Header.Get("X-Sluice-Load-Test"), r.Header.Get("baggage")}
	})
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.05, arrivalCount: 1}]
scenarios: [{flow: [{get: {url: /a}}, {get: {url: /b, headers: {Baggage: "user={{ $uuid }}", x-sluice-load-test: mine}}}]}]
`
	out := execute(t, script, call{args: []string{"run", "run", "--tag", "run=shop 1", "--tag", "role=canary", "FILE"}})
	if out.code != exitOK {
		t.Fatalf("exit code %d: %s", out.code, out.err)
	}
	want := [2]string{"role=canary,run=shop%201", "role=canary,run=shop%201"}
	if got["/a"] != want {
		t.Errorf("a request has %q, want %q", got["/a"], want)
	}
	if b := got["/b"]; b[0] != want[0] || !strings.HasPrefix(b[1], "user=") || !strings.HasSuffix(b[1], ","+want[1]) {
		t.Errorf("a request with a baggage of its own has %q", b)
	}
}

func TestJSONLines(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	long := strings.Replace(seed, "duration: 0.5", "duration: 1.6", 1)
	got := execute(t, long, call{args: []string{"sluice-load", "run", "--json-lines", "-t", s.URL, "FILE"}})
	var requests, lines int64
	var last *result.Result
	for scanner := bufio.NewScanner(strings.NewReader(got.out)); scanner.Scan(); {
		var line struct {
			Requests int64 `json:"req"`
			Result   *result.Result
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", scanner.Text(), err)
		}
		requests, last, lines = requests+line.Requests, line.Result, lines+1
	}
	if last == nil || last.Verdict != result.Pass || requests != last.Requests || lines < 3 {
		t.Errorf("%d lines count %d requests, and the last one is %+v", lines, requests, last)
	}
}

// A generator that is killed, for its memory for example, leaves what it knew.
func TestTheResultIsThereBeforeTheEnd(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	message := filepath.Join(t.TempDir(), "message")
	file := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(file, []byte(steady(50, "4s")), 0o600); err != nil {
		t.Fatal(err)
	}
	drafts := map[string]result.Result{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Main([]string{"run", "run", "-q", "-t", s.URL, file}, Env{Out: &strings.Builder{}, Err: &strings.Builder{}, Environ: []string{"SLUICE_TERMINATION_LOG=" + message}})
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(time.Millisecond):
		}
		text, err := os.ReadFile(message)
		if err != nil || len(text) == 0 {
			continue // not made yet
		}
		r, err := result.Parse(text)
		if err != nil {
			t.Fatalf("at some moment the message is %q: %v", text, err)
		}
		drafts[string(r.Verdict)+" "+strings.Fields(r.Why + " -")[0]+fmt.Sprint(r.Requests > 0)] = r
	}
	var first, later, end bool
	for _, r := range drafts {
		first = first || r.Verdict == result.Inconclusive && r.Requests == 0 && strings.Contains(r.Why, "killed before it sent anything")
		later = later || r.Verdict == result.Inconclusive && r.Requests > 0 && r.Stopped == stoppedKilled
		end = end || r.Verdict == result.Pass && r.Requests == 200
	}
	if !first || !later || !end {
		t.Errorf("a first message: %t, one with numbers: %t, the last: %t; %v", first, later, end, drafts)
	}
}
