package telemetry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/telemetry"
)

// What dashboards and alerts made for Argo Rollouts ask for: name, type, labels. Those of
// notifications come with that part.
var contract = []string{
	"analysis_run_info gauge name,namespace,phase",
	"analysis_run_metric_phase gauge dry_run,metric,name,namespace,phase,type",
	"analysis_run_metric_type gauge metric,name,namespace,type",
	"analysis_run_phase gauge name,namespace,phase",
	"analysis_run_reconcile histogram name,namespace",
	"analysis_run_reconcile_error counter name,namespace",
	"analysis_template_info gauge name,namespace",
	"analysis_template_metric_info gauge metric,name,namespace,type",
	"argo_rollouts_controller_info gauge version",
	"build_info gauge commit,goarch,goversion,version",
	"controller_clientset_k8s_request_total counter kind,name,namespace,status_code,verb",
	"experiment_info gauge name,namespace,phase",
	"experiment_phase gauge name,namespace,phase",
	"experiment_reconcile histogram name,namespace",
	"experiment_reconcile_error counter name,namespace",
	"rollout_duration_seconds histogram status",
	"rollout_events_total counter name,namespace,reason,type",
	"rollout_info gauge name,namespace,phase,strategy,traffic_router",
	"rollout_info_replicas_available gauge name,namespace",
	"rollout_info_replicas_desired gauge name,namespace",
	"rollout_info_replicas_unavailable gauge name,namespace",
	"rollout_info_replicas_updated gauge name,namespace",
	"rollout_manual_pause_duration_seconds histogram status",
	"rollout_phase gauge name,namespace,phase,strategy",
	"rollout_progression_duration_seconds histogram status",
	"rollout_reconcile histogram name,namespace",
	"rollout_reconcile_error counter name,namespace",
}

func TestEveryMetricOfTheContractIsServed(t *testing.T) {
	registry := busy(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "sluice_") {
			continue
		}
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		got = append(got, fmt.Sprintf("%s %s %s", family.GetName(), kindOf(family), strings.Join(labels, ",")))
	}
	if diff := cmp.Diff(contract, got); diff != "" {
		t.Errorf("metrics (-contract +served):\n%s", diff)
	}
}

func kindOf(family *dto.MetricFamily) string { return strings.ToLower(family.GetType().String()) }

// busy is a registry after one Rollout and one run have lived through everything that is counted.
func busy(t *testing.T) *prometheus.Registry {
	t.Helper()
	metrics := []api.Metric{{Name: "cpu", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{}}}}
	run := api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "run"}}
	run.Spec.Metrics = metrics
	run.Status.MetricResults = []api.MetricResult{{Name: "cpu", Phase: api.AnalysisPhaseFailed}}
	template := api.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "t"}}
	template.Spec.Metrics = metrics
	registry := prometheus.NewRegistry()
	meters := telemetry.New(registry, telemetry.Options{Cached: &shelf{
		rollouts: []api.Rollout{rollout("shop", "r1", "a", "a")}, runs: []api.AnalysisRun{run}, templates: []api.AnalysisTemplate{template},
		trials: []api.Experiment{{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "try"}, Status: api.ExperimentStatus{Phase: api.AnalysisPhaseFailed}}},
	}})
	shop := types.NamespacedName{Namespace: "n", Name: "shop"}
	meters.Told(api.KindRollout, shop, "Normal", "RolloutCompleted")
	meters.Passed(api.KindRollout, shop, time.Millisecond, true)
	meters.Passed(api.KindAnalysisRun, types.NamespacedName{Namespace: "n", Name: "run"}, time.Millisecond, true)
	meters.Passed(api.KindExperiment, types.NamespacedName{Namespace: "n", Name: "try"}, time.Millisecond, true)
	began, ended := metav1.Unix(100, 0), metav1.Unix(160, 0)
	meters.Saved(nil, &api.RolloutDuration{RolloutStartedAt: &began, FinishedAt: &ended, CompletionStatus: api.CompletionPromoted})
	send(t, telemetry.Requests(registry)(answering(200)), "GET", "/api/v1/pods")
	return registry
}

func TestTheDeprecatedPhasesSayYesToOneOnly(t *testing.T) {
	registry := busy(t)
	for _, name := range []string{"rollout_phase", "analysis_run_phase", "experiment_phase"} {
		series := scrape(t, registry, name)
		var yes []string
		for _, s := range series {
			if strings.HasSuffix(s, " 1") {
				yes = append(yes, s)
			}
		}
		if len(series) != 6 || len(yes) != 1 {
			t.Errorf("%s: %d series, of which %v say 1", name, len(series), yes)
		}
	}
}
