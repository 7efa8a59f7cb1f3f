package cli

import (
	"strings"
	"testing"
)

const loadManifest = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: load}
spec:
  metrics:
  - name: load
    provider:
      loadTest:
        target: http://a
        script:
          inline: |
            config:
              phases: [{duration: 60, arrivalRate: 5}]
            scenarios:
            - flw: [{get: {url: /}}]
`

// An editor and a code review show a finding where its line is.
func TestAMistakeInAScriptIsToldAtItsOwnLine(t *testing.T) {
	found := Lint([]Source{{Name: "load.yaml", Text: []byte(loadManifest)}})
	if len(found) == 0 {
		t.Fatal("nothing was found")
	}
	f := found[0]
	if f.Line != 15 || f.Column != 15 || !strings.HasPrefix(f.Message, "scenarios[0].flw: unknown key") {
		t.Errorf("line %d, column %d: %s", f.Line, f.Column, f.Message)
	}
	quoted := strings.Replace(loadManifest, "inline: |", "inline: >-", 1)
	for _, f := range Lint([]Source{{Name: "load.yaml", Text: []byte(quoted)}}) {
		if f.Line > 11 {
			t.Errorf("in a folded script the line is not known, yet it is %d: %s", f.Line, f.Message)
		}
	}
}

func TestAScriptIsSentToItsOwnLint(t *testing.T) {
	found := Lint([]Source{{Name: "s.yaml", Text: []byte("config: {target: http://a}\nscenarios: [{flow: [{get: {url: /}}]}]\n")}})
	if len(found) != 1 || found[0].Message != "this is an Artillery script, no Kubernetes object" || found[0].Fix != "check it with sluice-load lint" {
		t.Errorf("%+v", found)
	}
}
