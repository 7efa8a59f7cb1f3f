package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const seedTemplate = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate, namespace: demo}
spec:
  args:
  - name: amp-workspace
    valueFrom: {secretKeyRef: {name: workspace-url, key: secretURL}}
  metrics:
  - name: success-rate
    interval: 20s
    count: 3
    successCondition: result <= 0.004
    provider:
      prometheus:
        address: "{{args.amp-workspace}}"
        query: sum(errors)
`

const seedRollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: demo}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
  strategy:
    canary:
      steps:
      - setWeight: 20
      - analysis: {templates: [{templateName: success-rate}]}
`

// run carries out a command line and returns what it printed.
func run(t *testing.T, input string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), "sluice", args, Streams{In: strings.NewReader(input), Out: &stdout, Err: &stderr}, "v1.2.3")
	return code, stdout.String(), stderr.String()
}

// result is what a command line came to.
type result struct {
	code     int
	out, err string
}

func (want result) of(t *testing.T, input string, args ...string) {
	t.Helper()
	code, out, errOut := run(t, input, args...)
	if diff := cmp.Diff(want, result{code, out, errOut}, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("sluice %s: exit code, output, errors (-want +got):\n%s", strings.Join(args, " "), diff)
	}
}

// unseen is what is said about seedTemplate's Secret when it is not there.
func unseen(file string, line int) string {
	return fmt.Sprintf("%s:%d:17: note: spec.args[0].valueFrom.secretKeyRef: Secret workspace-url is not among the files: whether it has key secretURL was not checked [AnalysisTemplate/success-rate]\n", file, line)
}

func TestLint(t *testing.T) {
	secret := func(namespace, key string) string {
		return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: workspace-url, namespace: " + namespace + "}\nstringData: {" + key + ": a}\n"
	}
	tests := []struct {
		name  string
		input string
		code  int
		want  string
	}{
		{"a rollout with its template and Secret is fine", seedRollout + "---\n" + seedTemplate + secret("demo", "secretURL"), ExitOK,
			"0 errors, 0 warnings; 2 objects checked in 1 file\n"},
		{"a template that is not among the files is a note", seedRollout, ExitOK,
			"<stdin>:13:33: note: spec.strategy.canary.steps[1].analysis.templates[0].templateName: AnalysisTemplate \"success-rate\" is not among the files that were read [Rollout/shop]\n" +
				"0 errors, 0 warnings, 1 note; 1 object checked in 1 file\n"},
		{"a template of another namespace is another template", seedRollout + "---\n" + strings.Replace(seedTemplate, "demo", "other", 1), ExitOK,
			"<stdin>:13:33: note: spec.strategy.canary.steps[1].analysis.templates[0].templateName: AnalysisTemplate \"success-rate\" is not among the files that were read [Rollout/shop]\n" +
				unseen("<stdin>", 21) + "0 errors, 0 warnings, 2 notes; 2 objects checked in 1 file\n"},
		{"a key that the Secret spells in another way", seedRollout + "---\n" + seedTemplate + secret("demo", "secretUrl"), ExitNo,
			"<stdin>:20:5: error: spec.args[0]: argument amp-workspace takes its value from key secretURL of Secret workspace-url, which has no such key; did you mean secretUrl? [AnalysisTemplate/success-rate]\n" +
				"1 error, 0 warnings; 2 objects checked in 1 file\n"},
		{"what is not supported yet is an error", strings.Replace(seedRollout, "      steps:", "      trafficRouting: {istio: {virtualService: {name: a}, destinationRule: {name: a, canarySubsetName: c, stableSubsetName: s}}}\n      steps:", 1) + "---\n" + seedTemplate, ExitNo,
			"<stdin>:11:24: error: spec.strategy.canary.trafficRouting.istio: not supported yet [Rollout/shop]\n" +
				unseen("<stdin>", 22) + "1 error, 0 warnings, 1 note; 2 objects checked in 1 file\n"},
		{"all mistakes, in the order of the file", strings.NewReplacer("setWeight: 20", "setWeight: 200", "spec:\n  selector", "spec:\n  replica: 3\n  selector").Replace(seedRollout) + "---\n" + seedTemplate, ExitNo,
			"<stdin>:5:3: error: spec.replica: unknown field; did you mean replicas?\n" +
				"<stdin>:13:9: error: spec.strategy.canary.steps[0].setWeight: is 200 and must be 0 to 100 [Rollout/shop]\n" +
				unseen("<stdin>", 22) + "2 errors, 0 warnings, 1 note; 2 objects checked in 1 file\n"},
		{"a value of the wrong type hides nothing else, and is told once", strings.NewReplacer("setWeight: 20", "setWeight: '20'", "selector: {", "replicas: -1\n  selector: {").Replace(seedRollout) +
			"---\n" + strings.NewReplacer("interval: 20s", "interval: 5", "result <= 0.004", "result <=").Replace(seedTemplate), ExitNo,
			"<stdin>:5:3: error: spec.replicas: is -1 and cannot be negative [Rollout/shop]\n" +
				"<stdin>:13:9: error: spec.strategy.canary.steps[0].setWeight: must be a whole number, not the text \"20\"; write 20 without quotes\n" +
				unseen("<stdin>", 22) +
				"<stdin>:25:5: error: spec.metrics[0].interval: must be a string, but YAML reads the number 5; write a number with a unit, such as 5s\n" +
				"<stdin>:27:5: error: spec.metrics[0].successCondition: \"result <=\" is not a condition: unexpected token EOF (line 1, column 9); write an expression that is true or false, such as result[0] <= 0.01 [AnalysisTemplate/success-rate]\n" +
				"4 errors, 0 warnings, 1 note; 2 objects checked in 1 file\n"},
		{"a condition that a comment cuts off", strings.Replace(seedTemplate, "result <= 0.004", "all(result, # <= 0.004)", 1) + secret("demo", "secretURL"), ExitNo,
			"<stdin>:12:5: error: spec.metrics[0].successCondition: \"all(result,\" is not a condition: unexpected token EOF (line 1, column 11); the # begins a comment in YAML, so that the condition ends before it: put the condition in quotes [AnalysisTemplate/success-rate]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
		{"no Kubernetes object at all", "a: b\n", ExitNo,
			"<stdin>:1:1: error: this is no Kubernetes object: it has neither apiVersion nor kind\n1 error, 0 warnings; 0 objects checked in 1 file\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result{code: test.code, out: test.want}.of(t, test.input, "lint", "-f", "-")
		})
	}
}

