package script

import (
	"strings"
	"testing"
	"time"
)

// said is what Lint says about a script, without advice, line by line.
func said(text string, o Options) []string {
	o.File = "s.yaml"
	var all []string
	for _, p := range Lint([]byte(text), o) {
		if p.Severity != Advice {
			all = append(all, string(p.Severity)+" "+p.Error())
		}
	}
	return all
}

// What is read in another way than it was meant is told with what to write instead.
func TestWhatIsLegalAndProbablyNotMeant(t *testing.T) {
	gates := func(lines string) string {
		return "config:\n  target: http://a\n  plugins: {ensure: {}}\n  ensure: " + lines + "\nscenarios: [{flow: [{get: {url: /}}]}]\n"
	}
	flow := func(steps string) string {
		return "config:\n  target: http://a\n  variables: {ids: [1, 2], nested: [[1], [2]], one: 5}\nscenarios:\n- flow:\n" + steps
	}
	phases := func(phase string) string {
		return "config:\n  target: http://a\n  phases: [" + phase + "]\nscenarios: [{flow: [{get: {url: /}}]}]\n"
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a limit below a millisecond", gates("{p99: 0.001}"), []string{
			"warning s.yaml:4:12: config.ensure.p99: http.response_time.p99 is never below 0, so < 0 never holds",
			"warning s.yaml:4:17: config.ensure.p99: 0.001 is cut to 0, as by Artillery: whole milliseconds count here; write thresholds: [http.response_time.p99: 0.001]"}},
		{"a limit that loses next to nothing", gates("{p99: 300.9}"), nil},
		{"seconds", gates("{thresholds: [{http.response_time.p95: 0.5}]}"), []string{
			"warning s.yaml:4:26: config.ensure.thresholds[0].http.response_time.p95: http.response_time.p95 is in milliseconds, and 0.5 is less than one; if seconds were meant, write 500"}},
		{"per cent", gates("{conditions: [{expression: errors.rate <= 5}]}"), []string{
			"warning s.yaml:4:38: config.ensure.conditions[0].expression: errors.rate is a share from 0 to 1, and 5 is beyond that; write 0.05 for 5 %"}},
		{"a sign for per cent", gates("{conditions: [{expression: errors.rate <= 5%}]}"), []string{
			"error s.yaml:4:38: config.ensure.conditions[0].expression: column 18: the expression ends too early; a share is written as a number, 0.01 for 1 %"}},
		{"a unit", gates("{conditions: [{expression: http.response_time.p95 < 200ms}]}"), []string{
			`error s.yaml:4:38: config.ensure.conditions[0].expression: column 26: "200ms" is not a number; numbers have no unit, and times are in milliseconds`}},
		{"a condition without its key", gates(`{conditions: ["apdex > 0.9"]}`), []string{
			`error s.yaml:4:25: config.ensure.conditions[0]: must be a map, not "apdex > 0.9"; write expression: "apdex > 0.9"`}},
		{"a loop of no steps", flow("  - loop: []\n"), []string{
			"warning s.yaml:6:11: scenarios[0].flow[0].loop: a loop of no steps is left out"}},
		{"a loop over one element", flow("  - {loop: [{get: {url: /}}], over: ids}\n"), []string{
			"warning s.yaml:6:37: scenarios[0].flow[0].over: ids is no list (of a list in variables every user has one element), so the loop makes no turn; write the list itself, or capture one with json and multiple: false"}},
		{"a loop over an element that is a list", flow("  - {loop: [{get: {url: /}}], over: nested}\n"), nil},
		{"a loop over a number", flow("  - {loop: [{get: {url: /}}], over: one}\n"), []string{
			"warning s.yaml:6:37: scenarios[0].flow[0].over: one is no list (it is 5), so the loop makes no turn; write the list itself, or capture one with json and multiple: false"}},
		{"a loop over a text", flow("  - get: {url: /, capture: {regexp: a, as: rx}}\n  - {loop: [{get: {url: /}}], over: rx}\n"), []string{
			"warning s.yaml:7:37: scenarios[0].flow[1].over: rx is no list (it is captured by regexp), so the loop makes no turn; write the list itself, or capture one with json and multiple: false"}},
		{"a loop over what JSON holds", flow("  - get: {url: /, capture: [{json: $.a, as: x}, {header: a, as: x}]}\n  - {loop: [{get: {url: /}}], over: x}\n"), nil},
		{"milliseconds of a pause", flow("  - think: 500\n"), []string{
			"warning s.yaml:6:12: scenarios[0].flow[0].think: 500 means seconds, and is longer than all phases together, which last 1s; if it was meant as milliseconds, write 500ms"}},
		{"a phase without arrivals", phases("{duration: 1, arrivalRate: 0.5}, {duration: 5, arrivalRate: 0}, {pause: 5}"), []string{
			"warning s.yaml:3:12: config.phases[0]: no virtual user arrives in this phase: 0.5 per second are less than one in 1s; make it longer, or write arrivalCount: 1",
			"warning s.yaml:3:45: config.phases[1]: no virtual user arrives in this phase; write pause if that is meant"}},
		{"a duration of Go", phases("{duration: 1m30s, arrivalRate: 1}"), []string{
			`error s.yaml:3:23: config.phases[0].duration: must be seconds or a text such as 30s, 5m or 1.5h, not "1m30s"; write 90`}},
		{"one phase", "config:\n  target: http://a\n  phases: {duration: 1, arrivalRate: 1}\nscenarios: {flow: [{get: {url: /}}]}\n", []string{
			"error s.yaml:3:11: config.phases: must be a list of at least one phase, not a map; put a dash in front of its first key, and indent the others as far",
			"error s.yaml:4:12: scenarios: a script must have a list of at least one scenario; put a dash in front of its first key, and indent the others as far"}},
		{"a target with a slash", "config: {target: http://a/}\nscenarios: [{flow: [{get: {url: /}}]}]\n", []string{
			"warning s.yaml:1:18: config.target: ends with /, and a url such as /a is put behind it as it is: //a is sent; write it without the last /"}},
		{"a target with a query", "config: {target: 'http://a/b?c=d'}\nscenarios: [{flow: [{get: {url: /}}]}]\n", []string{
			"warning s.yaml:1:18: config.target: has a query or a fragment, and what begins with / in a url is put behind it; write the query in the url of each request"}},
		{"a port that is none", "config: {target: 'http://a:99999'}\nscenarios: [{flow: [{get: {url: /}}]}]\n", []string{
			"error s.yaml:1:18: config.target: the port 99999 is not from 1 to 65535"}},
		{"a mistake in an environment that is not looked at", "config: {target: http://a, environments: {prod: {targt: http://b, duration: 5}}}\nscenarios: [{flow: [{get: {url: /}}]}]\n", []string{
			"warning s.yaml:1:50: config.environments.prod.targt: unknown key: with this environment the script is refused; did you mean target?",
			"warning s.yaml:1:67: config.environments.prod.duration: unknown key: with this environment the script is refused; it belongs in a phase, under config.phases"}},
		{"JSON in quotes", flow("  - post: {url: /, json: '{\"a\": 1}'}\n  - post: {url: /, json: '{{ one }}'}\n  - post: {url: /, json: Shirt}\n"), []string{
			"warning s.yaml:6:26: scenarios[0].flow[0].post.json: is a text that holds JSON, and is sent as one, in quotes; write the JSON without quotes around it, or body instead of json"}},
		{"placeholders of other tools", flow("  - get: {url: '/{one}/{ two }'}\n  - get: {url: '/a${b}'}\n  - get: {url: '/{{ one }}?a={x}'}\n"), []string{
			"warning s.yaml:6:16: scenarios[0].flow[0].get.url: {one} is no placeholder, and is sent as it is; write {{ one }}",
			"warning s.yaml:7:16: scenarios[0].flow[1].get.url: ${b} is no placeholder, and is sent as it is; write {{ b }}"}},
		{"a weight below 1, and a scenario without steps", "config: {target: http://a}\nscenarios:\n- {weight: 0.5, flow: [{get: {url: /}}]}\n- flow: []\n", []string{
			"warning s.yaml:3:12: scenarios[0].weight: 0.5 is cut to 0, so the scenario is never picked; write whole numbers: 1 and 3 for a quarter and three quarters",
			"warning s.yaml:4:9: scenarios[1].flow: has no steps: the users of this scenario send nothing"}},
		{"a threshold on what should be large", gates("{thresholds: [{apdex: 0.9}]}"), []string{
			`warning s.yaml:4:26: config.ensure.thresholds[0].apdex: nothing scores apdex, so the gate is never met; add config.apdex: {threshold: 500}`,
			`warning s.yaml:4:26: config.ensure.thresholds[0].apdex: a threshold is an upper bound: the test fails when apdex is 0.9 or more; if at least that much is wanted, write conditions: [{expression: "apdex >= 0.9"}]`}},
		{"names of conditions of an analysis", gates("{conditions: [{expression: report.latency.p95 < 5}, {expression: p95 < 5}]}"), []string{
			`error s.yaml:4:38: config.ensure.conditions[0].expression: column 1: unknown metric "report.latency.p95"; did you mean http.response_time.p95?`,
			`error s.yaml:4:76: config.ensure.conditions[1].expression: column 1: unknown metric "p95"; did you mean http.response_time.p95?`}},
		{"plugins in a list", "config:\n  target: http://a\n  plugins: [ensure]\nscenarios: [{flow: [{get: {url: /}}]}]\n", []string{
			"error s.yaml:3:12: config.plugins: must be a map, not a list; write for example plugins: {ensure: {}, expect: {}}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := said(c.text, Options{}); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// A key in the wrong place is sent to the right one.
func TestKeysThatStandInAnotherPlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a key of config", "phases: [{duration: 1, arrivalRate: 1}]\nconfig: {target: http://a}\nscenarios: [{flow: [{get: {url: /}}]}]\n", "phases: unknown key; it belongs under config"},
		{"a key of a phase", "config:\n  target: http://a\n  arrivalRate: 3\nscenarios: [{flow: [{get: {url: /}}]}]\n", "config.arrivalRate: unknown key; it belongs in a phase, under config.phases"},
		{"the scenarios", "config:\n  target: http://a\n  scenarios: []\n", "config.scenarios: unknown key; it belongs at the top, beside config"},
		{"a key of a scenario", "config: {target: http://a}\nscenarios: [{flow: [{get: {url: /, weight: 2}}]}]\n", "scenarios[0].flow[0].get.weight: unknown key; it belongs in a scenario"},
		{"a key of a request", "config: {target: http://a}\nscenarios:\n- expect: {statusCode: 200}\n  flow: [{get: {url: /}}]\n", "scenarios[0].expect: unknown key; it belongs in a request, indented below its method"},
		{"a step", "config: {target: http://a}\nscenarios:\n- get: {url: /}\n  flow: []\n", "scenarios[0].get: unknown key; it is a step: write it below flow, with a dash in front"},
		{"a request's key beside it", "config: {target: http://a}\nscenarios:\n- flow:\n  - get:\n    url: /\n", "scenarios[0].flow[0].url: a step has one key, and this one already has get; indent it, so that it stands below get"},
		{"a pause beside a request", "config: {target: http://a}\nscenarios:\n- flow:\n  - get: {url: /}\n    think: 1\n", "scenarios[0].flow[0].get: a step has one key, and this one already has think; make it a step of its own, with a dash in front"},
		{"a url alone", "config: {target: http://a}\nscenarios: [{flow: [{get: /x}]}]\n", `scenarios[0].flow[0].get: must be a map, not "/x"; write get: {url: /x}`},
		{"another tool's key", "config: {target: http://a}\nscenarios: [{flow: [{get: {url: /, params: {a: 1}}}]}]\n", "scenarios[0].flow[0].get.params: unknown key; write qs"},
		{"a part of the right key", "config: {target: http://a}\nscenarios: [{flow: [{get: {url: /, follow: false}}]}]\n", "scenarios[0].flow[0].get.follow: unknown key; did you mean followRedirect?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(said(c.text, Options{}), "\n"); !strings.Contains(got, c.want) {
				t.Errorf("got:\n%s\nwant it to say %s", got, c.want)
			}
		})
	}
}

