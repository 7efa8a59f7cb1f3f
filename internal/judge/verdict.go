package judge

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/expr-lang/expr/vm"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Judge says what a sample is worth. The same criteria, sample and time always give the same
// verdict. No data is never Successful unless a condition deals with it itself.
func Judge(criteria Criteria, sample Sample, now time.Time) Verdict {
	verdict := judge(criteria, sample, now)
	if sample.NeverSuccessful {
		if verdict.Message != sample.Message { // a condition spoke: why the sample is bad says more than that it is
			verdict.Message = sentences(strings.TrimSuffix(sample.Message, "."), verdict.Message)
		}
		if capped(verdict.Phase) {
			verdict.Phase = api.AnalysisPhaseFailed
		}
	}
	if why := unreported(sample); why != "" && !strings.Contains(verdict.Message, sample.ReportProblem) {
		verdict.Message = strings.TrimSpace(sentences(strings.TrimSuffix(verdict.Message, "."), why))
	}
	verdict.Message = Trim(verdict.Message, MaxMessage)
	return verdict
}

// unreported says that a report which was promised cannot be had, "" when none is missed.
func unreported(sample Sample) string {
	if sample.ReportProblem == "" {
		return ""
	}
	return "the report could not be read: " + sample.ReportProblem
}

// capped are the phases a sample that can never be good may not end in. A condition that could not
// be evaluated is among them: a Job that failed before it wrote its report has failed.
func capped(phase api.AnalysisPhase) bool {
	return phase != api.AnalysisPhaseFailed && phase != api.AnalysisPhaseInconclusive
}

func judge(criteria Criteria, sample Sample, now time.Time) Verdict {
	switch {
	case sample.Failure != nil:
		return Verdict{Phase: api.AnalysisPhaseError, Message: sample.Failure.Message}
	case sample.Forced != "":
		return Verdict{Phase: sample.Forced, Message: sample.Message}
	}
	rules, err := compileRules(criteria)
	if err != nil {
		return Verdict{Phase: api.AnalysisPhaseError, Message: err.Error()}
	}
	rules.watch, rules.now = &watcher{}, now
	values, isVector := sample.Result.([]float64)
	if !isVector || len(values) < 2 {
		return rules.judge(sample)
	}
	switch criteria.Series {
	case api.SeriesError:
		if n := distinct(sample.Series, len(values)); n > 1 {
			return Verdict{
				Phase:   api.AnalysisPhaseError,
				Message: fmt.Sprintf("the query returned %d series and more than one is an error (series: Error)", n),
			}
		}
	case api.SeriesEvery:
		return rules.every(sample, values)
	case api.SeriesFirst:
	}
	return rules.judge(sample)
}

// distinct counts series. Those of a range query are named once for each of their values; values
// without names count one each.
func distinct(names []string, values int) int {
	if len(names) != values {
		return values
	}
	seen := map[string]bool{}
	for _, name := range names {
		seen[name] = true
	}
	return len(seen)
}

// rules are compiled criteria at work on one sample.
type rules struct {
	success, failure *rule
	noData           api.NoDataPolicy
	now              time.Time
	watch            *watcher // one for the whole sample, so that its bounds hold for all of it
}

// rule is one of the two conditions.
type rule struct {
	*Condition
	name string
	bad  bool // the truth that speaks against the new version
}

// The names of the conditions, as users write them.
const (
	successName = "successCondition"
	failureName = "failureCondition"
)

func compileRules(criteria Criteria) (rules, error) {
	r := rules{noData: criteria.NoData}
	var successErr, failureErr error
	r.failure, failureErr = compileRule(failureName, criteria.FailureCondition)
	r.success, successErr = compileRule(successName, criteria.SuccessCondition)
	return r, errors.Join(failureErr, successErr)
}

func compileRule(name, source string) (*rule, error) {
	if source == "" {
		return nil, nil // not given, which is no error
	}
	condition, err := Compile(source)
	if err != nil {
		return nil, fmt.Errorf("could not evaluate %s %q: %w", name, Trim(source, maxQuoted), err)
	}
	return &rule{Condition: condition, name: name, bad: name == failureName}, nil
}

// every judges each series alone. The worst verdict counts, the first one of that phase.
func (r rules) every(sample Sample, values []float64) Verdict {
	var worst Verdict
	for i, value := range values {
		alone := sample
		alone.Result = []float64{value}
		alone.Text = ""
		verdict := r.judge(alone)
		if i > 0 && (verdict.Phase == worst.Phase || Worse(verdict.Phase, worst.Phase) != verdict.Phase) {
			continue
		}
		worst = verdict.about(seriesName(sample.Series, i, len(values)))
	}
	if worst.Phase == api.AnalysisPhaseSuccessful {
		worst.Message = fmt.Sprintf("all %d series: %s", len(values), worst.Message)
	}
	return worst
}

