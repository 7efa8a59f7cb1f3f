package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// objects turns what the informers hold into series on each scrape.
type objects struct{ Options }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"namespace", "name"}, labels...), nil)
}

var (
	rolloutInfo        = desc("rollout_info", "A rollout and its phase.", "strategy", "traffic_router", "phase")
	rolloutPhase       = desc("rollout_phase", "Whether a rollout is in a phase. Deprecated: use rollout_info.", "strategy", "phase")
	rolloutDesired     = desc("rollout_info_replicas_desired", "Pods a rollout wants.")
	rolloutAvailable   = desc("rollout_info_replicas_available", "Available pods of a rollout.")
	rolloutUnavailable = desc("rollout_info_replicas_unavailable", "Pods of a rollout that are not available.")
	rolloutUpdated     = desc("rollout_info_replicas_updated", "Pods of a rollout's newest revision.")
	runInfo            = desc("analysis_run_info", "An analysis run and its phase.", "phase")
	runPhase           = desc("analysis_run_phase", "Whether an analysis run is in a phase. Deprecated: use analysis_run_info.", "phase")
	experimentInfo     = desc("experiment_info", "An experiment and its phase.", "phase")
	experimentPhase    = desc("experiment_phase", "Whether an experiment is in a phase. Deprecated: use experiment_info.", "phase")
	runMetricType      = desc("analysis_run_metric_type", "A metric of an analysis run and where it comes from.", "metric", "type")
	runMetricPhase     = desc("analysis_run_metric_phase", "A metric of an analysis run and its phase.", "metric", "type", "dry_run", "phase")
	templateInfo       = desc("analysis_template_info", "An analysis template.")
	templateMetricInfo = desc("analysis_template_metric_info", "A metric of an analysis template and where it comes from.", "type", "metric")
	podInfo            = prometheus.NewDesc("sluice_pod_info",
		"A pod of a rollout with its revision and what that revision is at present: stable, canary or other.",
		[]string{"namespace", "pod", "workload", "workload_type", "revision", "role"}, nil)
)

// deprecatedPhases are those of rollout_phase, which does not tell InvalidSpec apart.
var deprecatedPhases = []string{"Completed", "Progressing", "Paused", "Timeout", "Error", "Abort"}

var runPhases = []api.AnalysisPhase{
	api.AnalysisPhasePending, api.AnalysisPhaseRunning, api.AnalysisPhaseSuccessful,
	api.AnalysisPhaseFailed, api.AnalysisPhaseError, api.AnalysisPhaseInconclusive,
}

