package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// session is a command line and what comes of it.
type session struct {
	args        string
	code        int
	out, errOut string
}

func (p place) carriesOut(t *testing.T, sessions []session) {
	t.Helper()
	for _, s := range sessions {
		t.Run(s.args, func(t *testing.T) {
			code, out, errOut := p.sluice(t, strings.Fields(s.args)...)
			got := session{s.args, code, out, errOut}
			if diff := cmp.Diff(s, got, cmp.AllowUnexported(session{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func (p place) again(t *testing.T, ro *api.Rollout) *api.Rollout {
	t.Helper()
	if err := p.Get(t.Context(), client.ObjectKeyFromObject(ro), ro); err != nil {
		t.Fatal(err)
	}
	return ro
}

func TestUndo(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "shop", "", "observedGeneration: '1'\ncurrentPodHash: ccc\nstableRS: ccc\n")
	p.set(t, ro, "aaa", "1", "shop:1")
	p.set(t, ro, "ccc", "2", "shop:2")
	p.carriesOut(t, []session{
		{"undo shop --to-revision 7", ExitNo, "", "error: rollout shop has no revision 7; there are 1, 2\n"},
		{"undo shop --to-revision -1", ExitFailed, "", "error: --to-revision is -1: revisions are counted from 1, and 0 is the one before the present one\n"},
		{"undo shop --to-revision 2", ExitOK, "rollout shop has the template of revision 2 already\n", ""},
		{"undo shop", ExitOK, "rollout shop goes back to the template of revision 1, step by step like any update; warning: nothing shows any more that it was ever stable\n", ""},
	})
	if got := p.again(t, ro).Spec.Template; got.Spec.Containers[0].Image != "shop:1" || got.Labels[api.LabelPodTemplateHash] != "" {
		t.Errorf("the template afterwards is %+v", got)
	}
}

func TestSetImage(t *testing.T) {
	p := real(t)
	ro := p.rollout(t, "shop", "", paused)
	p.carriesOut(t, []session{
		{"set image shop web=shop:3", ExitNo, "", "error: rollout shop has no container web; there are c\n"},
		{"set image shop c", ExitFailed, "", "error: \"c\" is no image: write CONTAINER=IMAGE, or *=IMAGE for all containers\n"},
		{"set image shop", ExitFailed, "", "error: sluice set image wants the name of a rollout, and CONTAINER=IMAGE\n"},
		{"set image shop c=shop:2", ExitOK, "rollout shop has these images already\n", ""},
		{"set image rollout/shop c=shop:3", ExitOK, "rollout shop has a new image for c: an update starts\n", ""},
		{"set image deployment/shop c=shop:3", ExitFailed, "", "error: \"deployment/shop\" names nothing sluice set image knows: write rollout/NAME\n"},
	})
	if got := p.again(t, ro).Spec.Template.Spec.Containers[0].Image; got != "shop:3" {
		t.Errorf("the image afterwards is %s", got)
	}
	p.carriesOut(t, []session{{"set image shop *=shop:4", ExitOK, "rollout shop has a new image for c: an update starts\n", ""}})
}

func TestRestart(t *testing.T) {
	p := real(t)
	one, other := p.rollout(t, "one", "", paused), p.rollout(t, "other", "", paused)
	before := time.Now().Add(-time.Second)
	p.carriesOut(t, []session{
		{"restart one --in soon", ExitFailed, "", "error: --in \"soon\" is no time span: write it like 30s, 10m or 1h30m\n"},
		{"restart one --in -5m", ExitFailed, "", "error: --in -5m lies in the past\n"},
		{"restart one missing other", ExitFailed, "rollout one replaces its pods, no more at a time than may be unavailable\nrollout other replaces its pods, no more at a time than may be unavailable\n",
			"error: there is no rollout missing in namespace " + p.namespace + "; there are one, other\n"},
	})
	for _, ro := range []*api.Rollout{one, other} {
		if at := p.again(t, ro).Spec.RestartAt; at == nil || at.Time.Before(before) || at.After(time.Now()) {
			t.Errorf("%s restarts at %v", ro.Name, at)
		}
	}
	if code, out, errOut := p.sluice(t, "restart", "one", "--in", "600"); code != ExitOK || !strings.HasSuffix(out, ", in 10m0s\n") {
		t.Errorf("in 600 seconds: exit code %d, %q, %q", code, out, errOut)
	}
	if at := p.again(t, one).Spec.RestartAt; time.Until(at.Time) < 9*time.Minute {
		t.Errorf("in 600 seconds: it restarts at %v", at)
	}
}

func TestSeveralNames(t *testing.T) {
	p := real(t)
	p.rollout(t, "one", "", paused)
	p.rollout(t, "two", "", "observedGeneration: '1'\nphase: Healthy\ncurrentPodHash: bbb\nstableRS: bbb\n")
	p.carriesOut(t, []session{
		{"abort one two", ExitNo, "rollout one goes back to its stable version; its analysis runs are stopped\n",
			"error: rollout two is fully promoted: there is no update to abort; to go back to an earlier version, apply that version\n"},
		{"pause one two", ExitOK, "rollout one stays where it is until it is resumed\nrollout two is paused: its next update waits until it is resumed\n", ""},
		{"resume one two", ExitOK, "rollout one is no longer paused, but stays aborted: to start its update again use sluice retry rollout one\nrollout two goes on\n", ""},
		{"retry rollout one two", ExitNo, "rollout one starts its update again at the first step, with new analysis runs\n",
			"error: rollout two is not aborted (Healthy): there is nothing to retry\n"},
		{"abort", ExitFailed, "", "error: sluice abort wants the name of a rollout\n"},
	})
}

func TestDeprecatedFlagsOfPromote(t *testing.T) {
	p := real(t)
	step, all := p.rollout(t, "step", "", paused), p.rollout(t, "all", "", paused)
	p.carriesOut(t, []session{
		{"promote step -c", ExitOK, "rollout step goes on with step 3 of 4\n",
			"--skip-current-step is deprecated: promote does this without a flag\n"},
		{"promote all --skip-all-steps", ExitOK, "rollout all skips its remaining steps and is promoted once its pods are ready\n",
			"--skip-all-steps is deprecated: use --full, which skips background analysis too\n"},
	})
	if diff := cmp.Diff([]string{`{"currentStepIndex":2}`, `{"currentStepIndex":4}`}, []string{facts(t, p.again(t, step)), facts(t, p.again(t, all))}); diff != "" {
		t.Errorf("the rollouts afterwards (-want +got):\n%s", diff)
	}
}

// analysisRun creates a run with a status, as the controller would have left it.
func (p place) analysisRun(t *testing.T, name, status string) *api.AnalysisRun {
	t.Helper()
	run := &api.AnalysisRun{}
	text := "spec: {metrics: [{name: errors, count: 3, interval: 20s, successCondition: 'result[0] <= 0.004', provider: {prometheus: {address: 'http://p', query: q}}}]}\nstatus: " + status
	if err := yaml.UnmarshalStrict([]byte(text), run); err != nil {
		t.Fatal(err)
	}
	run.ObjectMeta = metav1.ObjectMeta{Name: name, Namespace: p.namespace}
	if err := p.Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestTerminateAnalysisRun(t *testing.T) {
	p := real(t)
	running := p.analysisRun(t, "running", "{phase: Running}")
	p.analysisRun(t, "over", "{phase: Failed}")
	p.carriesOut(t, []session{
		{"terminate analysisrun running", ExitOK, "analysis run running ends; it is judged by what it has measured\n", ""},
		{"terminate ar over", ExitNo, "", "error: analysis run over has ended already (Failed): there is nothing to terminate\n"},
		{"terminate ar runnin", ExitFailed, "", "error: there is no analysis run runnin in namespace " + p.namespace + "; did you mean running?\n"},
	})
	if err := p.Get(t.Context(), client.ObjectKeyFromObject(running), running); err != nil {
		t.Fatal(err)
	}
	if !running.Spec.Terminate {
		t.Error("the run was not told to end")
	}
}

func TestSkippingAnAnalysisThatMeasuresWarns(t *testing.T) {
	p := real(t)
	const measuring = "observedGeneration: '1'\ncurrentPodHash: bbb\nstableRS: aaa\ncurrentStepIndex: 1\ncanary: {currentStepAnalysisRunStatus: {name: gate, status: Running}}\n"
	ro := p.rollout(t, "shop", "", "{}")
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"strategy":{"canary":{"steps":[{"setWeight":20},{"analysis":{"templates":[{"templateName":"errors"}]}},{"pause":{}}]}}}}`))
	if err := p.Patch(t.Context(), ro, patch); err != nil {
		t.Fatal(err)
	}
	again := strings.Replace(measuring, "'1'", "'2'", 1)
	p.setStatus(t, ro, again)
	p.analysisRun(t, "gate", "{phase: Running, metricResults: [{name: errors, phase: Running, count: 1, successful: 1}]}")
	const effect = "rollout shop skips step 2 of 3 and goes on with step 3 of 3\n"
	p.carriesOut(t, []session{{"promote shop", ExitOK, effect, "warning: rollout shop skips step 2 of 3, an analysis that has measured 1 of 3\n"}})
	p.setStatus(t, p.again(t, ro), strings.Replace(again, "gate", "gone", 1))
	p.carriesOut(t, []session{{"promote shop", ExitOK, effect, "warning: rollout shop skips step 2 of 3, an analysis that is still measuring\n"}})
}

func TestPassingOverAnInconclusiveAnalysisWarns(t *testing.T) {
	p := real(t)
	const doubt = "observedGeneration: '1'\ncurrentPodHash: bbb\nstableRS: aaa\ncurrentStepIndex: 1\nphase: Paused\nmessage: InconclusiveAnalysisRun\ncontrollerPause: true\n" +
		"pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}]\ncanary: {currentStepAnalysisRunStatus: {name: gate, status: Inconclusive}}\n"
	const warning = " skips step 2 of 4, whose analysis was inconclusive: nothing says that this version is good; sluice resume would have measured it again\n"
	p.rollout(t, "slow", "", doubt)
	p.rollout(t, "old", "", doubt)
	p.rollout(t, "again", "", doubt)
	p.carriesOut(t, []session{
		{"promote slow", ExitOK, "rollout slow passes over its inconclusive analysis and goes on with step 3 of 4\n", "warning: rollout slow" + warning},
		{"promote old -c", ExitOK, "rollout old goes on with step 3 of 4\n",
			"--skip-current-step is deprecated: promote does this without a flag\nwarning: rollout old" + warning},
		{"resume again", ExitOK, "rollout again measures its inconclusive analysis again\n", ""},
	})
}
