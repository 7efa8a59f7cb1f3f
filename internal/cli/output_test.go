package cli

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func TestGetPrintsTheObjectItself(t *testing.T) {
	p := real(t)
	p.rollout(t, "shop", "", paused)
	readers := map[string]func([]byte, any) error{
		"json": json.Unmarshal,
		"yaml": func(text []byte, into any) error { return yaml.Unmarshal(text, into) },
	}
	for format, read := range readers {
		_, out, errOut := p.sluice(t, "get", "rollout", "shop", "-o", format)
		var got map[string]any
		if err := read([]byte(out), &got); err != nil {
			t.Fatalf("-o %s: %v\n%s%s", format, err, out, errOut)
		}
		meta, _ := got["metadata"].(map[string]any)
		if got["apiVersion"] != "argoproj.io/v1alpha1" || got["kind"] != "Rollout" || meta["managedFields"] != nil || meta["name"] != "shop" {
			t.Errorf("-o %s prints %s", format, out)
		}
	}
	if _, out, _ := p.sluice(t, "get", "ro", "shop", "-o", "json", "--show-managed-fields"); !strings.Contains(out, "managedFields") {
		t.Errorf("managed fields are not shown:\n%s", out)
	}
	p.carriesOut(t, []session{
		{"get rollout shop -o name", ExitOK, "rollout.argoproj.io/shop\n", ""},
		{"get rollout shop -o xml", ExitFailed, "", "error: -o \"xml\" is not known: write json, yaml, name or wide, or leave it out\n"},
		{"get rollout nowhere -o json", ExitFailed, "", "error: there is no rollout nowhere in namespace " + p.namespace + "; there are shop\n"},
		{"list rollouts -o name", ExitOK, "rollout.argoproj.io/shop\n", ""},
		{"list rollouts --name other", ExitOK, "", "there is no rollout other in namespace " + p.namespace + "\n"},
		{"list rollouts -w -o json", ExitFailed, "", "error: list cannot print -o json while it watches: leave one of them out\n"},
	})
	_, out, _ := p.sluice(t, "list", "rollouts", "-o", "json")
	var list struct {
		Kind  string
		Items []struct{ Kind string }
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || list.Kind != "List" || len(list.Items) != 1 || list.Items[0].Kind != "Rollout" {
		t.Errorf("the list as JSON: %v\n%s", err, out)
	}
}

func TestListAnalysisRuns(t *testing.T) {
	p := real(t)
	p.analysisRun(t, "bad", "{phase: Failed, message: it failed, metricResults: [{name: errors, phase: Failed, count: 2, successful: 1, failed: 1}]}")
	p.analysisRun(t, "new", "{}")
	_, out, _ := p.sluice(t, "list", "analysisruns")
	want := []string{"NAME STATUS FOR METRICS MEASURED AGE", "bad Failed - 1 ✔ 1,✖ 1", "new Pending - 1 -"}
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if got := strings.Join(strings.Fields(line), " "); i >= len(want) || !strings.HasPrefix(got, want[i]) {
			t.Errorf("line %d is %q in\n%s", i, line, out)
		}
	}
	if _, out, _ := p.sluice(t, "list", "ar", "--name", "bad", "-o", "wide"); !strings.Contains(out, "it failed") || strings.Contains(out, "new") {
		t.Errorf("wide, by name:\n%s", out)
	}
}

func TestListRolloutsWide(t *testing.T) {
	p := real(t)
	p.rollout(t, "shop", "", paused)
	_, out, _ := p.sluice(t, "list", "rollouts", "-A", "--name", "shop", "-o", "wide")
	for _, want := range []string{"NAMESPACE", "MESSAGE", "IMAGES", "CanaryPauseStep", "shop:2", p.namespace} {
		if !strings.Contains(out, want) {
			t.Errorf("the list lacks %s:\n%s", want, out)
		}
	}
}

func TestListFollowsChanges(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "shop", "", paused)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := &pictures{until: []string{"NAME", "Paused", "Healthy", "deleted"}, cancel: cancel}
	done := make(chan int)
	go func() {
		done <- Run(ctx, "sluice", []string{"list", "rollouts", "-w", "--timestamps", "--kubeconfig", p.kubeconfig}, Streams{Out: out, Err: io.Discard}, "v1")
	}()
	time.Sleep(500 * time.Millisecond)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Healthy","controllerPause":false,"pauseConditions":null}}`))
	if err := p.Status().Patch(t.Context(), ro, patch); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := p.Delete(t.Context(), ro); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != ExitOK || len(out.until) > 0 {
		t.Errorf("exit code %d; never shown: %q in\n%s", code, out.until, out.text.String())
	}
	lines := strings.Split(strings.TrimSpace(out.text.String()), "\n")
	if len(lines) != 4 {
		t.Errorf("%d lines, want the head and one for each change:\n%s", len(lines), out.text.String())
	}
	for _, line := range lines {
		if stamp, _, _ := strings.Cut(line, "  "); len(stamp) < len("2026-01-01T00:00:00Z") {
			t.Errorf("a line without a time: %q", line)
		}
	}
}

