package vu

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

const processor = `
let shared = 0;
module.exports = {
  begin: (ctx, events, done) => { ctx.vars.who = 'begin'; return done(); },
  end: (ctx, events, done) => { events.emit('counter', 'own.ended', 1); events.emit('histogram', 'own.size', 12.5); return done(); },
  step: async (ctx) => { ctx.vars.n = (ctx.vars.n || 0) + 1; },
  edit: (req, ctx, events, done) => {
    req.url = req.url + '/{{ who }}';
    req.headers['x-hook'] = 'h{{ n }}';
    req.json = {who: '{{ who }}', had: req.json};
    return done();
  },
  shout: (req, ctx, events, done) => { req.headers['X-HOOK'] = 'loud'; return done(); },
  first: (req, ctx, events, done) => { req.headers['x-order'] = (req.headers['x-order'] || '') + 's'; return done(); },
  second: (req, ctx, events, done) => { req.headers['x-order'] += 'r'; return done(); },
  textual: (req, ctx, events, done) => { req.body = 'text {{ who }}'; return done(); },
  query: (req, ctx, events, done) => { req.qs = {b: '2', a: '{{ who }}'}; return done(); },
  look: (req, res, ctx, events, done) => {
    ctx.vars.seen = res.statusCode + ' ' + res.headers['x-token'] + ' ' + JSON.parse(res.body).token + ' ' + req.method;
    return done();
  },
  under3: (ctx, done) => done(ctx.vars.n < 3),
  isTwo: (vars) => vars.n === 2,
  fails: (ctx, events, done) => done(new Error('out of stock')),
  throws: () => { throw new Error('oops ' + Math.random()); },
  told: (err, req, ctx, events, done) => { console.log('told ' + (err.code || err.message) + ' of ' + req.url); return done(); },
  count: (ctx, events, done) => { shared++; events.emit('counter', 'own.calls', 1); events.emit('counter', 'sluice.vusers_overflow', 9); return done(); },
};
`

// hooked is a script of one user with the processor.
func hooked(scenario, steps string) string {
	return "config: {processor: p.js, phases: [{duration: 0.02, arrivalCount: 1}]}\nscenarios:\n  - " +
		strings.TrimSpace(indent(scenario, "    ")) + "\n    flow:\n" + indent(steps, "      ")
}

var beside = files{"p.js": processor}

func TestHooks(t *testing.T) {
	tests := []struct {
		name, scenario, steps string
		want                  []string
	}{
		{"before the scenario", "beforeScenario: begin", "- {get: {url: '/{{ who }}'}}", []string{"GET /begin"}},
		{"a function as a step", "name: a", "- {function: step}\n- {function: step}\n- {get: {url: '/{{ n }}'}}", []string{"GET /2"}},
		{"before a request, placeholders still in it", "beforeScenario: [begin, step]", "- {post: {url: /a, json: {x: '{{ n }}'}, beforeRequest: edit}}",
			[]string{`POST /a/begin {"had":{"x":1},"who":"begin"}`}},
		{"a body in place of the script's", "beforeScenario: begin", "- {post: {url: /a, body: own, beforeRequest: textual}}", []string{"POST /a text begin"}},
		{"JSON of the script goes before a hook's body", "beforeScenario: begin", "- {post: {url: /a, json: 1, beforeRequest: textual}}", []string{"POST /a 1"}},
		{"a query of the hook's", "beforeScenario: begin", "- {get: {url: '/a?x=1', qs: {a: 1}, beforeRequest: query}}", []string{"GET /a?a=begin&b=2"}},
		{"after an answer", "afterResponse: look", "- {get: {url: /items}}\n- {post: {url: /items, body: '{{ seen }}'}}",
			[]string{"GET /items", "POST /items 200 h1 t1 GET"}},
		{"a loop while a function says so", "beforeScenario: step", "- loop: [{function: step}, {get: {url: '/{{ n }}'}}]\n  whileTrue: under3", []string{"GET /2", "GET /3"}},
		{"a function decides whether a request is sent", "beforeScenario: step", "- {get: {url: /no, ifTrue: isTwo}}\n- {function: step}\n- {get: {url: /yes, ifTrue: isTwo}}",
			[]string{"GET /yes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := play(t, newShop(t), hooked(tt.scenario, tt.steps), beside)
			if diff := cmp.Diff(tt.want, got.asked); diff != "" {
				t.Errorf("the shop was asked (-want +got):\n%s\ncounters: %v\n%s", diff, got.Counters(), got.log)
			}
		})
	}
}