// judge evaluates the conditions once.
func (r rules) judge(sample Sample) Verdict {
	if r.success == nil && r.failure == nil {
		if isEmpty(sample.Result) || allNaN(sample.Result) {
			return r.withoutData(noData(sample.Result))
		}
		return Verdict{Phase: api.AnalysisPhaseSuccessful}
	}
	failure := r.evaluate(r.failure, sample)
	if failure.is(true) {
		return failure.verdict(api.AnalysisPhaseFailed)
	}
	success := r.evaluate(r.success, sample)
	if verdict, stopped := r.stopped(failure, success); stopped {
		return verdict
	}
	switch {
	case success.is(true):
		return success.verdict(api.AnalysisPhaseSuccessful)
	case r.failure == nil:
		return success.verdict(api.AnalysisPhaseFailed)
	case r.success == nil:
		return failure.verdict(api.AnalysisPhaseSuccessful)
	}
	verdict := success.verdict(api.AnalysisPhaseInconclusive)
	verdict.Message = "neither condition is true: " + sentences(failure.message(), success.message())
	return verdict
}

// stopped says whether a condition could not be judged, and what that means. A success condition
// that deals with missing data and is true has the last word over a failure condition that does not.
func (r rules) stopped(failure, success outcome) (Verdict, bool) {
	if failure.missing != "" && success.is(true) && success.rule.handles(failure) {
		return Verdict{}, false
	}
	for _, o := range []outcome{failure, success} {
		if o.missing == "" && o.err != nil {
			return Verdict{Phase: api.AnalysisPhaseError, Message: o.failed(), Hopeless: o.hopeless}, true
		}
	}
	for _, o := range []outcome{failure, success} {
		if o.missing != "" {
			return r.withoutData(o.failed()), true
		}
	}
	return Verdict{}, false
}

// withoutData is the verdict the noData policy has for nothing.
func (r rules) withoutData(message string) Verdict {
	phase := api.AnalysisPhaseError
	switch r.noData {
	case api.NoDataHold:
		phase = api.AnalysisPhaseRunning
	case api.NoDataFail:
		phase = api.AnalysisPhaseFailed
	case api.NoDataError:
	}
	return Verdict{Phase: phase, Message: message}
}

// outcome is what one condition says about one sample.
type outcome struct {
	rule    *rule
	truth   bool
	err     error
	missing string // set when there was no data, in words
	empty   bool   // missing because there was nothing, not because of NaN
	facts   []fact
	series  string
	// hopeless: err is about what the report that is there does not have, or of which it has another kind
	hopeless bool
	text     string // the result as people read it
}

func (o outcome) is(truth bool) bool {
	return o.rule != nil && o.err == nil && o.missing == "" && o.truth == truth
}

// handles says whether the rule deals with what another could not judge.
func (r *rule) handles(other outcome) bool {
	return other.empty && r.HandlesEmpty() || !other.empty && r.HandlesNaN()
}

const nothing = "metric result is nil or empty: no data returned from the metric provider"

func noData(result any) string {
	if isEmpty(result) {
		return "no data: " + nothing
	}
	return "no data: the result is not a number (NaN)"
}

// evaluate asks one condition. A rule that is nil says nothing.
func (r rules) evaluate(rule *rule, sample Sample) outcome {
	o := outcome{rule: rule, text: sample.Text}
	if rule == nil {
		return o
	}
	if rule.reads.report && sample.ReportProblem != "" {
		o.err = errors.New(unreported(sample))
		return o
	}
	if isEmpty(sample.Result) && !rule.HandlesEmpty() {
		o.missing, o.empty = nothing, true
		return o
	}
	e := r.at(sample)
	value, err := e.watched(rule.program)
	o.missing, o.empty = r.missed(rule, sample.Result)
	if err != nil {
		o.stumble(err, sample)
		return o
	}
	o.settle(e, value)
	if o.is(true) || o.is(false) {
		o.facts = e.explain(rule.clauses, o.truth)
		o.series = o.judged(sample)
	}
	return o
}

// stumble takes an evaluation that broke off: over nothing, over a report that is not there, or by the rule's own fault.
func (o *outcome) stumble(err error, sample Sample) {
	switch {
	case isEmpty(sample.Result):
		o.missing, o.empty = nothing, true
	case o.rule.reads.report && sample.Report == nil:
		o.err = fmt.Errorf("%w (there is no report)", err)
	default:
		o.err = err
		o.hopeless = o.rule.reads.report
		if why := unreportedPath(o.rule.reads.paths, sample.Report); o.hopeless && why != "" {
			o.err = errors.New(why)
		}
	}
}

// at is what the conditions are asked about. A report that is not there is nil, not an empty map.
func (r rules) at(sample Sample) evaluation {
	e := evaluation{result: sample.Result, now: r.now, watch: r.watch}
	if sample.Report != nil {
		e.report = sample.Report
	}
	return e
}

