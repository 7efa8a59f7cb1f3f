package validate

import (
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

// errorRate is a metric with nothing wrong.
func errorRate(name string) string {
	return "{name: " + name + ", failureCondition: 'false', provider: {web: {url: 'http://a'}}}"
}

func TestRulesOfATemplate(t *testing.T) {
	spec := func(rest string) string { return "spec: {metrics: [" + errorRate("errors") + "], " + rest + "}" }
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a rule by name, and one by a part of it", spec("dryRun: [{metricName: errors}], measurementRetention: [{metricName: err, limit: 100}]"), nil},
		{"an expression that cannot be read", spec("dryRun: [{metricName: '*errors'}]"), []string{
			"Invalid spec.dryRun[0].metricName: \"*errors\" is not a regular expression: error parsing regexp: missing argument to repetition operator: `*`; write the name of the metric, or for example ^latency-"}},
		{"a rule without a name means all", spec("dryRun: [{metricName: ''}]"), []string{
			`Warning spec.dryRun[0].metricName: is empty, which means every metric; write .* if that is what you mean`}},
		{"a rule for a metric that may come from another template", spec("dryRun: [{metricName: ^latency$}]"), []string{
			`Warning spec.dryRun[0].metricName: "^latency$" matches no metric of this template, which is an error unless a template used beside it brings one; there is errors`}},
		{"a rule for a metric that an included template may have", spec("dryRun: [{metricName: ^latency$}], templates: [{templateName: latency}]"), nil},
		{"a metric whose name is an argument may be any", "spec: {args: [{name: which}], metrics: [" + errorRate("'{{args.which}}'") + "], dryRun: [{metricName: errors}]}", nil},
		{"numbers that keep something else than they say", spec("measurementRetention: [{metricName: errors, limit: 0}, {metricName: e, limit: 5000}]"), []string{
			`Warning spec.measurementRetention[0].limit: is 0, which keeps the 10 newest measurements, as if there were no rule; write a number from 1`,
			`Warning spec.measurementRetention[1].limit: is 5000, and at most 1000 measurements of a metric are kept`}},
		{"templates that are not whole", spec("templates: [{templateName: a}, {}, {templateName: a}, {templateName: a, clusterScope: true}]"), []string{
			`Invalid spec.templates[1].templateName: is missing`,
			`Warning spec.templates[2].templateName: a is named twice and measured once; remove one of them`}},
		{"a template of templates alone", "spec: {templates: [{templateName: a}, {templateName: b, clusterScope: true}]}", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, Template(&read[api.AnalysisTemplate](t, test.text).Spec), test.want...)
		})
	}
}

func TestRulesOfARun(t *testing.T) {
	spec := func(rest string) string {
		return "spec: {args: [{name: which, value: errors}], metrics: [" + errorRate("'{{args.which}}'") + ", " + errorRate("latency") + "], " + rest + "}"
	}
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a rule sees names with their arguments filled in", spec("dryRun: [{metricName: ^errors$}]"), nil},
		{"rules that match nothing", spec("dryRun: [{metricName: ^error$}, {metricName: '{{args.which}}'}], measurementRetention: [{metricName: p99, limit: 3}]"), []string{
			`Invalid spec.dryRun[0].metricName: "^error$" matches no metric; there is errors, latency`,
			`Invalid spec.dryRun[1].metricName: "{{args.which}}" matches no metric; arguments are not filled in here: write the name itself`,
			`Invalid spec.measurementRetention[0].metricName: "p99" matches no metric; there is errors, latency`}},
		{"nothing counts", spec("dryRun: [{metricName: .*}]"), []string{
			`Warning spec.dryRun: every metric is a dry run: the run is Successful whatever is measured; keep it so while you try the metrics; then remove the dryRun rule of those that should count`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, Run(read[api.AnalysisRun](t, test.text)), test.want...)
		})
	}
}

