package decide

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// server is what the API server makes of a template.
func server(t corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	t = *t.DeepCopy()
	t.Spec.RestartPolicy = corev1.RestartPolicyAlways
	t.Spec.Containers[0].TerminationMessagePath = "/dev/termination-log"
	return t
}

func template(image string, env ...string) corev1.PodTemplateSpec {
	c := corev1.Container{Name: "c", Image: image}
	for _, name := range env {
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: "1"})
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{c}},
	}
}

// foreign is a revision of somebody whose hash of the template is another one than ours.
func foreign(hash string, revision int64, t corev1.PodTemplateSpec) ReplicaSet {
	t = server(t)
	t.Labels[api.LabelPodTemplateHash] = hash
	return ReplicaSet{Name: "ro-" + hash, Hash: hash, Revision: revision, Wanted: 4, Replicas: 4, Ready: 4, Available: 4, Observed: true, DesiredReplicas: 4, Template: t}
}

// adoptee is a Rollout with this template that another controller has steered: "old" is stable, "new" is on
// its way at the pause of step 1.
func adoptee(t corev1.PodTemplateSpec) RolloutInput {
	replicas, index, weight := int32(4), int32(1), int32(25)
	ro := &api.Rollout{}
	ro.Name, ro.Generation = "ro", 7
	ro.Spec = api.RolloutSpec{
		Replicas: &replicas, Template: t, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		Strategy: api.RolloutStrategy{Canary: &api.CanaryStrategy{Steps: []api.CanaryStep{{SetWeight: &weight}, {Pause: &api.RolloutPause{}}}}},
	}
	ro.Status = api.RolloutStatus{
		ObservedGeneration: "7", CurrentPodHash: "new", StableRS: "old", CurrentStepIndex: &index, CurrentStepHash: StepHash(ro.Spec.Strategy.Canary.Steps),
		ControllerPause: true, PauseConditions: []api.PauseCondition{{Reason: api.PauseReasonCanaryPauseStep}},
	}
	older, newer := foreign("old", 1, template("app:1")), foreign("new", 2, template("app:2", "A", "B"))
	older.Wanted, older.Replicas, older.Ready, older.Available = 3, 3, 3, 3
	newer.Wanted, newer.Replicas, newer.Ready, newer.Available = 1, 1, 1, 1
	return RolloutInput{Rollout: ro, Observed: Observed{ReplicaSets: []ReplicaSet{older, newer}}, Now: time.Unix(1e9, 0)}
}

