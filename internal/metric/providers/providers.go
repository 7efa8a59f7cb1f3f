// Package providers asks metric systems, one file for each.
package providers

import (
	"strconv"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/metric"
)

// Config is what the providers share.
type Config struct {
	Client *metric.Client
	// PrometheusAddress is asked when a metric gives no address; may be empty.
	PrometheusAddress string
	// LoadImage is the image of the load generator where a metric names none; may be empty.
	LoadImage string
}

// New registers every provider under the name of its block in api.MetricProvider: one line for each.
func New(c Config) metric.Registry {
	return metric.Registry{
		Readers: map[string]metric.Reader{
			"prometheus": &Prometheus{client: c.Client, address: c.PrometheusAddress},
			"web":        &Web{client: c.Client},
		},
		Runners: map[string]metric.Runner{
			"job":      Job{},
			"loadTest": LoadTest{Image: c.LoadImage},
		},
	}
}

// maxText bounds what a measurement keeps of a result as people read it.
const maxText = 1 << 10

// shorten cuts a text to maxText bytes and says so.
func shorten(text string) string {
	if len(text) <= maxText {
		return strings.ToValidUTF8(text, "?")
	}
	return strings.ToValidUTF8(text[:maxText-len("…")], "") + "…"
}

// sentence ends a text, unless somebody else's words at its end have done so.
func sentence(text string) string {
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return shorten(text)
}

// attempts notes how many requests a reading took when one was not enough.
func attempts(metadata map[string]string, a metric.Answer) {
	if a.Attempts > 1 {
		metadata[api.EvidenceAttempts] = strconv.Itoa(a.Attempts)
	}
}
