package cli

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/simulate"
)

var updateScreens = flag.Bool("update-screens", false, "write the simulations of the documentation anew")

// simulations are those of docs/simulate.md: what is typed, and how it ends.
var simulations = []struct {
	name, command string
	code          int
}{
	{"simulate-seed", "simulate -f examples/seed --what-if success-rate=0.0123@20s", ExitNo},
	{"simulate-blue-green", "simulate -f examples/simulate/blue-green.yaml --scenario examples/simulate/bad-after-switch.yaml", ExitOK},
	{"simulate-weighted", "simulate -f examples/simulate/weighted.yaml --what-if router-lag=10s --what-if abort@75%", ExitNo},
}

// The page of the documentation shows these commands with what they print; a test there compares the page
// with the files.
func TestSimulationsOfTheDocs(t *testing.T) {
	for _, s := range simulations {
		t.Run(s.name, func(t *testing.T) {
			t.Chdir(filepath.Join("..", ".."))
			code, out, errOut := run(t, "", strings.Fields(s.command)...)
			if code != s.code || errOut != "" {
				t.Errorf("exit code %d, errors %q", code, errOut)
			}
			keepScreen(t, s.name, out)
			page, err := os.ReadFile(filepath.Join("docs", "simulate.md"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(page), "\nsluice "+s.command+"\n") {
				t.Errorf("docs/simulate.md does not show sluice %s", s.command)
			}
		})
	}
}

// The page names every short form and every field of a scenario.
func TestTheDocsNameEverythingThatAScenarioMaySay(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "simulate.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	names := simulate.Commands()
	for _, form := range simulate.WhatIfs()[3:] { // after those that only have a placeholder for a name
		names = append(names, regexp.MustCompile(`^[a-z-]+`).FindString(form.Form))
	}
	for _, name := range names {
		if !regexp.MustCompile("[`]" + name + "[`=@]").MatchString(page) {
			t.Errorf("it does not name the short form %s", name)
		}
	}
	seen := map[reflect.Type]bool{}
	var fields func(reflect.Type)
	fields = func(at reflect.Type) {
		for at.Kind() == reflect.Pointer || at.Kind() == reflect.Slice {
			at = at.Elem()
		}
		if at.Kind() != reflect.Struct || at.PkgPath() != reflect.TypeFor[simulate.Scenario]().PkgPath() || seen[at] {
			return
		}
		seen[at] = true
		for field := range at.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && !regexp.MustCompile(`(?m)(^|[\x60{ ])`+name+`[\x60:]`).MatchString(page) {
				t.Errorf("it does not name the field %s of %s", name, at.Name())
			}
			fields(field.Type)
		}
	}
	fields(reflect.TypeFor[simulate.Scenario]())
	if len(seen) < 8 {
		t.Errorf("only %d types were found", len(seen))
	}
}

// The scenario that the page shows can be played.
func TestTheScenarioOfTheDocsIsAsItExpects(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "simulate.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	writeFile(t, path, text)
	if code, out, errOut := run(t, "", "simulate", "-f", seedFiles, "--scenario", path); code != ExitOK || errOut != "" {
		t.Errorf("exit code %d, errors %q:\n%s", code, errOut, out)
	}
}

// keepScreen compares what was printed with the file, and brings file and page up to date when asked to.
func keepScreen(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("docs", "screens", name+".txt")
	if *updateScreens {
		writeFile(t, path, got)
		page := filepath.Join("docs", "simulate.md")
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fence := "```text file=" + filepath.ToSlash(path) + "\n"
		before, after, shown := strings.Cut(string(raw), fence)
		_, after, closed := strings.Cut(after, "```\n")
		if !shown || !closed {
			t.Fatalf("%s does not show %s", page, path)
		}
		writeFile(t, page, before+fence+got+"```\n"+after)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update-screens to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // for everybody to read
		t.Fatal(err)
	}
}

const seedFiles = "../../examples/seed"

