package providers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const (
	maxWarnings = 5
	// maxSeriesName bounds the name of one series.
	maxSeriesName = 256
)

// prometheusAnswer is every answer of the API, with the message field AWS uses for its own errors.
type prometheusAnswer struct {
	Status    string         `json:"status"`
	Data      prometheusData `json:"data"`
	ErrorType string         `json:"errorType"`
	Error     string         `json:"error"`
	Message   string         `json:"message"`
	Warnings  []string       `json:"warnings"`
}

type prometheusData struct {
	ResultType string          `json:"resultType"`
	Result     json.RawMessage `json:"result"`
}

// point is a pair of a Unix time and a value.
type point float64

// UnmarshalJSON reads [1722963891.1,"0.0029"]; the value is text because JSON has no NaN.
func (p *point) UnmarshalJSON(data []byte) error {
	var at float64
	var text string
	pair := []any{&at, &text}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("reading a point: it has %d parts, not 2", len(pair))
	}
	value, err := strconv.ParseFloat(text, 64)
	*p = point(value)
	return err
}

type series struct {
	Metric    map[string]string `json:"metric"`
	Value     *point            `json:"value"`  // of a vector
	Values    []point           `json:"values"` // of a matrix
	Histogram json.RawMessage   `json:"histogram"`
	// Histograms belong to a matrix.
	Histograms json.RawMessage `json:"histograms"`
}

func readPrometheus(r metric.Request, a metric.Answer) (judge.Sample, error) {
	var body prometheusAnswer
	err := json.Unmarshal(a.Body, &body)
	if !a.OK() {
		return judge.Sample{}, prometheusRefused(r, a, body)
	}
	if err != nil {
		return judge.Sample{}, r.Fail(judge.BadAnswer, "the answer is not what a Prometheus server sends; check the address")
	}
	if body.Status != "success" {
		a.Status = http.StatusUnprocessableEntity // what the server meant to say
		return judge.Sample{}, prometheusRefused(r, a, body)
	}
	sample, failure := readData(r, body.Data)
	if failure != nil {
		return judge.Sample{}, failure
	}
	sample.Metadata = map[string]string{}
	if len(body.Warnings) > 0 {
		sample.Metadata[api.MetadataWarnings] = warnings(r, body.Warnings)
	}
	return sample, nil
}

func prometheusRefused(r metric.Request, a metric.Answer, body prometheusAnswer) *judge.Failure {
	kind := ""
	switch body.ErrorType {
	case "bad_data", "execution", "timeout", "canceled", "internal", "unavailable", "not_found", "not_acceptable":
		kind = body.ErrorType
	}
	detail := body.Error
	if detail == "" {
		detail = body.Message
	}
	return r.Refused(a, kind, detail)
}

func readData(r metric.Request, data prometheusData) (judge.Sample, *judge.Failure) {
	unreadable := r.Fail(judge.BadAnswer, "the answer's data cannot be read")
	switch data.ResultType {
	case "scalar":
		var value point
		if json.Unmarshal(data.Result, &value) != nil {
			return judge.Sample{}, unreadable
		}
		return judge.Sample{Result: float64(value), Text: number(float64(value))}, nil
	case "vector", "matrix":
		var all []series
		if json.Unmarshal(data.Result, &all) != nil {
			return judge.Sample{}, unreadable
		}
		return readSeries(r, all)
	case "string":
		return judge.Sample{}, r.Fail(judge.BadAnswer, "the query gives a string, not numbers")
	default:
		return judge.Sample{}, unreadable
	}
}

// readSeries flattens series into values, in the server's order; each value keeps the name of its series.
func readSeries(r metric.Request, all []series) (judge.Sample, *judge.Failure) {
	values, names := []float64{}, []string{}
	for _, one := range all {
		if one.Histogram != nil || one.Histograms != nil {
			return judge.Sample{}, r.Fail(judge.BadAnswer, "the query gives native histograms, not numbers; use histogram_quantile or histogram_fraction")
		}
		if one.Value != nil {
			one.Values = []point{*one.Value}
		}
		name := seriesName(one.Metric)
		for _, value := range one.Values {
			values = append(values, float64(value))
			names = append(names, name)
		}
	}
	return judge.Sample{Result: values, Series: names, Text: numbers(values)}, nil
}

// seriesName writes labels as PromQL does: up{instance="a", job="b"}.
func seriesName(labels map[string]string) string {
	parts := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__name__" {
			parts = append(parts, name+"="+strconv.Quote(labels[name]))
		}
	}
	name := labels["__name__"] + "{" + strings.Join(parts, ", ") + "}"
	if len(name) > maxSeriesName {
		name = strings.ToValidUTF8(name[:maxSeriesName], "") + "…"
	}
	return name
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// numbers writes a list, as much of it as a measurement keeps.
func numbers(values []float64) string {
	var text strings.Builder
	text.WriteByte('[')
	for i, value := range values {
		if text.Len() > maxText-64 {
			fmt.Fprintf(&text, ",… %d more", len(values)-i)
			break
		}
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(number(value))
	}
	text.WriteByte(']')
	return shorten(text.String())
}

// warnings keeps the first few; a server's warning may repeat the query, so none is shown when a secret fed it.
func warnings(r metric.Request, all []string) string {
	if r.Secret {
		return fmt.Sprintf("%d, not shown because a secret is part of the request", len(all))
	}
	shown := make([]string, 0, maxWarnings)
	for _, warning := range all[:min(len(all), maxWarnings)] {
		shown = append(shown, metric.Excerpt(warning))
	}
	text := strings.Join(shown, "; ")
	if more := len(all) - maxWarnings; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return shorten(text)
}
