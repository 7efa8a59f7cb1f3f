// Package script reads a load test in Artillery's format and compiles it.
//
// What it does not know it refuses by name, with file, line and column, before
// anything is sent: a mistyped key must never turn into a gate that is not there.
package script

import (
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/js"
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
	// Setup runs once before the load and Teardown once after it, uncounted; either may be nil.
	Setup, Teardown *Scenario
	Checks          []gate.Check
	// Payloads are the files every virtual user takes a row of.
	Payloads []Payload
	// Functions are the processor's; nil without one.
	Functions *js.Program
	// Fakes are the functions of the fake-data plugin, nil without it.
	Fakes template.Functions
	// Cookies go with every user's first request.
	Cookies []Pair
	// ThinkJitter varies pauses that have no jitter of their own, nil for none.
	ThinkJitter *Jitter
	// Pool is how many connections all users share; 0 gives every user its own, MaxSockets of them (0 is 1).
	Pool, MaxSockets int
	// Extended times DNS, TCP, TLS and the whole request as series of their own.
	Extended bool
	// Traces adds a W3C traceparent to every request.
	Traces bool
	// TLS is what config.tls says besides rejectUnauthorized.
	TLS TLS
	// Expect is how the expect plugin counts; nil when it is not loaded.
	Expect *ExpectPlugin
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

// Header is a header's name, in which placeholders may stand, and its value.
type Header struct {
	Name  string
	Value template.Text
}

// Payload is a CSV file whose rows virtual users take.
type Payload struct {
	// Fields are the columns' variables, Rows the values.
	Fields []string
	Rows   [][]any
	// Sequence gives user k row k mod n; else a row by chance.
	Sequence bool
	// Name is the variable that takes all rows when every user gets them all, else empty.
	Name string
}

// TLS is how connections are made: PEM texts, and protocols to offer.
type TLS struct {
	Authority, Certificate, Key []byte
	Passphrase                  string
	Protocols                   []string
}

// ExpectPlugin is the expect plugin's options.
type ExpectPlugin struct {
	// AsErrors counts a failed expectation as an error that ends the user.
	AsErrors bool
	// Default200 expects a 200 of every request without an expectation of its code.
	Default200 bool
	// OnlyNames reports by the request's name alone; Format is pretty, json, prettyError or silent.
	OnlyNames bool
	Format    string
}

// Scenario is what one virtual user does.
type Scenario struct {
	Name   string
	Weight int64
	Steps  []Step
	// Before, After, BeforeRequest, AfterResponse and OnError name the processor's functions, in order.
	Before, After, BeforeRequest, AfterResponse, OnError []string
	// Variables are the scenario's own, over the script's.
	Variables map[string]any
}

// Step is one thing a virtual user does; exactly one of its fields is set.
type Step struct {
	Request  *Request
	Think    *Think
	Loop     *Loop
	Parallel *Parallel
	// Log is printed, placeholders filled in.
	Log *template.Text
	// Function names one of the processor's functions.
	Function string
}

// Think is a pause: fixed, or given by a template.
type Think struct {
	Fixed time.Duration
	Text  template.Text
	// Jitter varies the pause, nil when it does not.
	Jitter *Jitter
}

// Jitter varies a pause evenly, up to so much shorter or longer.
type Jitter struct {
	// Share of the pause, 0.2 for "20%"; 0 when By is set.
	Share float64
	By    time.Duration
}

// Loop repeats steps: from From up to but not including To, over a list, or
// while a function says so; forever when To is 0 and neither Over nor While is set.
type Loop struct {
	Steps    []Step
	From, To int64
	// Times gives the count where it is a template.
	Times *template.Text
	Over  *Over
	// While names the processor's function that is asked after each turn.
	While string
	// Element and Count are the variables that hold the list's element and the turn's number.
	Element, Count string
}

// Over is what a loop goes over: a variable's path, or the values themselves.
type Over struct {
	Path   []string
	Values []template.Node
}

// Parallel sends its steps at the same time, Limit at once.
type Parallel struct {
	Steps []Step
	Limit int
}

// Request is one compiled request.
type Request struct {
	At Position
	// Name is what reports and hooks call the request, empty when the script does not say.
	Name    string
	Method  string
	URL     template.Text
	Headers []Header
	// Query replaces the url's own query when it is not nil.
	Query   []Pair
	Cookies []Pair
	Auth    *Auth
	Body    *Body
	// Endpoint names the request's own series; nil when it has none.
	Endpoint         *series.Endpoint
	FollowsRedirects bool
	AcceptsGzip      bool
	// Probability is the share of users, in percent, that send the request; nil for all.
	Probability *template.Text
	// If is a condition over the user's variables, nil for none; IfFunction names the
	// processor's function that decides instead.
	If         Condition
	IfFunction string
	Captures   []Capture
	Matches    []Capture
	Expects    []Expectation
	// Before and After name the processor's functions around the request, in order.
	Before, After []template.Text
}

// Condition is an expression over a user's variables. One that names an unknown variable is false.
type Condition interface {
	True(vars map[string]any) bool
}

// Auth is HTTP's basic authentication.
type Auth struct{ User, Password template.Text }

// Extractor says how a capture looks at an answer.
type Extractor string

// The extractors.
const (
	ByJSON     Extractor = "json"
	ByXPath    Extractor = "xpath"
	ByRegexp   Extractor = "regexp"
	ByHeader   Extractor = "header"
	BySelector Extractor = "selector"
)

// Capture takes a value out of an answer, and stores it or compares it.
type Capture struct {
	By         Extractor
	Expression template.Text
	// Group is a regexp's group, by number or name; empty for the whole match.
	Group string
	Flags string
	// Attribute and Index choose from what a selector finds; Index is a number, "last" or "random".
	Attribute, Index string
	// As is the variable that takes the value.
	As string
	// Lenient captures may find nothing.
	Lenient bool
	// Whole keeps a JSON path's whole result (multiple: false) instead of one hit by chance.
	Whole bool
	// Value is what a match compares with, nil for a capture.
	Value *template.Node
}

// Expectation is one thing the expect plugin checks about an answer.
type Expectation struct {
	// Kind is the plugin's word, such as statusCode.
	Kind  string
	Value template.Node
}

// Pair is a field of a query or a form, or a cookie; placeholders may stand in its name.
type Pair struct {
	Name  string
	Value template.Text
}

// Body is what a request sends: JSON, a form, a multipart form or a text.
type Body struct {
	ContentType string
	JSON        *template.Node
	Form        []Pair
	Parts       []Part
	Text        template.Text
}

// Part is one part of a multipart form: a text, or a file read with the script.
type Part struct {
	// Name may hold placeholders.
	Name        string
	Value       template.Text
	ContentType string
	FileName    string
	File        []byte
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
	// Read returns the file of this name beside the script, for payloads, processors and forms.
	// Without it a script that needs a file is refused.
	Read func(name string) ([]byte, error) `json:"-"`
	// Inputs are further files laid over the script, in order, as -i and -c give them.
	Inputs []Input
	// Payload is what -p gives, for scripts that name the columns and no file.
	Payload string
	// Scenario picks one scenario by its name or a regular expression.
	Scenario string
	// Solo sends one virtual user, whatever the phases say.
	Solo bool
	// Strict is compatibility to the letter: think: 0.5 does not pause, and a step is a step.
	Strict bool
	// Enforce makes gates and expectations count whose plugin the script does not declare.
	Enforce bool
}

// Input is a further file of a script.
type Input struct {
	File string
	Data []byte
}
