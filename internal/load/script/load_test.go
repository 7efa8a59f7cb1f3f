package script

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/template"
)

const small = `
config:
  target: http://shop
  phases: [{duration: 1, arrivalRate: 1}]
scenarios:
  - flow:
      - get: {url: /}
`

func load(t *testing.T, text string, o Options) *Script {
	t.Helper()
	if o.File == "" {
		o.File = "s.yaml"
	}
	s, err := Load([]byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// problems returns what is wrong with a script, line by line.
func problems(t *testing.T, text string, o Options) []string {
	t.Helper()
	o.File = "s.yaml"
	_, err := Load([]byte(text), o)
	if err == nil {
		return nil
	}
	if _, ok := err.(Problems); !ok {
		t.Fatalf("the error is a %T, want Problems", err)
	}
	return strings.Split(err.Error(), "\n")
}

func TestTheSeedsScript(t *testing.T) {
	data, err := os.ReadFile("testdata/seed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, string(data), Options{Target: "http://rust-app-svc.argo-rollouts.svc.cluster.local"})
	var phases []string
	for _, w := range s.Plan.Windows() {
		phases = append(phases, w.Name)
	}
	var steps []string
	for _, step := range s.Scenarios[0].Steps {
		line := step.Request.Method + " " + step.Request.URL.Source()
		if step.Request.Body != nil {
			line += " " + string(step.Request.Body.JSON.AppendJSON(nil, &template.Scope{}))
		}
		steps = append(steps, line)
	}
	var checks []string
	for _, c := range s.Checks {
		checks = append(checks, c.Text)
	}
	got := map[string]any{
		"target": s.Target, "arrivals": s.Plan.Total(), "length": s.Plan.Length(), "phases": phases,
		"steps": steps, "checks": checks, "apdex": s.Apdex, "endpoints hidden": s.HideEndpoints, "timeout": s.Timeout,
	}
	want := map[string]any{
		"target":   "http://rust-app-svc.argo-rollouts.svc.cluster.local",
		"arrivals": int64(28 + 550 + 1000), "length": 25 * time.Second, "phases": []string{"Warm up", "Ramp up", "Burn"},
		"steps":  []string{"GET /collection/FRONT_PAGE", `POST /products/ "Shirt"`, `POST /products/ {"name":"Shirt","size":3}`},
		"checks": []string{"http.response_time.p95 < 6000", "http.response_time.p99 < 6000"},
		"apdex":  100 * time.Millisecond, "endpoints hidden": false, "timeout": 10 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the compiled script differs (-want +got):\n%s", diff)
	}
	if len(s.Warnings) != 0 {
		t.Errorf("warnings: %v", s.Warnings)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, from, to string
		want           []string
	}{
		{"a mistyped key is named with its place and a neighbour", "arrivalRate: 1", "arivalRate: 1",
			[]string{"s.yaml:4:12: config.phases[0]: a phase needs arrivalRate, arrivalCount or pause",
				"s.yaml:4:26: config.phases[0].arivalRate: unknown key; did you mean arrivalRate?"}},
		{"think inside a request is refused, where Artillery ignores it", "get: {url: /}", "get: {url: /, think: 1}",
			[]string{"s.yaml:7:23: scenarios[0].flow[0].get.think: a pause is no part of a request; Artillery ignores it; make it a step of its own, - think: 1"}},
		{"a mistyped step", "get: {url: /}", "gett: {url: /}", []string{"s.yaml:7:9: scenarios[0].flow[0].gett: unknown step; did you mean get?"}},
		{"two steps in one", "get: {url: /}", "{get: {url: /}, post: {url: /}}",
			[]string{"s.yaml:7:25: scenarios[0].flow[0].post: a step has one key, and this one already has get; make it a step of its own, with a dash in front"}},
		{"another engine", "- flow:", "- engine: ws\n    flow:", []string{"s.yaml:6:13: scenarios[0].engine: ws: not supported; this sends HTTP only: leave engine out, or run the scenario with a tool for ws"}},
		{"a plugin nobody knows", "config:", "config:\n  plugins: {ensur: {}}", []string{"s.yaml:3:13: config.plugins.ensur: unknown key; did you mean ensure?"}},
		{"a key beside config", "config:", "befor: {}\nconfig:", []string{"s.yaml:2:1: befor: unknown key; did you mean before?"}},
		{"a misspelled environment list", "config:", "config:\n  environmets: {}", []string{"s.yaml:3:3: config.environmets: unknown key; did you mean environments?"}},
		{"no duration", "duration: 1, ", "", []string{"s.yaml:4:12: config.phases[0]: the phase has no duration"}},
		{"a duration nobody can read", "duration: 1", "duration: soon",
			[]string{`s.yaml:4:23: config.phases[0].duration: must be seconds or a text such as 30s, 5m or 1.5h, not "soon"`}},
		{"a negative rate", "arrivalRate: 1", "arrivalRate: -1", []string{"s.yaml:4:39: config.phases[0].arrivalRate: must be from 0 to 1000000 per second, not -1"}},
		{"both a rate and a count", "arrivalRate: 1", "arrivalRate: 1, arrivalCount: 2", []string{"s.yaml:4:12: config.phases[0]: a phase has either arrivalCount or arrivalRate"}},
		{"a target that is no address", "http://shop", "shop:80", []string{`s.yaml:3:11: config.target: must be an address that begins with http:// or https://, not "shop:80"`}},
		{"no target", "target: http://shop", "timeout: 1", []string{"s.yaml:3:3: config.target: there is no target; set it here or with -t"}},
		{"a placeholder the configuration does not know", "http://shop", `"http://{{ host }}"`,
			[]string{"s.yaml:3:11: config.target: http://{{ host }} names what the configuration does not know; it may use $env.NAME, $environment, $testId and what -v gives"}},
		{"a variable that nothing defines", "url: /}", "url: '/{{ id }}'}", []string{"s.yaml:7:20: scenarios[0].flow[0].get.url: unknown variable id"}},
		{"an environment variable that is not set", "url: /}", "url: '/{{ $env.NOPE }}'}",
			[]string{"s.yaml:7:20: scenarios[0].flow[0].get.url: the environment variable NOPE is not set"}},
		{"a function that does not exist", "url: /}", "url: '/{{ $randomInt(1,2) }}'}",
			[]string{"s.yaml:7:20: scenarios[0].flow[0].get.url: {{ $randomInt(1,2) }}: unknown function $randomInt; there are $randomNumber(min, max) and $randomString(length)"}},
		{"no url", "url: /", "name: x", []string{"s.yaml:7:9: scenarios[0].flow[0].get: the request has no url"}},
		{"a url that leads nowhere", "url: /}", "url: products}", []string{`s.yaml:7:20: scenarios[0].flow[0].get.url: "products": must begin with / or with http:// or https://`}},
		{"two bodies", "get: {url: /}", "post: {url: /, json: 1, form: {a: b}}", []string{"s.yaml:7:33: scenarios[0].flow[0].post: a request has one of json, body, form and formData"}},
		{"a header that is no header", "get: {url: /}", "get: {url: /, headers: {'a b': c}}", []string{`s.yaml:7:32: scenarios[0].flow[0].get.headers: "a b" is not a header's name`}},
		{"a gate on a metric that no run has", "config:", "config:\n  ensure: {thresholds: [{http.response_time.p9: 1}]}",
			[]string{"s.yaml:3:26: config.ensure.thresholds[0].http.response_time.p9: unknown metric \"http.response_time.p9\"; it has min, max, count, mean, p50, median, p75, p90, p95, p99, p999"}},
		{"a gate that does not parse", "config:", "config:\n  ensure: {conditions: [{expression: 'http.requests >'}]}",
			[]string{"s.yaml:3:38: config.ensure.conditions[0].expression: column 16: the expression ends too early"}},
		{"a condition without an expression", "config:", "config:\n  ensure: {conditions: [{strict: true}]}", []string{"s.yaml:3:25: config.ensure.conditions[0]: the condition has no expression"}},
		{"a gate with a mistyped key", "config:", "config:\n  ensure: {tresholds: []}", []string{"s.yaml:3:12: config.ensure.tresholds: unknown key; did you mean thresholds?"}},
		{"scenarios that are never picked", "- flow:", "- weight: 0\n    flow:", []string{"s.yaml:6:3: scenarios: every scenario has weight 0, so none can be picked"}},
		{"the same key twice", "target: http://shop", "target: http://shop\n  target: http://other", []string{`s.yaml:4:3: the key "target" is there twice`}},
		{"another process", "config:", "config:\n  mode: poison", []string{`s.yaml:3:9: config.mode: must be uniform or poisson, not "poison"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(small, tt.from, tt.to, 1)
			if text == small {
				t.Fatalf("the script has no %q", tt.from)
			}
			if diff := cmp.Diff(tt.want, problems(t, text, Options{})); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScriptsThatAreNone(t *testing.T) {
	tests := []struct{ name, text, file, want string }{
		{"an empty file", "", "s.yaml", "s.yaml: the script is empty"},
		{"a list", "[1]", "s.yaml", "must be a map with config and scenarios"},
		{"no scenarios", "config: {target: 'http://a'}", "s.yaml", "at least one scenario"},
		{"broken YAML", "config: [", "s.yaml", "did not find expected"},
		{"JavaScript", "module.exports = {}", "s.js", "not supported; use YAML"},
		{"a script too large", strings.Repeat("#", MaxBytes+1), "s.yaml", "larger than"},
		{"aliases that multiply", bomb(), "s.yaml", "aliases count each time"},
		{"an alias of itself", "a: &a [*a]", "s.yaml", "aliases count each time"},
		{"a tag of another language", "config: !!python/object x", "s.yaml", "not supported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load([]byte(tt.text), Options{File: tt.file})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		n, m := string(rune('0'+i)), string(rune('0'+i-1))
		b.WriteString("a" + n + ": &a" + n + " [" + strings.Repeat("*a"+m+", ", 7) + "*a" + m + "]\n")
	}
	return b.String()
}

func FuzzLoad(f *testing.F) {
	f.Add(small)
	f.Add(bomb())
	for _, file := range append(corpusFiles(f), "testdata/seed.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("config: &c {target: 'http://a', <<: {phases: [{pause: 1:30}]}}\nscenarios: [{flow: [[{think: 010}]]}]")
	f.Fuzz(func(t *testing.T, text string) {
		o := Options{File: "s.yaml", Read: readBeside, Environ: []string{"CSV=users.csv"}}
		s, err := Load([]byte(text), o)
		refused := slices.ContainsFunc(Lint([]byte(text), o), func(p Problem) bool { return p.Severity == Error })
		if refused != (err != nil) {
			t.Errorf("Load says %v, and Lint refuses: %t", err, refused)
		}
		if err == nil {
			if len(s.Scenarios) == 0 || s.Target == "" {
				t.Errorf("a script without scenarios or target was taken: %q", text)
			}
			dumpScript(s)
			return
		}
		if all, ok := err.(Problems); !ok || len(all) == 0 {
			t.Errorf("the error is %T %v, want Problems", err, err)
		}
	})
}
