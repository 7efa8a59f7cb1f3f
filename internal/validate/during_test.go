package validate

import (
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

// aLoadTest is a metric with a Job whose report has this format.
func aLoadTest(format string) string {
	return `
  - name: load
    provider: {job: {report: {format: ` + format + `}, spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "load:1"}]}}}}}
`
}

func beside(load, lines string) string { return metric(lines) + load }

const below = "successCondition: result[0] < 0.01\n"

func TestDuring(t *testing.T) {
	plainJob := `
  - name: load
    provider: {job: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "load:1"}]}}}}}
`
	web := "successCondition: result.ok\nprovider: {web: {url: 'http://x'}}\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"all of a load test", beside(aLoadTest("k6"), "during: load\ninterval: 10s\n"+below+query), nil},
		{"a phase of one", beside(aLoadTest("result"), "during: load/Burn\n"+below+query), nil},
		{"all of it, for what cannot look back", beside(aLoadTest("result"), "during: load\n"+web), nil},
		{"an argument", beside(aLoadTest("result"), "during: '{{args.load}}'\n"+below+query) + "  args: [{name: load}]\n", nil},
		{"no metric of that name here", metric("during: load\n" + below + query), []string{
			`Warning spec.metrics[0].during: "load" is no metric of this template, which is an error unless a template used beside it brings one; there is errors`}},
		{"no name", beside(aLoadTest("result"), "during: /Burn\n"+below+query), []string{
			`Invalid spec.metrics[0].during: is "/Burn", which names no load test; write the name of a metric, such as load, or one of its phases, such as load/Burn`}},
		{"no phase", beside(aLoadTest("result"), "during: load/\n"+below+query), []string{
			`Invalid spec.metrics[0].during: is "load/", which names no load test; write the name of a metric, such as load, or one of its phases, such as load/Burn`}},
		{"itself", metric("during: errors\n" + below + query), []string{
			`Invalid spec.metrics[0].during: names the metric itself; name the metric that runs the load test`}},
		{"one that does the same", metric("during: other\n"+below+query) + "  - name: other\n    during: errors\n    successCondition: result[0] < 1\n    provider: {prometheus: {address: 'http://p:9090', query: sum(x)}}\n", []string{
			`Invalid spec.metrics[0].during: names "other", which is itself measured during another metric; name the metric that runs the load test`,
			`Invalid spec.metrics[1].during: names "errors", which is itself measured during another metric; name the metric that runs the load test`}},
		{"a Job nobody knows to be a load test", beside(plainJob, "during: load\n"+below+query), []string{
			`Invalid spec.metrics[0].during: names "load", a Job of which nobody knows that it is a load test: its report has no format of one; write report: {format: result} under its job, or the format of its load generator`}},
		{"a Job that reports anything", beside(aLoadTest("json"), "during: load\n"+below+query), []string{
			`Invalid spec.metrics[0].during: names "load", a Job of which nobody knows that it is a load test: its report has no format of one; write report: {format: result} under its job, or the format of its load generator`}},
		{"a query", metric("during: other\n"+below+query) + "  - name: other\n    successCondition: result[0] < 1\n    provider: {prometheus: {address: 'http://p:9090', query: sum(x)}}\n", []string{
			`Invalid spec.metrics[0].during: names "other", which is no load test; name a metric with a loadTest, or with a Job whose report has the format of a load generator`}},
		{"a load test that is repeated", beside(aLoadTest("result")+"    interval: 1m\n    count: 3\n", "during: load\n"+below+query), []string{
			`Invalid spec.metrics[0].during: names "load", which runs more than once; let the load test run once: remove its count and interval`}},
		{"a phase of a report without phases", beside(aLoadTest("vegeta"), "during: load/Burn\n"+below+query), []string{
			`Invalid spec.metrics[0].during: names phase "Burn" of "load", and a report of format vegeta tells of no phases; name the load test alone: "load"`}},
		{"a phase for what cannot look back", beside(aLoadTest("result"), "during: load/Burn\n"+web), []string{
			`Invalid spec.metrics[0].during: names a phase, which is known only when it is over, and this provider cannot be asked about the past; name the load test alone: "load", or ask prometheus`}},
		{"a count", beside(aLoadTest("result"), "during: load\ninterval: 10s\ncount: 3\n"+below+query), []string{
			`Invalid spec.metrics[0].count: is set beside during: how long the load test lasts says how often it is measured; remove it; interval says how far apart the measurements are`}},
		{"a Job", "spec:\n  metrics:" + aLoadTest("result") + "  - name: again\n    during: load\n    provider: {job: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}}\n", []string{
			`Invalid spec.metrics[1].during: is set on a metric that runs a Job or a load test, which has a beginning and an end of its own; remove it`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, Template(&read[api.AnalysisTemplate](t, c.text).Spec), c.want...)
		})
	}
}

func TestReports(t *testing.T) {
	job := func(report string) string {
		return "spec:\n  metrics:\n  - name: load\n    provider: {job: {report: " + report + `, spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}}` + "\n"
	}
	for report, want := range map[string][]string{
		"{format: ghz, from: Log}": nil,
		"{from: Log}":              {`Invalid spec.metrics[0].provider.job.report.format: is missing; write one of result, k6, vegeta, fortio, ghz, artillery and json`},
		"{format: locust}":         {`Invalid spec.metrics[0].provider.job.report.format: is "locust"; write one of result, k6, vegeta, fortio, ghz, artillery and json`},
		"{format: k6, from: file}": {`Invalid spec.metrics[0].provider.job.report.from: is "file"; write TerminationMessage or Log, or leave it out for the first that holds a report`},
	} {
		t.Run(report, func(t *testing.T) { expect(t, Template(&read[api.AnalysisTemplate](t, job(report)).Spec), want...) })
	}
}

// A template may be measured during a load test that another one brings.
func TestALoadTestMayComeFromAnotherTemplate(t *testing.T) {
	templates := map[string]string{
		"errors": metric("during: load\n" + below + query),
		"burn":   "spec:\n  metrics:" + aLoadTest("result"),
		"other":  "spec:\n  metrics:\n  - name: load\n    " + below + "    " + query,
	}
	for _, c := range []struct {
		with string
		want []string
	}{
		{"burn", nil},
		{"", []string{`"load" is no metric; there is errors`}},
		{"other", []string{`names "load", which is no load test; name a metric with a loadTest, or with a Job whose report has the format of a load generator`}},
	} {
		t.Run(c.with, func(t *testing.T) {
			refs := Refs{
				Template: func(name string, _ bool) (api.AnalysisTemplateSpec, bool) {
					text, ok := templates[name]
					if !ok {
						return api.AnalysisTemplateSpec{}, false
					}
					return read[api.AnalysisTemplate](t, text).Spec, true
				},
				Checked: true,
			}
			list := "{templateName: errors}"
			if c.with != "" {
				list += ", {templateName: " + c.with + "}"
			}
			rollout := read[api.Rollout](t, canary("steps:\n- analysis: {templates: ["+list+"]}"))
			for i, want := range c.want {
				c.want[i] = `Invalid spec.strategy.canary.steps[0].analysis.templates[0]: AnalysisTemplate "errors": during of metric "errors": ` + want
			}
			expect(t, References(rollout, refs), c.want...)
		})
	}
}
