package v1alpha1

import (
	"encoding/json"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// PrometheusMetric asks a Prometheus server. `result` is a number for a scalar and a list of numbers for a
// vector or matrix.
type PrometheusMetric struct {
	// Address is a URL with scheme and host. Default: the controller's ARGO_ROLLOUTS_PROMETHEUS_ADDRESS; none
	// is an error.
	// +optional
	Address string `json:"address,omitempty"`
	// Query in PromQL.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query,omitempty"`
	// Authentication against the server. Default none.
	// +optional
	Authentication *Authentication `json:"authentication,omitempty"`
	// Timeout in seconds. Default 30; negative is an error.
	// +optional
	Timeout *int64 `json:"timeout,omitempty"`
	// Insecure skips the check of the server's certificate. Default false.
	// +optional
	Insecure bool `json:"insecure,omitempty"`
	// Headers to send with every request.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Headers []WebMetricHeader `json:"headers,omitempty"`
	// RangeQuery asks for a range instead of an instant.
	// +optional
	RangeQuery *PrometheusRangeQueryArgs `json:"rangeQuery,omitempty"`
	// Series says what several series mean: First (default) leaves it to the condition, which usually looks at
	// result[0]; Every judges each series alone and all must be good; Error refuses them. Sluice addition.
	// +optional
	Series SeriesPolicy `json:"series,omitempty"`
}

// SeriesPolicy says what a query that returns several series means. Sluice addition.
//
// +kubebuilder:validation:Enum=First;Every;Error
type SeriesPolicy string

// Values of SeriesPolicy.
const (
	// SeriesFirst evaluates the condition once over all series. The default.
	SeriesFirst SeriesPolicy = "First"
	// SeriesEvery evaluates the condition for each series alone; the worst result counts.
	SeriesEvery SeriesPolicy = "Every"
	// SeriesError makes more than one series an Error.
	SeriesError SeriesPolicy = "Error"
)

// PrometheusRangeQueryArgs bounds a range query. All fields are required.
type PrometheusRangeQueryArgs struct {
	// Start is an expression that yields a time, for example now() - duration("5m").
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Start string `json:"start,omitempty"`
	// End is an expression that yields a time, for example now().
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	End string `json:"end,omitempty"`
	// Step between points, such as "1m".
	// +optional
	Step DurationString `json:"step,omitempty"`
}

// Authentication says how a request proves who sent it. A block that is present is used.
type Authentication struct {
	// Sigv4 signs with AWS Signature Version 4, whatever the host; an empty block signs with the defaults.
	// +optional
	Sigv4 *Sigv4Config `json:"sigv4,omitempty"`
	// OAuth2 fetches a token with client credentials.
	// +optional
	OAuth2 *OAuth2Config `json:"oauth2,omitempty"`
	// BasicAuth sends a user name and a password.
	// +optional
	BasicAuth *BasicAuthConfig `json:"basicAuth,omitempty"`
}

// Sigv4Config signs requests with AWS Signature Version 4.
type Sigv4Config struct {
	// Region to sign for. Default: the one in the host name, else the controller's AWS_REGION; none is an
	// error.
	// +optional
	Region string `json:"region,omitempty"`
	// Profile of the AWS configuration. Default: the SDK's.
	// +optional
	Profile string `json:"profile,omitempty"`
	// RoleARN to assume before signing. Default: none.
	// +optional
	RoleARN string `json:"roleArn,omitempty"`
	// Service to sign for. Default aps. Sluice addition.
	// +optional
	Service string `json:"service,omitempty"`
}

// OAuth2Config fetches a token with client credentials. tokenUrl, clientId and clientSecret go together.
type OAuth2Config struct {
	// TokenURL is where tokens are fetched.
	// +optional
	TokenURL string `json:"tokenUrl,omitempty"`
	// ClientID to present.
	// +optional
	ClientID string `json:"clientId,omitempty"`
	// ClientSecret to present; take it from a Secret through an argument.
	// +optional
	ClientSecret string `json:"clientSecret,omitempty"`
	// Scopes to ask for. Default none.
	// +optional
	Scopes []string `json:"scopes,omitempty"`
}

// BasicAuthConfig is a user name and a password. Both or neither.
type BasicAuthConfig struct {
	// Username to present.
	// +optional
	Username string `json:"username,omitempty"`
	// Password to present; take it from a Secret through an argument.
	// +optional
	Password string `json:"password,omitempty"`
}

// WebMetricHeader is a header of a request.
type WebMetricHeader struct {
	// Key is the header's name.
	Key string `json:"key"`
	// Value is the header's value; it may come from an argument.
	Value string `json:"value"`
}

// WebMetric asks an HTTP server. `result` is what jsonPath finds in a JSON answer, else the answer's text. Any
// status but 2xx is an Error.
type WebMetric struct {
	// URL to ask.
	URL string `json:"url"`
	// Method is GET (default), POST or PUT.
	// +optional
	Method WebMetricMethod `json:"method,omitempty"`
	// Headers to send.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Headers []WebMetricHeader `json:"headers,omitempty"`
	// Body to send as it is. Not with GET, not with jsonBody.
	// +optional
	Body string `json:"body,omitempty"`
	// TimeoutSeconds for the whole request. Default 10.
	// +optional
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// JSONPath into the answer. Default {$}: all of it.
	// +optional
	JSONPath string `json:"jsonPath,omitempty"`
	// Insecure skips the check of the server's certificate. Default false.
	// +optional
	Insecure bool `json:"insecure,omitempty"`
	// JSONBody to send as JSON. Not with GET, not with body.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	JSONBody json.RawMessage `json:"jsonBody,omitempty"`
	// Authentication against the server; only oauth2 is used. Default none.
	// +optional
	Authentication *Authentication `json:"authentication,omitempty"`
}

// WebMetricMethod is an HTTP method.
type WebMetricMethod string

// Values of WebMetricMethod.
const (
	// WebMetricMethodGet is the default.
	WebMetricMethodGet WebMetricMethod = "GET"
	// WebMetricMethodPost may have effects, so it is sent once.
	WebMetricMethodPost WebMetricMethod = "POST"
	// WebMetricMethodPut may have effects, so it is sent once.
	WebMetricMethodPut WebMetricMethod = "PUT"
)

// JobMetric runs a Job. `result` is its exit code, 0 when the Job is complete; `report` is what its container
// reported. A Job that failed is never Successful.
type JobMetric struct {
	// Metadata of the Job: labels and annotations are used.
	// +optional
	Metadata metav1.ObjectMeta `json:"metadata,omitempty"`
	// Spec of the Job.
	Spec batchv1.JobSpec `json:"spec"`
	// Report says in whose format the container reports. Without it `report` is the JSON object it left as
	// termination message, if it left one. Sluice addition.
	// +optional
	Report *JobReport `json:"report,omitempty"`
}

// JobReport says in whose format a Job's container reports. What a known load generator reports gets the same
// names for conditions, whichever it is: report.requests, report.rate.achieved, report.duration in seconds,
// report.latency.p50 to p99 in milliseconds, report.errors.rate, report.codes["200"]; what it does not say is not
// there. report.raw is the document itself. A report that cannot be read is never a success for a condition that
// uses it. Sluice addition.
type JobReport struct {
	// Format is one of result (sluice-load's own), k6, vegeta, fortio, ghz, artillery and json (any JSON object,
	// under the names it has).
	Format ReportFormat `json:"format"`
	// From says where the report is: TerminationMessage or Log, its end, up to 1 MiB. Default: the termination
	// message, or the log where that holds none.
	// +optional
	From ReportSource `json:"from,omitempty"`
}

// ReportFormat is the format of a report. Sluice addition.
//
// +kubebuilder:validation:Enum=result;k6;vegeta;fortio;ghz;artillery;json
type ReportFormat string

// Values of ReportFormat.
const (
	// ReportResult is what sluice-load reports.
	ReportResult ReportFormat = "result"
	// ReportK6 is what k6 writes with --summary-export, or its handleSummary gets. Exit code 99, thresholds that
	// were crossed, is Failed.
	ReportK6 ReportFormat = "k6"
	// ReportVegeta is what vegeta report -type=json prints.
	ReportVegeta ReportFormat = "vegeta"
	// ReportFortio is what fortio load -json writes.
	ReportFortio ReportFormat = "fortio"
	// ReportGhz is what ghz -O json prints.
	ReportGhz ReportFormat = "ghz"
	// ReportArtillery is what Artillery writes with -o.
	ReportArtillery ReportFormat = "artillery"
	// ReportJSON is any JSON object.
	ReportJSON ReportFormat = "json"
)

// ReportSource says where a Job's report is. Sluice addition.
//
// +kubebuilder:validation:Enum=TerminationMessage;Log
type ReportSource string

// Values of ReportSource.
const (
	// ReportFromTerminationMessage is what the container wrote to its termination message path.
	ReportFromTerminationMessage ReportSource = "TerminationMessage"
	// ReportFromLog is the last report in the container's log.
	ReportFromLog ReportSource = "Log"
)

// DatadogMetric asks Datadog.
type DatadogMetric struct {
	// Interval is how far back the query looks, such as "5m". Default 5m.
	// +optional
	// +kubebuilder:default="5m"
	Interval DurationString `json:"interval,omitempty"`
	// Query to send. Use this, or queries with a formula.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query,omitempty"`
	// Queries by name, for the formula. Only with apiVersion v2.
	// +optional
	Queries map[string]string `json:"queries,omitempty"`
	// Formula over the queries. Only with apiVersion v2.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Formula string `json:"formula,omitempty"`
	// APIVersion of Datadog: v1 (default) or v2.
	// +optional
	// +kubebuilder:validation:Enum=v1;v2
	// +kubebuilder:default="v1"
	APIVersion string `json:"apiVersion,omitempty"`
	// Aggregator over the interval. Default last. Only with apiVersion v2.
	// +optional
	// +kubebuilder:validation:Enum=avg;min;max;sum;last;percentile;mean;l2norm;area
	Aggregator string `json:"aggregator,omitempty"`
	// SecretRef is the Secret with the keys. Default: the controller's environment, else its Secret "datadog".
	// +optional
	SecretRef SecretRef `json:"secretRef,omitempty"`
	// RequestTimeout such as "10s". Default 10s.
	// +optional
	// +kubebuilder:default="10s"
	RequestTimeout DurationString `json:"requestTimeout,omitempty"`
}

// SecretRef names a Secret.
type SecretRef struct {
	// Name of the Secret.
	// +optional
	Name string `json:"name,omitempty"`
	// Namespaced means the run's namespace instead of the controller's. Default false.
	// +optional
	Namespaced bool `json:"namespaced,omitempty"`
}

// NewRelicMetric asks New Relic.
type NewRelicMetric struct {
	// Profile is the Secret with the account. Default newrelic.
	// +optional
	Profile string `json:"profile,omitempty"`
	// Query in NRQL.
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query"`
	// Timeout in seconds. Default 5.
	// +optional
	Timeout *int64 `json:"timeout,omitempty"`
}

// WavefrontMetric asks Wavefront.
type WavefrontMetric struct {
	// Address of the server; also the key of its token in the Secret wavefront-api-tokens.
	// +optional
	Address string `json:"address,omitempty"`
	// Query to send.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query,omitempty"`
}

// GraphiteMetric asks Graphite.
type GraphiteMetric struct {
	// Address is a URL with scheme and host.
	// +optional
	Address string `json:"address,omitempty"`
	// Query is the render target.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query,omitempty"`
}

// InfluxdbMetric asks InfluxDB.
type InfluxdbMetric struct {
	// Profile is the Secret with the account. Default influxdb.
	// +optional
	Profile string `json:"profile,omitempty"`
	// Query in Flux.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query,omitempty"`
}

// SkyWalkingMetric asks Apache SkyWalking.
type SkyWalkingMetric struct {
	// Address is a URL with scheme and host; /graphql is added.
	// +optional
	Address string `json:"address,omitempty"`
	// Query in GraphQL.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Query string `json:"query,omitempty"`
	// Interval is how far back the query looks, such as "5m". Default 5m.
	// +optional
	Interval DurationString `json:"interval,omitempty"`
}

// CloudWatchMetric asks Amazon CloudWatch with the controller's AWS identity.
type CloudWatchMetric struct {
	// Interval is how far back the query looks, such as "5m". Default 5m.
	// +optional
	Interval DurationString `json:"interval,omitempty"`
	// MetricDataQueries to send.
	// +kubebuilder:validation:MaxItems=256
	MetricDataQueries []CloudWatchMetricDataQuery `json:"metricDataQueries"`
}

// CloudWatchMetricDataQuery is one query: an expression or a statistic.
type CloudWatchMetricDataQuery struct {
	// ID of the query, unique in the request.
	// +optional
	ID string `json:"id,omitempty"`
	// Expression over other queries.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Expression *string `json:"expression,omitempty"`
	// Label of the result.
	// +optional
	Label *string `json:"label,omitempty"`
	// MetricStat is a statistic of a metric.
	// +optional
	MetricStat *CloudWatchMetricStat `json:"metricStat,omitempty"`
	// Period of the points in seconds.
	// +optional
	Period *intstr.IntOrString `json:"period,omitempty"`
	// ReturnData puts the result into the answer. Default true.
	// +optional
	ReturnData *bool `json:"returnData,omitempty"`
}

// CloudWatchMetricStat is a statistic of a metric.
type CloudWatchMetricStat struct {
	// Metric to look at.
	// +optional
	Metric CloudWatchMetricStatMetric `json:"metric,omitempty"`
	// Period of the points in seconds.
	// +optional
	Period intstr.IntOrString `json:"period,omitempty"`
	// Stat such as Sum, Average or p99.
	// +optional
	Stat string `json:"stat,omitempty"`
	// Unit such as Count or Seconds.
	// +optional
	Unit string `json:"unit,omitempty"`
}

// CloudWatchMetricStatMetric names a metric.
type CloudWatchMetricStatMetric struct {
	// Dimensions of the metric.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	Dimensions []CloudWatchMetricStatMetricDimension `json:"dimensions,omitempty"`
	// MetricName of the metric.
	// +optional
	MetricName string `json:"metricName,omitempty"`
	// Namespace of the metric.
	// +optional
	Namespace *string `json:"namespace,omitempty"`
}

// CloudWatchMetricStatMetricDimension is a dimension of a metric.
type CloudWatchMetricStatMetricDimension struct {
	// Name of the dimension.
	// +optional
	Name string `json:"name,omitempty"`
	// Value of the dimension.
	// +optional
	Value string `json:"value,omitempty"`
}

// KayentaMetric asks a Kayenta judge, which compares the canary with a control group.
type KayentaMetric struct {
	// Address of the judge.
	Address string `json:"address"`
	// Application that owns the configuration.
	Application string `json:"application"`
	// CanaryConfigName is the configuration to judge by.
	CanaryConfigName string `json:"canaryConfigName"`
	// MetricsAccountName is the account that metrics are read with.
	MetricsAccountName string `json:"metricsAccountName"`
	// ConfigurationAccountName is the account that holds the configuration.
	ConfigurationAccountName string `json:"configurationAccountName"`
	// StorageAccountName is the account that results are written with.
	StorageAccountName string `json:"storageAccountName"`
	// Threshold says which scores are good.
	Threshold KayentaThreshold `json:"threshold"`
	// Scopes to compare.
	// +kubebuilder:validation:MaxItems=256
	Scopes []KayentaScope `json:"scopes"`
	// Lookback widens the window with every measurement instead of moving it. Default false.
	// +optional
	Lookback bool `json:"lookback,omitempty"`
}

// KayentaThreshold says which scores, 0 to 100, are good.
type KayentaThreshold struct {
	// Pass is the least score that is Successful.
	Pass int64 `json:"pass"`
	// Marginal is the least score that is Inconclusive; below it is Failed.
	Marginal int64 `json:"marginal"`
}

// KayentaScope is a control group and an experiment group.
type KayentaScope struct {
	// Name of the scope.
	Name string `json:"name"`
	// ControlScope is the group to compare with.
	ControlScope ScopeDetail `json:"controlScope"`
	// ExperimentScope is the group to judge.
	ExperimentScope ScopeDetail `json:"experimentScope"`
}

// ScopeDetail is one group in one window of time.
type ScopeDetail struct {
	// Scope names the group.
	Scope string `json:"scope"`
	// Region of the group.
	Region string `json:"region"`
	// Step between points in seconds.
	Step int64 `json:"step"`
	// Start of the window, RFC 3339.
	Start string `json:"start"`
	// End of the window, RFC 3339.
	End string `json:"end"`
}
