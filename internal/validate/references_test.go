package validate

import (
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

const errorsTemplate = `
spec:
  args:
  - name: amp-workspace
    valueFrom: {secretKeyRef: {name: workspace-url, key: secretURL}}
  - name: limit
  metrics:
  - name: errors
    interval: 20s
    count: 3
    successCondition: result[0] <= {{args.limit}}
    provider: {prometheus: {address: "{{args.amp-workspace}}", query: sum(errors)}}
`

// world is the templates and Secrets the cases refer to.
func world(t *testing.T, secret []string) Refs {
	templates := map[api.AnalysisTemplateRef]string{
		{TemplateName: "errors"}:                      errorsTemplate,
		{TemplateName: "errors-too"}:                  "spec: {args: [{name: limit, value: '2'}], metrics: [{name: errors, failureCondition: 'false', provider: {web: {url: 'http://a'}}}]}",
		{TemplateName: "limits"}:                      "spec: {args: [{name: limit, value: '1'}]}",
		{TemplateName: "endless"}:                     "spec: {metrics: [{name: e, interval: 1s, failureCondition: 'false', provider: {web: {url: 'http://{{args.host}}'}}}]}",
		{TemplateName: "broken"}:                      "spec: {metrics: [{name: b, count: x, failureCondition: 'false', provider: {graphite: {}}}]}",
		{TemplateName: "company", ClusterScope: true}: "spec: {metrics: [{name: c, failureCondition: 'false', provider: {web: {url: 'http://a'}}}]}",
	}
	parsed := map[string]api.AnalysisTemplateSpec{}
	return Refs{
		Template: func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
			text, ok := templates[api.AnalysisTemplateRef{TemplateName: name, ClusterScope: cluster}]
			if !ok {
				return api.AnalysisTemplateSpec{}, false
			}
			spec, known := parsed[text]
			if !known {
				spec = read[api.AnalysisTemplate](t, text).Spec
				parsed[text] = spec
			}
			return spec, true
		},
		SecretKeys: func(name string) ([]string, bool) { return secret, name == "workspace-url" && secret != nil },
	}
}

