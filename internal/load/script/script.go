// Package script reads a load test in Artillery's format and compiles it.
//
// What it does not know it refuses by name, with file, line and column, before
// anything is sent: a mistyped key must never turn into a gate that is not there.
package script

import (
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/template"
)

// Script is a compiled load test.
type Script struct {
	// Target is what urls that begin with "/" are appended to.
	Target string
	Plan   schedule.Plan
	// Timeout bounds the time from a request's start to its answer's headers.
	Timeout time.Duration
	// Insecure takes any certificate.
	Insecure bool
	// Headers go with every request that has no header of the same name.
	Headers []Header
	// Variables hold what placeholders name; of a list every virtual user takes one element.
	Variables map[string]any
	// Builtins are the variables that every script has, such as $env and target.
	Builtins  map[string]any
	Scenarios []Scenario
	Checks    []gate.Check
	// Apdex is the time that satisfies, 0 when no score is wanted.
	Apdex time.Duration
	// HideEndpoints keeps the series per endpoint out of the console's report.
	HideEndpoints bool
	Namespace     string
	Catalogue     *series.Catalogue
	Warnings      Problems
	// Digest is the beginning of the SHA-256 of the script's text.
	Digest string
}

// Header is a header's name and value.
type Header struct {
	Name  string
	Value template.Text
}

// Scenario is what one virtual user does.
type Scenario struct {
	Name   string
	Weight int64
	Steps  []Step
}

// Step is either a request or a pause.
type Step struct {
	Request *Request
	Think   *Think
}

// Think is a pause: fixed, or given by a template.
type Think struct {
	Fixed time.Duration
	Text  template.Text
}

// Request is one compiled request.
type Request struct {
	At      Position
	Method  string
	URL     template.Text
	Headers []Header
	// Query replaces the url's own query when it is not nil.
	Query []Pair
	Body  *Body
	// Endpoint names the request's own series; nil when it has none.
	Endpoint         *series.Endpoint
	FollowsRedirects bool
	AcceptsGzip      bool
}

// Pair is a field of a query or a form.
type Pair struct {
	Name  string
	Value template.Text
}

// Body is what a request sends: JSON, a form or a text.
type Body struct {
	ContentType string
	JSON        *template.Node
	Form        []Pair
	Text        template.Text
}

// Options are what the command line and the environment add to a script.
type Options struct {
	// File is how messages name the script.
	File string
	// Target replaces config.target when it is not empty.
	Target string
	// Environment picks one of config.environments.
	Environment string
	Insecure    bool
	// Variables and Overrides are JSON maps, or empty.
	Variables string
	Overrides string
	// Environ is what $env shows, "NAME=value" each.
	Environ []string
	// TestID is what $testId shows.
	TestID string
	// Seed makes what a script draws by chance when it is read repeatable.
	Seed uint64
}
