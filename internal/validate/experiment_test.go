package validate

import (
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

const goodExperiment = `
metadata: {name: compare}
spec:
  duration: 5m
  templates:
  - name: new
    replicas: 2
    selector: {matchLabels: {app: shop}}
    service: {}
    template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: shop, ports: [{containerPort: 80}]}]}}
  analyses:
  - name: errors
    templateName: errors
    requiredForCompletion: true
    args: [{name: pods, value: "{{templates.new.podTemplateHash}} {{experiment.finishedAt}}"}]
`

func TestExperiment(t *testing.T) {
	expect(t, Experiment(read[api.Experiment](t, goodExperiment)))
	expect(t, Experiment(read[api.Experiment](t, `
metadata: {name: Bad.name}
spec:
  duration: soon
  progressDeadlineSeconds: 10
  scaleDownDelaySeconds: -1
  templates:
  - name: a
    replicas: -2
    minReadySeconds: 11
    template: {metadata: {labels: {app: shop}}}
  - name: a
    selector: {}
    service: {}
    template: {metadata: {labels: {app: shop}}}
  - selector: {matchLabels: {app: other}}
    template: {metadata: {labels: {app: shop}}}
  analyses:
  - {name: x, templateName: y}
  - name: x
    args: [{name: late, value: "{{experiment.finishedAt}}"}, {name: who, value: "{{templates.b.podTemplateHash}}"}]
  dryRun: [{metricName: "("}]
`)),
		`Invalid spec.analyses[1].args[1].value: "{{templates.b.podTemplateHash}}" asks for something that nobody knows of this experiment; write {{templates.NAME.podTemplateHash}}, {{templates.NAME.replicaset.name}}, {{experiment.availableAt}} or, with a duration, {{experiment.finishedAt}}`,
		`Invalid spec.analyses[1].name: is "x", as of another analysis`,
		`Invalid spec.analyses[1].templateName: is missing; write the name of an AnalysisTemplate`,
		"Invalid spec.dryRun[0].metricName: \"(\" is not a regular expression: error parsing regexp: missing closing ): `(`; write the name of the metric, or for example ^latency-",
		`Invalid spec.duration: is "soon", which is no length of time; write a number with a unit, such as 30s, 5m or 1h`,
		`Invalid spec.scaleDownDelaySeconds: is -1 and cannot be negative`,
		`Invalid spec.templates[0].minReadySeconds: is 11 and must not be larger than progressDeadlineSeconds, which is 10: no pod could become available in time`,
		`Invalid spec.templates[0].replicas: is -2 and cannot be negative`,
		`Invalid spec.templates[0].selector: is missing; write matchLabels with labels of the pod template, which has app=shop`,
		`Invalid spec.templates[1].name: is "a", as of another template`,
		`Invalid spec.templates[1].selector: is empty and would select every pod of the namespace; write matchLabels with labels of the pod template, which has app=shop`,
		`Warning spec.templates[1].service: has no effect: no container of the template names a port; write ports with the containerPort that serves`,
		`Invalid spec.templates[1].service: "Bad.name-a" cannot be the name of a Service: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character; write a name of at most 63 letters, digits and dashes`,
		`Invalid spec.templates[2].name: is missing`,
		`Invalid spec.templates[2].selector: "app=other" does not match the labels of the template's pods: they are app=shop; give the pods the labels that the selector asks for`)
}

func TestExperimentReferences(t *testing.T) {
	templates := func(metrics string) Refs {
		spec := read[api.AnalysisTemplate](t, "spec: {args: [{name: pods}], metrics: ["+metrics+"]}").Spec
		return Refs{Template: func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
			return spec, name == "errors" && !cluster
		}}
	}
	const bounded = `{name: errors, interval: 10s, count: 3, successCondition: "result[0] < 1", provider: {prometheus: {address: "http://p", query: "sum(e{p='{{args.pods}}'})"}}}`
	const endless = `{name: errors, interval: 10s, successCondition: "result[0] < 1", provider: {prometheus: {address: "http://p", query: "sum(e{p='{{args.pods}}'})"}}}`
	good := read[api.Experiment](t, goodExperiment)
	expect(t, ExperimentReferences(good, templates(bounded)))
	expect(t, ExperimentReferences(good, templates(endless)),
		`Invalid spec.analyses[0].templateName: metric errors of AnalysisTemplate "errors" has an interval and no count, so it never ends and neither would this experiment; give the metric a count, or take requiredForCompletion away`)
	bad := good.DeepCopy()
	bad.Spec.Analyses[0].Args = nil
	bad.Spec.Analyses = append(bad.Spec.Analyses, api.ExperimentAnalysisTemplateRef{Name: "more", TemplateName: "nothing"})
	expect(t, ExperimentReferences(bad, templates(bounded)),
		`Invalid spec.analyses[0].templateName: args.pods was not resolved: declared without a value by errors`,
		`Invalid spec.analyses[1].templateName: AnalysisTemplate "nothing" does not exist`)
	dry := good.DeepCopy()
	dry.Spec.DryRun = []api.DryRun{{MetricName: "latency"}}
	expect(t, ExperimentReferences(dry, templates(bounded)), `Invalid spec.dryRun[0].metricName: "latency" matches no metric; there is errors`)
}

func TestExperimentSteps(t *testing.T) {
	rollout := func(step string) *api.Rollout {
		return read[api.Rollout](t, `
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: shop}]}}
  strategy: {canary: {steps: [{setWeight: 20}, {experiment: `+step+`}]}}
`)
	}
	expect(t, Rollout(rollout(`{duration: 5m, templates: [{name: base, specRef: stable}, {name: next, specRef: canary, metadata: {labels: {try: "1"}}}]}`)))
	const at = "spec.strategy.canary.steps[1].experiment"
	expect(t, Rollout(rollout(`{templates: [{name: base, specRef: old, replicas: -1}, {name: base, service: {}, metadata: {labels: {app: other}}}], analyses: [{name: a, templateName: t, args: [{name: x, value: "{{experiment.finishedAt}}"}]}]}`)),
		`Warning `+at+`: has neither a duration nor an analysis that is required for completion: the step never ends by itself; write a duration, or requiredForCompletion: true at an analysis`,
		`Invalid `+at+`.analyses[0].args[0].value: "{{experiment.finishedAt}}" asks for something that nobody knows of this experiment; write {{templates.NAME.podTemplateHash}}, {{templates.NAME.replicaset.name}}, {{experiment.availableAt}} or, with a duration, {{experiment.finishedAt}}`,
		`Invalid `+at+`.templates[0].replicas: is -1 and cannot be negative`,
		`Invalid `+at+`.templates[0].specRef: is "old"; write canary (the new version) or stable`,
		`Invalid `+at+`.templates[1].metadata.labels: "app=shop" does not match the labels of the template's pods: they are app=other; give the pods the labels that the selector asks for`,
		`Invalid `+at+`.templates[1].name: is "base", as of another template`,
		`Warning `+at+`.templates[1].service: has no effect: no container of the template names a port; write ports with the containerPort that serves`,
		`Invalid `+at+`.templates[1].specRef: is missing; write canary (the new version) or stable`)
	good := rollout(`{duration: 5m, templates: [{name: next, specRef: canary}], analyses: [{name: a, templateName: gone}]}`)
	expect(t, References(good, Refs{Template: func(string, bool) (api.AnalysisTemplateSpec, bool) { return api.AnalysisTemplateSpec{}, false }}),
		`Invalid `+at+`.analyses[0].templateName: AnalysisTemplate "gone" does not exist`)
}