func TestSimulateEndsAsIsExpected(t *testing.T) {
	scenario := func(text string) string {
		path := filepath.Join(t.TempDir(), "scenario.yaml")
		writeFile(t, path, text)
		return path
	}
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"promoted without expectations", nil, ExitOK, "✔ As expected: the update ends promoted."},
		{"aborted without expectations", []string{"--what-if", "job=fail"}, ExitNo, "✖ Not as expected: the update ends promoted, but it ends aborted after 43s."},
		{"aborted as expected", []string{"--scenario", scenario("metrics: [{name: success-rate, is: 5%}]\nexpect: {ends: aborted, maxWeight: 20}\n")}, ExitOK, "As expected: the update ends aborted."},
		{"too late", []string{"--scenario", scenario("expect: {ends: promoted, within: 30s}\n")}, ExitNo, "the update ends promoted within 30s, but it ends promoted after 1m32s"},
		{"a short form after the scenario counts", []string{"--scenario", scenario("metrics: [{name: success-rate, is: 0.001}]\n"), "--what-if", "success-rate=1"}, ExitNo, "1 is Failed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errOut := run(t, "", append([]string{"simulate", "-f", seedFiles}, test.args...)...)
			says := strings.Contains(out, test.says) || test.says == "1 is Failed" && strings.Contains(out, "success-rate measures [1]: Failed")
			if code != test.code || errOut != "" || !says {
				t.Errorf("exit code %d, errors %q; it does not say %q:\n%s", code, errOut, test.says, out)
			}
		})
	}
}

func TestWhatCannotBeSimulatedIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "two.yaml", rolloutNamed("shop")+"---\n"+rolloutNamed("cart"))
	writeFile(t, "bad.yaml", strings.Replace(rolloutNamed("shop"), "setWeight: 20", "setWeight: 200", 1))
	writeFile(t, "analysis.yaml", strings.Replace(rolloutNamed("shop"), "{setWeight: 20}", "{analysis: {templates: [{templateName: errors}]}}", 1))
	writeFile(t, "shop.yaml", rolloutNamed("shop"))
	writeFile(t, "none.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n")
	writeFile(t, "unknown.yaml", "apiVersion: sluice.dev/v1alpha1\nkind: Scenario\nevents:\n- at: 2m\n  doo: abort\n- at: soon\n  do: abort\nexpcet: {}\n")
	writeFile(t, "wrong.yaml", "kind: Plot\nevents:\n- at: 1m\n  do: abbort\n- at: 2m\n- at: step 7\n  do: abort\n  scale: 3\nmetrics:\n- name: errors\n  version: newer\nfaults: {conflicts: 1}\nexpect: {ends: well}\nrouter: {lag: 3s}\n")
	tests := []struct{ name, args, says string }{
		{"nothing", "", "error: simulate wants a Rollout and its templates: add -f with files, directories, or - for the standard input\n"},
		{"another output", "-f shop.yaml -o yaml", "error: simulate cannot print \"yaml\": write -o json, or leave it out\n"},
		{"no Rollout", "-f none.yaml", "error: there is no Rollout in what was read: add its file with -f\n"},
		{"two Rollouts", "-f two.yaml", "error: there are several Rollouts: add --rollout with one of shop, cart\n"},
		{"another Rollout", "-f shop.yaml --rollout cart", "error: there is no Rollout cart in what was read; there is shop\n"},
		{"no file", "-f absent.yaml", "error: reading manifests: lstat absent.yaml: no such file or directory\n"},
		{"a mistake", "-f bad.yaml", "error: nothing would be rolled out while there are mistakes:\nbad.yaml:7:32: spec.strategy.canary.steps[0].setWeight: is 200 and must be 0 to 100\n"},
		{"a template that is not there", "-f analysis.yaml", "error: nothing would be rolled out while there are mistakes:\nanalysis.yaml:7:56: spec.strategy.canary.steps[0].analysis.templates[0].templateName: AnalysisTemplate \"errors\" is not among the files that were read; add its file with -f\n"},
		{"a short form that is none", "-f shop.yaml --what-if crsh@1m", "error: --what-if crsh@1m: there is nothing called \"crsh\"; did you mean crash? there is abort, apply"},
		{"unknown fields of a scenario", "-f shop.yaml --scenario unknown.yaml", "error: unknown.yaml:5:3: events[0].doo: unknown field; did you mean do?\n" +
			"unknown.yaml:6:3: events[1].at: \"soon\" is not a moment: write a time such as 2m, a share of the requests such as 75%, or a step such as step 3\n" +
			"unknown.yaml:8:1: expcet: unknown field; did you mean expect?\n"},
		{"a scenario that makes no sense", "-f shop.yaml --scenario wrong.yaml", "error: wrong.yaml:1:1: kind: is \"Plot\"; write Scenario\n" +
			"wrong.yaml:4:3: events[0].do: there is no command \"abbort\"; did you mean abort? there is abort, pause, promote, promote-full, restart, resume, retry, skip, undo\n" +
			"wrong.yaml:5:3: events[1]: says nothing that happens; write do, apply, reapply, scale, crash, evict, nodeLoss, router or outage\n" +
			"wrong.yaml:6:3: events[2]: says several things: do, scale; make each of them an event of its own\n" +
			"wrong.yaml:6:3: events[2].at: is step 7, and the rollout has 1 step\n" +
			"wrong.yaml:10:3: metrics[0].name: there is no metric \"errors\"; there is none\n" +
			"wrong.yaml:10:3: metrics[0]: has no values; write is: 0.01, or values with at and is\n" +
			"wrong.yaml:11:3: metrics[0].version: there is no version \"newer\"; did you mean new? there is old, new\n" +
			"wrong.yaml:12:10: faults.conflicts: is 1: an action is two writes, so that none would ever succeed; write 3 or more, for every time of so many\n" +
			"wrong.yaml:13:10: expect.ends: there is no end \"well\"; there is aborted, paused, promoted, reverted\n" +
			"wrong.yaml:14:1: router: there is no traffic router: spec.strategy.canary.trafficRouting is not set; leave it out\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errOut := run(t, "", append([]string{"simulate"}, strings.Fields(test.args)...)...)
			if code != ExitFailed || out != "" || !strings.HasPrefix(errOut, test.says) {
				t.Errorf("exit code %d, output %q, errors (-want +got):\n%s", code, out, cmp.Diff(test.says, errOut))
			}
		})
	}
}

