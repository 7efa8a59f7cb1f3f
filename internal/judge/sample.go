// Package judge turns samples into a verdict; it knows numbers, not where they come from.
package judge

import (
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Sample is what one measurement brought back, before anybody judged it.
// It crosses from whoever asked a metric server (or watched a Job) to the pure core,
// so it must never hold the text of a secret.
type Sample struct {
	// Result is what conditions call `result`. It is nil (no data), bool, float64, string,
	// []float64 (one value for each series, in the server's order) or decoded JSON
	// ([]any, map[string]any). A Job's result is its exit code as float64.
	Result any
	// Report is what conditions call `report`: the JSON object a Job's container wrote, else nil.
	Report map[string]any
	// ReportProblem is why there is no report where one was promised; "" when there is one, or none was promised. What
	// reads `report` is then an Error.
	ReportProblem string
	// Text is Result as people read it; it becomes measurement.value (at most 1 KiB).
	Text string
	// Series names what stands behind each element of a []float64 Result, in its order
	// (for example `{pod="shop-6b-xk2"}`); empty when the source has no labels.
	Series []string
	// Forced, when set, is the verdict whatever the conditions say: Failed, Inconclusive.
	Forced api.AnalysisPhase
	// NeverSuccessful caps the verdict: where the conditions say Successful it becomes Failed.
	// A Job that failed is the case.
	NeverSuccessful bool
	// Message explains Forced or NeverSuccessful, in a sentence.
	Message string
	// Failure is set when the measurement could not be taken; it is then an Error.
	Failure *Failure
	// Metadata is kept with the measurement (job-name, warnings, resolved query …).
	Metadata map[string]string
	// StartedAt is when it was asked, FinishedAt when the answer was complete.
	StartedAt, FinishedAt time.Time
}

// FailureClass says why a measurement could not be taken, in one machine-readable word.
type FailureClass string

// The closed set of failure classes.
const (
	Unreachable   FailureClass = "Unreachable"   // no connection, DNS, TLS, reset
	TimedOut      FailureClass = "TimedOut"      // no complete answer in time
	Unauthorized  FailureClass = "Unauthorized"  // 401, 403, a signature or token was refused
	NoCredentials FailureClass = "NoCredentials" // nothing to sign or authenticate with
	Throttled     FailureClass = "Throttled"     // 429
	ServerError   FailureClass = "ServerError"   // 5xx
	BadQuery      FailureClass = "BadQuery"      // the server refuses the question (4xx)
	BadAnswer     FailureClass = "BadAnswer"     // the answer could not be understood
	BadConfig     FailureClass = "BadConfig"     // the metric itself cannot be asked (address, argument, secret)
	BadCondition  FailureClass = "BadCondition"  // the report that is there cannot answer a condition
)

// Failure is why a measurement could not be taken. Message is built from the class and a status
// code where a secret fed the request, never from an error's text.
type Failure struct {
	Class   FailureClass
	Message string
}

// Error makes a Failure usable as an error.
func (f *Failure) Error() string { return f.Message }

// Criteria is how a metric wants its samples judged.
type Criteria struct {
	SuccessCondition string // expr-lang; empty = not given
	FailureCondition string
	NoData           api.NoDataPolicy // "" = Error
	Series           api.SeriesPolicy // "" = First
}

// Verdict is one judged sample.
type Verdict struct {
	// Phase is Successful, Failed, Inconclusive or Error. It is Running only for
	// "no data yet" under the Hold policy: the sample does not count.
	Phase api.AnalysisPhase
	// Message says why, with the numbers: `result[0] <= 0.004 is false: result[0] is 0.0123, 3.1 times the limit`.
	Message string
	// Hopeless tells that a condition asks a report that is there for what it cannot answer: another one of the
	// same kind would not either.
	Hopeless bool
	// Evidence is the comparison that decided, where there is a single one.
	Evidence *Evidence
}

// Evidence is one comparison with its numbers, for people and machines.
type Evidence struct {
	Condition string // the condition as written: `result[0] <= 0.004`
	Value     string // the measured side: "0.0123"
	Limit     string // the limit side: "0.004"
	Series    string // the series judged, of how many: `{pod="a"} (1 of 3)`
}