// The library that reads YAML says what came of a mistake; people want to know the mistake.
func TestMistakesInYAML(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a tab", "config:\n\ttarget: http://a\n", "s.yaml:2:1: a tab indents this line; write spaces"},
		{"a line between two columns", "config:\n  target: http://a\n  http: {timeout: 1}\n phases: []\nscenarios: []\n", "s.yaml:4:2: this line stands in a column of its own; indent it as far as the lines it belongs to"},
		{"such a line below a dash", "config:\n  phases:\n    - name: a\n      duration: 5\n     arrivalRate: 3\n", "s.yaml:5:6: this line stands in a column of its own; indent it as far as the lines it belongs to"},
		{"a placeholder that is read as a map", "scenarios:\n- flow:\n  - think: {{ n }}\n", `s.yaml:3:13: a key must be a text; a text that begins with a placeholder stands in quotes: "{{ name }}"`},
		{"a placeholder between braces", "scenarios:\n- flow:\n  - get: {url: /a/{{ n }}}\n", `s.yaml:3:19: a placeholder between braces, in a text without quotes; put the text in quotes: "/{{ name }}"`},
		{"an anchor that is not there", "scenarios:\n- flow: [*a]\n", "s.yaml:2:10: unknown anchor 'a' referenced"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(problems(t, c.text, Options{}), "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The columns of a file and the names they are given are compared.
func TestNamesThatDoNotFitTheColumns(t *testing.T) {
	for _, c := range []struct{ name, csv, payload, want string }{
		{"a column that is not there", "1,2\n3,4\n", "fields: [a, b, c, d]", "the file has 2 columns, and fields names 4: nothing sets c, d"},
		{"a header that is taken for a row", "a,b\n3,4\n", "fields: [a, b]", "the first row of the file holds the names of its columns, and a user takes it like any other: write skipHeader: true"},
		{"columns in another order", "b, a\n3,4\n", "fields: [a, b], skipHeader: true", "the file's columns are b, a, and fields has them in another order: values go by their place, not by their name"},
		{"a header that is skipped", "a,b\n3,4\n", "fields: [a, b], skipHeader: true", ""},
		{"other names than in the file", "x,y\n3,4\n", "fields: [a, b], skipHeader: true", ""},
		{"more columns than are wanted", "1,2,3\n", "fields: [a]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "config:\n  target: http://a\n  payload: {path: x.csv, " + c.payload + "}\nscenarios: [{flow: [{get: {url: /}}]}]\n"
			want := ""
			if c.want != "" {
				want = "warning s.yaml:3:19: config.payload.path: " + c.want
			}
			got := strings.Join(said(text, Options{Read: func(string) ([]byte, error) { return []byte(c.csv), nil }}), "\n")
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// A script that cannot run has warnings too.
func TestReadReturnsErrorsAndWarnings(t *testing.T) {
	s, all := Read([]byte("config: {target: http://a, ensure: {p95: 200}}\nscenarios: [{flow: [{gt: {url: /}}]}]\n"), Options{File: "s.yaml"})
	if s != nil || len(all) != 2 || all[0].Code != CodeEnsureNotLoaded || all[1].Code != CodeUnknownKey {
		t.Errorf("%v: %v", s, all)
	}
	s, all = Read([]byte(small), Options{File: "s.yaml"})
	if s == nil || len(all) != 1 || all[0].Code != CodeNoGates || s.Plan.Length() != time.Second {
		t.Errorf("%v: %v", s, all)
	}
}
