package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/telemetry"
)

// shelf is a cache with these objects in it.
type shelf struct {
	rollouts  []api.Rollout
	sets      []appsv1.ReplicaSet
	pods      []corev1.Pod
	runs      []api.AnalysisRun
	trials    []api.Experiment
	templates []api.AnalysisTemplate
	wide      []api.ClusterAnalysisTemplate
}

// Get implements client.Reader; metrics never ask for a single object.
func (s *shelf) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return fmt.Errorf("not expected")
}

// List implements client.Reader.
func (s *shelf) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	switch into := into.(type) {
	case *api.RolloutList:
		into.Items = s.rollouts
	case *appsv1.ReplicaSetList:
		into.Items = s.sets
	case *corev1.PodList:
		into.Items = s.pods
	case *api.AnalysisRunList:
		into.Items = s.runs
	case *api.ExperimentList:
		into.Items = s.trials
	case *api.AnalysisTemplateList:
		into.Items = s.templates
	case *api.ClusterAnalysisTemplateList:
		into.Items = s.wide
	default:
		return fmt.Errorf("no list of %T", into)
	}
	return nil
}

// scrape returns the series of the named metrics, without those about the process.
func scrape(t *testing.T, registry *prometheus.Registry, names ...string) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, family := range families {
		if !slices.Contains(names, family.GetName()) {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			lines = append(lines, fmt.Sprintf("%s{%s} %v", family.GetName(), strings.Join(labels, ","), value))
		}
	}
	return lines
}

func owned(name, uid, owner string) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{Namespace: "n", Name: name, UID: types.UID(uid), OwnerReferences: []metav1.OwnerReference{{UID: types.UID(owner), Controller: &yes}}}
}

func set(name, uid, owner, hash, revision string) appsv1.ReplicaSet {
	rs := appsv1.ReplicaSet{ObjectMeta: owned(name, uid, owner)}
	rs.Labels = map[string]string{api.LabelPodTemplateHash: hash}
	rs.Annotations = map[string]string{api.AnnotationRevision: revision}
	return rs
}

func pod(name, owner string) corev1.Pod { return corev1.Pod{ObjectMeta: owned(name, name, owner)} }

func rollout(name, uid, stable, current string) api.Rollout {
	r := api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, UID: types.UID(uid)}}
	r.Status.StableRS, r.Status.CurrentPodHash = stable, current
	return r
}

func TestPodsOfLiveRolloutsAreNamedByRole(t *testing.T) {
	ended := rollout("ended", "r2", "a", "a")
	ended.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	registry := prometheus.NewRegistry()
	telemetry.New(registry, telemetry.Options{Cached: &shelf{
		rollouts: []api.Rollout{rollout("shop", "r1", "a", "b"), ended},
		sets: []appsv1.ReplicaSet{
			set("shop-a", "s1", "r1", "a", "1"), set("shop-b", "s2", "r1", "b", "3"), set("shop-c", "s3", "r1", "c", "2"),
			set("ended-a", "s4", "r2", "a", "1"), set("other-a", "s5", "r9", "a", "1"),
		},
		pods: []corev1.Pod{pod("p1", "s1"), pod("p2", "s2"), pod("p3", "s3"), pod("p4", "s4"), pod("p5", "s5"), pod("p6", "s6")},
	}})
	want := []string{
		"sluice_pod_info{namespace=n,pod=p1,revision=1,role=stable,workload=shop,workload_type=rollout} 1",
		"sluice_pod_info{namespace=n,pod=p2,revision=3,role=canary,workload=shop,workload_type=rollout} 1",
		"sluice_pod_info{namespace=n,pod=p3,revision=2,role=other,workload=shop,workload_type=rollout} 1",
	}
	if diff := cmp.Diff(want, scrape(t, registry, "sluice_pod_info")); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func TestAPromotedCanaryIsStable(t *testing.T) {
	registry := prometheus.NewRegistry()
	telemetry.New(registry, telemetry.Options{Cached: &shelf{
		rollouts: []api.Rollout{rollout("shop", "r1", "b", "b")},
		sets:     []appsv1.ReplicaSet{set("shop-b", "s2", "r1", "b", "2")},
		pods:     []corev1.Pod{pod("p2", "s2")},
	}})
	want := []string{"sluice_pod_info{namespace=n,pod=p2,revision=2,role=stable,workload=shop,workload_type=rollout} 1"}
	if diff := cmp.Diff(want, scrape(t, registry, "sluice_pod_info")); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func TestPhasesHaveTheNamesOfTheReference(t *testing.T) {
	condition := func(kind api.RolloutConditionType, reason string) api.RolloutCondition {
		return api.RolloutCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason}
	}
	cases := []struct {
		name   string
		status api.RolloutStatus
		want   string
	}{
		{"new", api.RolloutStatus{}, "Progressing"},
		{"healthy", api.RolloutStatus{Phase: api.RolloutPhaseHealthy}, "Completed"},
		{"paused", api.RolloutStatus{Phase: api.RolloutPhasePaused}, "Paused"},
		{"degraded for another reason", api.RolloutStatus{Phase: api.RolloutPhaseDegraded}, "Error"},
		{"aborted", api.RolloutStatus{Phase: api.RolloutPhaseDegraded, Conditions: []api.RolloutCondition{condition(api.RolloutProgressing, api.ReasonRolloutAborted)}}, "Abort"},
		{"out of time", api.RolloutStatus{Phase: api.RolloutPhaseDegraded, Conditions: []api.RolloutCondition{condition(api.RolloutProgressing, api.ReasonProgressDeadlineExceeded)}}, "Timeout"},
		{"invalid", api.RolloutStatus{Phase: api.RolloutPhaseDegraded, Conditions: []api.RolloutCondition{condition(api.RolloutInvalidSpec, api.ReasonInvalidSpec)}}, "InvalidSpec"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := rollout("shop", "r1", "a", "a")
			r.Spec.Strategy.Canary = &api.CanaryStrategy{}
			r.Status = c.status
			registry := prometheus.NewRegistry()
			telemetry.New(registry, telemetry.Options{Cached: &shelf{rollouts: []api.Rollout{r}}})
			want := []string{"rollout_info{name=shop,namespace=n,phase=" + c.want + ",strategy=canary,traffic_router=} 1"}
			if diff := cmp.Diff(want, scrape(t, registry, "rollout_info")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMeasurementsAreShown(t *testing.T) {
	metrics := []api.Metric{
		{Name: "cpu", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{}}},
		{Name: "cpu", Provider: api.MetricProvider{Web: &api.WebMetric{}}}, // a mistake that must not break the scrape
		{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{}}},
	}
	run := api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "run"}}
	run.Spec.Metrics = metrics
	run.Status.Phase = api.AnalysisPhaseRunning
	run.Status.MetricResults = []api.MetricResult{{Name: "cpu", Phase: api.AnalysisPhaseFailed}}
	template := api.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "t"}}
	template.Spec.Metrics = metrics
	wide := api.ClusterAnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "w"}}
	objects := &shelf{runs: []api.AnalysisRun{run}, templates: []api.AnalysisTemplate{template}, wide: []api.ClusterAnalysisTemplate{wide}}
	names := []string{"analysis_run_info", "analysis_run_metric_phase", "analysis_run_metric_type", "analysis_template_info", "analysis_template_metric_info"}
	want := []string{
		"analysis_run_info{name=run,namespace=n,phase=Running} 1",
		"analysis_run_metric_phase{dry_run=false,metric=cpu,name=run,namespace=n,phase=Failed,type=Prometheus} 1",
		"analysis_run_metric_type{metric=cpu,name=run,namespace=n,type=Prometheus} 1",
		"analysis_run_metric_type{metric=load,name=run,namespace=n,type=Job} 1",
		"analysis_template_info{name=w,namespace=} 1",
		"analysis_template_info{name=t,namespace=n} 1",
		"analysis_template_metric_info{metric=cpu,name=t,namespace=n,type=Prometheus} 1",
		"analysis_template_metric_info{metric=load,name=t,namespace=n,type=Job} 1",
	}
	registry := prometheus.NewRegistry()
	telemetry.New(registry, telemetry.Options{Cached: objects})
	slices.Sort(want)
	got := scrape(t, registry, names...)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	alone := prometheus.NewRegistry()
	telemetry.New(alone, telemetry.Options{Cached: objects, OneNamespace: true})
	if text := fmt.Sprint(scrape(t, alone, names...)); strings.Contains(text, "name=w") {
		t.Errorf("in one namespace it lists cluster-wide objects: %s", text)
	}
}

