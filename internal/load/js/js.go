// Package js runs the functions of a script's processor: the synchronous part of JavaScript.
package js

import "math/rand/v2"

// Program is a compiled processor, safe for concurrent use.
type Program struct {
	names map[string]bool
}

// Has says whether the processor exports a function of this name.
func (p *Program) Has(name string) bool { return p != nil && p.names[name] }

// Options are what functions reach besides their arguments.
type Options struct {
	Rand *rand.Rand
	// Log takes what console.log prints, Emit the script's own metrics: counter, histogram or rate.
	Log  func(line string)
	Emit func(kind, name string, value float64)
}

// Call is one call of a function, with what it may read and change.
type Call struct {
	// Function is the exported name.
	Function string
	// Vars are the user's variables; the function may change them.
	Vars map[string]any
	// Scenario is the scenario's name, Environment what -e chose.
	Scenario, Environment string
	// Request is there before a request, after its answer, and for onError; Response only after an answer.
	Request  *Request
	Response *Response
	// Error is what onError is told; empty elsewhere.
	Error string
}

// Request is a request as hooks see it, after templating is still to come: a hook may change every field.
type Request struct {
	Method, URL, Name string
	Headers           map[string]string
	Cookies           map[string]string
	Query             map[string]any
	// JSON is the body's value when HasJSON; Body is the text otherwise when HasBody.
	JSON             any
	HasJSON, HasBody bool
	Body             string
	Form             map[string]any
}

// Response is an answer as hooks see it.
type Response struct {
	Code    int
	Headers map[string]string
	Body    string
}

// Answer is what a function gave back.
type Answer struct {
	// True is what a loop's whileTrue or an ifTrue said.
	True bool
}
