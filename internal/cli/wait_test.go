package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestStatusOfAnAnalysisRun(t *testing.T) {
	p := real(t)
	p.analysisRun(t, "good", "{phase: Successful}")
	p.analysisRun(t, "bad", "{phase: Failed, message: it failed}")
	p.analysisRun(t, "wrong", "{phase: Error, message: no answer}")
	p.analysisRun(t, "unsure", "{phase: Inconclusive}")
	p.analysisRun(t, "running", "{phase: Running}")
	p.analysisRun(t, "new", "{}")
	p.carriesOut(t, []session{
		{"status analysisrun good", ExitOK, "Successful\n", ""},
		{"status ar bad", ExitNo, "Failed - it failed\n", ""},
		{"status analysisrun/wrong", ExitNo, "Error - no answer\n", ""},
		{"status analysisrun.argoproj.io/unsure", ExitNo, "Inconclusive\n", ""},
		{"status ar running --watch=false", ExitUnfinished, "Running\n", ""},
		{"status ar new --watch=false", ExitUnfinished, "Pending\n", ""},
		{"status ar running --timeout 1s", ExitTimeout, "Running\n", "error: timed out waiting for analysis run running, which is Running\n"},
		{"status ar nothing-like-it", ExitFailed, "", "error: there is no analysis run nothing-like-it in namespace " + p.namespace + "; there are bad, good, new, running, unsure, wrong\n"},
		{"status template good", ExitFailed, "", "error: sluice status knows no template: write rollout or analysisrun\n"},
		{"status at/good", ExitFailed, "", "error: at/good is an analysis template, and sluice status wants a rollout or an analysis run\n"},
	})
}

// judge gives a run a phase as soon as it is there.
func (p place) judge(t *testing.T, name string, phase api.AnalysisPhase) {
	key := client.ObjectKey{Namespace: p.namespace, Name: name}
	run := &api.AnalysisRun{}
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		if p.Get(context.WithoutCancel(t.Context()), key, run) != nil {
			continue
		}
		time.Sleep(500 * time.Millisecond) // so that the beginning is shown, too
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"`+string(phase)+`"}}`))
		if err := p.Patch(context.WithoutCancel(t.Context()), run, patch); err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("there was never a run %s", name)
}

func TestCreatingARunWithWatchEndsWithTheRun(t *testing.T) {
	p := real(t)
	file := write(t, "template.yaml", goodTemplate)
	for phase, want := range map[api.AnalysisPhase]int{
		api.AnalysisPhaseSuccessful: ExitOK, api.AnalysisPhaseFailed: ExitNo,
		api.AnalysisPhaseError: ExitNo, api.AnalysisPhaseInconclusive: ExitNo,
	} {
		name := "trial-" + strings.ToLower(string(phase))
		done := make(chan struct{})
		go func() { defer close(done); p.judge(t, name, phase) }()
		code, out, errOut := p.sluice(t, "create", "ar", "--from-file", file, "--name", name, "-a", "service=shop", "--watch", "--timeout", "1m")
		<-done
		if code != want || errOut != "" {
			t.Errorf("%s: exit code %d, %q", phase, code, errOut)
		}
		if strings.Count(out, "Status:") != 2 || !strings.Contains(out, "Pending") || !strings.Contains(out, string(phase)) {
			t.Errorf("%s: it printed\n%s", phase, out)
		}
	}
}

func TestCreatingARunWithWatchTimesOut(t *testing.T) {
	p := real(t)
	file := write(t, "template.yaml", goodTemplate)
	create := "create ar --from-file " + file + " -a service=shop --name "
	code, out, errOut := p.sluice(t, strings.Fields(create+"slow -w --timeout 1s")...)
	if code != ExitTimeout || errOut != "error: timed out waiting for analysis run slow, which is Pending\n" || strings.Count(out, "Status:") != 1 {
		t.Errorf("exit code %d, %q\n%s", code, errOut, out)
	}
	p.carriesOut(t, []session{
		{create + "other --timeout 1s", ExitFailed, "", "error: --timeout is how long --watch waits: add --watch, or leave it out\n"},
	})
	ctx, interrupt := context.WithCancel(t.Context())
	screen := &pictures{until: []string{"Status:"}, cancel: interrupt}
	var wrong strings.Builder
	args := strings.Fields(create + "cut -w --kubeconfig " + p.kubeconfig)
	if code := Run(ctx, "sluice", args, Streams{Out: screen, Err: &wrong}, "v1"); code != ExitFailed || wrong.String() != "error: interrupted\n" {
		t.Errorf("interrupted: exit code %d, %q", code, wrong.String())
	}
}
