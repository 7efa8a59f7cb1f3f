package validate

import (
	"strings"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

// loadTemplate is a template with one load test.
func loadTemplate(block string, args string) string {
	return "spec:\n  metrics:\n  - name: load\n    provider:\n      loadTest:\n" + indented(block, "        ") + "\n  args: [" + args + "]\n"
}

func indented(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by)
}

// inline is a block with this script inline.
func inline(lines ...string) string {
	return "script:\n  inline: |\n" + indented(strings.Join(lines, "\n"), "    ") + "\n"
}

const at = "spec.metrics[0].provider.loadTest."

func TestLoadTests(t *testing.T) {
	good := inline(
		"config: {phases: [{duration: 60, arrivalRate: 5}], plugins: {ensure: {}}, ensure: {thresholds: [{http.codes.500: 1}]}}",
		"scenarios: [{flow: [{get: {url: /}}]}]")
	random := inline(
		"config: {phases: [{duration: 60, arrivalRate: 5}], variables: {name: [a, b]}, plugins: {ensure: {}}, ensure: {thresholds: [{http.codes.500: 1}]}}",
		`scenarios: [{flow: [{get: {url: "/{{ $randomNumber(1,9) }}/{{ name }}"}}]}]`)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"all that is right", loadTemplate(good+`
target: "http://{{args.canary}}"
compareTarget: "http://{{args.stable}}"
parallelism: 3
environment: prod
abortOn: ["errors.rate > 0.5", http.response_time.p99 > 2000]
tags: {team: shop}
deadline: 10m
`, "{name: canary}, {name: stable}"), []string{
			`Invalid ` + at + `environment: no environment is called prod; the script has no config.environments`}},
		{"placeholders of the script are left to it", loadTemplate(random+"target: http://a", ""), nil},
		{"a value of a Secret that the script reads from its environment", loadTemplate(inline(
			"config: {target: http://a, phases: [{duration: 60, arrivalRate: 5}]}",
			`scenarios: [{flow: [{get: {url: /, headers: {authorization: "{{ $env.TOKEN }}"}}}]}]`)+
			"env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}]", ""), nil},
		{"a result that fits into nothing", loadTemplate(good+"target: http://a\npodMetadata: {annotations: {sluice.dev/result-budget: '100'}}", ""), []string{
			`Invalid ` + at + `podMetadata.annotations[sluice.dev/result-budget]: is "100", and must be a number of bytes from 128 to 4096; leave it out for what fits`}},
		{"a result of words", loadTemplate(good+"target: http://a\npodMetadata: {annotations: {sluice.dev/result-budget: 2Ki}}", ""), []string{
			`Invalid ` + at + `podMetadata.annotations[sluice.dev/result-budget]: is "2Ki", and must be a number of bytes from 128 to 4096; leave it out for what fits`}},
		{"a result that has its room", loadTemplate(good+"target: http://a\npodMetadata: {annotations: {sluice.dev/result-budget: '3000'}}", ""), nil},
		{"nothing to send", loadTemplate("script: {}", ""), []string{
			`Invalid ` + at + `script: is missing; write inline with an Artillery script below it, or configMap with name and key`}},
		{"two scripts", loadTemplate(strings.TrimSuffix(good, "\n")+"\n  configMap: {name: a, key: b}\ntarget: http://a", ""), []string{
			`Invalid ` + at + `script: has both inline and configMap; remove one of them`}},
		{"a script in a ConfigMap that is not named, nor its key", loadTemplate("script: {configMap: {name: '', key: a/b}}", ""), []string{
			`Invalid ` + at + `script.configMap.key: is "a/b", which is no key of a ConfigMap`,
			`Invalid ` + at + `script.configMap.name: is missing; write the name of the ConfigMap`}},
		{"a script that is broken says where", loadTemplate(inline(
			"config: {target: http://a, phases: [{duration: 60, arrivalRate: 5}]}",
			"scenarios:",
			"- flw: [{get: {url: /}}]"), ""), []string{
			`Invalid ` + at + `script.inline: line 3, column 3: scenarios[0].flw: unknown key; did you mean flow?`,
			`Invalid ` + at + `script.inline: line 3, column 3: scenarios[0].flow: a scenario needs a list of steps`}},
		{"a script with an argument whose value is not known is wrong only where any value would be", loadTemplate(inline(
			"config: {target: http://a, phases: [{duration: 60, arrivalRate: {{args.rate}}}]}",
			"scenarios:",
			"- flow: [{gett: {url: /}}]"), "{name: rate}"), []string{
			`Invalid ` + at + `script.inline: line 3, column 11: scenarios[0].flow[0].gett: unknown step; did you mean get?`}},
		{"a script without a target", loadTemplate(inline("scenarios: [{flow: [{get: {url: /}}]}]"), ""), []string{
			`Invalid ` + at + `script.inline: line 1, column 1: config.target: there is no target; set it here or with target`}},
		{"targets that are none", loadTemplate(good+"target: canary\ncompareTarget: http://a", ""), []string{
			`Invalid ` + at + `target: "canary" is not a URL with a scheme and a host; write it with http:// or https://, such as http://shop-canary.shop.svc`}},
		{"nothing to compare with", loadTemplate("script: {configMap: {name: a, key: b}}\ncompareTarget: http://a", ""), []string{
			`Invalid ` + at + `target: is missing: compareTarget is what it is compared with; write the new version's address`}},
		{"compared with itself", loadTemplate(good+"target: http://a\ncompareTarget: http://a", ""), []string{
			`Invalid ` + at + `compareTarget: is the same as target; write the address of the other version, such as that of the stable Service`}},
		{"compared with itself, written in another way", loadTemplate(good+"target: http://a.svc\ncompareTarget: HTTP://A.svc:80/", ""), []string{
			`Invalid ` + at + `compareTarget: is the same as target; write the address of the other version, such as that of the stable Service`}},
		{"a generator that is throttled", loadTemplate(good+"target: http://a\nresources: {limits: {cpu: 500m}}", ""), []string{
			`Warning ` + at + `resources.limits.cpu: is 500m: a generator that is throttled measures itself, and its test is inconclusive; remove it, and write requests.cpu instead`}},
		{"numbers and words that nobody knows", loadTemplate(good+"target: http://a\nparallelism: 51\ndefaultGates: Some\ndeadline: 0s\nenv: [{name: ''}]", ""), []string{
			`Invalid ` + at + `deadline: is shorter than a second; write for example 10m`,
			`Invalid ` + at + `defaultGates: is "Some"; write Enforce or None`,
			`Invalid ` + at + `env[0].name: is missing`,
			`Invalid ` + at + `parallelism: is 51; from 1 to 50 pods can share a load; leave it out for 1`}},
		{"a deadline that ends every test", loadTemplate(good+"target: http://a\ndeadline: 1m", ""), []string{
			`Invalid ` + at + `deadline: is 1m0s, and the script's phases take 1m0s: the test would never come to its end; leave it out, or write more`}},
		{"what ends it is no condition", loadTemplate(good+"target: http://a\nabortOn: ['errors.rate >', 'http.response_time.p98 > 1']", ""), []string{
			`Invalid ` + at + `abortOn[0]: "errors.rate >" is not a condition: column 14: the expression ends too early; write for example "errors.rate > 0.5"`,
			`Invalid ` + at + `abortOn[1]: "http.response_time.p98 > 1" is not a condition: column 1: unknown metric "http.response_time.p98"; it has min, max, count, mean, p50, median, p75, p90, p95, p99, p999; write for example "errors.rate > 0.5"`}},
		{"what ends it is that all is well, or more than everything", loadTemplate(good+"target: http://a\nabortOn: ['errors.rate < 0.5', 'errors.rate > 50']", ""), []string{
			`Warning ` + at + `abortOn[0]: "errors.rate < 0.5" holds while nothing has gone wrong, so every test would end at once and fail; write when it is to end, for example "errors.rate > 0.5"`,
			`Warning ` + at + `abortOn[1]: errors.rate is a share from 0 to 1, and 50 is beyond that; write 0.5 for 50 %`}},
		{"addresses that lead nowhere", loadTemplate(good+"target: http://u:hunter2@a.svc/\ncompareTarget: http://$stable.svc:70000", ""), []string{
			`Invalid ` + at + `compareTarget: "$stable.svc" is no name of a host; write letters, digits, dots and dashes, such as http://shop-canary.shop.svc`,
			`Invalid ` + at + `compareTarget: has the port 70000, which is not from 1 to 65535`,
			`Warning ` + at + `target: holds a password, and everybody who may read this object, or a Job made of it, can read it; take it from a Secret, and send it as a header`,
			`Warning ` + at + `target: ends with /, and a url such as /a is put behind it as it is: //a is sent; write it without the last /`}},
		{"an image with blanks", loadTemplate(good+"target: http://a\nimage: sluice load:1", ""), []string{
			`Invalid ` + at + `image: "sluice load:1" has blanks, and is no image`}},
		{"gates whose plugin is not declared count, and that is said", loadTemplate(inline(
			"config: {phases: [{duration: 60, arrivalRate: 5}], ensure: {p95: 200}}",
			"scenarios: [{flow: [{get: {url: /, expect: {statusCode: 200}}}]}]")+"target: http://a", ""), []string{
			`Warning ` + at + `script.inline: line 1, column 60: config.ensure: is enforced here; elsewhere, without --enforce, nothing would be, because plugins.ensure is not declared; add config.plugins.ensure: {}`,
			`Warning ` + at + `script.inline: line 2, column 44: expectations are checked here; elsewhere, without --enforce, none would be, because plugins.expect is not declared; add config.plugins.expect: {}`}},
		{"a file beside a script that stands alone", loadTemplate(inline(
			"config: {phases: [{duration: 60, arrivalRate: 5}], processor: ./x.js}",
			"scenarios: [{flow: [{get: {url: /}}]}]")+"target: http://a", ""), []string{
			`Invalid ` + at + `script.inline: line 1, column 63: config.processor: there are no files beside this script, so "./x.js" cannot be read; put the script and the file into a ConfigMap, and write script: {configMap: {name: …, key: …}}`}},
		{"warnings beside errors", loadTemplate(inline(
			"config: {phases: [{duration: 60, arrivalRate: 5}]}",
			"scenarios: [{flow: [{gt: {url: /}}, {think: 0.5}]}]")+"target: http://a", ""), []string{
			`Invalid ` + at + `script.inline: line 2, column 22: scenarios[0].flow[0].gt: unknown step; did you mean get?`,
			`Warning ` + at + `script.inline: line 2, column 45: scenarios[0].flow[1].think: 0.5 is taken as 500ms; Artillery would not pause at all; write 500ms`}},
		{"what ends it is an error that nothing counts", loadTemplate(good+"target: http://a\nabortOn: ['errors.rat > 0.5']", ""), []string{
			`Invalid ` + at + `abortOn[0]: "errors.rat > 0.5" is not a condition: column 1: unknown metric "errors.rat"; did you mean errors.rate?; write for example "errors.rate > 0.5"`}},
		{"of a script in a ConfigMap not every name is known", loadTemplate("script: {configMap: {name: a, key: b}}\nabortOn: ['plugins.x.p98 > 1', '>']", ""), []string{
			`Warning ` + at + `abortOn[0]: "plugins.x.p98 > 1" is not a condition: column 1: unknown metric "plugins.x.p98"; write for example "errors.rate > 0.5"`,
			`Invalid ` + at + `abortOn[1]: ">" is not a condition: column 1: unexpected ">"; write for example "errors.rate > 0.5"`}},
		{"tags that cannot be sent", loadTemplate(good+`target: http://a
tags: {"a b": x, c: "d,e"}`, ""), []string{
			`Invalid ` + at + `tags[a b]: cannot be sent as a header; write letters, digits, dots, dashes and underscores`,
			`Invalid ` + at + `tags[c]: "d,e" cannot be sent as a header; write up to 128 letters, digits, spaces and any of . : / @ + - _`}},
		{"a secret in the script", loadTemplate(inline(
			"config: {target: http://a, phases: [{duration: 60, arrivalRate: 5}]}",
			`scenarios: [{flow: [{get: {url: "/?token={{args.token}}"}}]}]`), "{name: token, valueFrom: {secretKeyRef: {name: s, key: k}}}"), []string{
			`Invalid spec.metrics[0]: metric "load": provider.loadTest.script.inline uses args.token, whose value is a secret, and everybody can read it there: ` +
				`give it to the container by env, and write {{ $env.NAME }} in the script; use an argument with a plain value there`}},
		{"an argument nobody declares, and one that is misspelled", loadTemplate(inline(
			"config: {target: http://a, variables: {arg: {x: 1}}, phases: [{duration: 60, arrivalRate: 5}]}",
			`scenarios: [{flow: [{get: {url: "/{{args.path}}/{{arg.x}}"}}]}]`), ""), []string{
			`Warning spec.metrics[0]: uses {{args.path}}, which spec.args does not declare: it has a value only together with a template that declares it; declare it: args: [{name: path}]`,
			`Warning ` + at + `script.inline: "{{arg.x}}" is no placeholder and is left to the script; did you mean {{args.x}}?`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			expect(t, Template(&read[api.AnalysisTemplate](t, test.text).Spec), test.want...)
		})
	}
}

