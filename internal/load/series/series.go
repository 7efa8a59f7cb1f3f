// Package series names what a load test counts and times.
//
// The names are Artillery's where Artillery has one, so that gates and reports
// written for it keep their meaning; ours begin with "request." or "sluice.".
package series

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Counters, and the beginnings of counters that end in a code, a class or a name.
const (
	VUsersCreated       = "vusers.created"
	VUsersCreatedByName = "vusers.created_by_name."
	VUsersCompleted     = "vusers.completed"
	VUsersFailed        = "vusers.failed"
	VUsersSkipped       = "vusers.skipped"
	Requests            = "http.requests"
	Responses           = "http.responses"
	DownloadedBytes     = "http.downloaded_bytes"
	Codes               = "http.codes."
	Errors              = "errors."
	ApdexSatisfied      = "apdex.satisfied"
	ApdexTolerated      = "apdex.tolerated"
	ApdexFrustrated     = "apdex.frustrated"
	// ErrorClass counts transport errors by our closed set of classes.
	ErrorClass = "sluice.errors."
	// ExpectOK and ExpectFailed count expectations; with a kind behind a dot, those of the kind.
	ExpectOK     = "plugins.expect.ok"
	ExpectFailed = "plugins.expect.failed"
	// Overflow counts arrivals that our own bound on virtual users turned away.
	Overflow = "sluice.vusers_overflow"
)

// Histograms.
const (
	// ResponseTime is Artillery's: from the end of sending a request to the first byte of its answer.
	ResponseTime  = "http.response_time"
	SessionLength = "vusers.session_length"
	// DNS, TCP and TLS are how long connecting took where a connection was made, Total the whole
	// request; they are there with config.http.extendedMetrics.
	DNS   = "http.dns"
	TCP   = "http.tcp"
	TLS   = "http.tls"
	Total = "http.total"
	// Duration is a request's whole time: connecting, sending, waiting, reading the body.
	Duration = "request.duration"
	// DurationFromIntended also counts the time a request should have been sent but was not yet.
	DurationFromIntended = "request.duration_from_intended"
	// Lag is how much later than planned a virtual user started.
	Lag = "sluice.start_lag"
)

// The one rate, and the scores: shares between 0 and 1.
const (
	RequestRate = "http.request_rate"
	Apdex       = "apdex"
	// ErrorRate is the share of requests with a 5xx answer or none at all; ServerErrorRate and
	// UnansweredRate are its two parts.
	ErrorRate       = "errors.rate"
	ServerErrorRate = "errors.server"
	UnansweredRate  = "errors.unanswered"
	// FailedRate is the share of virtual users that failed: without an answer, or without
	// what the script needs of one.
	FailedRate = "users.failed"
	// Achieved is the share of due arrivals that started. Those that a script's own maxVusers
	// turned away count as not due.
	Achieved = "arrivals.achieved"
)

// Unanswered says whether a class of errors is a request without an answer.
// The others are about what the answer was, or about the script.
func Unanswered(class string) bool {
	return class != "capture" && class != "expect" && class != "script"
}

// PhasePrefix begins the series kept per phase, which no report for Artillery's readers shows.
const PhasePrefix = "sluice.phase."

// PhaseDuration is the histogram of request durations in phase i.
func PhaseDuration(i int) string { return PhasePrefix + strconv.Itoa(i) + ".duration" }

// PhaseRequests is the counter of requests in phase i.
func PhaseRequests(i int) string { return PhasePrefix + strconv.Itoa(i) + ".requests" }

// PhaseArrivals is the counter of virtual users started in phase i.
func PhaseArrivals(i int) string { return PhasePrefix + strconv.Itoa(i) + ".arrivals" }

// Endpoint holds the names of one endpoint's series.
type Endpoint struct {
	Name         string
	ResponseTime string
	Codes        string
	Errors       string
}

// NewEndpoint names an endpoint's series as Artillery's metrics-by-endpoint does.
func NewEndpoint(namespace, name string) Endpoint {
	return Endpoint{
		Name:         name,
		ResponseTime: namespace + ".response_time." + name,
		Codes:        namespace + "." + name + ".codes.",
		Errors:       namespace + "." + name + ".errors.",
	}
}

// Kind says what a name stands for.
type Kind int

const (
	// Counter is 0 when nothing was counted.
	Counter Kind = iota
	// Rate is per second.
	Rate
	// Histogram has no value when nothing was timed.
	Histogram
	// Score is between 0 and 1 and has no value when nothing was timed.
	Score
)

// Statistics are the endings a histogram's name takes.
var statistics = []string{"min", "max", "count", "mean", "p50", "median", "p75", "p90", "p95", "p99", "p999"}

// Statistics returns what can be asked of a histogram.
func Statistics() []string { return append([]string(nil), statistics...) }

// Catalogue knows every name that a script's run can have.
type Catalogue struct {
	kinds    map[string]Kind
	families []family
	names    []string
	// open catalogues take any name: a processor may make metrics of its own.
	open bool
}

