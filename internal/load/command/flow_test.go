package command

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// patient is a gate so wide that a busy machine is not taken for a bottleneck.
const patient = "\n  ensure: {p99: 60000}"

// one runs a script with a single virtual user and returns what the target was asked.
func one(t *testing.T, config, flow string, c call) []string {
	t.Helper()
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + "\n  phases: [{duration: 0.05, arrivalCount: 1}]\n" + config + "\nscenarios:\n  - flow: " + flow + "\n"
	c.args = append(append([]string{"artillery", "run"}, c.args...), "FILE")
	if got := execute(t, script, c); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.err)
	}
	var asked []string
	for line := range s.asked {
		asked = append(asked, line)
	}
	return asked
}

func TestRequests(t *testing.T) {
	tests := []struct {
		name, config, flow string
		call               call
		want               string
	}{
		{"a bare text as JSON", "", "[{post: {url: /products/, json: Shirt}}]", call{}, `POST /products/ "Shirt"`},
		{"a form keeps its order", "", "[{put: {url: /a, form: {z: 1, a: 'x y'}}}]", call{}, `PUT /a z=1&a=x\+y`},
		{"a body is sent as it is", "", "[{patch: {url: /a, body: 'a b'}}]", call{}, `PATCH /a a b`},
		{"a query replaces the url's own", "", "[{get: {url: '/a?b=1', qs: {c: 2}}}]", call{}, `GET /a\?c=2 `},
		{"a list in a query", "", "[{get: {url: /a, qs: {c: [2, 'x y']}}}]", call{}, `GET /a\?c=2&c=x\+y `},
		{"an empty query removes it", "", "[{get: {url: '/a?b=1', qs: {}}}]", call{}, `GET /a `},
		{"any verb", "", "[{delete: {url: /a}}]", call{}, `DELETE /a `},
		{"a variable", "  variables: {id: 7}", "[{get: {url: '/{{ id }}'}}]", call{}, `GET /7 `},
		{"a variable from the command line", "  variables: {id: 7}", "[{get: {url: '/{{ id }}'}}]", call{args: []string{"-v", `{"id":"eight"}`}}, `GET /eight `},
		{"one element of a list", "  variables: {id: [1, 2]}", "[{get: {url: '/{{ id }}'}}]", call{}, `GET /[12] `},
		{"a number keeps its kind in JSON", "  variables: {id: 7}", "[{post: {url: /, json: {id: '{{ id }}', no: 'n{{ id }}'}}}]", call{}, `POST / \{"id":7,"no":"n7"\}`},
		{"chance", "", "[{get: {url: '/{{ $randomNumber(10,99) }}/{{ $randomString(4) }}'}}]", call{}, `GET /[1-9][0-9]/[A-Za-z0-9]{4} `},
		{"an identifier of the user", "", "[{get: {url: '/{{ $uuid }}'}}]", call{}, `GET /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} `},
		{"the environment", "", "[{get: {url: '/{{ $env.WHO }}/{{ $testId }}'}}]", call{env: []string{"WHO=me", "ARTILLERY_TEST_RUN_ID=t1"}}, `GET /me/t1 `},
		{"a pause from a variable", "  variables: {wait: 10ms}", "[{think: '{{ wait }}'}, {get: {url: /after}}]", call{}, `GET /after `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := one(t, tt.config, tt.flow, tt.call)
			if len(got) != 1 || !regexp.MustCompile("^"+tt.want+"$").MatchString(got[0]) {
				t.Errorf("the target was asked %q, want %s", got, tt.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	var got http.Header
	var host string
	s := newTarget(t, http.StatusOK)
	s.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host })
	script := "config:\n  target: " + s.URL + patient + `
  http: {defaults: {headers: {x-a: default, x-b: default, Host: shop.example}}}
scenarios:
  - flow: [{post: {url: /, json: 1, headers: {X-B: "own {{ $env.WHO }}"}}}]
`
	if out := execute(t, script, call{args: []string{"run", "run", "FILE"}, env: []string{"WHO=me"}}); out.code != exitOK {
		t.Fatalf("exit code %d\n%s", out.code, out.err)
	}
	for name, want := range map[string]string{
		"X-A": "default", "X-B": "own me", "Content-Type": "application/json", "User-Agent": "sluice-load", "Accept-Encoding": "gzip, deflate",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
	if host != "shop.example" {
		t.Errorf("the host is %q", host)
	}
}

func TestMaxVusersSkipsArrivals(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	s.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.2, arrivalCount: 10, maxVusers: 3}]
scenarios: [{flow: [{get: {url: /}}]}]
`
	got := execute(t, script, call{args: []string{"run", "run", "FILE"}})
	if got.code != exitOK || got.result.Arrivals != 3 || got.result.Skipped != 7 {
		t.Errorf("exit code %d, %d arrivals and %d skipped, want 3 and 7\n%s", got.code, got.result.Arrivals, got.result.Skipped, got.err)
	}
}

func TestWeightsChooseScenarios(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := "config:\n  target: " + s.URL + patient + `
  phases: [{duration: 0.3, arrivalCount: 60}]
scenarios:
  - {weight: 0, flow: [{get: {url: /never}}]}
  - {weight: 3, flow: [{get: {url: /often}}]}
  - {weight: 1, flow: [{get: {url: /seldom}}]}
`
	if got := execute(t, script, call{args: []string{"run", "run", "FILE"}}); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.err)
	}
	often, seldom := s.asked["GET /often "], s.asked["GET /seldom "]
	if often+seldom != 60 || often <= seldom || seldom == 0 {
		t.Errorf("often %d and seldom %d of 60", often, seldom)
	}
}

func TestEndpointsAreInTheReportWhenThePluginIsThere(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	for plugin, want := range map[string]bool{"metrics-by-endpoint": true, "apdex": false} {
		script := strings.Replace(seed, "plugins: {ensure: {}, apdex: {}, metrics-by-endpoint: {}}", "plugins: {ensure: {}, "+plugin+": {}}", 1)
		got := execute(t, script, call{args: []string{"run", "run", "-t", s.URL, "FILE"}})
		if shown := strings.Contains(got.out, "metrics-by-endpoint.response_time./products/"); shown != want {
			t.Errorf("with plugins.%s the console shows endpoints: %t, want %t", plugin, shown, want)
		}
		if len(got.result.Endpoints) != 2 {
			t.Errorf("the result has the endpoints %v, want two either way", got.result.Endpoints)
		}
	}
}

// mine is a script of one user that a shop answers, with what the command line says.
func mine(t *testing.T, handler http.HandlerFunc, text string, args ...string) (outcome, *target) {
	t.Helper()
	s := newTarget(t, http.StatusOK)
	if handler != nil {
		s.Config.Handler = handler
	}
	script := "config:\n  target: " + s.URL + patient + "\n  phases: [{duration: 0.05, arrivalCount: 1}]\n" + text
	return execute(t, script, call{args: append([]string{"sluice-load", "run", "FILE"}, args...)}), s
}

func TestExpectationsDecideTheExitCode(t *testing.T) {
	const flow = "scenarios: [{flow: [{get: {url: /a, name: a, expect: {statusCode: %CODE%}}}]}]\n"
	tests := []struct {
		name, plugin, code string
		args               []string
		want               int
		printed            string
	}{
		{"one that is met", "  plugins: {ensure: {}, expect: {}}\n", "200", nil, exitOK, "ok statusCode 200"},
		{"one that is not", "  plugins: {ensure: {}, expect: {}}\n", "201", nil, exitExpectation, "not ok statusCode 200"},
		{"one that nobody checks", "  plugins: {ensure: {}}\n", "201", nil, exitOK, ""},
		{"one that is enforced", "  plugins: {ensure: {}}\n", "201", []string{"--enforce"}, exitExpectation, "expected: 201"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := mine(t, nil, tt.plugin+strings.Replace(flow, "%CODE%", tt.code, 1), tt.args...)
			if got.code != tt.want || !strings.Contains(got.out, tt.printed) {
				t.Errorf("exit code %d, want %d\n%s%s", got.code, tt.want, got.err, got.out)
			}
		})
	}
}

func TestAFailedBeforeFlowSendsNoLoad(t *testing.T) {
	got, s := mine(t, nil, "before: {flow: [{get: {url: /login, capture: {json: $.token, as: token}}}]}\nscenarios: [{flow: [{get: {url: '/{{ token }}'}}]}]\n")
	if got.code != exitInconclusive || len(s.asked) != 1 || got.result.Requests != 0 {
		t.Errorf("exit code %d, asked %v", got.code, s.asked)
	}
	if want := "capture of token by json $.token: the body is no JSON"; !strings.Contains(got.err, want) {
		t.Errorf("the errors do not say %q:\n%s", want, got.err)
	}
}

func TestFailedCapturesAreReportedAsArtilleryDoes(t *testing.T) {
	got, _ := mine(t, nil, "scenarios: [{flow: [{get: {url: /a, capture: {json: $.token, as: token}}}, {get: {url: /never}}]}]\n")
	for _, line := range []string{"errors.Failed capture or match: ", "vusers.failed: "} {
		if !strings.Contains(got.out, line) {
			t.Errorf("the console has no %q\n%s", line, got.out)
		}
	}
	// The target answered, so it is no lack of an answer.
	if got.result.ErrorRate != 0 || got.result.Errors["capture"] != 1 {
		t.Errorf("error rate %g, errors %v", got.result.ErrorRate, got.result.Errors)
	}
}

func TestLogStepsPrint(t *testing.T) {
	got, _ := mine(t, nil, "  variables: {who: me}\nscenarios: [{flow: [{log: 'hello {{ who }}'}, {get: {url: /a}}]}]\n")
	if got.code != exitOK || !strings.Contains(got.out, "hello me\n") {
		t.Errorf("exit code %d\n%s%s", got.code, got.err, got.out)
	}
}

func TestTagsMarkEveryRequest(t *testing.T) {
	var header http.Header
	got, _ := mine(t, func(_ http.ResponseWriter, r *http.Request) { header = r.Header },
		"scenarios: [{flow: [{get: {url: /a}}]}]\n", "--tag", "run=7", "--tag", "by=me")
	if got.code != exitOK || header.Get("Baggage") != "by=me,run=7" || header.Get("X-Sluice-Load-Test") != "by=me,run=7" {
		t.Errorf("exit code %d, headers %v\n%s", got.code, header, got.err)
	}
}
