package judge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Limits are how a metric counts its measurements, with the defaults filled in.
type Limits struct {
	Count              int32 // 0 = without end
	Failure            int32 // negative = any number is tolerated
	Inconclusive       int32
	ConsecutiveError   int32
	ConsecutiveSuccess int32 // 0 = off
}

// defaultConsecutiveErrors is how many errors in a row are tolerated when the metric does not say.
const defaultConsecutiveErrors = 4

// Effective reads the limits of a metric. All that cannot be read is reported together; where
// something cannot be read its default stands, so that a caller who goes on counts strictly.
func Effective(m api.Metric) (Limits, error) {
	var problems []error
	read := func(field string, value *intstr.IntOrString, otherwise int32) int32 {
		n, err := whole(value, otherwise)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", field, err))
		}
		return n
	}
	limits := Limits{
		Count:              read("count", m.Count, 0),
		Failure:            read("failureLimit", m.FailureLimit, 0),
		Inconclusive:       read("inconclusiveLimit", m.InconclusiveLimit, 0),
		ConsecutiveError:   read("consecutiveErrorLimit", m.ConsecutiveErrorLimit, defaultConsecutiveErrors),
		ConsecutiveSuccess: read("consecutiveSuccessLimit", m.ConsecutiveSuccessLimit, 0),
	}
	if limits.Count <= 0 {
		limits.Count = 0
		if m.Interval == "" {
			limits.Count = 1
		}
	}
	return limits, errors.Join(problems...)
}

func whole(value *intstr.IntOrString, otherwise int32) (int32, error) {
	if value == nil {
		return otherwise, nil
	}
	if value.Type == intstr.Int {
		return value.IntVal, nil
	}
	n, err := strconv.ParseInt(value.StrVal, 10, 32)
	if err != nil {
		return otherwise, fmt.Errorf("%q is not a whole number", Trim(value.StrVal, 64))
	}
	return int32(n), nil
}

// severity orders phases from good to bad.
var severity = map[api.AnalysisPhase]int{
	"":                            0,
	api.AnalysisPhaseSuccessful:   1,
	api.AnalysisPhaseRunning:      2,
	api.AnalysisPhasePending:      3,
	api.AnalysisPhaseInconclusive: 4,
	api.AnalysisPhaseError:        5,
	api.AnalysisPhaseFailed:       6,
}