func TestLintOfADirectory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rollout.yaml", seedRollout)
	write("analysis/template.yml", strings.Replace(seedTemplate, "count: 3", "count: three", 1))
	write("values.yaml", "replicas: 3\n")
	write("README.md", "spec: [\n")
	result{code: ExitNo, out: unseen(dir+"/analysis/template.yml", 7) + dir + "/analysis/template.yml:11:5: error: spec.metrics[0].count: is \"three\", not a whole number [AnalysisTemplate/success-rate]\n" +
		"1 error, 0 warnings, 1 note; 2 objects checked in 4 files\n"}.of(t, "", "lint", "-f", dir)
}

func TestLintOfNothing(t *testing.T) {
	const text = "error: nothing was checked: there is no Rollout, AnalysisTemplate, ClusterAnalysisTemplate, AnalysisRun or Experiment in what was read\n"
	result{code: ExitFailed, out: "0 errors, 0 warnings; 0 objects checked in 0 files\n", err: text}.of(t, "", "lint", t.TempDir())
	result{code: ExitFailed, out: "0 errors, 0 warnings; 0 objects checked in 1 file\n", err: text}.of(t, "", "lint", "-")
	result{code: ExitFailed, out: "[]\n", err: text}.of(t, "apiVersion: apps/v1\nkind: Deployment\n", "lint", "-", "-o", "json")
}

func TestLintOfFilesNamedWithoutAFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(seedTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	result{out: unseen(file, 7) + "0 errors, 0 warnings, 1 note; 2 objects checked in 2 files\n"}.of(t, seedRollout, "lint", file, "-f", "-")
}

func TestLintReadsJSONPaths(t *testing.T) {
	text := "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  args: [{name: p}]\n  metrics:\n" +
		"  - {name: a, successCondition: 'true', provider: {web: {url: 'http://a', jsonPath: '{$.a}'}}}\n" +
		"  - {name: b, successCondition: 'true', provider: {web: {url: 'http://a', jsonPath: '{$.{{args.p}}}'}}}\n" +
		"  - {name: c, successCondition: 'true', provider: {web: {url: 'http://a', jsonPath: '{$.a[?(@.b=='}}}\n"
	result{code: ExitNo, out: "<stdin>:9:75: error: spec.metrics[2].provider.web.jsonPath: is not a JSONPath: unterminated filter; write for example {$.data.errorRate} [AnalysisTemplate/a]\n" +
		"1 error, 0 warnings; 1 object checked in 1 file\n"}.of(t, text, "lint", "-")
}