func TestHooksRunInOrder(t *testing.T) {
	s := newShop(t)
	play(t, s, hooked("beforeRequest: first", "- {get: {url: /a, beforeRequest: second}}"), beside)
	if got := s.last.Header.Get("X-Order"); got != "sr" {
		t.Errorf("the hooks ran as %q, want the scenario's before the request's", got)
	}
	play(t, s, hooked("beforeScenario: [begin, step]", "- {get: {url: /a, headers: {x-hook: own}, beforeRequest: edit}}"), beside)
	if got := s.last.Header.Get("X-Hook"); got != "h1" {
		t.Errorf("the hook's header is %q", got)
	}
	play(t, s, hooked("name: a", "- {get: {url: /a, headers: {x-hook: own}, beforeRequest: shout}}"), beside)
	if got := s.last.Header.Get("X-Hook"); got != "loud" {
		t.Errorf("a header in another case is %q", got)
	}
}

func TestHooksThatFail(t *testing.T) {
	tests := []struct {
		name, scenario, steps string
		counters              map[string]int64
		log                   string
	}{
		{"done with an error", "name: a", "- {function: fails}\n- {get: {url: /never}}",
			map[string]int64{series.VUsersFailed: 1, "errors.out of stock": 1, series.Requests: 0}, ""},
		{"onError is told what failed", "onError: told", "- {get: {url: /items, capture: {json: $.nobody, as: a}}}",
			map[string]int64{series.VUsersFailed: 1, "errors.Failed capture or match": 1}, "told Failed capture or match of http://"},
		{"an error after the answer", "afterScenario: fails", "- {get: {url: /a}}",
			map[string]int64{series.VUsersFailed: 1, "errors.out of stock": 1, series.Requests: 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := play(t, newShop(t), hooked(tt.scenario, tt.steps), beside)
			for name, want := range tt.counters {
				if n := got.Counter(name); n != want {
					t.Errorf("%s = %d, want %d\n%v", name, n, want, got.Counters())
				}
			}
			if !strings.Contains(got.log, tt.log) {
				t.Errorf("printed %q, want %q", got.log, tt.log)
			}
		})
	}
}

