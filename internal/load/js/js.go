// Package js runs the functions of a script's processor: the synchronous part of JavaScript.
//
// A processor is one of the script's own files, with those it requires from beside it
// and a few small stand-ins for what processors commonly use (crypto, uuid, util, faker).
// Whatever needs files, network, timers or other packages is refused by name, with its
// line, when the processor is loaded: before anything is sent.
package js

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Error is what is wrong in a processor, and where.
type Error struct {
	File         string
	Line, Column int
	Text         string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// Errors are all things that are wrong in a processor; Load returns it as its error.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Thrown is a function's own failure, or what the limits say about it.
type Thrown struct {
	// Name is what errors are counted by: the error's code, or its message.
	Name string
	// Text tells a person more: the function, and where it happened.
	Text string
}

func (e *Thrown) Error() string { return e.Text }

// Options are what functions reach besides their arguments.
type Options struct {
	// Rand feeds Math.random and everything else that is drawn by chance; nil is a fixed sequence.
	Rand *rand.Rand
	// Log takes what console.log prints, Emit the script's own metrics: counter, histogram or rate.
	// Either may be nil.
	Log  func(line string)
	Emit func(kind, name string, value float64)
	// Environ is what process.env shows, "NAME=value" each; nil is the process's own.
	Environ []string
	// Limit bounds one call; 0 is one second.
	Limit time.Duration
}

// Kind says which arguments a function gets.
type Kind int

// The kinds of calls, with their arguments.
const (
	// Step is (ctx, events, done): a step's function, beforeScenario, afterScenario.
	Step Kind = iota
	// BeforeRequest is (req, ctx, events, done).
	BeforeRequest
	// AfterResponse is (req, res, ctx, events, done).
	AfterResponse
	// OnError is (err, req, ctx, events, done).
	OnError
	// While is (ctx, done), and done gets whether the loop goes on.
	While
	// If is (vars), and what the function returns decides.
	If
)

// Call is one call of a function, with what it may read and change.
type Call struct {
	// Function is the exported name.
	Function string
	Kind     Kind
	// Vars are the user's variables; the function may change them.
	Vars map[string]any
	// Scenario is the scenario's name.
	Scenario string
	// Request is there before a request, after its answer, and for onError; Response only after an answer.
	// BeforeRequest may change the request.
	Request  *Request
	Response *Response
	// Error is what onError is told; empty elsewhere.
	Error string
	// Rand, Log and Emit stand in for the options' when they are not nil.
	Rand *rand.Rand
	Log  func(line string)
	Emit func(kind, name string, value float64)
}

// Request is a request as hooks see it, placeholders not yet filled in: a hook may change every field.
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
	// FirstByte and Total are how long the answer took.
	FirstByte, Total time.Duration
}

// Answer is what a function gave back.
type Answer struct {
	// True is what a loop's whileTrue or an ifTrue said.
	True bool
}
