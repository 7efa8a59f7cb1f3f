package validate

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// head is a Rollout without anything wrong; the cases add a strategy to it.
const head = `
spec:
  replicas: 5
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
`

func read[T any](t *testing.T, text string) *T {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict([]byte(text), &object); err != nil {
		t.Fatalf("reading the test's YAML: %v\n%s", err, text)
	}
	return &object
}

func canary(lines string) string {
	return head + "  strategy:\n    canary:\n" + indent(lines, 6)
}

func indent(text string, by int) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.Repeat(" ", by) + lines[i]
	}
	return strings.Join(lines, "\n") + "\n"
}

func expect(t *testing.T, found Findings, want ...string) {
	t.Helper()
	var got []string
	for _, finding := range found {
		got = append(got, string(finding.Kind)+" "+finding.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestBoundsOfTheServer(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	many := api.RolloutAnalysis{Templates: make([]api.AnalysisTemplateRef, 257), Args: make([]api.AnalysisRunArgument, 257)}
	ro := read[api.Rollout](t, canary("{}"))
	ro.Spec.Strategy.Canary.Steps = make([]api.CanaryStep, 257)
	ro.Spec.Strategy.Canary.Steps[0].Analysis = &many
	metrics := make([]api.Metric, 257)
	metrics[0] = api.Metric{
		SuccessCondition: long(4097), Interval: api.DurationString(long(4097)),
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: long(65537), Headers: make([]api.WebMetricHeader, 257)}},
	}
	found := append(Rollout(ro), Template(&api.AnalysisTemplateSpec{Metrics: metrics, Args: make([]api.Argument, 257)})...)
	var got []string
	for _, finding := range found.Of(Invalid) {
		if strings.Contains(finding.Message, "more than") {
			got = append(got, finding.String())
		}
	}
	want := []string{
		"spec.strategy.canary.steps: has 257 items, more than 256",
		"spec.strategy.canary.steps[0].analysis.args: has 257 items, more than 256",
		"spec.strategy.canary.steps[0].analysis.templates: has 257 items, more than 256",
		"spec.args: has 257 items, more than 256",
		"spec.metrics: has 257 items, more than 256",
		"spec.metrics[0].interval: has 4097 characters, more than 4096",
		"spec.metrics[0].provider.prometheus.headers: has 257 items, more than 256",
		"spec.metrics[0].provider.prometheus.query: has 65537 characters, more than 65536",
		"spec.metrics[0].successCondition: has 4097 characters, more than 4096",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRollout(t *testing.T) {
	tests := []struct {
		name string
		spec string
		want []string
	}{
		{"a canary of steps, pauses and analysis is fine", canary(`
maxSurge: 25%
maxUnavailable: 0
analysis: {templates: [{templateName: errors}], startingStep: 1}
steps:
- setWeight: 20
- pause: {}
- pause: {duration: 10}
- pause: {duration: 5m}
- analysis:
    templates: [{templateName: errors}]
    args:
    - {name: service-name, value: shop}
    - {name: hash, valueFrom: {podTemplateHashValue: Latest}}
    - {name: team, valueFrom: {fieldRef: {fieldPath: "metadata.labels['team']"}}}
    - {name: image, valueFrom: {fieldRef: {fieldPath: "spec.template.spec.containers[0].image"}}}
- setWeight: 100
`), nil},
		{"an empty spec is told everything it lacks at once", "spec: {}", []string{
			`Invalid spec.selector: is missing; write matchLabels with labels that the pod template has`,
			`Invalid spec.strategy: must have canary or blueGreen; for a plain rolling update write canary: {}`,
		}},
		{"numbers cannot be negative", canary("{}") + "  minReadySeconds: -1\n  revisionHistoryLimit: -2\n  progressDeadlineSeconds: -3\n", []string{
			`Invalid spec.minReadySeconds: is -1 and cannot be negative`,
			`Invalid spec.progressDeadlineSeconds: is -3 and cannot be negative`,
			`Invalid spec.revisionHistoryLimit: is -2 and cannot be negative`,
		}},
		{"a rollback window that is no number of revisions", canary("{}") + "  rollbackWindow: {revisions: -1}\n", []string{
			`Invalid spec.rollbackWindow.revisions: is -1 and cannot be negative`,
		}},
		{"a rollback window that is none", canary("{}") + "  rollbackWindow: {}\n", []string{
			`Warning spec.rollbackWindow.revisions: is 0, which is no window: every rollback takes all steps; write how many revisions back a rollback may skip steps and analysis`,
		}},
		{"a rollback window beyond what is kept", canary("{}") + "  rollbackWindow: {revisions: 3}\n  revisionHistoryLimit: 2\n", []string{
			`Warning spec.rollbackWindow.revisions: is 3, but only 2 old revisions are kept (revisionHistoryLimit); raise revisionHistoryLimit, or lower this`,
		}},
		{"a rollback window", canary("{}") + "  rollbackWindow: {revisions: 3}\n", nil},
		{"the default deadline must leave time for pods to become available", canary("{}") + "  minReadySeconds: 600\n", []string{
			`Invalid spec.progressDeadlineSeconds: is 600 and must be larger than minReadySeconds, which is 600: no pod could become available in time`,
		}},
		{"both strategies contradict each other", canary("{}") + "    blueGreen: {activeService: a}\n", []string{
			`Invalid spec.strategy: has both canary and blueGreen; remove one of them`,
		}},
		{"a weight above the maximum and one below zero", canary("steps: [{setWeight: 120}, {setWeight: -1}]"), []string{
			`Invalid spec.strategy.canary.steps[0].setWeight: is 120 and must be 0 to 100`,
			`Invalid spec.strategy.canary.steps[1].setWeight: is -1 and must be 0 to 100`,
		}},
		{"an empty step and one that does two things", canary("steps: [{}, {setWeight: 1, pause: {}}]"), []string{
			`Invalid spec.strategy.canary.steps[0]: is empty; write setWeight, pause: {} or analysis; a pause without a duration is written pause: {}`,
			`Invalid spec.strategy.canary.steps[1]: does several things at once: setWeight, pause; make each of them a step of its own, beginning with a dash`,
		}},
		{"pauses that are no length of time", canary(`steps: [{pause: {duration: 3 minutes}}, {pause: {duration: -5}}]`), []string{
			`Invalid spec.strategy.canary.steps[0].pause.duration: is "3 minutes", which is no length of time from 0 to 68 years; write seconds as a number, or a text such as 30s, 5m or 1h; leave it out to wait until somebody promotes`,
			`Invalid spec.strategy.canary.steps[1].pause.duration: is "-5", which is no length of time from 0 to 68 years; write seconds as a number, or a text such as 30s, 5m or 1h; leave it out to wait until somebody promotes`,
		}},
		{"no pod may be missing and none may be added", canary("maxSurge: 0\nmaxUnavailable: 0%"), []string{
			`Invalid spec.strategy.canary.maxUnavailable: is 0 and so is maxSurge: no pod could ever be replaced; give one of them a larger value`,
		}},
		{"numbers in quotes, which are percentages, and all pods at once", canary("maxSurge: '25'\nmaxUnavailable: 200%"), []string{
			`Warning spec.strategy.canary.maxSurge: is the text "25", which is read as 25 %; write 25 without quotes for pods, or 25%`,
			`Warning spec.strategy.canary.maxUnavailable: is 200%: no pod needs to serve while they are replaced; write less than 100%, such as 25%`,
		}},
		{"a number of pods, and no limit that matters", canary("maxSurge: 200%\nmaxUnavailable: 99%"), nil},
		{"a surge that is no number", canary("maxSurge: some"), []string{
			`Invalid spec.strategy.canary.maxSurge: is "some", neither a number of pods nor a percentage; write a number such as 1, or a percentage such as 25%`,
		}},
		{"fields that need a router, without one", canary("scaleDownDelaySeconds: 5\ndynamicStableScale: true\nabortScaleDownDelaySeconds: 5\nscaleDownDelayRevisionLimit: 1"), []string{
			`Warning spec.strategy.canary.abortScaleDownDelaySeconds: has no effect without trafficRouting: an abort scales the canary down at once; remove it`,
			`Invalid spec.strategy.canary.dynamicStableScale: needs trafficRouting; remove it; without a router the stable pods always shrink as the canary grows`,
			`Warning spec.strategy.canary.scaleDownDelayRevisionLimit: has no effect without trafficRouting; remove it`,
			`Invalid spec.strategy.canary.scaleDownDelaySeconds: needs trafficRouting: pods of a canary without it are replaced one by one; remove it`,
		}},
		{"metadata that the downward API cannot read", canary(`steps: [{analysis: {templates: [{templateName: a}], args: [{name: x, valueFrom: {fieldRef: {fieldPath: metadata.generation}}}]}}]`), []string{
			`Invalid spec.strategy.canary.steps[0].analysis.args[0].valueFrom.fieldRef.fieldPath: "metadata.generation" names nothing that can be read from metadata; write metadata.name, metadata.namespace, metadata.uid, metadata.labels['key'] or metadata.annotations['key']`,
		}},
		{"a background analysis that measures nothing and never starts", canary(`analysis: {startingStep: 3}`), []string{
			`Warning spec.strategy.canary.analysis.startingStep: is 3, and there are 0 steps: the analysis never starts; steps count from 0`,
			`Warning spec.strategy.canary.analysis.templates: is empty: nothing is measured here; name at least one templateName`,
		}},
		{"a selector that the template does not match", strings.Replace(canary("{}"), "labels: {app: shop}}", "labels: {app: store}}", 1), []string{
			`Invalid spec.template.metadata.labels: do not match the selector "app=shop": they are app=store; give the pod template the labels that spec.selector asks for`,
		}},
		{"a selector that selects everything", strings.Replace(canary("{}"), "selector: {matchLabels: {app: shop}}", "selector: {}", 1), []string{
			`Invalid spec.selector: is empty and would select every pod of the namespace; write matchLabels with labels of the pod template, which has app=shop`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, Rollout(read[api.Rollout](t, test.spec)), test.want...)
		})
	}
}

// What later versions bring is refused by name, never ignored.
func TestRolloutUnsupported(t *testing.T) {
	tests := []struct{ spec, path string }{
		{canary("trafficRouting: {istio: {}}"), "spec.strategy.canary.trafficRouting.istio"},
		{canary("trafficRouting: {nginx: {}}"), "spec.strategy.canary.trafficRouting.nginx"},
		{canary("trafficRouting: {alb: {servicePort: 80}}"), "spec.strategy.canary.trafficRouting.alb"},
		{canary("trafficRouting: {smi: {}}"), "spec.strategy.canary.trafficRouting.smi"},
		{canary("trafficRouting: {ambassador: {mappings: []}}"), "spec.strategy.canary.trafficRouting.ambassador"},
		{canary("trafficRouting: {appMesh: {}}"), "spec.strategy.canary.trafficRouting.appMesh"},
		{canary("trafficRouting: {traefik: {weightedTraefikServiceName: a}}"), "spec.strategy.canary.trafficRouting.traefik"},
		{canary("trafficRouting: {apisix: {}}"), "spec.strategy.canary.trafficRouting.apisix"},
		{canary("trafficRouting: {plugins: {a/b: {}}}"), "spec.strategy.canary.trafficRouting.plugins"},
		{canary("trafficRouting: {maxTrafficWeight: 1000}"), "spec.strategy.canary.trafficRouting"},
		{canary("pingPong: {pingService: a, pongService: b}"), "spec.strategy.canary.pingPong"},
		{canary("minPodsPerReplicaSet: 2"), "spec.strategy.canary.minPodsPerReplicaSet"},
		{canary("steps: [{setCanaryScale: {replicas: 1}}]"), "spec.strategy.canary.steps[0].setCanaryScale"},
		{canary("steps: [{setHeaderRoute: {name: a}}]"), "spec.strategy.canary.steps[0].setHeaderRoute"},
		{canary("steps: [{setMirrorRoute: {name: a}}]"), "spec.strategy.canary.steps[0].setMirrorRoute"},
		{canary("steps: [{plugin: {name: a}}]"), "spec.strategy.canary.steps[0].plugin"},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			expect(t, Rollout(read[api.Rollout](t, test.spec)).Of(Unsupported), "Unsupported "+test.path+": not supported yet")
		})
	}
}

