package decide

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// scene is Rollout "web" with four pods on its way from a stable revision to a new one, at the first
// step, with everything where that step wants it. The steps: setWeight 25, a pause without end, an
// analysis, setWeight 50.
type scene struct{ RolloutInput }

func newScene() *scene {
	quarter, half, four := int32(25), int32(50), int32(4)
	ro := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 7, Annotations: map[string]string{api.AnnotationRevision: "2"}}}
	ro.Spec.Replicas = &four
	ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	ro.Spec.Template = podTemplate("2")
	ro.Spec.Strategy.Canary = &api.CanaryStrategy{Steps: []api.CanaryStep{
		{SetWeight: &quarter},
		{Pause: &api.RolloutPause{}},
		{Analysis: &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "errors"}}}},
		{SetWeight: &half},
	}}
	s := &scene{RolloutInput{Rollout: ro, Now: noon}}
	old := podTemplate("1")
	stable, fresh := PodHash(&old, nil), PodHash(&ro.Spec.Template, nil)
	s.Observed.ReplicaSets = []ReplicaSet{
		{Name: "web-" + fresh, Hash: fresh, Revision: 2, CreatedAt: noon.Add(-time.Minute), Template: ro.Spec.Template, DesiredReplicas: 4, Observed: true},
		{Name: "web-" + stable, Hash: stable, Revision: 1, CreatedAt: noon.Add(-time.Hour), Template: old, DesiredReplicas: 4, Observed: true},
	}
	s.Observed.Templates = map[TemplateKey]api.AnalysisTemplateSpec{{Name: "errors"}: {Metrics: []api.Metric{{
		Name: "errors", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}},
	}}}}
	s.pods(1, 3)
	ro.Status = api.RolloutStatus{StableRS: stable, CurrentPodHash: fresh, ObservedGeneration: "7", Conditions: []api.RolloutCondition{
		{Type: api.RolloutProgressing, Status: corev1.ConditionTrue, Reason: api.ReasonReplicaSetUpdated, LastUpdateTime: metav1.NewTime(noon.Add(-time.Minute))},
		{Type: api.RolloutCompleted, Status: corev1.ConditionFalse, Reason: api.ReasonRolloutCompleted},
	}}
	s.rehash()
	s.step(0)
	return s
}

func podTemplate(version string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:" + version}}},
	}
}

func (s *scene) canary() *api.CanaryStrategy { return s.Rollout.Spec.Strategy.Canary }
func (s *scene) fresh() *ReplicaSet          { return &s.Observed.ReplicaSets[0] }
func (s *scene) stable() *ReplicaSet         { return &s.Observed.ReplicaSets[1] }
func (s *scene) replicas(n int32)            { s.Rollout.Spec.Replicas = &n }
func (s *scene) step(index int32)            { s.Rollout.Status.CurrentStepIndex = &index }

// rehash makes the present steps those that are known.
func (s *scene) rehash() { s.Rollout.Status.CurrentStepHash = StepHash(s.canary().Steps) }

// pods gives both sides this many pods, all available.
func (s *scene) pods(canary, stable int32) {
	for i, n := range []int32{canary, stable} {
		rs := &s.Observed.ReplicaSets[i]
		rs.Wanted, rs.Replicas, rs.Ready, rs.Available = n, n, n, n
	}
}

// promoted makes the new revision the stable one, with all pods.
func (s *scene) promoted() {
	s.Rollout.Status.StableRS = s.Rollout.Status.CurrentPodHash
	s.step(int32(len(s.canary().Steps)))
	s.pods(4, 0)
}

// paused adds a pause condition as this controller would have.
func (s *scene) paused(reason api.PauseReason, since time.Time) {
	status := &s.Rollout.Status
	status.PauseConditions = append(status.PauseConditions, api.PauseCondition{Reason: reason, StartTime: metav1.NewTime(since)})
	status.ControllerPause = true
}

// run adds the run of the current step, in a phase, and its place in the status.
func (s *scene) run(phase api.AnalysisPhase) *api.AnalysisRun {
	name := s.fresh().Name + "-2-2"
	run := &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(noon)}}
	run.Labels = map[string]string{api.LabelPodTemplateHash: s.fresh().Hash}
	run.Status.Phase = phase
	s.Observed.Runs = append(s.Observed.Runs, run)
	s.Rollout.Status.Canary.CurrentStepAnalysisRunStatus = &api.RolloutAnalysisRunStatus{Name: name, Status: phase}
	return run
}

// told lists the events of a plan as "reason: message".
func told(p Plan[api.RolloutStatus]) (all []string) {
	for _, e := range p.Events {
		all = append(all, e.Reason+": "+e.Message)
	}
	return all
}

// wants checks that an event was told.
func wants(t *testing.T, p Plan[api.RolloutStatus], event string) {
	t.Helper()
	if !slices.Contains(told(p), event) {
		t.Errorf("events %q, want %q among them", told(p), event)
	}
}

func index(s api.RolloutStatus) int32 {
	if s.CurrentStepIndex == nil {
		return -1
	}
	return *s.CurrentStepIndex
}
