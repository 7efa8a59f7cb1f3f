package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

func problems(t *testing.T, text string) []string {
	t.Helper()
	_, found := Read("f.yaml", []byte(text))
	var lines []string
	for _, problem := range found {
		lines = append(lines, problem.String())
	}
	return lines
}

const top = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\n"

func TestRead(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"a good object", top + "spec:\n  replicas: 5\n  strategy:\n    canary:\n      maxSurge: 25%\n      steps:\n      - pause: {duration: 1}\n", nil},
		{"nothing", "", nil},
		{"only comments and markers", "# a\n---\n---\n# b\n", nil},
		{"kinds of others are passed over", "apiVersion: apps/v1\nkind: Deployment\nspec: {replica: 1}\n", nil},
		{"a misspelled field, with its place", top + "spec:\n  strategy:\n    canary:\n      steps:\n      - setWeight: 5\n      - setWeigth: 20\n", []string{
			`f.yaml:9:9: spec.strategy.canary.steps[1].setWeigth: unknown field; did you mean setWeight?`}},
		{"a field one level too high", top + "spec:\n  canary: {}\n", []string{
			`f.yaml:5:3: spec.canary: unknown field; canary belongs under strategy: indent it below spec.strategy`}},
		{"a field one level too deep", top + "spec:\n  strategy:\n    replicas: 3\n", []string{
			`f.yaml:6:5: spec.strategy.replicas: unknown field; replicas belongs further out: it is a field of rollout spec`}},
		{"a router that does not exist (story D13)", top + "spec:\n  strategy:\n    canary:\n      trafficRouting:\n        gatewayAPI: {}\n", []string{
			`f.yaml:8:9: spec.strategy.canary.trafficRouting.gatewayAPI: unknown field; fields here are alb, ambassador, apisix, appMesh, istio, managedRoutes, maxTrafficWeight, nginx, plugins, smi, traefik`}},
		{"values of the wrong type, all of them", top + "spec:\n  replicas: five\n  paused: 1\n  minReadySeconds: \"3\"\n  strategy: []\n  revisionHistoryLimit: 3000000000\n", []string{
			`f.yaml:5:3: spec.replicas: must be a whole number, not the text "five"`,
			`f.yaml:6:3: spec.paused: must be true or false, not the number 1`,
			`f.yaml:7:3: spec.minReadySeconds: must be a whole number, not the text "3"; write 3 without quotes`,
			`f.yaml:8:3: spec.strategy: must hold fields, not a list`,
			`f.yaml:9:3: spec.revisionHistoryLimit: must be a whole number that a int32 can hold, not 3000000000`}},
		{"a pause and a weight as people say them", top + "spec:\n  strategy:\n    canary:\n      steps:\n      - pause: 10\n      - pause: 5m\n      - pause: true\n      - setWeight: 20%\n      - setWeight: some%\n  replicas: 50%\n", []string{
			`f.yaml:8:9: spec.strategy.canary.steps[0].pause: must hold fields, not the number 10; write pause: {duration: 10}`,
			`f.yaml:9:9: spec.strategy.canary.steps[1].pause: must hold fields, not the text "5m"; write pause: {duration: 5m}`,
			`f.yaml:10:9: spec.strategy.canary.steps[2].pause: must hold fields, not the boolean true; write pause: {}, or with a duration pause: {duration: 5m}`,
			`f.yaml:11:9: spec.strategy.canary.steps[3].setWeight: must be a whole number, not the text "20%"; write setWeight: 20`,
			`f.yaml:12:9: spec.strategy.canary.steps[4].setWeight: must be a whole number, not the text "some%"`,
			`f.yaml:13:3: spec.replicas: must be a whole number, not the text "50%"`}},
		{"a text that YAML reads as a boolean", top + "spec:\n  template:\n    metadata:\n      labels:\n        debug: on\n", []string{
			`f.yaml:8:9: spec.template.metadata.labels.debug: must be a string, but YAML reads the boolean true; write "on", with the quotes`}},
		{"a quantity that is none", top + "spec:\n  template:\n    spec:\n      containers:\n      - resources: {limits: {cpu: some}}\n", []string{
			`f.yaml:8:30: spec.template.spec.containers[0].resources.limits.cpu: "some" is not a quantity: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`}},
		{"a key written twice", top + "spec:\n  replicas: 1\n  replicas: 2\n", []string{
			`f.yaml:6:3: spec.replicas: is written twice; line 5 has it already and only one of them counts`}},
		{"a Secret with plain text as data", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  url: http://a\n", []string{
			`f.yaml:5:3: data.url: is not base64; in a Secret, plain text belongs under stringData`}},
		{"an unknown kind of the group", "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplates\n", []string{
			`f.yaml:2:1: kind: unknown kind AnalysisTemplates; did you mean AnalysisTemplate?`}},
		{"another product's kind of the group", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n", nil},
		{"a version that does not exist", "apiVersion: argoproj.io/v1\nkind: Rollout\n", []string{
			`f.yaml:1:1: apiVersion: argoproj.io/v1 is not a version of this API; write argoproj.io/v1alpha1`}},
		{"no kind", "apiVersion: v1\nmetadata: {}\n", []string{
			`f.yaml:1:1: kind: is missing: a Kubernetes object begins with apiVersion and kind`}},
		{"no mapping", "- a\n- b\n", []string{
			`f.yaml:1:1: a Kubernetes object is a mapping that begins with apiVersion and kind`}},
		{"the second document, and the third although the second does not parse", "a: [\n---\n" + top + "spec: {replica: 1}\n", []string{
			`f.yaml:1:1: YAML does not parse here: did not find expected node content`,
			`f.yaml:6:8: spec.replica: unknown field; did you mean replicas?`}},
		{"items of a List", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: argoproj.io/v1alpha1\n  kind: Rollout\n  spec:\n    replica: 1\n", []string{
			`f.yaml:7:5: spec.replica: unknown field; did you mean replicas?`}},
		{"values behind anchors and merges", top + "spec:\n  strategy:\n    canary:\n      steps:\n      - &a\n        setWeigth: 1\n      - *a\n      - {<<: *a}\n", []string{
			`f.yaml:9:9: spec.strategy.canary.steps[0].setWeigth: unknown field; did you mean setWeight?`,
			`f.yaml:9:9: spec.strategy.canary.steps[1].setWeigth: unknown field; did you mean setWeight?`,
			`f.yaml:9:9: spec.strategy.canary.steps[2].setWeigth: unknown field; did you mean setWeight?`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, problems(t, test.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Indentation is what people get wrong; the parser complains elsewhere and in its own words.
func TestReadIndentation(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string
	}{
		{"a field deeper than its neighbour, which has a value",
			"args:\n- name: service-name # a comment\n    value: rust-app # another\n",
			"f.yaml:3:5: args[0].value: `value` is indented 2 columns deeper than its sibling `name` (line 2), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"},
		{"a field in the column of its item's dash",
			"env:\n    - name: dummy\n    value: \"x\"\n",
			"f.yaml:3:5: env[0].value: `value` stands in the column of the dash of line 2; the fields of that item stand under `name`; write it at column 7 (6 spaces before it)"},
		{"a field between two columns",
			"spec:\n    replicas: 1\n  paused: true\n",
			"f.yaml:3:3: spec.paused: `paused` is indented 2 columns less than its sibling `replicas` (line 2); write it at column 5 (4 spaces before it)"},
		{"a tab", "spec:\n\treplicas: 1\n", `f.yaml:2:1: a tab; YAML is indented with spaces only; replace the tab by spaces`},
		{"after a text in several lines",
			"query: |\n  sum(a{b=\"c\"})\n   by: (pod)\nargs:\n- name: a\n    value: b\n",
			"f.yaml:6:5: args[0].value: `value` is indented 2 columns deeper than its sibling `name` (line 5), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"},
		{"a line of a text that is indented less than its first",
			"query: |\n    sum(a)\n   / sum(b)\nother: a\n",
			"f.yaml:3:4: this line belongs to the text of `query` (line 1) and is indented less than its first line; move it to column 5 or further (4 spaces before it)"},
		{"items of a list in two columns",
			"env:\n - name: a\n- name: b\n",
			"f.yaml:3:1: env[1]: `- name` is indented 1 column less than the item before it (line 2); write it at column 2 (1 space before it)"},
		{"after lists and mappings in brackets",
			"command: [\"run\",\n  \"-t\"]\nother: {a: b,\n c: d}\nargs:\n- name: a\n    value: b\n",
			"f.yaml:7:5: args[0].value: `value` is indented 2 columns deeper than its sibling `name` (line 6), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"},
		{"in a later document",
			"a: b\n---\nargs:\n- name: a\n    value: b\n",
			"f.yaml:5:5: args[0].value: `value` is indented 2 columns deeper than its sibling `name` (line 4), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"},
		{"what has nothing to do with indentation", "a: \"b\nc: d\n", `f.yaml:1:1: YAML does not parse here: the quote that opens here is not closed`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{test.want}, problems(t, test.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodedObjects(t *testing.T) {
	documents, found := Read("f.yaml", []byte(top+"spec: {replicas: 5, unknown: 1}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ns}\nstringData: {a: b}\n---\n"+top+"spec: {replicas: five, paused: true, strategy: {canary: {steps: [{setWeight: '20'}, 5, {setWeight: 40}]}}}\n"))
	if len(found) != 4 || len(documents) != 3 {
		t.Fatalf("got %d problems and %d documents, want 4 and 3: %v", len(found), len(documents), found)
	}
	rollout, ok := documents[0].Object.(*api.Rollout)
	if !ok || rollout.Name != "shop" || *rollout.Spec.Replicas != 5 {
		t.Errorf("an unknown field must not keep the rest from being read: %#v", documents[0].Object)
	}
	if documents[1].Kind != "Secret" || documents[1].Namespace != "ns" || documents[1].Name != "s" || documents[1].Line != 6 {
		t.Errorf("the Secret is described as %+v", documents[1])
	}
	rest, ok := documents[2].Object.(*api.Rollout)
	if !ok || !rest.Spec.Paused || rest.Spec.Replicas != nil || len(rest.Spec.Strategy.Canary.Steps) != 3 || *rest.Spec.Strategy.Canary.Steps[2].SetWeight != 40 {
		t.Errorf("values of the wrong type must not keep the rest from being read: %#v", documents[2].Object)
	}
	want := []string{"spec.replicas", "spec.strategy.canary.steps[0].setWeight", "spec.strategy.canary.steps[1]"}
	if diff := cmp.Diff(want, documents[2].Left); diff != "" {
		t.Errorf("what was left out (-want +got):\n%s", diff)
	}
}

func TestPosition(t *testing.T) {
	text := "# comment\n---\n" + top + `spec:
  selector:
    matchLabels: {app.kubernetes.io/name: shop}
  strategy:
    canary:
      steps:
      - setWeight: 20
      - pause: {duration: 1}
`
	documents, _ := Read("f.yaml", []byte(text))
	tests := []struct {
		path         string
		line, column int
	}{
		{"spec", 6, 1},
		{"spec.strategy.canary.steps[0]", 12, 9},
		{"spec.strategy.canary.steps[0].setWeight", 12, 9},
		{"spec.strategy.canary.steps[1].pause.duration", 13, 17},
		{"spec.selector.matchLabels[app.kubernetes.io/name]", 8, 19},
		{"spec.template.spec.containers", 6, 1}, // what is missing is reported at what holds it
		{"spec.strategy.canary.steps[7]", 11, 7},
		{"", 3, 1},
	}
	for _, test := range tests {
		line, column := documents[0].Position(test.path)
		if line != test.line || column != test.column {
			t.Errorf("%q stands at %d:%d, want %d:%d", test.path, line, column, test.line, test.column)
		}
	}
}

func TestLargeDocumentsAreRefused(t *testing.T) {
	got := problems(t, "a: "+strings.Repeat("x", maxSize))
	if len(got) != 1 || !strings.Contains(got[0], "Kubernetes stores none above 1.5 MiB") {
		t.Errorf("got %.200q", got)
	}
}