func TestAScriptThatIsTooLongIsSentToAConfigMap(t *testing.T) {
	spec := read[api.AnalysisTemplate](t, loadTemplate("script: {inline: a}\ntarget: http://a", "")).Spec
	spec.Metrics[0].Provider.LoadTest.Script.Inline = strings.Repeat("#", api.MaxLoadScript+1)
	expect(t, Template(&spec),
		"Invalid "+at+"script.inline: has 65537 bytes, more than 65536; put it into a ConfigMap: script: {configMap: {name: …, key: …}}")
}

// Nothing else sees what the script's gates do not, when there are no default ones.
func TestErrorsPassWhereNobodyLooksAtThem(t *testing.T) {
	for gates, want := range map[string]bool{"": false, "Enforce": false, "None": true} {
		block := inline("config: {target: http://a, phases: [{duration: 60, arrivalRate: 5}]}", "scenarios: [{flow: [{get: {url: /}}]}]")
		if gates != "" {
			block += "defaultGates: " + gates
		}
		found := Template(&read[api.AnalysisTemplate](t, loadTemplate(block, "")).Spec)
		warned := len(found) == 1 && found[0].Rule == RuleScriptAdvice && strings.Contains(found[0].String(), "errors.rate <= 0.01")
		if warned != want || !want && len(found) > 0 {
			t.Errorf("with gates %q: %v", gates, found)
		}
	}
}

