package command

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLint(t *testing.T) {
	const silent = `
config:
  phases: [{duration: 1, arrivalRate: 1}]
  ensure: {p95: 200}
scenarios: [{flow: [{get: {url: /, expect: [{statusCode: 200}]}}]}]
`
	tests := []struct {
		name, script string
		args         []string
		code         int
		want         []string
	}{
		{"the seed's script has only advice", seed, nil, exitOK, []string{"benchmark.yaml:9:5: advice: no gate limits the share of 5xx answers"}},
		{"a mistake is an error", strings.Replace(seed, "arrivalRate: 10", "arivalRate: 10", 1), nil, exitFailed,
			[]string{"benchmark.yaml:4:23: error: config.phases[0].arivalRate: unknown key; did you mean arrivalRate?"}},
		{"what nothing checks is a warning", silent, nil, exitOK, []string{
			"benchmark.yaml:4:11: warning: config.ensure: shown, but not enforced", ": warning: not one of the expectations is checked"}},
		{"that counts when it is to be enforced", silent, []string{"--enforce"}, exitFailed, []string{
			"benchmark.yaml:4:11: error: config.ensure: shown, but not enforced", ": error: not one of the expectations is checked"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, tt.script, call{args: append(append([]string{"sluice-load", "lint"}, tt.args...), "FILE")})
			if got.code != tt.code || got.message != nil {
				t.Errorf("exit code %d, want %d; a message %q", got.code, tt.code, got.message)
			}
			for _, want := range tt.want {
				if !strings.Contains(strings.ReplaceAll(got.out, got.dir+"/", ""), want) {
					t.Errorf("it does not say %q:\n%s", want, got.out)
				}
			}
		})
	}
}

func TestLintSpeaksJSON(t *testing.T) {
	got := execute(t, strings.Replace(seed, "url: /collection/FRONT_PAGE", "url: /, hedaers: {}", 1), call{args: []string{"sluice-load", "lint", "-o", "json", "FILE"}})
	var out struct{ Findings []finding }
	if err := json.Unmarshal([]byte(got.out), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Findings) == 0 {
		t.Fatal("nothing was found")
	}
	out.Findings[0].File = strings.TrimPrefix(out.Findings[0].File, got.dir+"/")
	want := finding{
		File: "benchmark.yaml", Line: 15, Column: 23, Path: "scenarios[0].flow[0].get.hedaers", Severity: "error", Code: "unknown-key",
		Text: "unknown key", Instead: "did you mean headers?",
	}
	if diff := cmp.Diff(want, out.Findings[0]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
