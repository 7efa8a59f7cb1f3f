package providers

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/aws"
	"sluice.dev/sluice/test/amp"
)

var asked = time.Date(2026, 7, 31, 12, 0, 0, 500e6, time.UTC)

// recorder answers with one value and keeps what it was asked.
type recorder struct {
	answer string
	refuse map[string]int // status by method

	mu  sync.Mutex
	got []string
}

// ServeHTTP implements http.Handler.
func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	form, _ := url.ParseQuery(string(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%s %s %s", request.Method, request.URL.RequestURI(), form.Encode()))
	if status := r.refuse[request.Method]; status != 0 {
		w.WriteHeader(status)
		return
	}
	answer := r.answer
	if answer == "" {
		answer = `{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`
	}
	_, _ = io.WriteString(w, answer)
}

func record(t *testing.T, r *recorder) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// query asks with this block, at a fixed time.
func query(t *testing.T, spec api.PrometheusMetric, adjust func(*metric.Query)) (judge.Sample, error) {
	t.Helper()
	client := metric.NewClient(metric.ClientConfig{Signer: aws.New(nil)})
	t.Cleanup(client.Close)
	q := metric.Query{Spec: api.MetricProvider{Prometheus: &spec}, At: asked, Namespace: "shop"}
	if adjust != nil {
		adjust(&q)
	}
	return New(Config{Client: client}).Readers["prometheus"].Query(t.Context(), q)
}

func TestPrometheusIsAskedAboutTheTimeOfTheMeasurement(t *testing.T) {
	cases := []struct {
		name string
		spec api.PrometheusMetric
		path string
		want string
	}{
		{"an instant", api.PrometheusMetric{Query: `up{a="b"}`}, "", "POST /api/v1/query query=up%7Ba%3D%22b%22%7D&time=1785499200.500"},
		{"an address with a path", api.PrometheusMetric{Query: "up"}, "/a%2Fb%20c/", "POST /a%2Fb%20c/api/v1/query query=up&time=1785499200.500"},
		{"an address with a query", api.PrometheusMetric{Query: "up"}, "?tenant=a+b", "POST /api/v1/query?tenant=a+b query=up&time=1785499200.500"},
		{
			"a range", api.PrometheusMetric{Query: "up", RangeQuery: &api.PrometheusRangeQueryArgs{
				Start: `now() - duration("5m")`, End: "now()", Step: "1m30s",
			}}, "", "POST /api/v1/query_range end=1785499200.500&query=up&start=1785498900.500&step=90",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := &recorder{}
			c.spec.Address = record(t, server) + c.path
			if _, err := query(t, c.spec, nil); err != nil {
				t.Fatalf("asking: %v", err)
			}
			if diff := cmp.Diff([]string{c.want}, server.got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrometheusIsAskedByGetWherePostIsNotAllowed(t *testing.T) {
	server := &recorder{refuse: map[string]int{"POST": http.StatusMethodNotAllowed}}
	sample, err := query(t, api.PrometheusMetric{Address: record(t, server) + "?tenant=a", Query: "up"}, nil)
	if err != nil || sample.Result != 7.0 {
		t.Fatalf("got %v, %v; want 7", sample.Result, err)
	}
	if got, want := server.got[len(server.got)-1], "GET /api/v1/query?tenant=a&query=up&time=1785499200.500 "; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestTheControllersAddressIsUsedWhenTheMetricHasNone(t *testing.T) {
	server := &recorder{}
	client := metric.NewClient(metric.ClientConfig{})
	t.Cleanup(client.Close)
	reader := New(Config{Client: client, PrometheusAddress: record(t, server)}).Readers["prometheus"]
	_, err := reader.Query(t.Context(), metric.Query{Spec: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "up"}}, At: asked})
	if err != nil || len(server.got) != 1 {
		t.Errorf("asked %d times, error %v", len(server.got), err)
	}
}

func TestHeadersAndCredentialsAreSent(t *testing.T) {
	var header http.Header
	var host string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, host = r.Header.Clone(), r.Host
		(&recorder{}).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	_, err := query(t, api.PrometheusMetric{
		Address: server.URL, Query: "up",
		Headers:        []api.WebMetricHeader{{Key: "X-Scope-OrgID", Value: "team-a"}, {Key: "Host", Value: "prometheus.internal"}},
		Authentication: &api.Authentication{BasicAuth: &api.BasicAuthConfig{Username: "u", Password: "p"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{header.Get("X-Scope-OrgID"), host, header.Get("Authorization"), header.Get("Content-Type")}
	want := []string{"team-a", "prometheus.internal", "Basic dTpw", "application/x-www-form-urlencoded"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestWhatIsShownOfAQuestionHasNoSecrets(t *testing.T) {
	server := &recorder{answer: `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a\nb","token hidden"]}`}
	address := record(t, server)
	shown := func(q *metric.Query) {
		q.Shown.Prometheus = &api.PrometheusMetric{Query: `up{token="*****"}`}
	}
	open, err := query(t, api.PrometheusMetric{Address: address, Query: `up{token="hidden"}`}, shown)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"ResolvedPrometheusQuery": `up{token="*****"}`, "warnings": "a b; token hidden"}
	if diff := cmp.Diff(want, open.Metadata); diff != "" {
		t.Errorf("without secrets (-want +got):\n%s", diff)
	}
	secret, err := query(t, api.PrometheusMetric{Address: address, Query: `up{token="hidden"}`}, func(q *metric.Query) {
		shown(q)
		q.Secret = true
	})
	if err != nil {
		t.Fatal(err)
	}
	want["warnings"] = "2, not shown because a secret is part of the request"
	if diff := cmp.Diff(want, secret.Metadata); diff != "" {
		t.Errorf("with secrets (-want +got):\n%s", diff)
	}
}

func TestAMistakeInABlockIsToldBeforeAnybodyIsAsked(t *testing.T) {
	ranged := func(start, end, step string) api.PrometheusMetric {
		return api.PrometheusMetric{RangeQuery: &api.PrometheusRangeQueryArgs{Start: start, End: end, Step: api.DurationString(step)}}
	}
	cases := []struct {
		name string
		spec api.PrometheusMetric
		want string
	}{
		{"no address", api.PrometheusMetric{}, "prometheus address is not configured"},
		{"an address without a scheme", api.PrometheusMetric{Address: "prometheus:9090"}, "prometheus address is not in URL format: it needs a scheme (http or https) and a host"},
		{"a negative timeout", api.PrometheusMetric{Timeout: new(int64(-1))}, "prometheus: timeout must not be negative"},
		{"half a basic authentication", api.PrometheusMetric{Authentication: &api.Authentication{BasicAuth: &api.BasicAuthConfig{Username: "u"}}}, "prometheus: basicAuth needs both username and password"},
		{"half an OAuth2 client", api.PrometheusMetric{Authentication: &api.Authentication{OAuth2: &api.OAuth2Config{TokenURL: "http://t"}}}, "prometheus: oauth2 needs tokenUrl, clientId and clientSecret"},
		{"no start", ranged("", "now()", "1m"), "prometheus: rangeQuery.start is not set"},
		{"a start that cannot be read", ranged("now( -", "now()", "1m"), `prometheus: rangeQuery.start is not an expression; an example is now() - duration("5m")`},
		{"an end that is no time", ranged("now()", "5", "1m"), `prometheus: rangeQuery.end does not yield a time; an example is now() - duration("5m")`},
		{"a start that cannot be evaluated", ranged(`now() - duration("x")`, "now()", "1m"), "prometheus: rangeQuery.start could not be evaluated"},
		{"an end before the start", ranged("now()", `now() - duration("1m")`, "1m"), "prometheus: rangeQuery.end is before rangeQuery.start"},
		{"no step", ranged("now()", "now()", ""), "prometheus: rangeQuery.step must be a positive duration such as 30s or 1m"},
		{"too many points", ranged(`now() - duration("24h")`, "now()", "1s"), "prometheus: the range asks for more than 11000 points; use a longer step"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.spec.Address == "" && c.name != "no address" {
				c.spec.Address = "http://127.0.0.1:1"
			}
			_, err := query(t, c.spec, nil)
			var failure *judge.Failure
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, want a failure", err)
			}
			if diff := cmp.Diff(&judge.Failure{Class: judge.BadConfig, Message: c.want}, failure); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAmazonManagedPrometheusIsAskedWithASignature(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "")
	server := &recorder{}
	upstream, err := url.Parse(record(t, server))
	if err != nil {
		t.Fatal(err)
	}
	stand, err := amp.New(amp.Config{Upstream: upstream, Workspace: "ws-1", Region: "us-west-2", Keys: map[string]amp.Key{"AKID": {Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(stand)
	t.Cleanup(listener.Close)
	ask := func(workspace, region string) (judge.Sample, error) {
		return query(t, api.PrometheusMetric{
			Address: listener.URL + "/workspaces/" + workspace, Query: "sum(\n  up\n) by (pod)",
			Headers:        []api.WebMetricHeader{{Key: "X-Amzn-Trace", Value: "a"}},
			Authentication: &api.Authentication{Sigv4: &api.Sigv4Config{Region: region}},
		}, func(q *metric.Query) { q.Secret = true })
	}
	if sample, err := ask("ws-1", "us-west-2"); err != nil || sample.Result != 7.0 {
		t.Errorf("got %v, %v; want 7", sample.Result, err)
	}
	for _, c := range []struct{ name, workspace, region, want string }{
		{"another region", "ws-1", "eu-west-1", "prometheus: answered 403 Forbidden (InvalidSignatureException)"},
		{"another workspace", "ws-2", "us-west-2", "prometheus: answered 403 Forbidden (AccessDeniedException)"},
	} {
		_, err := ask(c.workspace, c.region)
		var failure *judge.Failure
		if !errors.As(err, &failure) || failure.Class != judge.Unauthorized || failure.Message != c.want {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if err := stand.SetFault(amp.Fault{Status: http.StatusServiceUnavailable, For: amp.Duration(300 * time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	sample, err := query(t, api.PrometheusMetric{
		Address: listener.URL + "/workspaces/ws-1", Query: "up",
		Authentication: &api.Authentication{Sigv4: &api.Sigv4Config{Region: "us-west-2"}},
	}, func(q *metric.Query) { q.Within = 10 * time.Second })
	if err != nil || sample.Metadata[api.EvidenceAttempts] == "" {
		t.Errorf("after a short outage: %+v, %v; want a value and how many attempts it took", sample, err)
	}
}

func TestAServersOwnWordsHelpWhenThereIsNoSecret(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected end of input"}`)
	}))
	t.Cleanup(server.Close)
	_, err := query(t, api.PrometheusMetric{Address: server.URL, Query: "sum("}, nil)
	want := "prometheus: answered 400 Bad Request (bad_data): parse error: unexpected end of input"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestALongAnswerIsShownShort(t *testing.T) {
	values := make([]float64, 5000)
	text := numbers(values)
	if len(text) > maxText || !strings.HasSuffix(text, " more]") {
		t.Errorf("%d bytes that end in %q", len(text), text[len(text)-20:])
	}
}

func FuzzPoint(f *testing.F) {
	for _, seed := range []string{`[1,"2"]`, `[1,"NaN"]`, `[1]`, `[1,2]`, `null`, `[1,"2",3]`, `{"a":1}`, `[1e999,"x"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := metric.Request{Who: "prometheus"}
		for _, kind := range []string{"scalar", "vector", "matrix"} {
			body := fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, text)
			sample, err := readPrometheus(r, metric.Answer{Status: 200, Body: []byte(body)})
			if (err == nil) != (sample.Metadata != nil) {
				t.Errorf("%s gives both a sample and an error, or neither: %+v, %v", body, sample, err)
			}
		}
	})
}