// A condition that no report can answer is found before any load is sent.
func TestConditionsOnWhatNoReportHas(t *testing.T) {
	block := inline("config: {target: http://a, phases: [{duration: 60, arrivalRate: 5, name: Burn}]}", "scenarios: [{flow: [{get: {url: /}}]}]")
	const where, warning = "Invalid spec.metrics[0].successCondition: ", "Warning spec.metrics[0].successCondition: "
	for condition, want := range map[string]string{
		"report.latency.p99 < 100":                              "",
		"report.latency.p96 < 100":                              where + "report.latency has no p96; it has max, p50, p90, p95, p99, p999",
		"report.lateny.p99 < 100":                               where + "report has no lateny; did you mean latency?",
		"report.ratio.latency.p99 < 1.2":                        where + "report.ratio needs compareTarget",
		`report.phases["Brun"].latency.p95 < 100`:               where + "report.phases has no Brun; did you mean Burn?",
		`report.phases["Burn"].latency.p95 < 100`:               "",
		`(report.codes["404"] ?? 0) < 5`:                        "",
		`report.codes["5xx"] == 0 and report.errors.total == 0`: "",
		`"p96" in report.latency and report.latency.p96 < 100`:  "",
		"result[0] < 1":                                         where + "takes result for a list of series, and the result of a load test is one number: its exit code; ask the report, for example report.latency.p99 < 250",
		"result == 0":                                           "",
		"result.latency.p95 < 3":                                where + "takes result for an object, and the result of a load test is one number: its exit code; ask the report, for example report.latency.p99 < 250",
		"report.latency < 5":                                    where + "report.latency is no value but a group of them; ask one of them, for example report.latency.p99",
		"report == 0":                                           where + "report is no value but a group of them; ask one of them, for example report.latency.p99",
		"result":                                                where + "is neither true nor false, but result; compare it, for example result == 0",
		"result == '0'":                                         where + "compares result with 0, and the result of a load test is a number: its exit code; write for example result == 0",
		"result == true":                                        where + "compares result with true, and the result of a load test is a number: its exit code; write for example result == 0",
		"result != 0":                                           warning + "is never a success: result is 0 of a test that passed, and one that did not is no success whatever its condition says; write result == 0",
		"result < 1":                                            "",
		"len(report.latency) > 0":                               "",
		"report.latency != nil":                                 "",
		"report?.latency?.p96 < 100":                            warning + "report.latency has no p96: it is never there; it has max, p50, p90, p95, p99, p999",
		"default(report.ratio.latency.p95, 1) < 1.3":            warning + "report.ratio needs compareTarget: it is never there",
		"report.errorRate <= 1":                                 warning + "report.errorRate is a share from 0 to 1, so <= 1 holds of nearly all there can be; write 0.01 for 1 %",
		"report.errorRate == 1":                                 "",
		"5 > report.errors.rate":                                warning + "report.errors.rate is a share from 0 to 1, and 5 is beyond that; write 0.05 for 5 %",
		"report.latency.p95 < 0.5":                              warning + "report.latency.p95 is in milliseconds, and 0.5 is less than one; if seconds were meant, write 500",
		"report.lag.p99 < 0.5":                                  "",
		`report.verdict == "passed"`:                            where + `report.verdict is never "passed"; write pass or fail or inconclusive`,
		`report.verdict != "fail"`:                              "",
	} {
		spec := read[api.AnalysisTemplate](t, loadTemplate(block, "")).Spec
		spec.Metrics[0].SuccessCondition = condition
		var wants []string
		if want != "" {
			wants = []string{want}
		}
		t.Run(condition, func(t *testing.T) { expect(t, Template(&spec), wants...) })
	}
}

