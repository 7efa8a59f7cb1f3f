package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "# A page\n" +
	"1. In a list:\n\n   ```YML title=x\n   - setWeight: 20\n   - pause:\n     duration: 10m\n   ```\n" + // 4–8
	"> ``` Yaml\n> prometheus:\n>   adddress: http://a\n>   query: x\n> ```\n" + // 9–13
	"~~~yaml\nname: ci\non: push\njobs:\n  a:\n    steps:\n    - uses: x\n~~~\n" + // 14–21
	"```yaml\nfoo: [\n```\n```sh\nspec:\n   a\n```\n" + // 22–28
	"``` YAML\n    apiVersion: argoproj.io/v1alpha1\n    kind: Rollout\n    spec:\n      replica: 1\n```\n" // 29–34

func TestBlocksOfMarkdown(t *testing.T) {
	want := []string{
		"misplaced-field 7:6: spec.strategy.canary.steps[1].pause.duration: `duration` stands beside `- pause` (line 6), which holds nothing, and belongs under it, and it is read as spec.strategy.canary.steps[1].duration, which does not exist; write it at column 8 (7 spaces before it)",
		`unknown-field 11:5: spec.metrics[0].provider.prometheus.adddress: unknown field; did you mean address?`,
		`unknown-field 33:7: spec.replica: unknown field; did you mean replicas?`,
	}
	if diff := cmp.Diff(want, load("README.md", page)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, load("<stdin>", page)); diff != "" {
		t.Errorf("problems of a page without a name (-want +got):\n%s", diff)
	}
	blocks := []Block{
		{First: 5, Last: 7, Title: "Rollout, spec.strategy.canary.steps (excerpt)", Foreign: true},
		{First: 10, Last: 12, Title: "AnalysisTemplate, spec.metrics[0].provider (excerpt)", Foreign: true},
		{First: 30, Last: 33, Title: "Rollout"},
	}
	if diff := cmp.Diff(blocks, Load("README.md", []byte(page)).Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

// Where a part of an object belongs is found by the types of the API.
func TestExcerpts(t *testing.T) {
	tests := []struct{ text, want string }{
		{"- setWeight: 20\n- pause: {}\n", "Rollout spec.strategy.canary.steps"},
		{"- analysis:\n    templates:\n    - templateName: a\n", "Rollout spec.strategy.canary.steps"},
		{"- name: a\n  interval: 5s\n  provider:\n    web:\n      url: a\n", "AnalysisTemplate spec.metrics"},
		{"name: a\ninterval: 5s\nprovider:\n  web:\n    url: a\n", "AnalysisTemplate spec.metrics[0]"},
		{"prometheus:\n  query: a\n", "AnalysisTemplate spec.metrics[0].provider"},
		{"spec:\n  args:\n  - name: a\n    valueFrom:\n      secretKeyRef: {name: a, key: b}\n", "AnalysisTemplate "},
		{"args:\n- name: a\n  valueFrom: {podTemplateHashValue: Latest}\n", "Rollout spec.strategy.canary.analysis"},
		{"strategy:\n  canary:\n    maxSurge: 1\n", "Rollout spec"},
		{"canary:\n  steps:\n  - setWeight: 20\n", "Rollout spec.strategy"},
		{"services:\n  web:\n    image: x\n", ""},
		{"- name: build\n  run: make\n- name: test\n  run: make test\n", ""},
		{"replicaCount: 1\nimage:\n  tag: x\n", ""},
		{"- a\n- b\n", ""},
		{"foo: 1\n", ""},
	}
	for _, test := range tests {
		got := ""
		for _, d := range Load("a.md", []byte("```yaml\n"+test.text+"```\n")).Documents {
			got = d.Kind + " " + *d.Excerpt
			if d.Ours() || !d.Foreign() || d.Object == nil {
				t.Errorf("%q: an excerpt is no object of its own, and has one around it", test.text)
			}
		}
		if got != test.want {
			t.Errorf("%q belongs at %q, want %q", test.text, got, test.want)
		}
	}
}

// What an excerpt does not show may be there.
func TestWhatAnExcerptShows(t *testing.T) {
	text := "```yaml\nspec:\n  metrics:\n  - name: a\n    provider:\n      job:\n        spec:\n          template: {}\n```\n"
	d := Load("a.md", []byte(text)).Documents[0]
	for path, want := range map[string]bool{
		"spec.metrics[0].name":     true,
		"spec.args":                false,
		"spec.metrics[0].interval": false,
		"spec.metrics[0].provider.job.spec.backoffLimit":     true,
		"spec.metrics[0].provider.job.spec.template.spec.x":  false,
		"spec.strategy.canary.steps[0].analysis.templates":   false,
		"spec.metrics[0].provider.job.spec.template.spec":    true,
		"spec.metrics[0].provider.job.spec.template.spec[0]": false,
	} {
		if got := d.Shows(path); got != want {
			t.Errorf("%s: shown is %t, want %t", path, got, want)
		}
	}
}

func TestYAMLIsNoMarkdown(t *testing.T) {
	text := "a: |\n  ```yaml\n  b: c\n  ```\n"
	if IsMarkdown("a.yaml", strings.Split(text, "\n")) || IsMarkdown("<stdin>", []string{"a: b", "c: `d`"}) {
		t.Error("YAML is taken for Markdown")
	}
	if !slices.ContainsFunc([]string{"b.MD", "b.markdown"}, func(name string) bool { return IsMarkdown(name, nil) }) {
		t.Error("Markdown is not known by its name")
	}
}
