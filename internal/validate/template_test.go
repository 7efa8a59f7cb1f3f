package validate

import (
	"strings"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

func metric(lines string) string {
	return "spec:\n  metrics:\n  - name: errors\n" + indent(lines, 4)
}

const query = "provider: {prometheus: {address: 'http://prometheus:9090', query: sum(errors)}}\n"

func TestTemplate(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"a query with a limit is fine", metric("successCondition: result[0] < 0.01\n" + query), nil},
		{"arguments may stand for anything", `
spec:
  args: [{name: address}, {name: count, value: "3"}, {name: limit}]
  metrics:
  - name: errors
    interval: "{{args.count}}s"
    count: "{{ args.count }}"
    failureLimit: "{{args.limit}}"
    successCondition: result[0] < {{args.limit}}
    provider: {prometheus: {address: "{{args.address}}", query: sum(errors)}}
`, nil},
		{"nothing to measure", "spec: {}", []string{`Warning spec.metrics: is empty: nothing is measured`}},
		{"any answer is a success", metric(query), []string{
			`Warning spec.metrics[0]: has neither successCondition nor failureCondition: whatever is measured counts as a success; write for example successCondition: result[0] <= 0.01`}},
		{"several measurements without an interval", metric("count: 3\nsuccessCondition: 'true'\n" + query), []string{
			`Invalid spec.metrics[0].interval: is missing: count is 3, so it must be said how long to wait between measurements; write for example interval: 30s`}},
		{"durations that are none", metric("interval: 30\ninitialDelay: soon\nsuccessCondition: 'true'\n" + query), []string{
			`Invalid spec.metrics[0].initialDelay: is "soon", which is no length of time; write a number with a unit, such as 30s, 5m or 1h30m`,
			`Invalid spec.metrics[0].interval: is "30", which is no length of time; write a number with a unit, such as 30s, 5m or 1h30m`}},
		{"limits below their least value", metric("failureLimit: -2\ninconclusiveLimit: -1\nconsecutiveErrorLimit: -1\nconsecutiveSuccessLimit: -1\ncount: x\nsuccessCondition: 'true'\n" + query), []string{
			`Invalid spec.metrics[0].consecutiveErrorLimit: is -1 and cannot be negative`,
			`Invalid spec.metrics[0].consecutiveSuccessLimit: is -1 and cannot be negative`,
			`Invalid spec.metrics[0].count: is "x", not a whole number`,
			`Invalid spec.metrics[0].failureLimit: is -2 and must be -1 (never fail) or more`,
			`Invalid spec.metrics[0].inconclusiveLimit: is -1 and cannot be negative`}},
		{"neither failure nor success is possible", metric("failureLimit: -1\nsuccessCondition: 'true'\n" + query), []string{
			`Invalid spec.metrics[0].failureLimit: is -1, so the metric never fails, and without consecutiveSuccessLimit it never succeeds either; write a failureLimit of 0 or more, or a consecutiveSuccessLimit`}},
		{"a count too small for its limits", metric("count: 2\ninterval: 1s\nfailureLimit: 2\nconsecutiveSuccessLimit: 1\ninconclusiveLimit: 3\nsuccessCondition: 'true'\n" + query), []string{
			`Invalid spec.metrics[0].count: is 2, less than failureLimit (2) and consecutiveSuccessLimit (1) together`,
			`Invalid spec.metrics[0].inconclusiveLimit: is 3, more than the count of 2`}},
		{"story C4: limits that make failure impossible", metric("count: 1\nfailureLimit: 1\nsuccessCondition: 'true'\n" + query), []string{
			`Warning spec.metrics[0].failureLimit: is 1 with one measurement: failures alone never fail the metric, only having no success at all does; write 0 or less`}},
		{"conditions that do not parse or are not boolean", metric("successCondition: result[0] <\nfailureCondition: 1 + 1\n" + query), []string{
			`Invalid spec.metrics[0].failureCondition: "1 + 1" is not a condition: expected bool, but got int; write an expression that is true or false, such as result[0] <= 0.01`,
			`Invalid spec.metrics[0].successCondition: "result[0] <" is not a condition: unexpected token EOF (line 1, column 11); write an expression that is true or false, such as result[0] <= 0.01`}},
		{"a name twice", "spec: {metrics: [{name: a, failureCondition: 'false', provider: {web: {url: 'http://a'}}}, {name: a, failureCondition: 'false', provider: {web: {url: 'http://a'}}}]}", []string{
			`Invalid spec.metrics[1].name: is a, like that of spec.metrics[0]; names of metrics must differ`}},
		{"no provider", metric("successCondition: 'true'\nprovider: {}"), []string{
			`Invalid spec.metrics[0].provider: names no source of measurements; write one of prometheus, web, job and loadTest`}},
		{"two providers, one of them for later", metric("successCondition: 'true'\nprovider: {web: {url: 'http://a'}, datadog: {query: a}}"), []string{
			`Invalid spec.metrics[0].provider: has several sources of measurements: web, datadog; make each of them a metric of its own`,
			`Unsupported spec.metrics[0].provider.datadog: not supported yet`}},
		{"an address that is no URL", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'prometheus:9090', query: sum(a)}}"), []string{
			`Invalid spec.metrics[0].provider.prometheus.address: "prometheus:9090" is not a URL with a scheme and a host; write it with http:// or https://, such as http://prometheus.monitoring:9090`}},
		{"no region anywhere", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'https://amp.internal', query: sum(a), authentication: {sigv4: {}}}}"), []string{
			`Warning spec.metrics[0].provider.prometheus.authentication.sigv4.region: is missing and the host's name has none: requests can be signed only if the controller's environment sets AWS_REGION; write for example us-west-2`}},
		{"a region in the host's name", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'https://aps-workspaces.us-west-2.amazonaws.com/workspaces/ws-1', query: sum(a), authentication: {sigv4: {}}}}"), nil},
		{"another region than the host's", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'https://aps-workspaces.us-west-2.amazonaws.com/workspaces/ws-1', query: sum(a), authentication: {sigv4: {region: eu-west-1}}}}"), []string{
			`Warning spec.metrics[0].provider.prometheus.authentication.sigv4.region: is eu-west-1, and the host is in us-west-2: requests signed for another region are refused; write us-west-2, or leave it out`}},
		{"a region that is none", metric("successCondition: 'true'\nprovider: {prometheus: {address: '{{args.a}}', query: sum(a), authentication: {sigv4: {region: us-west2}}}}"), []string{
			`Warning spec.metrics[0]: uses {{args.a}}, which spec.args does not declare: it has a value only together with a template that declares it; declare it: args: [{name: a}]`,
			`Warning spec.metrics[0].provider.prometheus.authentication.sigv4.region: is "us-west2", which no AWS region is called; write for example us-west-2`}},
		{"a workspace asked without a signature (story C23)", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'https://aps-workspaces.us-west-2.amazonaws.com/workspaces/ws-1', query: sum(a)}}"), []string{
			`Warning spec.metrics[0].provider.prometheus.authentication.sigv4: is missing, and this is a workspace of Amazon Managed Prometheus: requests without a signature are refused; write authentication: {sigv4: {region: …}} below prometheus`}},
		{"two ways to authenticate", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'https://a', query: sum(a), authentication: {sigv4: {region: eu-west-1}, basicAuth: {username: a}}}}"), []string{
			`Invalid spec.metrics[0].provider.prometheus.authentication.basicAuth: needs both username and password`,
			`Invalid spec.metrics[0].provider.prometheus.authentication.sigv4: cannot be combined with oauth2 or basicAuth: a signed request has one Authorization header; remove the others`}},
		{"one series of several", metric("successCondition: result[0] < 1\nprovider: {prometheus: {address: 'https://a', query: sum(a) by (pod)}}"), []string{
			`Warning spec.metrics[0].successCondition: "result[0] < 1" looks at one series, and the query may return several: the others are not judged; write series: Every under prometheus to judge each of them, or aggregate the query to one series`}},
		{"every series of several", metric("successCondition: result[0] < 1\nprovider: {prometheus: {address: 'https://a', query: sum(a) by (pod), series: Every}}"), nil},
		{"a web request that cannot be sent", metric("successCondition: 'true'\nprovider: {web: {url: a, method: GET, body: a, jsonBody: {a: 1}, timeoutSeconds: -1}}"), []string{
			`Invalid spec.metrics[0].provider.web.jsonBody: is given and so is body; remove one of them`,
			`Invalid spec.metrics[0].provider.web.method: is GET, which sends no body; remove the body`,
			`Invalid spec.metrics[0].provider.web.timeoutSeconds: is -1 and cannot be negative; leave it out for 10`,
			`Invalid spec.metrics[0].provider.web.url: "a" is not a URL with a scheme and a host; write it with http:// or https://, such as http://prometheus.monitoring:9090`}},
		{"a web request that may change something", metric("successCondition: 'true'\nprovider: {web: {url: 'http://a', method: POST, body: a}}"), []string{
			`Unsupported spec.metrics[0].provider.web.method: not supported yet`}},
		{"a Job that Kubernetes would not take", metric("provider: {job: {spec: {template: {spec: {}}}}}"), []string{
			`Warning spec.metrics[0].provider.job.spec.backoffLimit: is not set: Kubernetes starts a failed Job's pod up to 6 more times before the measurement fails; write backoffLimit: 0 to fail at the first failure`,
			`Invalid spec.metrics[0].provider.job.spec.template.spec.containers: must name at least one container`,
			`Invalid spec.metrics[0].provider.job.spec.template.spec.restartPolicy: is ""; pods of a Job end; write Never or OnFailure`}},
		{"an argument nobody declares", metric("successCondition: result < {{args.limt}}\n"+query) + "  args: [{name: limit}]\n", []string{
			`Warning spec.metrics[0]: uses {{args.limt}}, which spec.args does not declare: it has a value only together with a template that declares it; declare it under spec.args, or use one of limit`}},
		{"a secret in a condition", metric("successCondition: result[0] < {{args.limit}}\n"+query) + "  args: [{name: limit, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n", []string{
			`Invalid spec.metrics[0]: metric "errors": successCondition uses args.limit, whose value is a secret and would be shown in messages; use an argument with a plain value there`}},
		{"arguments that are not whole", "spec: {metrics: [{name: a, failureCondition: 'false', provider: {web: {url: 'http://a'}}}], args: [{name: a}, {name: a}, {}, {name: b, value: x, valueFrom: {}}, {name: c, valueFrom: {secretKeyRef: {name: ''}}}]}", []string{
			`Invalid spec.args[1].name: is a, like that of spec.args[0]; names of arguments must differ`,
			`Invalid spec.args[2].name: is missing`,
			`Invalid spec.args[3]: argument b has both value and valueFrom; remove one of them`,
			`Invalid spec.args[3].valueFrom: is empty; write secretKeyRef with name and key below it, or fieldRef with fieldPath`,
			`Invalid spec.args[4].valueFrom.secretKeyRef.key: is missing; write the key in the Secret`,
			`Invalid spec.args[4].valueFrom.secretKeyRef.name: is missing; write the name of the Secret`}},
		{"braces that are no placeholder", metric("successCondition: result[0] < {{arg.amp}}\nprovider: {prometheus: {address: '{{ .args.amp }}/x', query: 'sum(a{b=\"{{inputs.y}}\"}) / {{args.', rangeQuery: {start: '{{start time}}', end: now(), step: 1m}}}"), []string{
			`Invalid spec.metrics[0].provider.prometheus.address: "{{ .args.amp }}" is no placeholder: nothing is filled in for it; did you mean {{args.amp}}?`,
			`Invalid spec.metrics[0].provider.prometheus.query: "{{inputs.y}}" is no placeholder: nothing is filled in for it; did you mean {{args.y}}?`,
			`Invalid spec.metrics[0].provider.prometheus.query: "{{args." is no placeholder: nothing is filled in for it; a placeholder is written {{args.name}}`,
			`Invalid spec.metrics[0].provider.prometheus.rangeQuery.start: "{{start time}}" is no placeholder: nothing is filled in for it; a placeholder is written {{args.name}}`,
			`Invalid spec.metrics[0].provider.prometheus.rangeQuery.start: "{{start time}}" is no moment: it is not an expression; an example is now() - duration("5m")`,
			`Invalid spec.metrics[0].successCondition: "{{arg.amp}}" is no placeholder: nothing is filled in for it; did you mean {{args.amp}}?`}},
		{"braces in what a Job runs", metric("provider: {job: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, command: [echo, '{{.Name}} {{end}}', '{{arg.x}}']}]}}}}}"), []string{
			`Warning spec.metrics[0].provider.job.spec.template.spec.containers[0].command[2]: "{{arg.x}}" is no placeholder and stays as it is; did you mean {{args.x}}?`}},
		{"conditions that only their arguments make one", metric("successCondition: '{{args.a}} {{args.b}} 3'\nfailureCondition: '{{args.c}}'\n"+query) + "  args: [{name: a}, {name: b}, {name: c}]\n", nil},
		{"a condition that no argument mends", metric("successCondition: result[0] <<< {{args.x}}\n"+query) + "  args: [{name: x}]\n", []string{
			`Invalid spec.metrics[0].successCondition: "result[0] <<< {{args.x}}" is no condition whatever its arguments are: unexpected token Operator("<") (line 1, column 12); write an expression that is true or false, such as result[0] <= 0.01`}},
		{"a range that is none", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'http://a', query: sum(a), rangeQuery: {start: yesterday, end: now, step: 0s}}}"), []string{
			`Invalid spec.metrics[0].provider.prometheus.rangeQuery.end: "now" is no moment: it could not be evaluated`,
			`Invalid spec.metrics[0].provider.prometheus.rangeQuery.start: "yesterday" is no moment: it could not be evaluated`,
			`Invalid spec.metrics[0].provider.prometheus.rangeQuery.step: is 0: points have some time between them; write for example 1m`}},
		{"a range that ends before it starts", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'http://a', query: sum(a), rangeQuery: {start: now(), end: 'now() - duration(\"5m\")', step: 1m}}}"), []string{
			`Invalid spec.metrics[0].provider.prometheus.rangeQuery.end: is before start`}},
		{"a range from a date on", metric("successCondition: 'true'\nprovider: {prometheus: {address: 'http://a', query: sum(a), rangeQuery: {start: 'date(\"2026-01-01\")', end: now(), step: 1m}}}"), nil},
		{"measurements closer than a second", metric("interval: 1ns\ncount: 2\nsuccessCondition: 'true'\n" + query), []string{
			`Warning spec.metrics[0].interval: is 1ns: measurements are at least 1s apart; write 1s or more`}},
		{"a long condition is not repeated in full", metric("successCondition: " + strings.Repeat("(", 1000) + "\n" + query), []string{
			`Invalid spec.metrics[0].successCondition: "` + strings.Repeat("(", 117) + `…" is not a condition: unexpected token EOF (line 1, column 1000); write an expression that is true or false, such as result[0] <= 0.01`}},
		{"a policy for missing data that nobody knows", metric("noData: Wait\nnoDataDeadline: 1m\nsuccessCondition: 'true'\n" + query), []string{
			`Invalid spec.metrics[0].noData: is "Wait"; write Error, Hold or Fail`,
			`Invalid spec.metrics[0].noDataDeadline: needs noData: Hold: nothing else waits; write noData: Hold, or remove it`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, Template(&read[api.AnalysisTemplate](t, test.text).Spec), test.want...)
		})
	}
}

