package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLintOfPodTemplates(t *testing.T) {
	rollout := func(container string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: X_y\nspec:\n  selector: {matchLabels: {app: a}}\n  strategy: {canary: {}}\n" +
			"  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      - " + strings.ReplaceAll(container, "\n", "\n        ") + "\n"
	}
	const name = `f.yaml:4:3: metadata.name: "X_y" is no name that the API server takes: it must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`
	tests := []struct {
		name, text string
		want       []string
	}{
		{"mistakes in their places", rollout("name: a\nports: [{containerPort: 99999}]\nvolumeMounts:\n- name: v\n  mountPath: /v"), []string{
			name,
			`f.yaml:12:9: spec.template.spec.containers[0].image: is missing; write the image that this container runs`,
			`f.yaml:13:18: spec.template.spec.containers[0].ports[0].containerPort: is 99999 and must be 1 to 65535`,
			`f.yaml:15:11: spec.template.spec.containers[0].volumeMounts[0].name: "v" is no volume of this pod; the pod has no volumes: declare it under spec.volumes of the pod`}},
		{"a misspelled field is told once", rollout("name: a\nimgae: b"), []string{
			name,
			`f.yaml:13:9: spec.template.spec.containers[0].imgae: unknown field; did you mean image?`}},
		{"volumes in a misspelled list are not missing", rollout("name: a\nimage: b\nvolumeMounts: [{name: v, mountPath: /v}]") + "      volume: [{name: v}]\n", []string{
			name,
			`f.yaml:15:7: spec.template.spec.volume: unknown field; did you mean volumes?`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, f := range Lint([]Source{{Name: "f.yaml", Text: []byte(test.text)}}) {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever was applied somewhere has a pod template that an API server took, with its defaults or without.
func TestLintFindsNothingInPodTemplatesThatWereApplied(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../examples/*/*.yaml", "../../api/v1alpha1/testdata/adopt/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 6 {
		t.Fatalf("only %v", files)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Lint([]Source{{Name: name, Text: text}}) {
			if f.Severity == "error" && (strings.Contains(f.Path, "template") || strings.HasPrefix(f.Path, "metadata")) {
				t.Error(f)
			}
		}
	}
}

// What an example of load tests applies is complete by itself: its Rollout finds its Services, its template and its script.
func TestTheRolloutOfTheLoadTestsIsComplete(t *testing.T) {
	const name = "../../examples/load/rollout.yaml"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(string(text)) {
		if kind, found := strings.CutPrefix(line, "kind: "); found {
			kinds = append(kinds, strings.TrimSpace(kind))
		}
	}
	if diff := cmp.Diff([]string{"Service", "Service", "AnalysisTemplate", "Rollout"}, kinds); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	var got []string
	for _, f := range Lint([]Source{{Name: "rollout.yaml", Text: text}}) {
		got = append(got, string(f.Severity)+" "+f.Path)
	}
	// Nobody but the load test sends requests to its Services, so that nobody sees the stable pods shrink.
	if diff := cmp.Diff([]string{"warning spec.strategy.canary.stableService"}, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
