package view

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// trying is an experiment of a rollout with a ReplicaSet and a run, two minutes after its pods were there.
func trying() (ex api.Experiment, sets []appsv1.ReplicaSet, runs []api.AnalysisRun, now time.Time) {
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := metav1.NewTime(now.Add(-2 * time.Minute))
	yes := true
	by := func(kind, name string, uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{Kind: kind, Name: name, UID: uid, Controller: &yes}}
	}
	numbered := map[string]string{api.AnnotationRevision: "2"}
	ex = api.Experiment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-b-2-1", Namespace: "store", UID: "ex", CreationTimestamp: at, Annotations: numbered, OwnerReferences: by("Rollout", "shop", "ro")},
		Spec:       api.ExperimentSpec{Duration: "5m", Templates: make([]api.TemplateSpec, 1), Analyses: make([]api.ExperimentAnalysisTemplateRef, 1)},
		Status:     api.ExperimentStatus{Phase: api.AnalysisPhaseRunning, AvailableAt: &at},
	}
	two := int32(2)
	sets = []appsv1.ReplicaSet{{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-b-2-1-next", UID: "rs", CreationTimestamp: at, OwnerReferences: by("Experiment", ex.Name, "ex")},
		Spec:       appsv1.ReplicaSetSpec{Replicas: &two}, Status: appsv1.ReplicaSetStatus{Replicas: 2, AvailableReplicas: 2, ReadyReplicas: 2},
	}}
	runs = []api.AnalysisRun{{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-b-2-1-errors", UID: "run", CreationTimestamp: at, Annotations: numbered, OwnerReferences: by("Experiment", ex.Name, "ex")},
		Status:     api.AnalysisRunStatus{Phase: api.AnalysisPhaseRunning, MetricResults: []api.MetricResult{{Name: "errors", Successful: 1}}},
	}}
	return ex, sets, runs, now
}

func TestExperimentShowsWhatItRuns(t *testing.T) {
	ex, sets, runs, now := trying()
	page := Experiment(ExperimentScene{Experiment: &ex, ReplicaSets: sets, Runs: runs, Now: now}, 0)
	text := page.Text(0, func(_ Tone, text string) string { return text })
	want := []string{
		"Status:", "◌ Running", "rollout shop, revision 2", "5m, 3m left", "Σ shop-b-2-1", "├──⧉ shop-b-2-1-next", "✔ Healthy", "└──α shop-b-2-1-errors", "✔ 1",
	}
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func TestARolloutShowsItsExperimentsUnderTheirRevision(t *testing.T) {
	ex, sets, runs, now := trying()
	ro := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "ro"}}
	var names []string
	for _, r := range (Scene{Rollout: ro, Experiments: []api.Experiment{ex}, ReplicaSets: sets, Runs: runs, Now: now}).own().tree() {
		names = append(names, r.branch+r.icon+" "+r.name)
	}
	want := []string{"⟳ shop", "└──# revision:2", "   └──Σ shop-b-2-1", "      ├──⧉ shop-b-2-1-next", "      └──α shop-b-2-1-errors"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestExperimentsAreListed(t *testing.T) {
	ex, _, _, now := trying()
	text := Experiments([]api.Experiment{ex}, Columns{Now: now}).Page().Text(0, func(_ Tone, text string) string { return text })
	for _, part := range []string{"REMAINING", "shop-b-2-1", "Running", "rollout shop", "5m", "3m"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}
