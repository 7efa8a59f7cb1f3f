package amp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const workspace = "ws-1a2b3c"

// prometheus records what arrives behind the proxy.
type prometheus struct {
	mu   sync.Mutex
	seen []string
}

func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.Method+" "+r.URL.Path+" "+r.Form.Get("query"))
	for name := range r.Header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Amz") {
			p.seen = append(p.seen, "leaked "+name)
		}
	}
	writeJSON(w, map[string]string{"status": "success"})
}

func (p *prometheus) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.seen...)
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fixture struct {
	server   *Server
	url      string
	upstream *prometheus
	close    func()
	clock    *clock
}

func start(t *testing.T) fixture {
	t.Helper()
	upstream := &prometheus{}
	backend := httptest.NewServer(upstream)
	address, err := url.Parse(backend.URL + "/prefix")
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: vectorTime}
	server, err := New(Config{Upstream: address, Workspace: workspace, Region: "us-west-2", Keys: map[string]Key{vectorKey: {Secret: vectorSecret}}, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server)
	t.Cleanup(func() { front.Close(); backend.Close() })
	return fixture{server: server, url: front.URL, upstream: upstream, close: backend.Close, clock: c}
}

type answer struct {
	Status     int
	Type, Body string
}

func (f fixture) send(t *testing.T, method, target, body string) answer {
	t.Helper()
	r, err := signedBySDK(t.Context(), method, f.url+target, body, Key{Secret: vectorSecret}, f.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatalf("%s answered with status %d and a body that is not JSON: %v", r.URL, response.StatusCode, err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("X-Amzn-ErrorType"), string(text)}
}

func TestSignedQueriesReachPrometheus(t *testing.T) {
	f := start(t)
	ok := answer{Status: 200, Body: `{"status":"success"}`}
	got := []answer{
		f.send(t, "GET", "/workspaces/ws-1a2b3c/api/v1/query?query=sum%28up%7Ba%3D%22b+c%22%7D%29", ""),
		f.send(t, "POST", "/workspaces/ws-1a2b3c/api/v1/query", "query=up+%2B+1"),
		f.send(t, "GET", "/workspaces/ws-1a2b3c/api/v1/query_range?query=up&start=1&end=2&step=1", ""),
		f.send(t, "POST", "/workspaces/ws-1a2b3c/api/v1/query_range", "query=up"),
	}
	if diff := cmp.Diff([]answer{ok, ok, ok, ok}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	want := []string{
		`GET /prefix/api/v1/query sum(up{a="b c"})`, "POST /prefix/api/v1/query up + 1",
		"GET /prefix/api/v1/query_range up", "POST /prefix/api/v1/query_range up",
	}
	if diff := cmp.Diff(want, f.upstream.requests()); diff != "" {
		t.Errorf("what Prometheus saw (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Stats{Verified: 4, RefusedBy: map[string]int{}}, f.server.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestEverythingElseIsRefused(t *testing.T) {
	f := start(t)
	unsigned, err := http.NewRequestWithContext(t.Context(), "GET", f.url+"/workspaces/ws-1a2b3c/api/v1/query?query=up", nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ got, want answer }{
		"an unsigned query": {
			do(t, unsigned),
			answer{403, missingToken, `{"message":"Missing Authentication Token"}`},
		},
		"a signed query to another workspace": {
			f.send(t, "GET", "/workspaces/ws-other/api/v1/query?query=up", ""),
			answer{403, accessDenied, `{"message":"not authorized to perform aps:QueryMetrics on workspace ws-other"}`},
		},
		"a signed request for another path with an escaped slash and a space": {
			f.send(t, "GET", "/workspaces/ws-1a2b3c/api/v1/label/a%2Fb%20c/values", ""),
			answer{404, notFound, `{"message":"Only /workspaces/ID/api/v1/query and query_range are served here."}`},
		},
		"a workspace whose name is escaped is not the workspace": {
			f.send(t, "GET", "/workspaces/ws%2D1a2b3c/api/v1/query", ""),
			answer{403, accessDenied, `{"message":"not authorized to perform aps:QueryMetrics on workspace ws%2D1a2b3c"}`},
		},
		"another method": {
			f.send(t, "DELETE", "/workspaces/ws-1a2b3c/api/v1/query", ""),
			answer{405, internalFailure, `{"message":"Queries are sent by GET or POST."}`},
		},
		"a body over the limit": {
			f.send(t, "POST", "/workspaces/ws-1a2b3c/api/v1/query", strings.Repeat("x", maxBody+1)),
			answer{413, tooLarge, `{"message":"The body could not be read, or is larger than 1 MiB."}`},
		},
	}
	for name, c := range cases {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if seen := f.upstream.requests(); len(seen) != 0 {
		t.Errorf("Prometheus saw %q", seen)
	}
	want := Stats{Refused: 6, RefusedBy: map[string]int{missingToken: 1, accessDenied: 2, notFound: 1, internalFailure: 1, tooLarge: 1}}
	if diff := cmp.Diff(want, f.server.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestFaults(t *testing.T) {
	const instant, ranged = "/workspaces/ws-1a2b3c/api/v1/query?query=up", "/workspaces/ws-1a2b3c/api/v1/query_range?query=up"
	fault := `{"message":"This answer is a fault that was asked for."}`
	cases := map[string]struct {
		fault, target string
		want          answer
	}{
		"403 is an access denied":             {`{"status":403}`, instant, answer{403, accessDenied, fault}},
		"429 is throttling":                   {`{"status":429}`, instant, answer{429, throttled, fault}},
		"500 is an internal failure":          {`{"status":500}`, instant, answer{500, internalFailure, fault}},
		"503 is unavailable":                  {`{"status":503}`, ranged, answer{503, unavailable, fault}},
		"empty gives an instant query no row": {`{"empty":true}`, instant, answer{200, "", `{"data":{"result":[],"resultType":"vector"},"status":"success"}`}},
		"empty gives a range query no row":    {`{"empty":true}`, ranged, answer{200, "", `{"data":{"result":[],"resultType":"matrix"},"status":"success"}`}},
		"a delay answers in the end":          {`{"delay":"20ms"}`, instant, answer{200, "", `{"status":"success"}`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			admin(t, f, "POST", "/faults", c.fault, http.StatusOK)
			if diff := cmp.Diff(c.want, f.send(t, "GET", c.target, "")); diff != "" {
				t.Errorf("with the fault (-want +got):\n%s", diff)
			}
			admin(t, f, "DELETE", "/faults", "", http.StatusOK)
			if diff := cmp.Diff(answer{Status: 200, Body: `{"status":"success"}`}, f.send(t, "GET", c.target, "")); diff != "" {
				t.Errorf("after the fault (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFaultForAWhileEndsByItself(t *testing.T) {
	f := start(t)
	admin(t, f, "POST", "/faults", `{"status":503,"for":"30s"}`, http.StatusOK)
	var statuses []int
	for range 4 {
		statuses = append(statuses, f.send(t, "GET", "/workspaces/ws-1a2b3c/api/v1/query?query=up", "").Status)
		f.clock.advance(10 * time.Second)
	}
	if diff := cmp.Diff([]int{503, 503, 503, 200}, statuses); diff != "" {
		t.Errorf("statuses every ten seconds (-want +got):\n%s", diff)
	}
	var stats Stats
	if err := json.Unmarshal([]byte(admin(t, f, "GET", "/stats", "", http.StatusOK)), &stats); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Stats{Verified: 4, Faulted: 3, RefusedBy: map[string]int{}}, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestAFaultDoesNotOpenTheDoor(t *testing.T) {
	f := start(t)
	if err := f.server.SetFault(Fault{Empty: true}); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", f.url+"/workspaces/ws-1a2b3c/api/v1/query?query=up", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := do(t, r); got.Type != missingToken {
		t.Errorf("an unsigned query met the fault: %+v", got)
	}
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	f := start(t)
	for _, fault := range []string{`{"status":200}`, `{"status":403,"empty":true}`, `{"delay":"-1s"}`, `{"delay":"1h"}`, `{"for":"-1s"}`, `{"statsu":403}`, `{`, `{"delay":3}`} {
		admin(t, f, "POST", "/faults", fault, http.StatusBadRequest)
	}
	if diff := cmp.Diff(Fault{}, f.server.Fault()); diff != "" {
		t.Errorf("fault (-want +got):\n%s", diff)
	}
}

func admin(t *testing.T, f fixture, method, path, body string, want int) string {
	t.Helper()
	w := httptest.NewRecorder()
	f.server.Admin().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if w.Code != want {
		t.Fatalf("%s %s %s: status %d, %s", method, path, body, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestPrometheusDownIsUnavailable(t *testing.T) {
	f := start(t)
	f.close()
	want := answer{503, unavailable, `{"message":"The Prometheus behind this workspace does not answer."}`}
	if diff := cmp.Diff(want, f.send(t, "GET", "/workspaces/ws-1a2b3c/api/v1/query?query=up", "")); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestNewListsEverythingThatIsWrong(t *testing.T) {
	_, err := New(Config{Upstream: &url.URL{Scheme: "ftp", Host: "x"}, Workspace: "demo", Keys: map[string]Key{"": {}}})
	if err == nil {
		t.Fatal("a configuration without sense was accepted")
	}
	for _, want := range []string{"upstream", "workspace", "region", "access key"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention the %s", err, want)
		}
	}
}