func TestALoadTestThatIsRepeatedWithoutEnd(t *testing.T) {
	spec := read[api.AnalysisTemplate](t, loadTemplate(inline("config: {target: http://a, phases: [{duration: 60, arrivalRate: 5}]}", "scenarios: [{flow: [{get: {url: /}}]}]"), "")).Spec
	m := &spec.Metrics[0]
	m.Interval, m.NoData, m.FailureCondition = "30s", api.NoDataFail, "result == 0"
	expect(t, Template(&spec),
		"Warning spec.metrics[0].failureCondition: fails tests that passed: their result is 0; write result != 0",
		"Warning spec.metrics[0].interval: is set without a count: the load is sent again and again for as long as the analysis lasts; remove it, or write a count",
		"Warning spec.metrics[0].noData: has no effect: a load test has a result, or is an error; remove it")
}

func TestMeasuringDuringAPhaseThatTheScriptDoesNotHave(t *testing.T) {
	block := inline("config: {target: http://a, phases: [{duration: 60, arrivalRate: 5, name: Burn}]}", "scenarios: [{flow: [{get: {url: /}}]}]")
	for during, want := range map[string]string{
		"load/Burn": "",
		"load/Brun": `Invalid spec.metrics[1].during: names phase "Brun" of "load", and its script has none of that name; write one of its phases: Burn`,
	} {
		spec := read[api.AnalysisTemplate](t, loadTemplate(block, "")).Spec
		spec.Metrics = append(spec.Metrics, api.Metric{Name: "errors", During: during, SuccessCondition: "result < 1",
			Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Address: "http://p:9090", Query: "sum(a)"}}})
		var wants []string
		if want != "" {
			wants = []string{want}
		}
		t.Run(during, func(t *testing.T) { expect(t, Template(&spec), wants...) })
	}
}