// NewCatalogue returns a catalogue of the names that every run has.
func NewCatalogue() *Catalogue {
	c := &Catalogue{kinds: map[string]Kind{}}
	for _, name := range []string{
		VUsersCreated, VUsersCompleted, VUsersFailed, VUsersSkipped, Requests, Responses, DownloadedBytes,
		ApdexSatisfied, ApdexTolerated, ApdexFrustrated, Overflow,
	} {
		c.add(name, Counter)
	}
	for _, name := range []string{ResponseTime, SessionLength, Duration, DurationFromIntended, Lag} {
		c.AddHistogram(name)
	}
	for _, class := range []string{"2xx", "3xx", "4xx", "5xx"} {
		c.AddHistogram(ResponseTime + "." + class)
	}
	c.add(RequestRate, Rate)
	for _, name := range []string{Apdex, ErrorRate, ServerErrorRate, UnansweredRate, FailedRate, Achieved} {
		c.add(name, Score)
	}
	c.addErrors(Errors)
	for _, class := range classes {
		c.add(ErrorClass+class, Counter)
	}
	c.families = append(c.families, family{Codes, isCode})
	return c
}

// AddScenario adds the series a scenario brings.
func (c *Catalogue) AddScenario(name string) { c.add(VUsersCreatedByName+name, Counter) }

// AddCounter adds a counter that is not any run's.
func (c *Catalogue) AddCounter(name string) { c.add(name, Counter) }

// AddEndpoint adds the series an endpoint brings.
func (c *Catalogue) AddEndpoint(e Endpoint) {
	c.AddHistogram(e.ResponseTime)
	c.families = append(c.families, family{e.Codes, isCode})
	c.addErrors(e.Errors)
}

// AddHistogram adds a histogram with all its statistics.
func (c *Catalogue) AddHistogram(name string) {
	for _, s := range statistics {
		c.add(name+"."+s, Histogram)
	}
}

func (c *Catalogue) add(name string, kind Kind) {
	if _, known := c.kinds[name]; !known {
		c.kinds[name] = kind
		c.names = append(c.names, name)
	}
}

// Kind says what a name stands for, or that no run of the script can have it.
func (c *Catalogue) Kind(name string) (Kind, bool) {
	if kind, ok := c.kinds[name]; ok {
		return kind, true
	}
	for _, f := range c.families {
		if rest, ok := strings.CutPrefix(name, f.prefix); ok && f.member(rest) {
			return Counter, true
		}
	}
	if strings.HasPrefix(name, ErrorClass) || strings.HasPrefix(name, Codes) { // these are ours alone
		return Counter, false
	}
	return c.custom(name)
}

// isCode says whether a text is a status code, or a class of them such as "5xx".
func isCode(text string) bool {
	return len(text) == 3 && text[0] >= '1' && text[0] <= '9' && (text[1:] == "xx" || isDigit(text[1]) && isDigit(text[2]))
}

// CodeClass takes the name of a class of status codes apart, "http.codes.5xx", into what
// the names of its codes begin with, "http.codes.5".
func CodeClass(name string) (prefix string, ok bool) {
	rest, ok := strings.CutSuffix(name, "xx")
	return rest, ok && len(rest) > 1 && isDigit(rest[len(rest)-1]) && strings.HasSuffix(rest[:len(rest)-1], ".codes.")
}

// NotACode says that a name counts answers of a status code, and that there is no such code.
func NotACode(name string) bool {
	rest, ok := strings.CutPrefix(name, Codes)
	return ok && !isCode(rest)
}

// Open makes the catalogue take names it does not know, because a processor may make them.
func (c *Catalogue) Open() { c.open = true }

// IsCustom says whether only a processor can make a metric of this name.
func (c *Catalogue) IsCustom(name string) bool {
	if !c.open {
		return false
	}
	closed := *c
	closed.open = false
	_, known := closed.Kind(name)
	return !known
}

// custom is what an unknown name stands for: a histogram where it ends as one's statistics do.
func (c *Catalogue) custom(name string) (Kind, bool) {
	i := strings.LastIndexByte(name, '.')
	if c.open && i > 0 && slices.Contains(statistics, name[i+1:]) {
		return Histogram, true
	}
	return Counter, c.open
}

// Longest returns the longest known name that text begins with, or "". A name
// ends where no letter, digit, '_' or '.' follows, so that "http.codes.20" is
// not found in "http.codes.200".
func (c *Catalogue) Longest(text string) string {
	longest := ""
	for _, name := range c.names {
		if len(name) > len(longest) && strings.HasPrefix(text, name) && endsAt(text, len(name)) {
			longest = name
		}
	}
	for _, f := range c.families {
		rest, ok := strings.CutPrefix(text, f.prefix)
		n := wordLength(rest)
		if end := len(f.prefix) + n; ok && end > len(longest) && f.member(rest[:n]) && endsAt(text, end) {
			longest = text[:end]
		}
	}
	return longest
}

func endsAt(text string, n int) bool {
	return n == len(text) || text[n] != '.' && !isWord(text[n])
}

func wordLength(s string) int {
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isWord(b byte) bool {
	return b == '_' || isDigit(b) || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// Names returns all names that are known in full, sorted.
func (c *Catalogue) Names() []string {
	names := append([]string(nil), c.names...)
	sort.Strings(names)
	return names
}