func TestARunIsCheckedWithItsValues(t *testing.T) {
	expect(t, Run(read[api.AnalysisRun](t, `
spec:
  args: [{name: limit, value: few}, {name: host, value: prometheus}, {name: template, value: "{{.x}}"}]
  metrics:
  - name: errors
    successCondition: result[0] <<< {{args.limit}}
    provider: {prometheus: {address: "{{args.host}}", query: "sum(a{b='{{args.template}}'})"}}
`)),
		`Invalid spec.metrics[0].provider.prometheus.address: "prometheus" is not a URL with a scheme and a host; write it with http:// or https://, such as http://prometheus.monitoring:9090`,
		`Invalid spec.metrics[0].successCondition: "result[0] <<< few" is not a condition: unexpected token Operator("<") (line 1, column 12); write an expression that is true or false, such as result[0] <= 0.01`)
}

func TestRun(t *testing.T) {
	run := read[api.AnalysisRun](t, `
spec:
  ttlStrategy: {secondsAfterCompletion: 3600, secondsAfterSuccess: 0}
  args: [{name: limit}]
  metrics:
  - name: errors
    successCondition: result[0] < {{args.limit}}
    provider: {prometheus: {address: "http://{{args.host}}", query: sum(a)}}
`)
	expect(t, Run(run),
		`Invalid spec.args[0]: args.limit was not resolved: it has neither value nor valueFrom`,
		`Invalid spec.metrics[0]: uses {{args.host}}, and there is no such argument; declare it under spec.args, or use one of limit`,
		`Warning spec.ttlStrategy.secondsAfterSuccess: is 0: the run is deleted as soon as it has ended, and nobody may have read what it came to; write for example 3600`)
	expect(t, Run(read[api.AnalysisRun](t, "spec: {ttlStrategy: {}, metrics: ["+errorRate("a")+"]}")), `Warning spec.ttlStrategy: names no time: the run stays; write for example secondsAfterCompletion: 3600`)
	expect(t, Run(&api.AnalysisRun{}), `Invalid spec.metrics: is empty: nothing is measured`)
}

func TestSeveralSeries(t *testing.T) {
	tests := map[string]bool{
		`up`:                                   true,
		`rate(errors{by="x"}[5m])`:             true,
		`sum(rate(errors[5m]))`:                false,
		`sum(a) / sum(b)`:                      false,
		`sum by (pod) (a)`:                     true,
		`sum(a) by (pod)`:                      true,
		`sum(a) without (pod)`:                 true,
		`sum(a) by ()`:                         false,
		`scalar(up)`:                           false,
		`topk(3, sum(a))`:                      true,
		`sum(a{x="count_values("}) # by (pod)`: false,
		`histogram_quantile(0.99, sum(rate(a_bucket[5m])) by (le))`:      false,
		`histogram_quantile(0.99, sum(rate(a_bucket[5m])) by (le, pod))`: true,
	}
	for query, want := range tests {
		if got := severalSeries(query); got != want {
			t.Errorf("severalSeries(%q) = %t, want %t", query, got, want)
		}
	}
}