func TestWhichRevisionATemplateIs(t *testing.T) {
	current := template("app:2", "A", "B")
	changed, removed := template("app:3", "A", "B"), template("app:2", "A")
	const down = "no route to the webhook"
	for _, c := range []struct {
		name     string
		template corev1.PodTemplateSpec
		change   func(*RolloutInput)
		want     string // "" = begins a revision of its own
		waits    bool
	}{
		{"the server's defaulting shows that it is the current one", current, func(in *RolloutInput) { in.Observed.ServerTemplate = ptr(server(current)) }, "new", false},
		{"the server's defaulting shows that it is an old one", template("app:1"), func(in *RolloutInput) { in.Observed.ServerTemplate = ptr(server(template("app:1"))) }, "old", false},
		{"the server's defaulting shows that it is new", changed, func(in *RolloutInput) { in.Observed.ServerTemplate = ptr(server(changed)) }, "", false},
		{"the server cannot be asked, and the template was steered as this revision", current, func(in *RolloutInput) { in.Observed.Unjudged = down }, "new", false},
		{"the server cannot be asked, and the spec changed since it was steered", current, func(in *RolloutInput) {
			in.Observed.Unjudged = down
			in.Rollout.Generation = 8
		}, "new", true},
		{"the server cannot be asked, and the spec was invalid when it was last seen", current, func(in *RolloutInput) {
			in.Observed.Unjudged = down
			in.Rollout.Status.Conditions = []api.RolloutCondition{{Type: api.RolloutInvalidSpec, Status: corev1.ConditionTrue}}
		}, "new", true},
		{"the server cannot be asked, but another image is another template", changed, func(in *RolloutInput) {
			in.Observed.Unjudged = down
			in.Rollout.Generation = 8
		}, "", false},
		{"the server cannot be asked, but a shorter list is another template", removed, func(in *RolloutInput) {
			in.Observed.Unjudged = down
			in.Rollout.Generation = 8
		}, "", false},
		{"the server cannot be asked, but an annotation makes another template", annotated(current), func(in *RolloutInput) {
			in.Observed.Unjudged = down
			in.Rollout.Generation = 8
		}, "", false},
		{"the server cannot be asked, and it may be an old revision", template("app:1"), func(in *RolloutInput) {
			in.Observed.Unjudged = down
			in.Rollout.Generation = 8
		}, "new", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := adoptee(c.template)
			c.change(&in)
			want := c.want
			if want == "" {
				want = PodHash(&in.Rollout.Spec.Template, nil)
			}
			before := in.Rollout.Status.ObservedGeneration
			plan := Rollout(in)
			if got := plan.Status.CurrentPodHash; got != want {
				t.Errorf("the current revision is %q, want %q", got, want)
			}
			if waits := strings.Contains(plan.Status.Message, down); waits != c.waits {
				t.Errorf("the message is %q, want it to wait: %v", plan.Status.Message, c.waits)
			}
			if c.waits && (len(plan.Actions) > 0 || plan.Status.ObservedGeneration != before || plan.Reason.Code != "TemplateUnknown") {
				t.Errorf("while it waits it does %v, for reason %q, and says it has observed generation %s", plan.Actions, plan.Reason.Code, plan.Status.ObservedGeneration)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func annotated(t corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	t.Annotations = map[string]string{"release": "3"}
	return t
}

func TestWaitingForTheServerIsToldOnceAndStopsNoAbort(t *testing.T) {
	in := adoptee(template("app:1"))
	in.Observed.Unjudged, in.Rollout.Generation = "no route", 8
	first := Rollout(in)
	in.Rollout.Status = first.Status
	second := Rollout(in)
	var told []string
	for _, e := range append(first.Events, second.Events...) {
		told = append(told, fmt.Sprint(e.Warning, " ", e.Reason))
	}
	if diff := cmp.Diff([]string{"true " + api.EventRolloutReconciliationError}, told); diff != "" {
		t.Errorf("events of two passes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first.Status, second.Status); diff != "" {
		t.Errorf("the status changes at rest (-first +second):\n%s", diff)
	}
	in.Rollout.Status.Abort = true
	sizes := map[string]int32{}
	for _, action := range Rollout(in).Actions {
		if w, ok := action.(ReplicaSetWants); ok {
			sizes[w.Name] = w.To
		}
	}
	if diff := cmp.Diff(map[string]int32{"ro-new": 0, "ro-old": 4}, sizes); diff != "" {
		t.Errorf("after an abort (-want +got):\n%s", diff)
	}
}

// TestNothingIsTouchedWhileNeitherStatusNorServerTellsTheRoles: a Rollout restored without its status.
func TestNothingIsTouchedWhileNeitherStatusNorServerTellsTheRoles(t *testing.T) {
	in := adoptee(template("app:2", "A", "B"))
	in.Observed.Unjudged, in.Rollout.Status = "no route", api.RolloutStatus{}
	if plan := Rollout(in); len(plan.Actions) > 0 {
		t.Errorf("it does %+v", plan.Actions)
	}
}

func TestStepsHashedByAnotherVersionAreNotStartedOver(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*api.Rollout)
		over   bool
	}{
		{"the status belongs to this spec: only the hash function differs", func(*api.Rollout) {}, false},
		{"the spec changed since: the steps may have, too", func(ro *api.Rollout) { ro.Generation = 8 }, true},
		{"the spec was invalid when it was last seen", func(ro *api.Rollout) {
			ro.Status.Conditions = []api.RolloutCondition{{Type: api.RolloutInvalidSpec, Status: corev1.ConditionTrue}}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := adoptee(template("app:2", "A", "B"))
			in.Observed.ServerTemplate = ptr(server(in.Rollout.Spec.Template))
			in.Rollout.Status.CurrentStepHash = "theirs"
			c.change(in.Rollout)
			s := Rollout(in).Status
			over := slices.ContainsFunc(s.Decisions, func(d api.Decision) bool { return d.Reason == DecidedStepsChanged })
			if over != c.over || over == (len(s.PauseConditions) > 0) {
				t.Errorf("it starts over: %v, want %v; decisions are %+v, the pause is %+v", over, c.over, s.Decisions, s.PauseConditions)
			}
			if want := StepHash(in.Rollout.Spec.Strategy.Canary.Steps); s.CurrentStepHash != want {
				t.Errorf("the step hash is %q, want ours, %q: a later change of the spec is compared with it", s.CurrentStepHash, want)
			}
		})
	}
}

func TestAJobOfTheControllerBeforeUsIsNotStartedAgain(t *testing.T) {
	at := metav1.Unix(1e9, 0)
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}}}
	run.Status = api.AnalysisRunStatus{Phase: api.AnalysisPhaseRunning, StartedAt: &at, MetricResults: []api.MetricResult{{
		Name: "load", Phase: api.AnalysisPhaseRunning,
		Measurements: []api.Measurement{{Phase: api.AnalysisPhaseRunning, StartedAt: &at, Metadata: map[string]string{api.MetadataJobName: "theirs"}}},
	}}}
	plan := Analysis(AnalysisInput{Run: run, Now: at.Add(time.Minute)})
	if r := plan.Status.MetricResults[0]; len(plan.Actions) > 0 || r.Error != 1 || !strings.Contains(r.Measurements[0].Message, "deleted") {
		t.Errorf("its Job is gone, and it does %v and says %+v", plan.Actions, r)
	}
}
