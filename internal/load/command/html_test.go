package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARunLeavesAnHTMLReport(t *testing.T) {
	s := newTarget(t, 500)
	path := filepath.Join(t.TempDir(), "report.html")
	got := execute(t, seed, call{args: []string{"sluice-load", "run", "FILE", "--no-early-abort", "-t", s.URL, "--html", path}})
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, want := range []string{
		"benchmark.yaml", s.URL, "http.response_time.p95 &lt; 60000", "Warm up", "Burn", "Answers per second", "5xx", "/collection/FRONT_PAGE", "The generator itself",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if want := map[string]string{"pass": "Passed", "fail": "Failed"}[string(got.result.Verdict)]; want == "" || !strings.Contains(page, want) {
		t.Errorf("the result says %q, and the page does not", got.result.Verdict)
	}
}

func TestAnHTMLReportThatCannotBeWrittenStopsTheRunBeforeItBegins(t *testing.T) {
	s := newTarget(t, 200)
	got := execute(t, seed, call{args: []string{"sluice-load", "run", "FILE", "-t", s.URL, "--html", "FILE/report.html"}})
	if got.code != exitUsage || !strings.Contains(got.err, "opening the HTML report") || len(s.asked) > 0 {
		t.Errorf("exit code %d, %d kinds of requests: %s", got.code, len(s.asked), got.err)
	}
}

// Where nobody looks at a terminal there is no line that moves.
func TestPlainOutputHasNoEscapeCodes(t *testing.T) {
	s := newTarget(t, 200)
	got := execute(t, seed, call{args: []string{"sluice-load", "run", "FILE", "-t", s.URL}})
	if strings.ContainsAny(got.out+got.err, "\x1b\r") {
		t.Errorf("%q %q", got.out, got.err)
	}
}