func TestGetAnalysisRun(t *testing.T) {
	p := real(t)
	const measured = "{phase: Failed, message: it failed, startedAt: 2026-01-01T00:00:00Z, completedAt: 2026-01-01T00:00:41Z, metricResults: [{name: errors, phase: Failed, count: 2, successful: 1, failed: 1, measurements: [" +
		"{phase: Successful, startedAt: 2026-01-01T00:00:20Z, finishedAt: 2026-01-01T00:00:20Z, value: '[0.002]', metadata: {sluice.dev/threshold: 0.002 < 0.004, sluice.dev/condition: 'result[0] <= 0.004'}}," +
		"{phase: Failed, startedAt: 2026-01-01T00:00:41Z, finishedAt: 2026-01-01T00:00:41Z, value: '[0.0123]', metadata: {sluice.dev/threshold: 0.0123 > 0.004, sluice.dev/condition: 'result[0] <= 0.004'}}]}]}"
	p.analysisRun(t, "trial", measured)
	for _, command := range []string{"get analysisrun trial", "get ar trial", "why trial", "why analysisrun trial", "why ar/trial"} {
		_, out, errOut := p.sluice(t, strings.Fields(command)...)
		for _, want := range []string{"trial", "✖", "Failed", "it failed", "2 of 3 measured", "0.0123 > 0.004 (308 %)", "0.002 ≤ 0.004 (50 %)", "result[0] <= 0.004"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %q:\n%s%s", command, want, out, errOut)
			}
		}
	}
	p.carriesOut(t, []session{
		{"get analysisrun nowhere", ExitFailed, "", "error: there is no analysis run nowhere in namespace " + p.namespace + "; there are trial\n"},
		{"why nowhere", ExitFailed, "", "error: there is no rollout nowhere in namespace " + p.namespace + ", nor any other\n"},
		{"why pod trial", ExitFailed, "", "error: sluice why knows no pod: write rollout or analysisrun\n"},
	})
}

func TestGetAnalysisRunFollowsChanges(t *testing.T) {
	p := real(t)
	run := p.analysisRun(t, "trial", "{phase: Running}")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := &pictures{until: []string{"◌ Running", "✔ Successful"}, cancel: cancel}
	done := make(chan int)
	go func() {
		done <- Run(ctx, "sluice", []string{"get", "ar", "trial", "-w", "--kubeconfig", p.kubeconfig}, Streams{Out: out, Err: os.Stderr}, "v1")
	}()
	time.Sleep(500 * time.Millisecond)
	if err := p.Patch(t.Context(), run, client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Successful"}}`))); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != ExitOK || len(out.until) > 0 {
		t.Errorf("exit code %d; never shown: %q in\n%s", code, out.until, out.text.String())
	}
}

func TestGetStreamsTheObjectItself(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "shop", "", paused)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := &pictures{until: []string{"phase: Paused", "---", "phase: Healthy"}, cancel: cancel}
	done := make(chan int)
	go func() {
		done <- Run(ctx, "sluice", []string{"get", "ro", "shop", "-w", "-o", "yaml", "--kubeconfig", p.kubeconfig}, Streams{Out: out, Err: os.Stderr}, "v1")
	}()
	time.Sleep(500 * time.Millisecond)
	if err := p.Status().Patch(t.Context(), ro, client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Healthy"}}`))); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != ExitOK || len(out.until) > 0 {
		t.Errorf("exit code %d; never shown: %q in\n%s", code, out.until, out.text.String())
	}
}

func TestVersionForMachines(t *testing.T) {
	tests := []struct{ args, want string }{
		{"version --short", "v1.2.3\n"},
		{"version", "sluice v1.2.3 (abc)\n"},
	}
	for _, test := range tests {
		var out strings.Builder
		if code := Run(t.Context(), "sluice", strings.Fields(test.args), Streams{Out: &out, Err: io.Discard}, "v1.2.3 (abc)"); code != ExitOK || out.String() != test.want {
			t.Errorf("%s: exit code %d, %q", test.args, code, out.String())
		}
	}
	info := built("v1.2.3 (abc)")
	if diff := cmp.Diff([]string{"v1.2.3", "abc"}, []string{info.Version, info.Commit}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if code := Run(t.Context(), "sluice", []string{"version", "-o", "xml"}, Streams{Out: io.Discard, Err: io.Discard}, "v1"); code != ExitFailed {
		t.Errorf("-o xml: exit code %d", code)
	}
}

func TestListByLabels(t *testing.T) {
	p := real(t)
	p.labelled(t, "shop", "team", "web")
	p.labelled(t, "cart", "team", "till")
	p.carriesOut(t, []session{
		{"list rollouts -l team=web -o name", ExitOK, "rollout.argoproj.io/shop\n", ""},
		{"list ro --selector team!=web -o name", ExitOK, "rollout.argoproj.io/cart\n", ""},
		{"list ro -l team=none", ExitOK, "", "there are no rollouts with team=none in namespace " + p.namespace + "\n"},
		{"list ro shop -l team=till -o name", ExitOK, "", ""},
	})
	if code, _, errOut := p.sluice(t, "list", "ro", "-l", "=="); code != ExitFailed || !strings.HasPrefix(errOut, "error: reading -l ==: ") {
		t.Errorf("labels that are none: exit code %d, %q", code, errOut)
	}
	code, out, errOut := p.sluice(t, "list", "ro", "-w", "-l", "team=web", "--timeout-seconds", "1")
	if code != ExitOK || strings.Count(out, "\n") != 2 || !strings.Contains(out, "shop") || errOut != "" {
		t.Errorf("watched for a second: exit code %d, %q\n%s", code, errOut, out)
	}
}

// labelled is a rollout with a label.
func (p place) labelled(t *testing.T, name, label, value string) {
	t.Helper()
	ro := p.rollout(t, name, "", paused)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+label+`":"`+value+`"}}}`))
	if err := p.Patch(t.Context(), ro, patch); err != nil {
		t.Fatal(err)
	}
}