func TestARestartMayBeAskedForAtAnyTime(t *testing.T) {
	expect(t, Rollout(read[api.Rollout](t, canary("{}")+"  restartAt: 2026-01-01T00:00:00Z\n")))
	expect(t, Rollout(read[api.Rollout](t, canary("{}")+"  restartAt: 2126-01-01T00:00:00Z\nstatus: {restartedAt: 2026-01-01T00:00:00Z}\n")))
}

func TestTexts(t *testing.T) {
	few := Findings{{Kind: Invalid, Path: "spec.replicas", Message: "is -1 and cannot be negative"}, {Path: "spec.selector", Message: "is missing", Fix: "write one"}}
	if diff := cmp.Diff([]string{"spec.replicas: is -1 and cannot be negative", "spec.selector: is missing; write one"}, few.Texts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var many Findings
	for range 300 {
		many = append(many, Finding{Path: "spec.selector", Message: strings.Repeat("ä", 1000)})
	}
	texts := many.Texts()
	if last := texts[len(texts)-1]; len(texts) != 9 || last != "… and 292 more" || len(texts[0]) > maxText || !utf8.ValidString(texts[0]) {
		t.Errorf("300 long findings make %d texts, the first of %d bytes, the last %q", len(texts), len(texts[0]), last)
	}
}

func TestFindingsAreSortedAsPeopleCount(t *testing.T) {
	steps := strings.Repeat("- setWeight: 1\n", 11)
	found := Rollout(read[api.Rollout](t, canary("steps:\n- {}\n- {}\n"+steps+"- {}\n")))
	var paths []string
	for _, finding := range found {
		paths = append(paths, finding.Path)
	}
	want := []string{"spec.strategy.canary.steps[0]", "spec.strategy.canary.steps[1]", "spec.strategy.canary.steps[13]"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