// settle takes what the evaluation came to.
func (o *outcome) settle(e evaluation, value any) {
	truth, isBool := value.(bool)
	if !isBool {
		o.err = fmt.Errorf("expected bool, but got %s", kindOf(value))
		return
	}
	o.truth = truth
	if o.missing != "" && truth == o.rule.bad && e.certain(o.rule.program, truth) {
		o.missing = ""
	}
}

// watched evaluates a program from a clean slate.
func (e evaluation) watched(program *vm.Program) (any, error) {
	e.watch.nan, e.watch.none = false, false
	return e.run(program)
}

// certain says whether the program comes to the same truth when every comparison with something
// missing is turned around. With the series [NaN, 0.07], any(result, # > 0.05) is true for certain:
// a bad value is bad whatever the other one would have been.
func (e evaluation) certain(program *vm.Program, truth bool) bool {
	e.watch.doubt = true
	value, err := e.watched(program)
	e.watch.doubt = false
	again, isBool := value.(bool)
	return err == nil && isBool && again == truth
}

// missed says what the evaluation that just ended read that was not there.
func (r rules) missed(rule *rule, result any) (reason string, empty bool) {
	scalar, isScalar := result.(float64)
	switch {
	case rule.HandlesNaN():
	case isScalar && math.IsNaN(scalar):
		return "the result is not a number (NaN): no data", false
	case r.watch.nan:
		return "a value it reads is not a number (NaN): no data", false
	}
	if r.watch.none && !rule.HandlesEmpty() {
		return "a value it compares does not exist (nil): no data", true
	}
	return "", false
}

func kindOf(value any) string {
	if value == nil {
		return "nil"
	}
	return fmt.Sprintf("%T", value)
}

// failed says why a condition could not be judged.
func (o outcome) failed() string {
	reason := o.missing
	if reason == "" {
		reason = o.err.Error()
	}
	return fmt.Sprintf("could not evaluate %s %q: %s", o.rule.name, Trim(o.rule.source, maxQuoted), Trim(reason, maxQuoted*2))
}

// message says what the condition came to, with the numbers that decided.
func (o outcome) message() string {
	head := fmt.Sprintf("%s %q is %t", o.rule.name, Trim(o.rule.source, maxQuoted), o.truth)
	var reasons []string
	for _, f := range o.facts {
		reason := f.String()
		if reason != "" && f.text != o.rule.clauses.text {
			reason = fmt.Sprintf("%q is %t: %s", Trim(f.text, maxQuoted), f.truth, reason)
		}
		if reason != "" && len(reasons) < 3 {
			reasons = append(reasons, reason)
		}
	}
	if len(reasons) == 0 && o.text != "" {
		reasons = append(reasons, "result is "+Trim(o.text, maxValue))
	}
	if len(reasons) > 0 {
		head += ": " + strings.Join(reasons, "; ")
	}
	if o.series != "" {
		head += " (series " + o.series + ")"
	}
	return head
}

func (o outcome) verdict(phase api.AnalysisPhase) Verdict {
	verdict := Verdict{Phase: phase, Message: o.message()}
	if len(o.facts) == 1 && o.facts[0].subject != "" {
		f := o.facts[0]
		verdict.Evidence = &Evidence{Condition: Trim(f.text, maxQuoted), Value: f.value, Limit: f.limit, Series: o.series}
	}
	return verdict
}

// about adds which series the verdict is about.
func (v Verdict) about(series string) Verdict {
	v.Message += " (series " + series + ")"
	if v.Evidence != nil {
		v.Evidence.Series = series
	}
	return v
}

// judged names the series that decided, when there are several and it was one of them.
func (o outcome) judged(sample Sample) string {
	values, ok := sample.Result.([]float64)
	if !ok || len(values) < 2 {
		return ""
	}
	index := -1
	if indexes := o.rule.reads.indexes; len(indexes) == 1 && !o.rule.reads.wholeResult {
		index = indexes[0]
	}
	if len(o.facts) == 1 && o.facts[0].element >= 0 {
		index = o.facts[0].element
	}
	if index < 0 || index >= len(values) {
		return ""
	}
	return seriesName(sample.Series, index, len(values))
}

// seriesName is a series by its labels and place: `{pod="a"} (1 of 3)`.
func seriesName(names []string, i, of int) string {
	place := fmt.Sprintf("%d of %d", i+1, of)
	if i >= len(names) || names[i] == "" {
		return place
	}
	return Trim(names[i], maxQuoted) + ", " + place
}

func allNaN(result any) bool {
	switch r := result.(type) {
	case float64:
		return math.IsNaN(r)
	case []float64:
		for _, f := range r {
			if !math.IsNaN(f) {
				return false
			}
		}
		return true
	}
	return false
}

func sentences(texts ...string) string {
	var said []string
	for _, text := range texts {
		if text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, "; ")
}