func TestLintForMachines(t *testing.T) {
	code, out, _ := run(t, strings.Replace(seedRollout, "setWeight: 20", "setWeight: 200", 1)+"---\n"+seedTemplate, "lint", "-f", "-", "-o", "json")
	var got []map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, out)
	}
	want := []map[string]any{{
		"file": "<stdin>", "line": 12.0, "column": 9.0, "path": "spec.strategy.canary.steps[0].setWeight", "rule": "invalid-value",
		"message": "is 200 and must be 0 to 100", "severity": "error", "kind": "Invalid", "object": "Rollout/shop",
	}, {
		"file": "<stdin>", "line": 21.0, "column": 17.0, "path": "spec.args[0].valueFrom.secretKeyRef", "rule": "secret-not-checked",
		"message":  "Secret workspace-url is not among the files: whether it has key secretURL was not checked",
		"severity": "note", "kind": "Note", "object": "AnalysisTemplate/success-rate",
	}}
	if diff := cmp.Diff(want, got); diff != "" || code != ExitNo {
		t.Errorf("exit code %d, findings (-want +got):\n%s", code, diff)
	}
	result{out: "[]\n"}.of(t, strings.Replace(seedTemplate, "valueFrom: {secretKeyRef: {name: workspace-url, key: secretURL}}", "value: http://prometheus", 1), "lint", "-f", "-", "-o", "json")
}

func TestWrongCommandLines(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"lint"}, "error: lint wants to know what to read: add files, directories, or - for the standard input\n"},
		{[]string{"lint", "-f", "-", "-o", "xml"}, "error: lint cannot print \"xml\": write -o text, long, json, sarif, github, or leave it out\n"},
		{[]string{"lint", "-f", "/does/not/exist"}, "error: reading manifests: lstat /does/not/exist: no such file or directory\n"},
		{[]string{"get", "rollout"}, "error: sluice get rollout wants the name of one rollout, not 0\n"},
		{[]string{"abort"}, "error: sluice abort wants the name of a rollout\n"},
		{[]string{"promot"}, "error: unknown command \"promot\" for \"sluice\"\n\nDid you mean this?\n\tpromote\n\n"},
		{[]string{"status", "shop", "--kubeconfig", "/does/not/exist"}, "error: reading the kubeconfig: stat /does/not/exist: no such file or directory\n"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			result{code: ExitFailed, err: test.want}.of(t, "", test.args...)
		})
	}
}

func TestVersion(t *testing.T) {
	result{out: "sluice v1.2.3\n"}.of(t, "", "version")
}

func TestNameOfAPlugin(t *testing.T) {
	for given, want := range map[string]string{"/usr/bin/sluice": "sluice", "kubectl-sluice": "kubectl sluice", "bin/kubectl-sluice.exe": "kubectl sluice"} {
		if got := displayName(given); got != want {
			t.Errorf("displayName(%q) = %q, want %q", given, got, want)
		}
	}
}

// FuzzLint checks anything at all, as YAML and as Markdown, and prints what is found in every way.
func FuzzLint(f *testing.F) {
	user, err := os.ReadFile("testdata/metrics-driven-progressive-delivery.md")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(user), true)
	f.Add(seedRollout+"---\n"+seedTemplate, false)
	f.Add(strings.Replace(seedRollout, "setWeight: 20", "setWeight: {{args.x}}", 1), false)
	f.Add(strings.Replace(seedTemplate, "result <= 0.004", "result[0] <= {{args.amp-workspace}}", 1), false)
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nspec: {metrics: [{name: a, provider: {plugin: {a: null}}}], args: [{name: a, valueFrom: {fieldRef: {fieldPath: 'a['}}}]}\n", false)
	f.Add("```yaml\n- setWeight: 20\n  - analysis:\n    templates:\n   - templateName: a\n```\n", true)
	f.Add(plainRollout+"---\n"+fmt.Sprintf(aService, "a", "b")+"---\napiVersion: v1\nkind: Secret\nstringData:\n  a: b\n   c: d\n", false)
	f.Fuzz(func(t *testing.T, text string, markdown bool) {
		name := "f.yaml"
		if markdown {
			name = "f.md"
		}
		begun := time.Now()
		report := lintAll([]Source{{Name: name, Text: []byte(text)}}, markdown)
		if took := time.Since(begun); took > 30*time.Second {
			t.Fatalf("checking %d bytes took %s", len(text), took)
		}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
		for _, finding := range report.findings {
			if finding.Message == "" || finding.Rule == "" || finding.Line < 1 || finding.Line > lines || finding.Column < 1 {
				t.Fatalf("in %d lines, a finding without message, rule or place: %+v", lines, finding)
			}
		}
		for _, output := range [][]string{report.short(), report.long(terminal{width: 80}), report.github()} {
			if len(output) == 0 {
				t.Fatal("nothing was printed")
			}
		}
		if _, err := json.Marshal(report.sarif("v1")); err != nil {
			t.Fatal(err)
		}
	})
}
