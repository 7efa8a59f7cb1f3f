package providers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/util/jsonpath"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const defaultWebTimeout = 10 * time.Second

// Web asks an HTTP server. GET may be repeated; POST and PUT have effects and are sent once.
type Web struct{ client *metric.Client }

// Query implements metric.Reader.
func (w *Web) Query(ctx context.Context, q metric.Query) (judge.Sample, error) {
	spec := q.Spec.Web
	if spec == nil {
		return judge.Sample{}, badConfig("web: the metric has no web block")
	}
	path, failure := parsePath(spec.JSONPath)
	if failure != nil {
		return judge.Sample{}, failure
	}
	request, failure := webRequest(spec, q)
	if failure != nil {
		return judge.Sample{}, failure
	}
	answer, err := w.client.Do(ctx, request)
	if err != nil {
		return judge.Sample{}, err
	}
	if !answer.OK() {
		return judge.Sample{}, request.Refused(answer, "", string(answer.Body))
	}
	sample, failure := readWeb(request, answer.Body, path)
	if failure != nil {
		return judge.Sample{}, failure
	}
	sample.Metadata = map[string]string{}
	attempts(sample.Metadata, answer)
	return sample, nil
}

func parsePath(text string) (*jsonpath.JSONPath, *judge.Failure) {
	if text == "" {
		text = "{$}"
	}
	path := jsonpath.New("web")
	if path.Parse(text) != nil {
		return nil, badConfig("web: jsonPath cannot be read; an example is {$.data.errorRate}")
	}
	return path, nil
}

func webRequest(spec *api.WebMetric, q metric.Query) (metric.Request, *judge.Failure) {
	target, failure := metric.ParseAddress("web", spec.URL)
	if failure != nil {
		return metric.Request{}, failure
	}
	method := spec.Method
	if method == "" {
		method = api.WebMetricMethodGet
	}
	body, header, failure := webBody(spec, method)
	if failure != nil {
		return metric.Request{}, failure
	}
	if spec.TimeoutSeconds < 0 {
		return metric.Request{}, badConfig("web: timeoutSeconds must not be negative")
	}
	timeout := defaultWebTimeout
	if spec.TimeoutSeconds > 0 {
		timeout = time.Duration(min(spec.TimeoutSeconds, 3600)) * time.Second
	}
	var identity metric.Access
	if spec.Authentication == nil {
		identity.Insecure = spec.Insecure
	} else {
		identity, failure = access("web", &api.Authentication{OAuth2: spec.Authentication.OAuth2}, spec.Insecure)
	}
	return metric.Request{
		Who: "web", Method: string(method), URL: target, Header: header, Body: body, Access: identity,
		At: q.At, Read: method == api.WebMetricMethodGet, Secret: q.Secret, Timeout: timeout, Within: q.Within,
	}, failure
}

func webBody(spec *api.WebMetric, method api.WebMetricMethod) ([]byte, http.Header, *judge.Failure) {
	hasJSON := len(spec.JSONBody) > 0
	switch method {
	case api.WebMetricMethodGet:
		if spec.Body != "" || hasJSON {
			return nil, nil, badConfig("web: a GET request has no body; use method POST or PUT")
		}
	case api.WebMetricMethodPost, api.WebMetricMethodPut:
		if spec.Body != "" && hasJSON {
			return nil, nil, badConfig("web: use either body or jsonBody")
		}
	default:
		return nil, nil, badConfig("web: method must be GET, POST or PUT")
	}
	header := headers(spec.Headers)
	if !hasJSON {
		return []byte(spec.Body), header, nil
	}
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	return spec.JSONBody, header, nil
}

// readWeb finds the result. An answer without a body and a path that leads to null or to an empty list of matches are
// no data; an answer that is not JSON is its own text.
func readWeb(r metric.Request, body []byte, path *jsonpath.JSONPath) (judge.Sample, *judge.Failure) {
	if strings.TrimSpace(string(body)) == "" {
		return judge.Sample{}, nil
	}
	var decoded any
	if json.Unmarshal(body, &decoded) != nil {
		text := strings.ToValidUTF8(string(body), "?")
		return judge.Sample{Result: text, Text: shorten(text)}, nil
	}
	matches, err := path.FindResults(decoded)
	if err != nil {
		return judge.Sample{}, r.Fail(judge.BadAnswer, "jsonPath finds nothing in the answer")
	}
	if len(matches) == 0 || len(matches[0]) == 0 {
		return judge.Sample{}, nil
	}
	found := matches[0][0]
	if !found.IsValid() || !found.CanInterface() || found.Interface() == nil {
		return judge.Sample{}, nil
	}
	result := found.Interface()
	text, err := json.Marshal(result)
	if err != nil {
		return judge.Sample{}, r.Fail(judge.BadAnswer, "what jsonPath finds cannot be shown")
	}
	return judge.Sample{Result: result, Text: shorten(string(text))}, nil
}
