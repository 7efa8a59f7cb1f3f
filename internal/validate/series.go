package validate

import "regexp"

var (
	// noise is what may hold words without meaning: texts, label matchers and comments.
	noise      = regexp.MustCompile(`"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|` + "`[^`]*`" + `|#[^\n]*`)
	matchers   = regexp.MustCompile(`\{[^{}]*\}`)
	grouping   = regexp.MustCompile(`(?i)\b(by|without)\s*\(\s*([^)]*)\)`)
	aggregator = regexp.MustCompile(`(?i)\b(sum|avg|min|max|count|group|stddev|stdvar|quantile)\s*\(`)
	several    = regexp.MustCompile(`(?i)\b(topk|bottomk|limitk|limit_ratio|count_values)\s*\(`)
	scalar     = regexp.MustCompile(`(?i)^\s*(scalar|vector|absent|absent_over_time|time)\s*\(`)
	histogram  = regexp.MustCompile(`(?i)\bhistogram_quantile\s*\(`)
)

// severalSeries guesses whether a PromQL query can return more than one series. It is certain of one
// only where everything is aggregated without a label left: sum(x), sum(a) / sum(b),
// histogram_quantile(0.99, sum(rate(x)) by (le)).
func severalSeries(query string) bool {
	text := matchers.ReplaceAllString(noise.ReplaceAllString(query, ""), "")
	if scalar.MatchString(text) {
		return false
	}
	if several.MatchString(text) {
		return true
	}
	for _, match := range grouping.FindAllStringSubmatch(text, -1) {
		byBucket := match[1] != "without" && match[2] == "le" && histogram.MatchString(text)
		if match[2] != "" && !byBucket {
			return true
		}
	}
	return !aggregator.MatchString(text)
}