func TestWhatIsGoneLeavesNoSeries(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := telemetry.New(registry, telemetry.Options{Cached: &shelf{}})
	shop := types.NamespacedName{Namespace: "n", Name: "shop"}
	m.Passed(api.KindRollout, shop, time.Millisecond, true)
	m.Passed(api.KindAnalysisRun, shop, time.Millisecond, false)
	m.Told(api.KindRollout, shop, "Normal", "RolloutUpdated")
	m.Told(api.KindRollout, shop, "Normal", "RolloutUpdated")
	m.Told(api.KindAnalysisRun, shop, "Normal", "MetricFailed") // not among the reference's
	names := []string{"rollout_reconcile", "rollout_reconcile_error", "analysis_run_reconcile", "rollout_events_total"}
	want := []string{
		"analysis_run_reconcile{name=shop,namespace=n} 1",
		"rollout_events_total{name=shop,namespace=n,reason=RolloutUpdated,type=Normal} 2",
		"rollout_reconcile{name=shop,namespace=n} 1",
		"rollout_reconcile_error{name=shop,namespace=n} 1",
	}
	if diff := cmp.Diff(want, scrape(t, registry, names...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	m.Gone(api.KindRollout, shop)
	if diff := cmp.Diff(want[:1], scrape(t, registry, names...)); diff != "" {
		t.Errorf("after the rollout is gone (-want +got):\n%s", diff)
	}
}

func TestTheEndOfAnUpdateIsCountedOnce(t *testing.T) {
	at := func(second int64) *metav1.Time { return &metav1.Time{Time: time.Unix(second, 0)} }
	running := &api.RolloutDuration{RolloutStartedAt: at(100)}
	ended := &api.RolloutDuration{RolloutStartedAt: at(100), FinishedAt: at(400), CompletionStatus: api.CompletionPromoted, TotalManualPauseDurationSeconds: 60}
	next := &api.RolloutDuration{RolloutStartedAt: at(500), FinishedAt: at(501), CompletionStatus: api.CompletionAborted}
	registry := prometheus.NewRegistry()
	m := telemetry.New(registry, telemetry.Options{Cached: &shelf{}})
	m.Saved(nil, running)
	m.Saved(running, ended)
	m.Saved(ended, ended)
	m.Saved(ended, next)
	waiting := &api.RolloutDuration{RolloutStartedAt: at(600), ManualPauseStartedAt: at(610)}
	m.Saved(next, waiting)
	m.Saved(waiting, &api.RolloutDuration{RolloutStartedAt: at(700)})
	want := []string{"rollout_duration_seconds{status=Aborted} 1", "rollout_duration_seconds{status=Promoted} 1", "rollout_duration_seconds{status=Superseded} 1"}
	if diff := cmp.Diff(want, scrape(t, registry, "rollout_duration_seconds")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
