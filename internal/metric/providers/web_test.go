package providers

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/metrictest"
)

func web(c *metric.Client) metric.Reader { return New(Config{Client: c}).Readers["web"] }

var webAnswers = []metrictest.Answer{
	{Name: "a number is a number", Body: `{"data":{"rate":0.25}}`, Result: 0.25, Text: "0.25"},
	{Name: "an object is an object", Body: `{"data":{"rate":{"a":[1,"b"]}}}`, Result: map[string]any{"a": []any{1.0, "b"}}, Text: `{"a":[1,"b"]}`},
	{Name: "true is a bool", Body: `{"data":{"rate":true}}`, Result: true, Text: "true"},
	{Name: "null is no data", Body: `{"data":{"rate":null}}`},
	{Name: "an answer without a body is no data", Body: " \n"},
	{Name: "plain text is its own result", Body: "it is fine", Result: "it is fine", Text: "it is fine"},
	{Name: "a missing key is a bad answer", Body: `{"data":{}}`, Class: judge.BadAnswer},
}

func TestWebConforms(t *testing.T) {
	for _, method := range []api.WebMetricMethod{"", api.WebMetricMethodPost, api.WebMetricMethodPut} {
		t.Run("method "+string(method), func(t *testing.T) {
			metrictest.Run(t, metrictest.Subject{
				Reader: web,
				Query: func(address string) metric.Query {
					return metric.Query{Spec: api.MetricProvider{Web: &api.WebMetric{
						URL: address, Method: method, TimeoutSeconds: 1, JSONPath: "{$.data.rate}",
					}}}
				},
				Answers: webAnswers,
				Sends:   method != "",
			})
		})
	}
}

func TestWebSendsWhatTheBlockSays(t *testing.T) {
	server := &recorder{answer: `[3]`}
	address := record(t, server)
	for _, spec := range []api.WebMetric{
		{URL: address + "/a?b=c d"},
		{URL: address + "/a", Method: api.WebMetricMethodPost, Body: "k=v"},
		{URL: address + "/a", Method: api.WebMetricMethodPut, JSONBody: []byte(`{"k":"v"}`)},
	} {
		sample, err := askWeb(t, spec)
		if err != nil || sample.Text != "[3]" {
			t.Errorf("%s: got %q, %v", spec.Method, sample.Text, err)
		}
	}
	want := []string{"GET /a?b=c%20d ", "POST /a k=v", "PUT /a %7B%22k%22%3A%22v%22%7D="}
	if diff := cmp.Diff(want, server.got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func askWeb(t *testing.T, spec api.WebMetric) (judge.Sample, error) {
	t.Helper()
	client := metric.NewClient(metric.ClientConfig{})
	t.Cleanup(client.Close)
	return web(client).Query(t.Context(), metric.Query{Spec: api.MetricProvider{Web: &spec}, At: asked})
}

func TestAMistakeInAWebBlockIsTold(t *testing.T) {
	const address = "http://127.0.0.1:1"
	cases := []struct {
		name string
		spec api.WebMetric
		want string
	}{
		{"no address", api.WebMetric{}, "web address is not configured"},
		{"another method", api.WebMetric{URL: address, Method: "DELETE"}, "web: method must be GET, POST or PUT"},
		{"two bodies", api.WebMetric{URL: address, Method: "POST", Body: "a", JSONBody: []byte("{}")}, "web: use either body or jsonBody"},
		{"a body with GET", api.WebMetric{URL: address, Body: "a"}, "web: a GET request has no body; use method POST or PUT"},
		{"a path that cannot be read", api.WebMetric{URL: address, JSONPath: "{$.a"}, "web: jsonPath cannot be read; an example is {$.data.errorRate}"},
		{"a negative timeout", api.WebMetric{URL: address, TimeoutSeconds: -1}, "web: timeoutSeconds must not be negative"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := askWeb(t, c.spec)
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

func TestOnlyReadsMayBeRepeated(t *testing.T) {
	cases := []struct {
		name string
		spec api.MetricProvider
		want bool
	}{
		{"a query", api.MetricProvider{Prometheus: &api.PrometheusMetric{}}, true},
		{"a GET", api.MetricProvider{Web: &api.WebMetric{}}, true},
		{"a POST", api.MetricProvider{Web: &api.WebMetric{Method: "POST"}}, false},
		{"a PUT", api.MetricProvider{Web: &api.WebMetric{Method: "PUT"}}, false},
		{"a Job", api.MetricProvider{Job: &api.JobMetric{}}, false},
		{"a judgement", api.MetricProvider{Kayenta: &api.KayentaMetric{}}, false},
	}
	for _, c := range cases {
		if got := metric.Repeats(c.spec); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