// nest is templates that include each other.
func nest(t *testing.T) Refs {
	texts := map[api.AnalysisTemplateRef]string{
		{TemplateName: "outer"}:                     "spec: {templates: [{templateName: middle}], dryRun: [{metricName: ^inner$}]}",
		{TemplateName: "middle"}:                    "spec: {templates: [{templateName: inner, clusterScope: true}]}",
		{TemplateName: "inner", ClusterScope: true}: "spec: {metrics: [" + errorRate("inner") + "]}",
		{TemplateName: "loop"}:                      "spec: {templates: [{templateName: back}], metrics: [" + errorRate("loop") + "]}",
		{TemplateName: "back"}:                      "spec: {templates: [{templateName: loop}]}",
		{TemplateName: "self"}:                      "spec: {templates: [{templateName: self}], metrics: [" + errorRate("self") + "]}",
		{TemplateName: "torn"}:                      "spec: {templates: [{templateName: half}], metrics: [" + errorRate("torn") + "]}",
		{TemplateName: "half"}:                      "spec: {templates: [{templateName: gone}], args: [{name: open}]}",
		{TemplateName: "wrong"}:                     "spec: {templates: [{templateName: endless}]}",
		{TemplateName: "endless"}:                   "spec: {args: [{name: limit}], metrics: [{name: e, interval: 1s, count: '{{args.limit}}', failureCondition: 'false', provider: {web: {url: 'http://a'}}}, {name: f, failureCondition: 'false', provider: {graphite: {}}}]}",
		{TemplateName: "shows"}:                     "spec: {metrics: [{name: s, failureCondition: 'result > {{args.token}}', provider: {web: {url: 'http://a'}}}]}",
		{TemplateName: "far-rule"}:                  "spec: {templates: [{templateName: rule}], metrics: [" + errorRate("a") + "]}",
		{TemplateName: "rule"}:                      "spec: {dryRun: [{metricName: ^c$}], templates: [{templateName: inner, clusterScope: true}]}",
		{TemplateName: "token"}:                     "spec: {args: [{name: token, valueFrom: {secretKeyRef: {name: workspace-url, key: gone}}}]}",
		{TemplateName: "uses-token"}:                "spec: {templates: [{templateName: token}], metrics: [" + errorRate("inner") + "]}",
		{TemplateName: "two-rules"}:                 "spec: {metrics: [" + errorRate("a") + ", " + errorRate("b") + "], dryRun: [{metricName: a}], measurementRetention: [{metricName: a, limit: 3}]}",
	}
	return Refs{
		Template: func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
			text, ok := texts[api.AnalysisTemplateRef{TemplateName: name, ClusterScope: cluster}]
			if !ok {
				return api.AnalysisTemplateSpec{}, false
			}
			return read[api.AnalysisTemplate](t, text).Spec, true
		},
		SecretKeys: func(name string) ([]string, bool) { return []string{"secretURL"}, name == "workspace-url" },
	}
}