func rolloutNamed(name string) string {
	return `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: ` + name + `}
spec:
  replicas: 4
  selector: {matchLabels: {app: shop}}
  strategy: {canary: {steps: [{setWeight: 20}]}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:2"}]}
`
}

func TestSimulateReadsTheStandardInput(t *testing.T) {
	code, out, errOut := run(t, rolloutNamed("shop"), "simulate", "-f", "-", "--what-if", "slow-start=40s")
	if code != ExitOK || errOut != "" || !strings.Contains(out, "Pods of new need 40s to be available.") {
		t.Errorf("exit code %d, errors %q:\n%s", code, errOut, out)
	}
}

// A Rollout may take its template from a Deployment, which must be among the files.
func TestSimulateTakesTheTemplateOfAWorkload(t *testing.T) {
	rollout := `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  replicas: 4
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: shop, scaleDown: onsuccess}
  strategy: {canary: {steps: [{setWeight: 50}]}}
`
	deployment := `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:2", readinessProbe: {initialDelaySeconds: 33, tcpSocket: {port: 80}}}]}
`
	code, out, errOut := run(t, rollout+deployment, "simulate", "-f", "-")
	if code != ExitOK || errOut != "" || !strings.Contains(out, "pods need 33s") || !strings.Contains(out, "Promoted after 1m6s") {
		t.Errorf("exit code %d, errors %q:\n%s", code, errOut, out)
	}
	if code, _, errOut = run(t, rollout, "simulate", "-f", "-"); code != ExitFailed || !strings.Contains(errOut, "Deployment shop was not found; add its file with -f") {
		t.Errorf("without the Deployment: exit code %d, errors %q", code, errOut)
	}
}

// Whoever imagines a traffic router is told so, and that the manifest would be rejected on a cluster.
func TestSimulateImaginesTrafficRouters(t *testing.T) {
	code, out, errOut := run(t, "", "simulate", "-f", "../../examples/simulate/weighted.yaml", "--what-if", "promote-after=1m")
	if code != ExitOK || errOut != "" || !strings.Contains(out, "behind a simulated traffic router") || !strings.Contains(out, "this version rejects the") {
		t.Errorf("exit code %d, errors %q:\n%s", code, errOut, out)
	}
}

func TestSimulatePrintsJSON(t *testing.T) {
	code, out, errOut := run(t, "", "simulate", "-f", seedFiles, "-o", "json", "--what-if", "abort@20s")
	var got struct {
		Ends     string
		EndsAt   float64
		Timeline []struct{ Kind, Text string }
		Aborts   []struct{ Step int }
		Warnings []struct{ File, Rule, Severity string }
		Expected []struct{ Met bool }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != ExitNo || errOut != "" {
		t.Fatalf("exit code %d, %v, errors %q", code, err, errOut)
	}
	if got.Ends != "aborted" || got.EndsAt != 20 || len(got.Timeline) < 5 || len(got.Aborts) != 9 || len(got.Expected) != 1 || got.Expected[0].Met {
		t.Errorf("it says %+v", got)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Rule != "first-series-only" {
		t.Errorf("the warnings are %+v", got.Warnings)
	}
}
