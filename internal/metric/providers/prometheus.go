package providers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const (
	defaultPrometheusTimeout = 30 * time.Second
	// maxPoints is what Prometheus itself allows of one series.
	maxPoints = 11000
)

// Prometheus asks a Prometheus server, Amazon Managed Prometheus, or whatever else speaks the same API. Questions are
// sent by POST, so that no query is too long for a URL or ends in an access log, and by GET where POST is not allowed.
type Prometheus struct {
	client  *metric.Client
	address string // when the metric gives none
}

// Query implements metric.Reader.
func (p *Prometheus) Query(ctx context.Context, q metric.Query) (judge.Sample, error) {
	request, err := p.request(q)
	if err != nil {
		return judge.Sample{}, err
	}
	answer, err := p.ask(ctx, request)
	if err != nil {
		return judge.Sample{}, err
	}
	sample, err := readPrometheus(request, answer)
	if err != nil {
		return judge.Sample{}, err
	}
	if shown := q.Shown.Prometheus; shown != nil && shown.Query != "" {
		sample.Metadata[api.MetadataResolvedPrometheusQuery] = shown.Query
	}
	attempts(sample.Metadata, answer)
	return sample, nil
}

// request builds the question. The error is a *judge.Failure in an error's clothes: nil means nil.
func (p *Prometheus) request(q metric.Query) (metric.Request, error) {
	spec := q.Spec.Prometheus
	if spec == nil {
		return metric.Request{}, badConfig("prometheus: the metric has no prometheus block")
	}
	address := spec.Address
	if address == "" {
		address = p.address
	}
	base, failure := metric.ParseAddress("prometheus", address)
	if failure != nil {
		return metric.Request{}, failure
	}
	timeout, failure := prometheusTimeout(spec)
	if failure != nil {
		return metric.Request{}, failure
	}
	identity, failure := access("prometheus", spec.Authentication, spec.Insecure)
	if failure != nil {
		return metric.Request{}, failure
	}
	endpoint, form, failure := question(spec, q.At)
	if failure != nil {
		return metric.Request{}, failure
	}
	return metric.Request{
		Who: "prometheus", Method: http.MethodPost, URL: base.JoinPath("api", "v1", endpoint),
		Header: headers(spec.Headers), Body: []byte(form.Encode()), Access: identity,
		At: q.At, Read: true, Secret: q.Secret, Timeout: timeout, Within: q.Within,
	}, nil
}

func prometheusTimeout(spec *api.PrometheusMetric) (time.Duration, *judge.Failure) {
	switch {
	case spec.Timeout == nil || *spec.Timeout == 0:
		return defaultPrometheusTimeout, nil
	case *spec.Timeout < 0:
		return 0, badConfig("prometheus: timeout must not be negative")
	default:
		return time.Duration(min(*spec.Timeout, 3600)) * time.Second, nil
	}
}

// question is what is asked: at one moment, or over a range whose ends are told from that moment.
func question(spec *api.PrometheusMetric, at time.Time) (endpoint string, form url.Values, failure *judge.Failure) {
	form = url.Values{"query": {spec.Query}}
	if spec.RangeQuery == nil {
		form.Set("time", unixText(at))
		return "query", form, nil
	}
	start, failure := moment("rangeQuery.start", spec.RangeQuery.Start, at)
	if failure != nil {
		return "", nil, failure
	}
	end, failure := moment("rangeQuery.end", spec.RangeQuery.End, at)
	if failure != nil {
		return "", nil, failure
	}
	step, err := spec.RangeQuery.Step.Duration()
	switch {
	case err != nil || step <= 0:
		return "", nil, badConfig("prometheus: rangeQuery.step must be a positive duration such as 30s or 1m")
	case end.Before(start):
		return "", nil, badConfig("prometheus: rangeQuery.end is before rangeQuery.start")
	case end.Sub(start)/step > maxPoints:
		return "", nil, badConfig(fmt.Sprintf("prometheus: the range asks for more than %d points; use a longer step", maxPoints))
	}
	form.Set("start", unixText(start))
	form.Set("end", unixText(end))
	form.Set("step", strconv.FormatFloat(step.Seconds(), 'f', -1, 64))
	return "query_range", form, nil
}

// unixText is a moment as the API reads it, to the millisecond.
func unixText(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

func (p *Prometheus) ask(ctx context.Context, r metric.Request) (metric.Answer, error) {
	form := r.Body
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := p.client.Do(ctx, r)
	if err != nil || answer.Status != http.StatusMethodNotAllowed && answer.Status != http.StatusNotImplemented {
		return answer, err
	}
	r.Method, r.Body = http.MethodGet, nil
	r.Header.Del("Content-Type")
	target := *r.URL
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += string(form)
	r.URL = &target
	return p.client.Do(ctx, r)
}