// indicator is 1 where something holds, and 0 where it does not.
func indicator(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (o *objects) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		rolloutInfo, rolloutPhase, rolloutDesired, rolloutAvailable, rolloutUnavailable, rolloutUpdated,
		runInfo, runPhase, runMetricType, runMetricPhase, experimentInfo, experimentPhase, templateInfo, templateMetricInfo, podInfo,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (o *objects) Collect(to chan<- prometheus.Metric) {
	ctx := context.Background() // caches answer at once
	for _, collect := range []func(context.Context, chan<- prometheus.Metric) error{
		o.rollouts, o.runs, o.experiments, o.templates,
	} {
		if err := collect(ctx, to); err != nil {
			to <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		}
	}
}

func gauge(to chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (o *objects) rollouts(ctx context.Context, to chan<- prometheus.Metric) error {
	var list api.RolloutList
	if err := o.Cached.List(ctx, &list); err != nil {
		return err
	}
	live := map[types.UID]*api.Rollout{}
	for i := range list.Items {
		r := &list.Items[i]
		if !r.DeletionTimestamp.IsZero() {
			continue
		}
		live[r.UID] = r
		gauge(to, rolloutInfo, 1, r.Namespace, r.Name, strategy(r), router(r), phase(r))
		for _, p := range deprecatedPhases {
			gauge(to, rolloutPhase, indicator(phase(r) == p), r.Namespace, r.Name, strategy(r), p)
		}
		desired := int32(1)
		if r.Spec.Replicas != nil {
			desired = *r.Spec.Replicas
		}
		gauge(to, rolloutDesired, float64(desired), r.Namespace, r.Name)
		gauge(to, rolloutAvailable, float64(r.Status.AvailableReplicas), r.Namespace, r.Name)
		gauge(to, rolloutUnavailable, float64(max(r.Status.Replicas-r.Status.AvailableReplicas, 0)), r.Namespace, r.Name)
		gauge(to, rolloutUpdated, float64(r.Status.UpdatedReplicas), r.Namespace, r.Name)
	}
	return o.pods(ctx, to, live)
}

// pods names the pods of live rollouts and what their revision is at present.
func (o *objects) pods(ctx context.Context, to chan<- prometheus.Metric, live map[types.UID]*api.Rollout) error {
	var sets appsv1.ReplicaSetList
	if err := o.Cached.List(ctx, &sets); err != nil {
		return err
	}
	type part struct {
		of             *api.Rollout
		revision, role string
	}
	parts := map[types.UID]part{}
	for i := range sets.Items {
		set := &sets.Items[i]
		owner := metav1.GetControllerOfNoCopy(set)
		if owner == nil || live[owner.UID] == nil {
			continue
		}
		rollout := live[owner.UID]
		parts[set.UID] = part{
			of: rollout, revision: set.Annotations[api.AnnotationRevision],
			role: role(rollout, set.Labels[api.LabelPodTemplateHash]),
		}
	}
	var pods corev1.PodList
	if err := o.Cached.List(ctx, &pods); err != nil {
		return err
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		owner := metav1.GetControllerOfNoCopy(pod)
		if owner == nil {
			continue
		}
		if p, ok := parts[owner.UID]; ok {
			gauge(to, podInfo, 1, pod.Namespace, pod.Name, p.of.Name, "rollout", p.revision, p.role)
		}
	}
	return nil
}

func (o *objects) runs(ctx context.Context, to chan<- prometheus.Metric) error {
	var list api.AnalysisRunList
	if err := o.Cached.List(ctx, &list); err != nil {
		return err
	}
	for i := range list.Items {
		run := &list.Items[i]
		gauge(to, runInfo, 1, run.Namespace, run.Name, string(run.Status.Phase))
		for _, p := range runPhases {
			is := run.Status.Phase == p || (run.Status.Phase == "" && p == api.AnalysisPhasePending)
			gauge(to, runPhase, indicator(is), run.Namespace, run.Name, string(p))
		}
		results := map[string]*api.MetricResult{}
		for j := range run.Status.MetricResults {
			results[run.Status.MetricResults[j].Name] = &run.Status.MetricResults[j]
		}
		seen := map[string]bool{}
		for j := range run.Spec.Metrics {
			m := &run.Spec.Metrics[j]
			if seen[m.Name] {
				continue // a mistake of the spec must not break the scrape
			}
			seen[m.Name] = true
			gauge(to, runMetricType, 1, run.Namespace, run.Name, m.Name, source(&m.Provider))
			if r := results[m.Name]; r != nil {
				gauge(to, runMetricPhase, 1, run.Namespace, run.Name, m.Name, source(&m.Provider), yes(r.DryRun), string(r.Phase))
			}
		}
	}
	return nil
}

func (o *objects) experiments(ctx context.Context, to chan<- prometheus.Metric) error {
	var list api.ExperimentList
	if err := o.Cached.List(ctx, &list); err != nil {
		return err
	}
	for i := range list.Items {
		ex := &list.Items[i]
		gauge(to, experimentInfo, 1, ex.Namespace, ex.Name, string(ex.Status.Phase))
		for _, p := range runPhases {
			is := ex.Status.Phase == p || (ex.Status.Phase == "" && p == api.AnalysisPhasePending)
			gauge(to, experimentPhase, indicator(is), ex.Namespace, ex.Name, string(p))
		}
	}
	return nil
}

func (o *objects) templates(ctx context.Context, to chan<- prometheus.Metric) error {
	var list api.AnalysisTemplateList
	if err := o.Cached.List(ctx, &list); err != nil {
		return err
	}
	for i := range list.Items {
		template(to, &list.Items[i].ObjectMeta, &list.Items[i].Spec)
	}
	if o.OneNamespace {
		return nil
	}
	var wide api.ClusterAnalysisTemplateList
	if err := o.Cached.List(ctx, &wide); err != nil {
		return err
	}
	for i := range wide.Items {
		template(to, &wide.Items[i].ObjectMeta, &wide.Items[i].Spec)
	}
	return nil
}

func template(to chan<- prometheus.Metric, of *metav1.ObjectMeta, spec *api.AnalysisTemplateSpec) {
	gauge(to, templateInfo, 1, of.Namespace, of.Name)
	seen := map[string]bool{}
	for i := range spec.Metrics {
		m := &spec.Metrics[i]
		if !seen[m.Name] {
			seen[m.Name] = true
			gauge(to, templateMetricInfo, 1, of.Namespace, of.Name, source(&m.Provider), m.Name)
		}
	}
}
