package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

func (s *sheet) provider(provider *api.MetricProvider, path *field.Path) {
	blocks := []struct {
		there     bool
		name      string
		supported bool
	}{
		{provider.Prometheus != nil, "prometheus", true}, {provider.Web != nil, "web", true}, {provider.Job != nil, "job", true},
		{provider.LoadTest != nil, "loadTest", true},
		{provider.Kayenta != nil, "kayenta", false}, {provider.Datadog != nil, "datadog", false},
		{provider.Wavefront != nil, "wavefront", false}, {provider.NewRelic != nil, "newRelic", false},
		{provider.CloudWatch != nil, "cloudWatch", false}, {provider.Graphite != nil, "graphite", false},
		{provider.Influxdb != nil, "influxdb", false}, {provider.SkyWalking != nil, "skywalking", false},
	}
	var names []string
	for _, block := range blocks {
		if block.there {
			names = append(names, block.name)
			s.unsupported(!block.supported, path.Child(block.name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(provider.Plugin)) {
		names = append(names, "plugin "+name)
	}
	s.unsupported(len(provider.Plugin) > 0, path.Child("plugin"))
	switch {
	case len(names) == 0:
		s.as(RuleMissingField).invalid(path, "names no source of measurements", "write one of prometheus, web, job and loadTest")
	case len(names) > 1:
		s.as(RuleConflict).invalid(path, "has several sources of measurements: "+strings.Join(names, ", "), "make each of them a metric of its own")
	}
	if provider.Prometheus != nil {
		s.prometheus(provider.Prometheus, path.Child("prometheus"))
	}
	if provider.Web != nil {
		s.web(provider.Web, path.Child("web"))
	}
	if provider.Job != nil {
		s.job(provider.Job, path.Child("job", "spec"))
		s.report(provider.Job.Report, path.Child("job", "report"))
	}
	if provider.LoadTest != nil {
		s.loadTest(provider.LoadTest, path.Child("loadTest"))
	}
}

func (s *sheet) prometheus(metric *api.PrometheusMetric, path *field.Path) {
	if metric.Address != "" {
		s.address(metric.Address, path.Child("address"), exampleServer)
	}
	if strings.TrimSpace(metric.Query) == "" {
		s.as(RuleMissingField).invalid(path.Child("query"), "is missing", "")
	}
	s.characters(metric.Query, maxQuery, path.Child("query"))
	if metric.Timeout != nil && *metric.Timeout < 0 {
		s.invalid(path.Child("timeout"), fmt.Sprintf("is %d and cannot be negative", *metric.Timeout), "it counts seconds; leave it out for 30")
	}
	switch metric.Series {
	case "", api.SeriesFirst, api.SeriesEvery, api.SeriesError:
	default:
		s.invalid(path.Child("series"), "is "+quote(metric.Series), "write First, Every or Error")
	}
	s.headers(metric.Headers, path.Child("headers"))
	if rq := metric.RangeQuery; rq != nil {
		at := path.Child("rangeQuery")
		s.required(rq.Start, at.Child("start"), `write for example now() - duration("5m")`)
		s.required(rq.End, at.Child("end"), "write for example now()")
		s.required(string(rq.Step), at.Child("step"), "write for example 1m")
		s.span(rq, at)
		if step, known := s.duration(rq.Step, at.Child("step")); known && step == 0 && rq.Step != "" {
			s.invalid(at.Child("step"), "is 0: points have some time between them", "write for example 1m")
		}
	}
	if metric.Authentication != nil {
		at := path.Child("authentication")
		s.authentication(metric.Authentication, at)
	}
	s.signing(metric, path.Child("authentication", "sigv4"))
}

// span checks the ends of a range.
func (s *sheet) span(rq *api.PrometheusRangeQueryArgs, path *field.Path) {
	// Two moments far apart, so that a date in the expressions is before one and after the other.
	early, late := time.Unix(0, 0), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	start, startKnown := s.moment(rq.Start, early, path.Child("start"))
	end, endKnown := s.moment(rq.End, early, path.Child("end"))
	if !startKnown || !endKnown || !end.Before(start) {
		return
	}
	start, startErr := judge.Moment(rq.Start, late)
	end, endErr := judge.Moment(rq.End, late)
	if startErr == nil && endErr == nil && end.Before(start) {
		s.invalid(path.Child("end"), "is before start", "")
	}
}

// moment reads an expression that yields a time; known is false when it is absent, a placeholder or wrong.
func (s *sheet) moment(text string, at time.Time, path *field.Path) (moment time.Time, known bool) {
	if text == "" || open(text) || !s.characters(text, maxCondition, path) {
		return time.Time{}, false
	}
	moment, err := judge.Moment(text, at)
	if err != nil {
		s.invalid(path, quote(text)+" is no moment: it "+err.Error(), "")
	}
	return moment, err == nil
}

func (s *sheet) required(value string, path *field.Path, fix string) {
	if value == "" {
		s.as(RuleMissingField).invalid(path, "is missing", fix)
	}
}

func (s *sheet) headers(headers []api.WebMetricHeader, path *field.Path) {
	s.items(len(headers), path)
	for i, header := range headers {
		s.required(header.Key, path.Index(i).Child("key"), "")
	}
}

func (s *sheet) authentication(auth *api.Authentication, path *field.Path) {
	if auth.Sigv4 != nil && (set(auth.OAuth2) || auth.BasicAuth != nil && *auth.BasicAuth != (api.BasicAuthConfig{})) {
		s.as(RuleConflict).invalid(path.Child("sigv4"), "cannot be combined with oauth2 or basicAuth: a signed request has one Authorization header", "remove the others")
	}
	if basic := auth.BasicAuth; basic != nil && (basic.Username == "") != (basic.Password == "") {
		s.as(RuleMissingField).invalid(path.Child("basicAuth"), "needs both username and password", "")
	}
	if auth.OAuth2 != nil {
		s.oauth2(auth.OAuth2, path.Child("oauth2"))
	}
}

func (s *sheet) oauth2(oauth *api.OAuth2Config, path *field.Path) {
	if set(oauth) && (oauth.TokenURL == "" || oauth.ClientID == "" || oauth.ClientSecret == "") {
		s.as(RuleMissingField).invalid(path, "needs tokenUrl, clientId and clientSecret", "")
	}
	if oauth.TokenURL != "" {
		s.address(oauth.TokenURL, path.Child("tokenUrl"), "https://login.example.com/token")
	}
}

func set(oauth *api.OAuth2Config) bool {
	return oauth != nil && (oauth.TokenURL != "" || oauth.ClientID != "" || oauth.ClientSecret != "" || len(oauth.Scopes) > 0)
}

func (s *sheet) web(metric *api.WebMetric, path *field.Path) {
	s.required(metric.URL, path.Child("url"), "")
	if metric.URL != "" {
		s.address(metric.URL, path.Child("url"), exampleServer)
	}
	s.request(metric, path)
	if metric.TimeoutSeconds < 0 {
		s.invalid(path.Child("timeoutSeconds"), fmt.Sprintf("is %d and cannot be negative", metric.TimeoutSeconds), "leave it out for 10")
	}
	s.headers(metric.Headers, path.Child("headers"))
	if auth := metric.Authentication; auth != nil {
		at := path.Child("authentication")
		s.authentication(auth, at)
		if auth.Sigv4 != nil || auth.BasicAuth != nil {
			s.as(RuleNoEffect).warn(at, "only oauth2 is used by a web metric: sigv4 and basicAuth are not sent", "use oauth2, or a header with a value from a Secret")
		}
	}
}

// request checks that method and body go together.
func (s *sheet) request(metric *api.WebMetric, path *field.Path) {
	switch metric.Method {
	case "", api.WebMetricMethodGet:
		if metric.Body != "" || len(metric.JSONBody) > 0 {
			s.as(RuleConflict).invalid(path.Child("method"), "is GET, which sends no body", "remove the body")
		}
	case api.WebMetricMethodPost, api.WebMetricMethodPut:
		// Such a request may change something, so it must never be sent twice, not even by a restarted
		// controller; measurements are remembered as begun for Jobs only so far.
		s.unsupported(true, path.Child("method"))
	default:
		s.invalid(path.Child("method"), "is "+quote(metric.Method), "write GET")
	}
	if metric.Body != "" && len(metric.JSONBody) > 0 {
		s.as(RuleConflict).invalid(path.Child("jsonBody"), "is given and so is body", "remove one of them")
	}
}

// report checks the format a Job is said to report in.
func (s *sheet) report(report *api.JobReport, path *field.Path) {
	if report == nil {
		return
	}
	switch report.Format {
	case api.ReportResult, api.ReportK6, api.ReportVegeta, api.ReportFortio, api.ReportGhz, api.ReportArtillery, api.ReportJSON:
	case "":
		s.as(RuleMissingField).invalid(path.Child("format"), "is missing", "write one of "+formats)
	default:
		if !open(string(report.Format)) {
			s.invalid(path.Child("format"), "is "+quote(report.Format), "write one of "+formats)
		}
	}
	switch report.From {
	case "", api.ReportFromTerminationMessage, api.ReportFromLog:
	default:
		s.invalid(path.Child("from"), "is "+quote(report.From), "write TerminationMessage or Log, or leave it out for the first that holds a report")
	}
}

const formats = "result, k6, vegeta, fortio, ghz, artillery and json"

func (s *sheet) job(job *api.JobMetric, path *field.Path) {
	if job.Spec.BackoffLimit == nil {
		s.as(RuleBackoffLimit).warn(path.Child("backoffLimit"), "is not set: Kubernetes starts a failed Job's pod up to 6 more times before the measurement fails", "write backoffLimit: 0 to fail at the first failure")
	}
	if job.Spec.Suspend != nil && *job.Spec.Suspend {
		s.as(RuleNothingMeasured).warn(path.Child("suspend"), "is true: the Job never starts", "remove it")
	}
	pod := job.Spec.Template.Spec
	if len(pod.Containers) == 0 {
		s.as(RuleMissingField).invalid(path.Child("template", "spec", "containers"), "must name at least one container", "")
	}
	if pod.RestartPolicy != corev1.RestartPolicyNever && pod.RestartPolicy != corev1.RestartPolicyOnFailure {
		s.invalid(path.Child("template", "spec", "restartPolicy"), fmt.Sprintf("is %s; pods of a Job end", quote(pod.RestartPolicy)), "write Never or OnFailure")
	}
}
