package script

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/schedule"
)

const staged = `
config:
  target: http://shop
  http: {timeout: 3, defaults: {headers: {x-a: http, X-B: "{{ tenant }}"}}}
  defaults: {headers: {X-A: top, x-c: "{{ $env.TOKEN }}"}}
  variables: {tenant: [red, blue], path: /p}
  phases: [{duration: 1, arrivalRate: 1}]
  environments:
    staging:
      target: "http://staging.{{ $environment }}"
      phases: [{duration: 1.5m, arrivalCount: 3, name: "{{ $env.TOKEN }}"}]
      http: {timeout: 5}
scenarios:
  - name: s
    flow: [{get: {url: "{{ path }}?a=1", qs: {q: 1}}}]
`

func TestEnvironmentsAndFlags(t *testing.T) {
	o := Options{Environ: []string{"TOKEN=secret"}}
	type view struct {
		Target  string
		Timeout time.Duration
		Phase   string
		Length  time.Duration
		Tenant  any
	}
	tests := []struct {
		name    string
		options Options
		want    view
	}{
		{"the script alone", Options{}, view{"http://shop", 3 * time.Second, "Phase 1", time.Second, []any{"red", "blue"}}},
		{"an environment is laid over the configuration", Options{Environment: "staging"},
			view{"http://staging.staging", 5 * time.Second, "secret", 90 * time.Second, []any{"red", "blue"}}},
		{"-t wins over the environment", Options{Environment: "staging", Target: "http://mine"},
			view{"http://mine", 5 * time.Second, "secret", 90 * time.Second, []any{"red", "blue"}}},
		{"-v replaces variable by variable", Options{Variables: `{"tenant":"green"}`},
			view{"http://shop", 3 * time.Second, "Phase 1", time.Second, "green"}},
		{"overrides reach everything and replace lists", Options{Overrides: `{"config":{"timeout":7,"phases":[{"pause":"2s"}]}}`},
			view{"http://shop", 7 * time.Second, "Phase 1", 2 * time.Second, []any{"red", "blue"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Environ = o.Environ
			s := load(t, staged, tt.options)
			got := view{s.Target, s.Timeout, s.Plan.Windows()[0].Name, s.Plan.Length(), s.Variables["tenant"]}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDefaultHeaders(t *testing.T) {
	s := load(t, staged, Options{Environ: []string{"TOKEN=secret"}})
	got := map[string]string{}
	for _, h := range s.Headers {
		got[h.Name] = h.Value.Source()
	}
	want := map[string]string{"User-Agent": Agent, "x-a": "http", "X-B": "{{ tenant }}", "x-c": "secret"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("http.defaults wins over defaults, and users' variables stay (-want +got):\n%s", diff)
	}
}

func TestFlagsThatAreNoJSON(t *testing.T) {
	for _, o := range []Options{{Variables: "[1]"}, {Overrides: "{"}, {Variables: "a: ["}} {
		if got := problems(t, small, o); len(got) == 0 || !strings.HasPrefix(got[0], "--") {
			t.Errorf("problems = %q, want one that names the flag", got)
		}
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"gates that Artillery would not check", "config:", "config:\n  ensure: {p95: 100}", "s.yaml:3:11: config.ensure: shown, but not enforced, because plugins.ensure is not declared; add config.plugins.ensure: {}, or run with --enforce"},
		{"gates in two places", "config:", "config:\n  plugins: {ensure: {p99: 1}}\n  ensure: {p95: 100}", "s.yaml:3:21: config.plugins.ensure: ignored, because config.ensure is there too"},
		{"a pause that Artillery would skip", "- get: {url: /}", "- think: 0.5", "s.yaml:7:16: scenarios[0].flow[0].think: 0.5 is taken as 500ms; Artillery would not pause at all; write 500ms"},
		{"a ramp of broken seconds", "duration: 1, arrivalRate: 1", "duration: 2500ms, rampTo: 4", "s.yaml:4:23: config.phases[0].duration: a ramp changes its rate once per whole second; the rest of 2.5s has no arrivals"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, strings.Replace(small, tt.from, tt.to, 1), Options{})
			if diff := cmp.Diff(tt.want, s.Warnings.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	_, err := Load([]byte(staged), Options{File: "test.yaml", Environment: "stagin", Environ: []string{"TOKEN=x"}})
	if err == nil || !strings.Contains(err.Error(), "no environment is called stagin; did you mean staging?") {
		t.Errorf("error = %v", err)
	}
}

func TestPhases(t *testing.T) {
	tests := []struct {
		name, text string
		want       []schedule.Phase
	}{
		{"no phases are one arrival", "", []schedule.Phase{{Name: "Phase 1", Kind: schedule.Count, Duration: time.Second, Arrivals: 1}}},
		{"numbers may be texts", `phases: [{duration: "60", arrivalRate: "5"}]`,
			[]schedule.Phase{{Name: "Phase 1", Kind: schedule.Constant, Duration: time.Minute, Rate: 5}}},
		{"durations may have units", `phases: [{duration: 2 days, arrivalRate: 1}, {pause: 1.5h}]`,
			[]schedule.Phase{{Name: "Phase 1", Kind: schedule.Constant, Duration: 48 * time.Hour, Rate: 1},
				{Name: "Phase 2", Duration: 90 * time.Minute}}},
		{"a ramp starts at 0 when it does not say", `phases: [{duration: 10, rampTo: 5, maxVusers: 3}]`,
			[]schedule.Phase{{Name: "Phase 1", Kind: schedule.Ramp, Duration: 10 * time.Second, RampTo: 5, MaxVUsers: 3}}},
		{"phases of the same name are told apart", `phases: [{name: Burn, pause: 1}, {name: Burn, pause: 1}, {name: Burn, pause: 1}]`,
			[]schedule.Phase{{Name: "Burn", Duration: time.Second}, {Name: "Burn (2)", Duration: time.Second}, {Name: "Burn (3)", Duration: time.Second}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, strings.Replace(small, "phases: [{duration: 1, arrivalRate: 1}]", tt.text, 1), Options{})
			var got []schedule.Phase
			for _, w := range s.Plan.Windows() {
				got = append(got, w.Phase)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestListsInAFlowStandForTheirSteps(t *testing.T) {
	text := strings.Replace(small, "- get: {url: /}", "- &both [{get: {url: /a}}, {think: 10ms}]\n      - *both\n      - post: {url: /b}", 1)
	var got []string
	for _, step := range load(t, text, Options{}).Scenarios[0].Steps {
		if step.Think != nil {
			got = append(got, step.Think.Fixed.String())
			continue
		}
		got = append(got, step.Request.Method+" "+step.Request.URL.Source())
	}
	want := []string{"GET /a", "10ms", "GET /a", "10ms", "POST /b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEndpoints(t *testing.T) {
	tests := []struct{ name, plugin, request, want string }{
		{"the path without its query, by default", "", "{url: '/a?b=1'}", "/a"},
		{"the path with its query, when the plugin is there", "plugins: {metrics-by-endpoint: {}}", "{url: '/a?b=1'}", "/a?b=1"},
		{"another host is named, and its port", "", "{url: 'http://other:80/a'}", "other:80/a"},
		{"a host alone is its root", "", "{url: 'http://other'}", "other/"},
		{"a name is added", "", "{url: /a, name: first}", "/a (first)"},
		{"or stands alone", "plugins: {metrics-by-endpoint: {useOnlyRequestNames: true}}", "{url: /a, name: first}", "first"},
		{"placeholders stay, so that one endpoint is one", "variables: {id: 1}", "{url: '/a/{{ id }}'}", "/a/{{ id }}"},
		{"requests without a name may be left out", "plugins: {metrics-by-endpoint: {ignoreUnnamedRequests: true}}", "{url: /a}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(strings.Replace(small, "{url: /}", tt.request, 1), "phases:", tt.plugin+"\n  phases:", 1)
			got := ""
			if e := load(t, text, Options{}).Scenarios[0].Steps[0].Request.Endpoint; e != nil {
				got = e.Name
			}
			if got != tt.want {
				t.Errorf("endpoint %q, want %q", got, tt.want)
			}
		})
	}
}
