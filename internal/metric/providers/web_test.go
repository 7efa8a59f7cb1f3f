package providers

import (
	"testing"

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
