package parity

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// script is what both tools run, and how they are compared.
type script struct {
	name, file string
	// args are arguments of the run besides its target and its report.
	args []string
	// secure has the server speak TLS, with a certificate that it signed itself.
	secure bool
	// shape has the keys of the JSON reports compared, too.
	shape bool
	// chance says that chance decides how many arrivals there are.
	chance bool
	// long scripts are left out of a short test.
	long bool
	// without are counters that are not compared, and why.
	without map[string]string
}

// own are the scripts of testdata that need more than to be run.
var own = map[string]script{
	"environment": {args: []string{"-e", "small", "-v", `{"given": 6}`}},
	"insecure":    {args: []string{"-k"}, secure: true},
	"selfsigned":  {secure: true},
	"poisson":     {chance: true, without: random},
	"constant":    {shape: true},
	"shape":       {shape: true},
	// The server tells these what they sent.
	"bodies": {without: echoed}, "multipart": {without: echoed}, "queries": {without: echoed}, "seed": {without: echoed}, "useragent": {without: echoed},
	"fakedata": {without: echoed}, "payload": {without: echoed},
	"defaultcookie": {without: setsCookies}, "cookiepaths": {without: setsCookies},
}

// What keeps the lengths of answers from being compared.
var (
	echoed      = map[string]string{"http.downloaded_bytes": "answers that repeat the request are as long as it, and headers and random values differ"}
	setsCookies = map[string]string{"http.downloaded_bytes": "once it keeps cookies, Artillery does not see how long an answer is that sets one"}
	random      = map[string]string{"http.downloaded_bytes": "it is no count of what happened"}
)

// corpus are those of the reader's scripts that both tools can run here.
var corpus = []script{
	{name: "captures"},
	{name: "conditions"},
	{name: "expectations-unchecked"},
	{name: "gates-blind"},
	{name: "gates-twice"},
	{name: "http"},
	{name: "scenario-name-of-two", args: []string{"--scenario-name", "browse and buy"}},
	{name: "solo", args: []string{"--solo", "--scenario-name", "^bro", "-k"}},
	{name: "script.json"},
}

const corpusDir = "../../internal/load/script/testdata/corpus"

// seed is the script that the rollout of examples/seed judges its canary by.
var seed = script{
	name: "examples-seed", file: "../../examples/seed/benchmark.yaml", long: true, shape: true,
	without: map[string]string{"apdex.": "a machine with other work takes more than 100 ms for an answer"},
}

// all are the scripts that are compared.
func all(files []string) []script {
	out := []script{seed}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		s := own[name]
		s.name, s.file = name, file
		out = append(out, s)
	}
	for _, s := range corpus {
		s.file = filepath.Join(corpusDir, s.name)
		if filepath.Ext(s.name) == "" {
			s.file += ".yaml"
		}
		s.name = "corpus-" + strings.TrimSuffix(s.name, ".json")
		out = append(out, s)
	}
	return out
}

// compares says whether a counter must be the same on both sides.
func (s script) compares(name string) bool {
	for prefix := range s.without {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return slices.ContainsFunc([]string{
		"vusers.", "http.requests", "http.responses", "http.codes.", "http.downloaded_bytes", "errors.", "apdex.", "plugins.expect.",
		"plugins.metrics-by-endpoint.", "parity.",
	}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// differ says whether two counts are not the same.
func (s script) differ(a, b float64) bool {
	if s.chance {
		return math.Abs(a-b) > 5*math.Sqrt(a+b)
	}
	return a != b
}