func TestRulesAndTemplatesInTemplatesOfARollout(t *testing.T) {
	step := func(analysis string) string { return canary("steps:\n- analysis: " + analysis + "\n") }
	const at = "spec.strategy.canary.steps[0].analysis"
	const guards = ": every metric is a dry run: this step passes whatever is measured; keep it so while you try the metrics; then remove the dryRun rule of those that should count"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a rule of the Rollout beside one of the template", step("{templates: [{templateName: two-rules}], measurementRetention: [{metricName: ., limit: 5}]}"), nil},
		{"every metric tried, in a step that is to guard", step("{templates: [{templateName: outer}]}"), []string{"Warning " + at + guards}},
		{"every metric tried, in the background", canary("analysis: {templates: [{templateName: two-rules}], dryRun: [{metricName: b}]}"), []string{
			"Warning spec.strategy.canary.analysis: every metric is a dry run: the analysis in the background stops nothing; keep it so while you try the metrics; then remove the dryRun rule of those that should count"}},
		{"two rules for the same metrics", step("{templates: [{templateName: two-rules}], dryRun: [{metricName: a}], measurementRetention: [{metricName: a, limit: 5}]}"), []string{
			`Invalid ` + at + `.dryRun: dryRun has two rules for "a": in two-rules`,
			`Invalid ` + at + `.measurementRetention: measurementRetention has two rules for "a": in two-rules`}},
		{"a rule that matches no metric", step("{templates: [{templateName: two-rules}], dryRun: [{metricName: ^c$}]}"), []string{
			`Invalid ` + at + `.dryRun[0].metricName: "^c$" matches no metric; there is a, b`}},
		{"a rule of a template that matches no metric", step("{templates: [{templateName: far-rule}]}"), []string{
			`Invalid ` + at + `.templates[0]: "^c$" matches no metric, in AnalysisTemplate "rule" (included by far-rule); there is a, inner`}},
		{"a Secret of an included template", step("{templates: [{templateName: uses-token}]}"), []string{
			`Warning ` + at + `.templates[0]: AnalysisTemplate "token" (included by uses-token): spec.metrics: is empty: nothing is measured`,
			`Invalid ` + at + `.templates[0]: argument token of AnalysisTemplate "token" (included by uses-token) takes its value from key gone of Secret workspace-url, which has no such key; it has secretURL`}},
		{"templates that include each other", step("{templates: [{templateName: loop}]}"), []string{
			`Invalid ` + at + `.templates[0]: templates include each other: loop -> back -> loop`}},
		{"a template that includes itself", step("{templates: [{templateName: outer}, {templateName: self}]}"), []string{
			`Invalid ` + at + `.templates[1]: templates include each other: self -> self`}},
		{"an included template that does not exist", step("{templates: [{templateName: torn}]}"), []string{
			`Invalid ` + at + `.templates[0]: AnalysisTemplate "gone" not found, included by torn -> half`,
			`Invalid ` + at + `.templates[0]: args.open was not resolved: declared without a value by half`}},
		{"what is wrong with an included template", step("{templates: [{templateName: wrong}], args: [{name: limit, value: '0'}]}"), []string{
			`Invalid ` + at + `.templates[0]: AnalysisTemplate "endless" (included by wrong): spec.metrics[1].provider.graphite: not supported yet`,
			`Invalid ` + at + `.templates[0]: metric e of AnalysisTemplate "endless" (included by wrong) has an interval and no count, so it never ends and neither would this step; give the metric a count, or measure it in the background: spec.strategy.canary.analysis`}},
		{"a secret of one template in a condition of another", step("{templates: [{templateName: shows}, {templateName: uses-token}]}"), []string{
			`Warning ` + at + `.templates[0]: AnalysisTemplate "shows": spec.metrics[0]: uses {{args.token}}, which spec.args does not declare: it has a value only together with a template that declares it; declare it: args: [{name: token}]`,
			`Invalid ` + at + `.templates[0]: AnalysisTemplate "shows": metric "s": failureCondition uses args.token, whose value is a secret and would be shown in messages; use an argument with a plain value there`,
			`Warning ` + at + `.templates[1]: AnalysisTemplate "token" (included by uses-token): spec.metrics: is empty: nothing is measured`,
			`Invalid ` + at + `.templates[1]: argument token of AnalysisTemplate "token" (included by uses-token) takes its value from key gone of Secret workspace-url, which has no such key; it has secretURL`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ro := read[api.Rollout](t, test.text)
			expect(t, References(ro, nest(t)), test.want...)
		})
	}
}

func TestTemplatesInTemplatesAmongFiles(t *testing.T) {
	refs := nest(t)
	refs.Partial, refs.Checked = true, true
	template := func(name string) *api.AnalysisTemplateSpec {
		spec, _ := refs.Template(name, false)
		return &spec
	}
	expect(t, TemplateReferences(template("outer"), refs))
	expect(t, TemplateReferences(template("self"), refs), `Invalid spec.templates[0]: templates include each other: self -> self`)
	expect(t, TemplateReferences(template("torn"), refs), `Warning spec.templates[0]: AnalysisTemplate "gone" not found, included by half`)
	ro := read[api.Rollout](t, canary("steps:\n- analysis: {templates: [{templateName: torn}], dryRun: [{metricName: of-gone}]}\n"))
	expect(t, References(ro, refs), `Warning spec.strategy.canary.steps[0].analysis.templates[0]: AnalysisTemplate "gone" not found, included by torn -> half`)
}

func TestMetadataForRuns(t *testing.T) {
	ro := read[api.Rollout](t, canary(`
steps:
- analysis:
    templates: [{templateName: a}]
    analysisRunMetadata:
      labels: {team: shop, "not a key": x, size: "a b", step-index: "7"}
      annotations: {Example.com/Note: "any text at all", "a/b/c": x}
`))
	const at = "spec.strategy.canary.steps[0].analysis.analysisRunMetadata."
	found := Rollout(ro)
	var got []string
	for _, f := range found {
		got = append(got, string(f.Kind)+" "+f.Path)
	}
	want := []string{
		"Invalid " + at + "annotations[a/b/c]", "Invalid " + at + "labels[not a key]", "Invalid " + at + "labels[size]", "Warning " + at + "labels[step-index]",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", found.Texts(), want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", found[i].String(), want[i])
		}
	}
}
