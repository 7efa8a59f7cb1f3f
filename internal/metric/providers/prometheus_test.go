package providers

import (
	"math"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/metrictest"
)

func prometheus(c *metric.Client) metric.Reader { return New(Config{Client: c}).Readers["prometheus"] }

func second() *int64 { return new(int64(1)) }

func TestPrometheusConforms(t *testing.T) {
	metrictest.Run(t, metrictest.Subject{
		Reader: prometheus,
		Query: func(address string) metric.Query {
			return metric.Query{Spec: api.MetricProvider{Prometheus: &api.PrometheusMetric{
				Address: address, Query: `sum(rate(x{a="b"}[1m]))`, Timeout: second(),
			}}}
		},
		Answers: []metrictest.Answer{
			{
				Name:   "a vector of one series is a list of one number",
				Body:   `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1722963891,"0.002951664136810593"]}]}}`,
				Result: []float64{0.002951664136810593}, Text: "[0.002951664136810593]", Series: []string{`{pod="a"}`},
			},
			{
				Name:   "a vector of two series keeps the server's order and the names",
				Body:   `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"b","__name__":"up"},"value":[1.5,"2"]},{"metric":{},"value":[1,"1"]}]}}`,
				Result: []float64{2, 1}, Text: "[2,1]", Series: []string{`up{pod="b"}`, "{}"},
			},
			{
				Name:   "an empty vector is an empty list",
				Body:   `{"status":"success","data":{"resultType":"vector","result":[]}}`,
				Result: []float64{}, Text: "[]",
			},
			{
				Name:   "NaN is a number that is none",
				Body:   `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"NaN"]}]}}`,
				Result: []float64{math.NaN()}, Text: "[NaN]", Series: []string{`{a="b"}`},
			},
			{
				Name:   "a scalar is a number",
				Body:   `{"status":"success","data":{"resultType":"scalar","result":[1,"+Inf"]}}`,
				Result: math.Inf(1), Text: "+Inf",
			},
			{
				Name:   "a matrix is one list of all its values",
				Body:   `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"1"],[2,"2"]]},{"metric":{"a":"c"},"values":[[1,"3"]]}]}}`,
				Result: []float64{1, 2, 3}, Text: "[1,2,3]", Series: []string{`{a="b"}`, `{a="b"}`, `{a="c"}`},
			},
			{
				Name:  "a string is not numbers",
				Body:  `{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`,
				Class: judge.BadAnswer,
			},
			{
				Name:  "a native histogram is not a number",
				Body:  `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}`,
				Class: judge.BadAnswer,
			},
			{Name: "a page of HTML is no answer", Body: "<html>sign in</html>", Class: judge.BadAnswer},
			{Name: "JSON of another kind is no answer", Body: `{"status":"success","data":{"resultType":"vector","result":7}}`, Class: judge.BadAnswer},
			{Name: "a point with three parts is no answer", Body: `{"status":"success","data":{"resultType":"scalar","result":[1,"1",2]}}`, Class: judge.BadAnswer},
			{Name: "a point without a value is no answer", Body: `{"status":"success","data":{"resultType":"scalar","result":[1]}}`, Class: judge.BadAnswer},
			{Name: "an error with status 200 is a refusal", Body: `{"status":"error","errorType":"execution","error":"marker0secret"}`, Class: judge.BadQuery},
		},
	})
}