func TestReferences(t *testing.T) {
	good := []string{"secretURL"}
	step := func(analysis string) string { return canary("steps:\n- analysis: " + analysis + "\n") }
	tests := []struct {
		name   string
		spec   string
		secret []string
		want   []string
	}{
		{"an argument the template does not declare is allowed", step("{templates: [{templateName: errors}], args: [{name: limit, value: '1'}, {name: service-name, value: a}]}"), good, nil},
		{"a value from another template of the analysis", step("{templates: [{templateName: errors}, {templateName: limits}]}"), good,
			[]string{`Warning spec.strategy.canary.steps[0].analysis.templates[1]: AnalysisTemplate "limits": spec.metrics: is empty: nothing is measured`}},
		{"story C27: an argument without a value names argument and template", step("{templates: [{templateName: errors}]}"), good, []string{
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: args.limit was not resolved: declared without a value by errors`}},
		{"a template that does not exist", step("{templates: [{templateName: absent}]}"), good, []string{
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0].templateName: AnalysisTemplate "absent" does not exist`}},
		{"a template of the other kind", step("{templates: [{templateName: company}]}"), good, []string{
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0].templateName: AnalysisTemplate "company" does not exist; the other kind exists: write clusterScope: true`}},
		{"two templates that contradict each other", step("{templates: [{templateName: limits}, {templateName: errors-too}, {templateName: errors}]}"), good, []string{
			`Warning spec.strategy.canary.steps[0].analysis.templates[0]: AnalysisTemplate "limits": spec.metrics: is empty: nothing is measured`,
			`Invalid spec.strategy.canary.steps[0].analysis.templates[1]: args.limit has different values in limits, errors-too`,
			`Invalid spec.strategy.canary.steps[0].analysis.templates[2]: metric "errors" is defined twice: in errors-too, errors`}},
		{"a step that would never end, with an argument nobody has", step("{templates: [{templateName: endless}]}"), good, []string{
			`Warning spec.strategy.canary.steps[0].analysis.templates[0]: AnalysisTemplate "endless": spec.metrics[0]: uses {{args.host}}, which spec.args does not declare: it has a value only together with a template that declares it; declare it: args: [{name: host}]`,
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: args.host was not resolved: metric e of AnalysisTemplate "endless" uses it, and no template of this analysis declares it; declare it: args: [{name: host}]`,
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: metric e of AnalysisTemplate "endless" has an interval and no count, so it never ends and neither would this step; give the metric a count, or measure it in the background: spec.strategy.canary.analysis`}},
		{"a metric that is wrong only with the values given here", step("{templates: [{templateName: errors}], args: [{name: limit, value: few}, {name: amp-workspace, value: prometheus}]}"), good, []string{
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: AnalysisTemplate "errors", with the arguments given here: spec.metrics[0].provider.prometheus.address: "prometheus" is not a URL with a scheme and a host; write it with http:// or https://, such as http://prometheus.monitoring:9090`,
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: AnalysisTemplate "errors", with the arguments given here: spec.metrics[0].successCondition: "result[0] <= few" is not a condition: unknown name few (line 1, column 14); write an expression that is true or false, such as result[0] <= 0.01`}},
		{"a field of the Rollout that is not there at present", step("{templates: [{templateName: errors}], args: [{name: limit, valueFrom: {fieldRef: {fieldPath: status.message}}}]}"), good, []string{
			`Warning spec.strategy.canary.steps[0].analysis.args[0].valueFrom.fieldRef.fieldPath: cannot be read at present: args.limit: fieldPath "status.message": there is no field "message"`}},
		{"a template that is wrong by itself", canary("analysis: {templates: [{templateName: broken}]}"), good, []string{
			`Invalid spec.strategy.canary.analysis.templates[0]: AnalysisTemplate "broken": spec.metrics[0].count: is "x", not a whole number`,
			`Invalid spec.strategy.canary.analysis.templates[0]: AnalysisTemplate "broken": spec.metrics[0].provider.graphite: not supported yet`}},
		{"a Secret that does not exist", step("{templates: [{templateName: errors}], args: [{name: limit, value: '1'}]}"), nil, []string{
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: argument amp-workspace of AnalysisTemplate "errors" takes its value from Secret workspace-url, which does not exist`}},
		{"a key spelled in two ways", step("{templates: [{templateName: errors}], args: [{name: limit, value: '1'}]}"), []string{"secretUrl"}, []string{
			`Invalid spec.strategy.canary.steps[0].analysis.templates[0]: argument amp-workspace of AnalysisTemplate "errors" takes its value from key secretURL of Secret workspace-url, which has no such key; did you mean secretUrl?`}},
		{"both analyses of a blue-green update", blueGreen("activeService: a\nprePromotionAnalysis: {templates: [{templateName: absent}]}\npostPromotionAnalysis: {templates: [{templateName: endless}], args: [{name: host, value: a}]}"), good, []string{
			`Warning spec.strategy.blueGreen.postPromotionAnalysis.templates[0]: AnalysisTemplate "endless": spec.metrics[0]: uses {{args.host}}, which spec.args does not declare: it has a value only together with a template that declares it; declare it: args: [{name: host}]`,
			`Invalid spec.strategy.blueGreen.postPromotionAnalysis.templates[0]: metric e of AnalysisTemplate "endless" has an interval and no count, so it never ends and neither would this analysis; give the metric a count`,
			`Invalid spec.strategy.blueGreen.prePromotionAnalysis.templates[0].templateName: AnalysisTemplate "absent" does not exist`}},
		{"an argument of the analysis replaces the template's Secret", step("{templates: [{templateName: errors}], args: [{name: limit, value: '1'}, {name: amp-workspace, value: 'http://a'}]}"), nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, References(read[api.Rollout](t, test.spec), world(t, test.secret)), test.want...)
		})
	}
}

func TestReferencesOfFilesAreOnlyMissed(t *testing.T) {
	refs := world(t, nil)
	refs.Partial, refs.Checked = true, true
	found := References(read[api.Rollout](t, canary("steps:\n- analysis: {templates: [{templateName: errors}, {templateName: absent}, {templateName: broken}], args: [{name: limit, value: '1'}]}\n")), refs)
	expect(t, found,
		`Warning spec.strategy.canary.steps[0].analysis.templates[1].templateName: AnalysisTemplate "absent" is not among the files that were read`)
}

func TestRunReferences(t *testing.T) {
	run := read[api.AnalysisRun](t, "spec: {metrics: [], args: [{name: a, valueFrom: {secretKeyRef: {name: s, key: k}}}]}")
	expect(t, RunReferences(run, world(t, nil)), `Invalid spec.args[0]: argument a takes its value from Secret s, which does not exist`)
	template := read[api.AnalysisTemplate](t, errorsTemplate)
	expect(t, TemplateReferences(&template.Spec, world(t, []string{"url"})),
		`Invalid spec.args[0]: argument amp-workspace takes its value from key secretURL of Secret workspace-url, which has no such key; it has url`)
}