// What the reader refuses may still come by a placeholder, or in a script made by hand.
func TestAFunctionThatIsNotThereIsCountedAndTheUserGoesOn(t *testing.T) {
	s := newShop(t)
	compiled, err := script.Load([]byte(flowOf("- {get: {url: /a}}")), script.Options{File: "s.yaml", Target: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	flow := &compiled.Scenarios[0]
	flow.Steps = append([]script.Step{{Function: "nobody"}}, flow.Steps...)
	r := stats.NewRecorder(1)
	Run(t.Context(), compiled, Config{Recorder: r, Share: schedule.Whole})
	set := r.Drain()
	if set.Counter(`errors.Undefined function "nobody"`) != 1 || set.Counter(series.VUsersCompleted) != 1 || len(s.asked) != 1 {
		t.Errorf("counters %v", set.Counters())
	}
}

func TestMetricsOfAProcessor(t *testing.T) {
	text := "config: {processor: p.js, phases: [{duration: 0.1, arrivalCount: 20}]}\nscenarios: [{afterScenario: [end, count], flow: [{function: throws}]}]\n"
	got := play(t, newShop(t), strings.Replace(text, "{function: throws}", "{get: {url: /a}}", 1), beside)
	if got.Counter("own.ended") != 20 || got.Counter("own.calls") != 20 || got.Counter(series.Overflow) != 0 {
		t.Errorf("counters %v", got.Counters())
	}
	if s := got.Histogram("own.size").Summary(); s.Count != 20 || s.Max < 12.4 || s.Max > 12.6 {
		t.Errorf("the histogram is %+v", s)
	}
}

func TestMadeUpErrorsHaveFewNames(t *testing.T) {
	text := "config: {processor: p.js, phases: [{duration: 0.2, arrivalCount: 300}]}\nscenarios: [{flow: [{function: throws}]}]\n"
	got := play(t, newShop(t), text, beside)
	names := 0
	for name := range got.Counters() {
		if strings.HasPrefix(name, "errors.oops") {
			names++
		}
	}
	if names != maxLabels || got.Counter(series.VUsersFailed) != 300 {
		t.Errorf("%d names for the errors of %d users", names, got.Counter(series.VUsersFailed))
	}
	if n := strings.Count(got.log, "warning:"); n != maxExplained {
		t.Errorf("%d of 300 failures are explained, want %d", n, maxExplained)
	}
}

func TestExpectations(t *testing.T) {
	const config = "config: {phases: [{duration: 0.02, arrivalCount: 1}], plugins: {expect: %s}}\nscenarios: [{flow: [{get: %s}, {get: {url: /next}}]}]\n"
	tests := []struct {
		name, plugin, request string
		counters              map[string]int64
		log                   string
	}{
		{"that are met", "{}", "{url: /items, name: shop, capture: {json: $.id, as: id}, expect: [{statusCode: 200}, {contentType: json}, {hasProperty: list}, {equals: ['{{ id }}', 7]}]}",
			map[string]int64{series.ExpectOK: 4, series.ExpectOK + ".statusCode": 1, series.ExpectOK + ".equals": 1, series.ExpectFailed: 0, series.VUsersCompleted: 1},
			"* GET /items - shop\n  ok statusCode 200\n  ok contentType json\n"},
		{"that are not met count and the user goes on", "{}", "{url: /fail, expect: {statusCode: 200}}",
			map[string]int64{series.ExpectFailed: 1, series.ExpectFailed + ".statusCode": 1, series.VUsersCompleted: 1, series.Requests: 2},
			"* GET /fail\n  not ok statusCode 500\n  expected: 200\n       got: 500"},
		{"that end the user", "{reportFailuresAsErrors: true, useOnlyRequestNames: true}", "{url: /fail, name: shop, expect: {statusCode: 200}}",
			map[string]int64{series.ExpectFailed: 1, series.VUsersFailed: 1, series.Requests: 1, "errors.Failed expectations for request shop": 1, "sluice.errors.expect": 1}, ""},
		{"of 200 for all", "{expectDefault200: true}", "{url: /fail}", map[string]int64{series.ExpectFailed + ".statusCode": 1, series.ExpectOK + ".statusCode": 1}, ""},
		{"in JSON", "{outputFormat: json}", "{url: /fail, expect: {statusCode: 200}}", map[string]int64{series.ExpectFailed: 1},
			`{"url":"/fail","results":[{"ok":false,"expected":"200","type":"statusCode","got":"500"}]}`},
		{"of which only the failed are printed", "{outputFormat: prettyError}", "{url: /items, expect: {statusCode: 200}}", map[string]int64{series.ExpectOK: 1}, ""},
		{"of a redirect's end", "{}", "{url: /away, expect: {statusCode: 200}}", map[string]int64{series.ExpectOK: 1, "http.codes.302": 1}, ""},
		{"of an answer that is too long", "{}", "{url: /huge, expect: [{statusCode: 200}, {hasProperty: a}]}", map[string]int64{series.ExpectOK: 1, series.ExpectFailed: 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := play(t, newShop(t), fmt.Sprintf(config, tt.plugin, tt.request), nil)
			for name, want := range tt.counters {
				if n := got.Counter(name); n != want {
					t.Errorf("%s = %d, want %d\n%v", name, n, want, got.Counters())
				}
			}
			if !strings.Contains(got.log, tt.log) || strings.Contains(tt.plugin, "prettyError") && got.log != "" {
				t.Errorf("printed %q, want %q", got.log, tt.log)
			}
		})
	}
}

func TestExpectationsWithoutTheirPluginAreNotChecked(t *testing.T) {
	got := play(t, newShop(t), flowOf("- {get: {url: /fail, expect: {statusCode: 200}}}"), nil)
	if got.Counter(series.ExpectFailed) != 0 || got.log != "" {
		t.Errorf("counters %v, printed %q", got.Counters(), got.log)
	}
}
