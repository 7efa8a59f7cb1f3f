package prom

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"time"

	"sigs.k8s.io/yaml"
)

//go:embed rules.yml
var rules []byte

// Rules is the rule file that gives the seed's two series; rules.yml says what it needs and what its labels mean.
func Rules() []byte { return append([]byte(nil), rules...) }

// Scrape is one scrape job.
type Scrape struct {
	// Job becomes the label "job"; the rules expect "kubelet" for cAdvisor's series.
	Job string
	// Targets are host:port.
	Targets []string
	// Scheme is http when empty, Path /metrics.
	Scheme, Path string
	// Labels are added to every series of these targets.
	Labels map[string]string
	// TokenFile holds a bearer token; empty sends none.
	TokenFile string
	// Insecure accepts any TLS certificate: a kubelet usually has one it signed itself.
	Insecure bool
	// HonorLabels keeps the labels a target sends where they clash with its own.
	HonorLabels bool
}

// Kubelet scrapes cAdvisor's series of one node, for example from 10.111.0.2:10250, in the form the rules expect.
func Kubelet(target, node string) Scrape {
	return Scrape{
		Job: "kubelet", Targets: []string{target}, Scheme: "https", Path: "/metrics/cadvisor", Insecure: true,
		Labels: map[string]string{"node": node, "metrics_path": "/metrics/cadvisor"},
	}
}

// Controllers scrapes the Sluice controllers at these host:port, whose sluice_pod_info names other pods than their own.
func Controllers(targets ...string) Scrape {
	return Scrape{Job: "sluice-controller", Targets: targets, HonorLabels: true}
}

// configuration is the part of Prometheus' configuration file we write.
type configuration struct {
	Global struct {
		ScrapeInterval     string `json:"scrape_interval"`
		ScrapeTimeout      string `json:"scrape_timeout"`
		EvaluationInterval string `json:"evaluation_interval"`
	} `json:"global"`
	RuleFiles     []string    `json:"rule_files,omitempty"`
	ScrapeConfigs []scrapeJob `json:"scrape_configs,omitempty"`
}

type scrapeJob struct {
	JobName       string         `json:"job_name"`
	Scheme        string         `json:"scheme"`
	MetricsPath   string         `json:"metrics_path"`
	HonorLabels   bool           `json:"honor_labels"`
	TLS           *tlsConfig     `json:"tls_config,omitempty"`
	Authorization *authorization `json:"authorization,omitempty"`
	StaticConfigs []targetGroup  `json:"static_configs"`
}

type tlsConfig struct {
	InsecureSkipVerify bool `json:"insecure_skip_verify"`
}

type authorization struct {
	CredentialsFile string `json:"credentials_file"`
}

type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// render writes the configuration file; every series gets the cluster as a target label, since rules do not see external labels.
func render(config Config, ruleFiles []string) ([]byte, error) {
	var file configuration
	interval := promDuration(config.Interval)
	file.Global.ScrapeInterval, file.Global.ScrapeTimeout, file.Global.EvaluationInterval = interval, interval, interval
	file.RuleFiles = ruleFiles
	for i, scrape := range config.Scrapes {
		if scrape.Job == "" || len(scrape.Targets) == 0 {
			return nil, errors.New("a scrape needs a job and a target")
		}
		file.ScrapeConfigs = append(file.ScrapeConfigs, scrape.job(i, config.Cluster))
	}
	content, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration of prometheus: %w", err)
	}
	return content, nil
}

// job names the job by its number too: names must differ, while two kubelets share the label "job".
func (s Scrape) job(number int, cluster string) scrapeJob {
	labels := map[string]string{"cluster": cluster, "job": s.Job}
	maps.Copy(labels, s.Labels)
	job := scrapeJob{
		JobName: fmt.Sprintf("%d-%s", number, s.Job), Scheme: or(s.Scheme, "http"), MetricsPath: or(s.Path, "/metrics"), HonorLabels: s.HonorLabels,
		StaticConfigs: []targetGroup{{Targets: s.Targets, Labels: labels}},
	}
	if s.Insecure {
		job.TLS = &tlsConfig{InsecureSkipVerify: true}
	}
	if s.TokenFile != "" {
		job.Authorization = &authorization{CredentialsFile: s.TokenFile}
	}
	return job
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// promDuration writes a duration as Prometheus reads it, which knows no fractions.
func promDuration(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
