package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

const template = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n"

// load lists the problems of a file with their rules, without its name.
func load(name, text string) []string {
	var lines []string
	for _, p := range Load(name, []byte(text)).Problems {
		lines = append(lines, string(p.Rule)+" "+strings.TrimPrefix(p.String(), name+":"))
	}
	return lines
}

// YAML that parses can be indented wrongly as well: a key is left empty, and what belongs under it stands
// beside it. What the types allow tells.
func TestFieldsInTheWrongPlace(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a field beside the empty key it belongs under", template + "  args:\n  - name: a\n    valueFrom:\n    secretKeyRef:\n      name: b\n      key: c\n",
			"misplaced-field 8:5: spec.args[0].valueFrom.secretKeyRef: `secretKeyRef` stands beside `valueFrom` (line 7), which holds nothing, and belongs under it, and it is read as spec.args[0].secretKeyRef, which does not exist; write it at column 7 (6 spaces before it), and the lines under it as far to the right"},
		{"a block beside its empty key", template + "  metrics:\n  - name: m\n    provider:\n      job:\n        spec:\n        template:\n          spec:\n            restartPolicy: Never\n",
			"misplaced-field 10:9: spec.metrics[0].provider.job.spec.template: `template` stands beside `spec` (line 9), which holds nothing, and belongs under it, and it is read as spec.metrics[0].provider.job.template, which does not exist; write it at column 11 (10 spaces before it), and the lines under it as far to the right"},
		{"a field beside the dash's empty key", top + "spec:\n  strategy:\n    canary:\n      steps:\n      - analysis:\n        templates:\n        - templateName: a\n",
			"misplaced-field 9:9: spec.strategy.canary.steps[0].analysis.templates: `templates` stands beside `- analysis` (line 8), which holds nothing, and belongs under it, and it is read as spec.strategy.canary.steps[0].templates, which does not exist; write it at column 11 (10 spaces before it), and the lines under it as far to the right"},
		{"a field of the item in the column of its dash", top + "spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: b\n      env:\n      - name: c\n        value: d\n",
			"misindented 10:7: spec.template.spec.containers[0].env: `env` stands in the column of the dash of line 9; the fields of that item stand under `image`, and it is read as spec.template.spec.env, which does not exist; write it at column 9 (8 spaces before it), and the lines under it as far to the right"},
		{"a key that only what follows proves wrong", template + "  args:\n  - name: a\n    value: b\n  metrics:\n  - name: l\n    provider:\n      web:\n        url: x\n  - name: m\n    provider:\n        prometheus:\n        address: a\n        query: b\n",
			"misindented 15:9: spec.metrics[1].provider.prometheus: `prometheus` is indented 4 columns below `provider` (line 14), and the lines after it do not fit that; write it at column 7 (6 spaces before it)\n" +
				"misplaced-field 16:9: spec.metrics[1].provider.prometheus.address: `address` stands beside `prometheus` (line 15) and not under it, which leaves `prometheus` empty, and it is read as spec.metrics[1].provider.address, which does not exist; once line 15 is moved it is under it"},
		{"a field swallowed by the text above it", template + "  metrics:\n  - name: m\n    provider:\n      prometheus:\n        query: |\n          sum(x)\n          address: http://a\n    count: 1\n",
			"swallowed-field 11:11: `address` looks like a field, and is part of the text of `query` (line 9); write it at column 9 (8 spaces before it)"},
		{"a list item swallowed by the one above it", top + "spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        command:\n        - run\n          - -v\n",
			"swallowed-field 11:11: the dash begins no item: it is part of the text of line 10, because it is indented deeper; write it at column 9 (8 spaces before it)"},
		{"a typing mistake is no wrong column", top + "spec:\n  strategy:\n    canary:\n      stepz:\n      - setWeight: 5\n",
			"unknown-field 7:7: spec.strategy.canary.stepz: unknown field; did you mean steps?"},
		{"a text that only looks like fields", template + "  metrics:\n  - name: m\n    provider:\n      prometheus:\n        query: |\n          name: x\n          by: y\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, strings.Join(load("f.yaml", test.text), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoYAMLHidesNothingElse(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"brackets and quotes that are not closed", top + "spec:\n  replicas: [1\n  paused: maybe\n  template:\n    spec:\n      containers:\n      - name: \"a\n  strategy:\n    canary:\n      stepz: []\n", []string{
			`yaml-syntax 5:3: YAML does not parse here: the bracket that opens here is not closed`,
			`wrong-type 6:3: spec.paused: must be true or false, not the text "maybe"`,
			`yaml-syntax 10:7: YAML does not parse here: the quote that opens here is not closed`,
			`unknown-field 13:7: spec.strategy.canary.stepz: unknown field; did you mean steps?`}},
		{"tabs", top + "spec:\n\treplicas: 1\n\tpause: true\n", []string{
			`tab 5:1: a tab; YAML is indented with spaces only; replace the tab by spaces`,
			`tab 6:1: a tab; YAML is indented with spaces only; replace the tab by spaces`,
			`unknown-field 6:2: spec.pause: unknown field; did you mean paused?`}},
		{"lines that end like those of Windows", top + "spec:\r\n  replicas: 1\r\n    paused: true\r\n", []string{
			"misindented 6:5: spec.paused: `paused` is indented 2 columns deeper than its sibling `replicas` (line 5), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"}},
		{"placeholders without quotes", template + "  metrics:\n  - name: a\n    count: {{args.count}}\n    interval: {{ args.interval }}\n    provider:\n      web: {}\n      wep: {}\n", []string{
			`yaml-syntax 7:5: YAML does not parse here: double braces without quotes are a mapping: write them as "{{…}}"`,
			`yaml-syntax 8:5: YAML does not parse here: double braces without quotes are a mapping: write them as "{{…}}"`,
			`unknown-field 11:7: spec.metrics[0].provider.wep: unknown field; did you mean web?`}},
		{"a template of Helm", top + "spec:\n  {{- if .Values.x }}\n  replicas: 1\n  {{- end }}\n", []string{
			`yaml-syntax 5:3: this is a template, not YAML; render it first, for example: helm template . | sluice lint -`}},
		{"a template of Helm for something else", "kind: x\n{{- if .Values.x }}\na: 1\n{{- end }}\n", nil},
		{"objects of a List, and a Secret whose values are not repeated", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: argoproj.io/v1alpha1\n  kind: Rollout\n  spec:\n    replica: 1\n     paused: true\n" +
			"- apiVersion: v1\n  kind: Secret\n  data:\n    a: hunter2!\n  stringData:\n    b: 4711\n", []string{
			`unknown-field 7:5: spec.replica: unknown field; did you mean replicas?`,
			"misindented 8:6: spec.paused: `paused` is indented 1 column deeper than its sibling `replica` (line 7), which has a value and can hold nothing; write it at column 5 (4 spaces before it)",
			`wrong-type 12:5: data.a: is not base64; in a Secret, plain text belongs under stringData`,
			`wrong-type 14:5: stringData.b: must be a string, but YAML reads a number`}},
		{"kinds that are not known are looked at for their columns only", "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replica: 1\n   template: {}\n", []string{
			"misindented 5:4: spec.template: `template` is indented 1 column deeper than its sibling `replica` (line 4), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, load("f.yaml", test.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff([]string{`unknown-field 5:3: spec.replica: unknown field; did you mean replicas?`},
		load("f.json", "{\n\t\"apiVersion\": \"argoproj.io/v1alpha1\",\n\t\"kind\": \"Rollout\",\n\t\"spec\": {\n\t\t\"replica\": 1\n\t}\n}\n")); diff != "" {
		t.Errorf("problems of JSON (-want +got):\n%s", diff)
	}
}

// A repaired document is the one that was meant.
func TestRepairedObjects(t *testing.T) {
	documents, _ := Read("f.yaml", []byte(template+"  args:\n  - name: a\n      valueFrom:\n      secretKeyRef:\n          name: b\n          key: c\n  metrics:\n  - name: m\n      count: 3\n      successCondition: result < 1\n"))
	if len(documents) != 1 {
		t.Fatalf("got %d documents", len(documents))
	}
	got, ok := documents[0].Object.(*api.AnalysisTemplate)
	if !ok || got.Spec.Args[0].ValueFrom == nil || got.Spec.Args[0].ValueFrom.SecretKeyRef == nil {
		t.Fatalf("got %+v", documents[0].Object)
	}
	if ref := got.Spec.Args[0].ValueFrom.SecretKeyRef; ref.Name != "b" || ref.Key != "c" || got.Spec.Metrics[0].SuccessCondition != "result < 1" {
		t.Errorf("got %+v", got.Spec)
	}
	for path, want := range map[string][2]int{
		"spec.args[0].valueFrom.secretKeyRef.key": {10, 11},
		"spec.metrics[0].successCondition":        {14, 7},
	} {
		if line, column := documents[0].Position(path); line != want[0] || column != want[1] {
			t.Errorf("%s stands at %d:%d, want %v", path, line, column, want)
		}
	}
}

// Whoever does what the problems say has a document without them.
func TestFollowingTheAdviceHelps(t *testing.T) {
	text := "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n    name: a\nspec:\n    selector:\n        matchLabels:\n            app: a\n    template:\n        metadata:\n            labels:\n                app: a\n        spec:\n" +
		"            containers:\n            - name: a\n                image: b\n                ports:\n                    - containerPort: 1\n            restartPolicy: Always\n    strategy:\n        canary:\n            steps:\n            - pause: {}\n"
	lines := strings.Split(text, "\n")
	found := Load("f.yaml", []byte(text))
	if len(found.Problems) != 2 {
		t.Fatalf("got %v", found.Problems)
	}
	for _, p := range found.Problems {
		lines[p.Line-1] = strings.Repeat(" ", 14) + strings.TrimLeft(lines[p.Line-1], " ")
		if !strings.HasPrefix(p.Fix, "write it at column 15 ") {
			t.Errorf("the advice is %q", p.Fix)
		}
	}
	if _, problems := Read("f.yaml", []byte(strings.Join(lines, "\n"))); len(problems) > 0 {
		t.Errorf("after it there is still %v", problems)
	}
}
