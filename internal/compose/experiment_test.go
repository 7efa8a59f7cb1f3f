package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestExperimentArgsAreFilledInOnce(t *testing.T) {
	values := map[string]string{
		AboutTemplate("canary", AboutHash):       "abc",
		AboutTemplate("a.b", AboutReplicaSet):    "exp-a.b",
		AboutExperiment(AboutAvailableAt):        "2026-03-01T12:00:00Z",
		AboutTemplate("tricky", AboutReplicaSet): "{{experiment.availableAt}}",
	}
	got, problems := ExperimentArgs([]api.Argument{
		arg("plain", "1"),
		arg("hash", "pod-{{ templates.canary.podTemplateHash }}-x"),
		arg("name", "{{templates.a.b.replicaset.name}} at {{experiment.availableAt}}"),
		arg("tricky", "{{templates.tricky.replicaset.name}}"),
		arg("other", "{{args.x}} {{ $labels.pod }}"),
		secret("token", "s", "k"),
		arg("late", "{{experiment.finishedAt}}"),
		arg("nobody", "{{templates.nobody.podTemplateHash}}"),
	}, values)
	want := []api.Argument{
		arg("plain", "1"),
		arg("hash", "pod-abc-x"),
		arg("name", "exp-a.b at 2026-03-01T12:00:00Z"),
		arg("tricky", "{{experiment.availableAt}}"),
		arg("other", "{{args.x}} {{ $labels.pod }}"),
		secret("token", "s", "k"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"args.late: nothing is known for {{experiment.finishedAt}}",
		"args.nobody: nothing is known for {{templates.nobody.podTemplateHash}}",
	}, messages(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestRulesOfAnExperimentGoWhereTheyFit(t *testing.T) {
	metrics := []api.Metric{{Name: "errors"}, {Name: "latency"}}
	dry, keep := Fitting(metrics, []api.DryRun{{MetricName: "err.*"}, {MetricName: "cpu"}, {MetricName: "("}},
		[]api.MeasurementRetention{{MetricName: "cpu", Limit: 3}, {MetricName: "latency", Limit: 5}})
	if diff := cmp.Diff([]api.DryRun{{MetricName: "err.*"}}, dry); diff != "" {
		t.Errorf("dry runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]api.MeasurementRetention{{MetricName: "latency", Limit: 5}}, keep); diff != "" {
		t.Errorf("retention (-want +got):\n%s", diff)
	}
}