// Worse is the worse of two phases, in the order Successful, Running, Pending, Inconclusive, Error,
// Failed. No phase at all is better than any.
func Worse(a, b api.AnalysisPhase) api.AnalysisPhase {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// Count adds one finished measurement to the counters of a metric. Phases that are not final do
// not count.
func Count(r api.MetricResult, phase api.AnalysisPhase) api.MetricResult {
	switch phase {
	case api.AnalysisPhaseSuccessful:
		r.Successful++
		r.Count++
		r.ConsecutiveSuccess++
		r.ConsecutiveError = 0
	case api.AnalysisPhaseFailed:
		r.Failed++
		r.Count++
		r.ConsecutiveSuccess, r.ConsecutiveError = 0, 0
	case api.AnalysisPhaseInconclusive:
		r.Inconclusive++
		r.Count++
		r.ConsecutiveSuccess, r.ConsecutiveError = 0, 0
	case api.AnalysisPhaseError:
		r.Error++
		r.ConsecutiveError++
		r.ConsecutiveSuccess = 0
	case api.AnalysisPhasePending, api.AnalysisPhaseRunning:
	}
	return r
}

// Stop says whether a metric goes on measuring and, when it does not, who ended it.
type Stop int

// Who ends a metric before its time.
const (
	// GoesOn is nobody.
	GoesOn Stop = iota
	// Stopped is the update, which ended or went another way, or a metric that has decided the run.
	Stopped
	// StoppedByHand is a person, who ended the run and nothing else.
	StoppedByHand
)

// MetricPhase says how far a metric is by what it has counted, and why. The message is empty while
// it goes on and when it is plainly Successful. A phase that is final already stays.
//
// Stopped is not passed: a metric that ends without one successful measurement is never Successful,
// nor is one whose spec says how many measurements are enough and that a person ends before them.
func MetricPhase(m api.Metric, r api.MetricResult, stop Stop) (phase api.AnalysisPhase, message string) {
	if r.Phase.Completed() {
		return r.Phase, r.Message
	}
	limits, err := Effective(m)
	if err != nil {
		return api.AnalysisPhaseError, fmt.Sprintf("Metric %q assessed Error: %s", m.Name, err)
	}
	if InFlight(&r) != nil {
		return api.AnalysisPhaseRunning, ""
	}
	phase, message = counted(limits, r, stop)
	return phase, assessed(r, phase, message)
}

// Measured says what a metric comes to that has taken all the measurements there are to take, however many its spec asks for.
func Measured(m api.Metric, r api.MetricResult) (phase api.AnalysisPhase, message string) {
	all := intstr.FromInt32(r.Count)
	m.Count = &all
	return MetricPhase(m, r, GoesOn)
}

// counted is what the counters come to when no measurement is under way.
func counted(limits Limits, r api.MetricResult, stop Stop) (phase api.AnalysisPhase, message string) {
	phase, message = broken(limits, r)
	switch {
	case phase != "":
	case limits.ConsecutiveSuccess > 0 && r.ConsecutiveSuccess >= limits.ConsecutiveSuccess:
		phase = api.AnalysisPhaseSuccessful
	case limits.Count > 0 && r.Count >= limits.Count:
		phase, message = complete(limits, r)
	case stop != GoesOn:
		phase, message = stopped(limits, r, stop)
	case r.Count == 0 && len(r.Measurements) == 0:
		phase = api.AnalysisPhasePending
	default:
		phase = api.AnalysisPhaseRunning
	}
	return phase, message
}

// InFlight is the measurement that has begun and not ended, nil when there is none.
func InFlight(r *api.MetricResult) *api.Measurement {
	if n := len(r.Measurements); n > 0 && r.Measurements[n-1].FinishedAt == nil {
		return &r.Measurements[n-1]
	}
	return nil
}

// broken is the limit that ends a metric at once, if one is exceeded. When several are, the
// reference's order decides: errors, then inconclusive, then failed.
func broken(limits Limits, r api.MetricResult) (phase api.AnalysisPhase, why string) {
	switch {
	case r.ConsecutiveError > limits.ConsecutiveError:
		return api.AnalysisPhaseError, exceeded("consecutiveErrors", r.ConsecutiveError, "consecutiveErrorLimit", limits.ConsecutiveError)
	case r.Inconclusive > limits.Inconclusive:
		return api.AnalysisPhaseInconclusive, exceeded("inconclusive", r.Inconclusive, "inconclusiveLimit", limits.Inconclusive)
	case limits.Failure >= 0 && r.Failed > limits.Failure:
		return api.AnalysisPhaseFailed, exceeded("failed", r.Failed, "failureLimit", limits.Failure)
	}
	return "", ""
}

func exceeded(what string, count int32, name string, limit int32) string {
	return fmt.Sprintf("%s (%d) > %s (%d)", what, count, name, limit)
}

// complete judges a metric that has taken all its measurements with no limit broken.
func complete(limits Limits, r api.MetricResult) (phase api.AnalysisPhase, why string) {
	short := fellShort(limits, r)
	switch {
	case r.Successful == 0 && r.Failed == r.Count:
		return api.AnalysisPhaseFailed, measurements(r.Count) + " and none was successful"
	case r.Successful == 0:
		return api.AnalysisPhaseInconclusive, measurements(r.Count) + " and none was successful"
	case limits.ConsecutiveSuccess > 0 && limits.Failure >= 0:
		return api.AnalysisPhaseInconclusive, short
	case limits.ConsecutiveSuccess > 0:
		return api.AnalysisPhaseFailed, short
	}
	return api.AnalysisPhaseSuccessful, ""
}

// fellShort is too few successes in a row.
func fellShort(limits Limits, r api.MetricResult) string {
	return fmt.Sprintf("consecutiveSuccess (%d) < consecutiveSuccessLimit (%d) after %s",
		r.ConsecutiveSuccess, limits.ConsecutiveSuccess, measurements(r.Count))
}

// stopped judges a metric that was ended from outside by what it has measured.
func stopped(limits Limits, r api.MetricResult, stop Stop) (phase api.AnalysisPhase, why string) {
	switch {
	case stop == StoppedByHand && r.Successful > 0 && limits.enough() != "":
		return api.AnalysisPhaseInconclusive, cutShort(limits, r)
	case r.Successful > 0:
		return api.AnalysisPhaseSuccessful, ""
	case r.Count == 0 && r.Error == 0:
		return api.AnalysisPhaseInconclusive, StoppedEarly
	default:
		return api.AnalysisPhaseInconclusive, stoppedBefore + "a measurement was successful"
	}
}

// enough is what the spec says has to be measured, "" when it does not say.
func (l Limits) enough() string {
	switch {
	case l.Count > 0:
		return measurements(l.Count)
	case l.ConsecutiveSuccess > 0:
		return successes(l.ConsecutiveSuccess)
	}
	return ""
}

// cutShort is how far a metric had come that a person ended.
func cutShort(limits Limits, r api.MetricResult) string {
	if limits.Count == 0 {
		return fmt.Sprintf("%s%d of %s", stoppedByHand, r.ConsecutiveSuccess, limits.enough())
	}
	good := "all good so far"
	if r.Successful < r.Count {
		good = fmt.Sprintf("%d of them good", r.Successful)
	}
	return fmt.Sprintf("%s%d of %s, %s", stoppedByHand, r.Count, limits.enough(), good)
}

const (
	stoppedBefore = "stopped before "
	stoppedByHand = "stopped by hand after "
)

// StoppedEarly is why a metric that was ended before its first result proves nothing.
const StoppedEarly = stoppedBefore + "it measured anything"

// OnlyStopped says that a metric came to nothing but being stopped: had it been left alone, it might
// have come to something else.
func OnlyStopped(r api.MetricResult) bool {
	return r.Phase == api.AnalysisPhaseInconclusive &&
		(strings.Contains(r.Message, dueTo+stoppedBefore) || strings.Contains(r.Message, dueTo+stoppedByHand))
}

// dueTo stands between what a metric came to and why.
const dueTo = " due to "

func measurements(n int32) string {
	if n == 1 {
		return "1 measurement"
	}
	return fmt.Sprintf("%d measurements", n)
}

func successes(n int32) string {
	if n == 1 {
		return "1 success"
	}
	return fmt.Sprintf("%d successes in a row", n)
}

// assessed is the sentence the reference's clients know, followed by what the last measurement said.
func assessed(r api.MetricResult, phase api.AnalysisPhase, why string) string {
	if why == "" {
		return ""
	}
	text := fmt.Sprintf("Metric %q assessed %s%s%s", Trim(r.Name, maxQuoted), phase, dueTo, why)
	if last := lastMessage(r, phase); last != "" {
		text += ": " + last
	}
	return Trim(text, MaxMessage)
}

// lastMessage is what the newest measurement of that phase said, else the newest with a message.
func lastMessage(r api.MetricResult, phase api.AnalysisPhase) string {
	newest := ""
	for i := len(r.Measurements) - 1; i >= 0; i-- {
		m := r.Measurements[i]
		if m.Message != "" && m.Phase == phase {
			return m.Message
		}
		if newest == "" {
			newest = m.Message
		}
	}
	return newest
}
