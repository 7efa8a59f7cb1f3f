package decide

import (
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// annotationAttempt tells runs of one attempt at a revision from those of another.
const annotationAttempt = "sluice.dev/attempt"

// slot is one place where a Rollout keeps a run: the current step's, or the background's.
type slot struct {
	ref      **api.RolloutAnalysisRunStatus
	kind     string // label rollout-type
	base     string // the run's name without collision suffix
	step     int32  // −1 where there is none
	analysis api.RolloutAnalysis
	wanted   bool // a run should be there now
}

// slots lists the runs of the current revision and step. Only names that begin with base belong to
// a slot: a superseded, skipped or older run has no influence.
func (d *draft) slots(f facts) []slot {
	base := fmt.Sprintf("%s-%s-%d", f.ro.Name, f.hash, d.revision)
	index := d.step(f)
	active := d.measuring(f)
	var all []slot
	if b := f.canary.Analysis; b != nil && len(b.Templates) > 0 {
		start := int32(0)
		if b.StartingStep != nil {
			start = *b.StartingStep
		}
		all = append(all, slot{
			ref: &d.status.Canary.CurrentBackgroundAnalysisRunStatus, kind: api.RolloutTypeBackground, base: base, step: -1,
			analysis: b.RolloutAnalysis, wanted: active && index >= start && f.fresh() != nil,
		})
	}
	if s, ok := f.stepAt(index); ok && s.Analysis != nil && len(s.Analysis.Templates) > 0 {
		all = append(all, slot{
			ref: &d.status.Canary.CurrentStepAnalysisRunStatus, kind: api.RolloutTypeStep, base: fmt.Sprintf("%s-%d", base, index), step: index,
			analysis: *s.Analysis, wanted: active,
		})
	}
	return append(all, d.switchSlots(f, base, active)...)
}

// owns says whether the name is one of this slot's: its base, or its base with a collision suffix.
func (s slot) owns(name string) bool {
	rest, ok := strings.CutPrefix(name, s.base)
	if !ok || rest == "" {
		return ok
	}
	number, ok := strings.CutPrefix(rest, ".")
	_, err := strconv.Atoi(number)
	return ok && err == nil
}

// isStepRun says whether the name is a run of the current step.
func (d *draft) isStepRun(f facts, name string) bool {
	for _, s := range d.slots(f) {
		if s.kind == api.RolloutTypeStep && s.owns(name) {
			return true
		}
	}
	return false
}

// measuring says that runs have a say: an update is on its way that nobody has ended or waved
// through. An invalid spec changes nothing about that: what measures goes on, and may stop the update.
func (d *draft) measuring(f facts) bool {
	return !d.aborted() && !d.promoted(f) && d.status.StableRS != "" && !d.status.PromoteFull && d.fastRollback(f) == ""
}

// heard is a place of the status that refers to a run, with what its failure is called.
type heard struct {
	ref   **api.RolloutAnalysisRunStatus
	kind  string
	cause string
}

// forgetRuns lets go of every run: those of another revision or attempt have no say any more.
func (d *draft) forgetRuns() {
	for _, h := range d.refs() {
		*h.ref = nil
	}
	d.status.Canary.CurrentExperiment = ""
}

func (d *draft) refs() []heard {
	return []heard{
		{&d.status.Canary.CurrentBackgroundAnalysisRunStatus, api.RolloutTypeBackground, "Background analysis phase error/failed"},
		{&d.status.Canary.CurrentStepAnalysisRunStatus, api.RolloutTypeStep, "Step-based analysis phase error/failed"},
		{&d.status.BlueGreen.PrePromotionAnalysisRunStatus, api.RolloutTypePrePromotion, "Blue/green pre-promotion analysis phase error/failed"},
		{&d.status.BlueGreen.PostPromotionAnalysisRunStatus, api.RolloutTypePostPromotion, "Blue/green post-promotion analysis phase error/failed"},
	}
}

// hearRuns takes over what the current runs have come to. A bad run aborts, an inconclusive one
// pauses; runs can only stop an update, never speed it up.
func (d *draft) hearRuns(f facts) {
	d.dropStrayRefs(f)
	for _, h := range d.refs() {
		if *h.ref == nil {
			continue
		}
		if run := f.run((*h.ref).Name); run != nil {
			d.follow(h, run)
		}
		if !d.measuring(f) {
			continue
		}
		if run := f.run((*h.ref).Name); run != nil {
			d.hearTrials(f, run)
		}
		switch (*h.ref).Status {
		case api.AnalysisPhaseFailed, api.AnalysisPhaseError:
			d.abortFor(f, h)
		case api.AnalysisPhaseInconclusive:
			d.pauseFor(f, **h.ref)
		case api.AnalysisPhasePending, api.AnalysisPhaseRunning, api.AnalysisPhaseSuccessful:
		}
	}
}

// dropStrayRefs forgets runs that belong to another step, revision or attempt: a client may have moved
// the index, an earlier run may have had the name, and status is not to be trusted. While the spec is
// invalid its steps say nothing about the runs: only those of an earlier attempt are forgotten then.
func (d *draft) dropStrayRefs(f facts) {
	if d.promoted(f) || d.aborted() {
		return
	}
	kept := d.keptRefs(f)
	for _, h := range d.refs() {
		if *h.ref == nil {
			continue
		}
		stray := f.forward && !kept[h.ref]
		if stray || d.superseded(f.run((*h.ref).Name)) {
			*h.ref = nil
		}
	}
}

// keptRefs are the references to runs of the current step, revision and attempt.
func (d *draft) keptRefs(f facts) map[**api.RolloutAnalysisRunStatus]bool {
	kept := map[**api.RolloutAnalysisRunStatus]bool{}
	for _, s := range d.slots(f) {
		kept[s.ref] = *s.ref != nil && s.owns((*s.ref).Name)
	}
	return kept
}

func (d *draft) follow(h heard, run *api.AnalysisRun) {
	before := **h.ref
	phase, message := cameTo(run)
	if before.Status == phase && before.Message == message {
		return
	}
	*h.ref = &api.RolloutAnalysisRunStatus{Name: run.Name, Status: phase, Message: message}
	if before.Status == phase {
		return
	}
	previous := before.Status
	if previous == api.AnalysisPhasePending {
		previous = "" // the reference's first word is about Running
	}
	text := fmt.Sprintf("%s Analysis Run '%s' Status New: '%s' Previous: '%s'", h.kind, run.Name, phase, previous)
	event := Event{Reason: api.EventAnalysisRunPrefix + string(phase), Message: text}
	event.Warning = phase == api.AnalysisPhaseFailed || phase == api.AnalysisPhaseError
	d.events = append(d.events, event)
}

// cameTo is what a run has come to. One that another controller let pass although a metric that counts
// was never measured with success has come to nothing.
func cameTo(run *api.AnalysisRun) (api.AnalysisPhase, string) {
	phase, message := run.Status.Phase, run.Status.Message
	if phase == "" {
		phase = api.AnalysisPhasePending
	}
	if phase != api.AnalysisPhaseSuccessful {
		return phase, message
	}
	if name := unmeasured(run); name != "" {
		return api.AnalysisPhaseInconclusive, fmt.Sprintf("It ended as Successful, but metric %q was never measured with success.", name)
	}
	return phase, message
}

// unmeasured is a metric that counts and has no successful measurement, "" when there is none.
func unmeasured(run *api.AnalysisRun) string {
	dry := dryRuns(run)
	for _, m := range resolved(run) {
		if !dry[m.Name] && resultOf(run.Status, m.Name).Successful == 0 {
			return m.Name
		}
	}
	return ""
}

func (d *draft) abortFor(f facts, h heard) {
	ref, cause := **h.ref, h.cause
	if ref.Message != "" {
		cause += ": " + ref.Message
	}
	why := fmt.Sprintf("AnalysisRun %s came to %s: %s", ref.Name, ref.Status, ref.Message)
	d.abort(f, cause, why, failures(f.run(ref.Name))...)
}

func (d *draft) pauseFor(f facts, ref api.RolloutAnalysisRunStatus) {
	if d.inconclusive() {
		return
	}
	d.pause(f, api.PauseReasonInconclusiveAnalysis)
	d.record(f, DecidedInconclusive, fmt.Sprintf("AnalysisRun %s was inconclusive: %s", ref.Name, ref.Message), failures(f.run(ref.Name))...)
}

// measureAgain drops inconclusive runs and Experiments so that new ones are started; it says what is done again, "" when nothing is.
func (d *draft) measureAgain(f facts) (again string) {
	kept := d.keptRefs(f)
	for _, h := range d.refs() {
		if ref := *h.ref; ref != nil && (kept[h.ref] || !f.forward) && ref.Status == api.AnalysisPhaseInconclusive {
			*h.ref = nil
			again = "the inconclusive analysis is measured"
		}
	}
	ex := f.experiment(d.status.Canary.CurrentExperiment)
	if ex == nil {
		return again
	}
	if phase, _ := experimentCameTo(ex); phase == api.AnalysisPhaseInconclusive {
		d.status.Canary.CurrentExperiment, again = "", "the inconclusive experiment is run"
	}
	return again
}

// measure makes the runs exist that should, and stops every other run that still measures.
func (d *draft) measure(f facts) {
	current := d.currentRuns(f)
	for _, run := range f.seen.Runs {
		if !current[run.Name] && !run.Status.Phase.Completed() && !run.Spec.Terminate {
			d.act(RunStopped{Name: run.Name})
		}
	}
}

// currentRuns names the runs that have a say now, and begins those that are missing. While the spec
// is invalid nothing is begun, and what has a say keeps it: a run that was cut short must never look
// like one that passed.
func (d *draft) currentRuns(f facts) map[string]bool {
	current := map[string]bool{}
	if !f.forward {
		for _, h := range d.refs() {
			if *h.ref != nil && d.measuring(f) {
				current[(*h.ref).Name] = true
			}
		}
		return current
	}
	for _, s := range d.slots(f) {
		if !s.wanted {
			continue
		}
		if *s.ref == nil && !f.ro.Spec.Paused && !d.inconclusive() {
			d.begin(f, s)
		}
		if ref := *s.ref; ref != nil {
			current[ref.Name] = true
			d.ensure(f, s, *ref)
		}
	}
	return current
}

// begin picks the name of a new run: the base, or the first suffix whose name is free. A run of this
// very attempt that is still measuring is taken up again.
func (d *draft) begin(f facts, s slot) {
	for n := 0; ; n++ {
		name := s.base
		if n > 0 {
			name += "." + strconv.Itoa(n)
		}
		run := f.run(name)
		if f.seen.Taken[name] && run == nil {
			continue
		}
		if run != nil && (run.Status.Phase.Completed() || run.Spec.Terminate || attemptOf(run) != d.status.Attempt) {
			continue
		}
		*s.ref = &api.RolloutAnalysisRunStatus{Name: name, Status: api.AnalysisPhasePending}
		return
	}
}

// superseded says that a run is of an earlier attempt than the present one. Its name may be that of a run
// of this one: names become free when old runs are deleted, and a cache may still have the old one. A later
// attempt than ours is no mistake: another controller's definitions drop the field that counts them. Another
// controller does not count attempts either: a run of its own is told by when the update was begun.
func (d *draft) superseded(run *api.AnalysisRun) bool {
	return run != nil && d.earlier(run)
}

func attemptOf(o metav1.Object) int32 {
	n, err := strconv.ParseInt(o.GetAnnotations()[annotationAttempt], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// ensure states that the run exists, as long as it is not seen and has come to nothing.
func (d *draft) ensure(f facts, s slot, ref api.RolloutAnalysisRunStatus) {
	if ref.Status.Completed() || f.run(ref.Name) != nil {
		return
	}
	if why := f.seen.RefusedRuns[ref.Name]; why != "" {
		(*s.ref).Message = "The server refuses the AnalysisRun: " + why
		d.waiting = Reason{Code: "RunRefused", Message: (*s.ref).Message}
	}
	args, problems := compose.RolloutArgs(s.analysis.Args, f.ro, d.status.StableRS, f.hash)
	spec, more := compose.Spec(s.analysis.Templates, f.template, args, s.analysis.DryRun, s.analysis.MeasurementRetention)
	problems = append(problems, more...)
	spec.Args, more = compose.FieldArgs(spec.Args, f.ro)
	if problems = append(problems, more...); len(problems) > 0 {
		// Validation reports the same mistakes on the object; a template may just have gone.
		d.waiting = Reason{Code: "Invalid", Message: fmt.Sprintf("Waiting for analysis %s: %s", ref.Name, problems[0])}
		return
	}
	labels, notes := d.runMetadata(f, s)
	d.act(RunExists{Name: ref.Name, Labels: labels, Annotations: notes, Spec: spec})
}

func (f facts) template(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
	t, ok := f.seen.Templates[TemplateKey{Name: name, Cluster: cluster}]
	return t, ok
}

func (d *draft) runMetadata(f facts, s slot) (labels, notes map[string]string) {
	labels, notes = map[string]string{}, map[string]string{}
	if sel := f.ro.Spec.Selector; sel != nil {
		for k, v := range sel.MatchLabels {
			labels[k] = v
		}
	}
	for k, v := range s.analysis.AnalysisRunMetadata.Labels {
		labels[k] = v
	}
	for _, ours := range []string{api.LabelStepIndex, api.LabelInstanceID} { // a run of another instance is never measured
		delete(labels, ours)
	}
	for k, v := range s.analysis.AnalysisRunMetadata.Annotations {
		notes[k] = v
	}
	labels[api.LabelPodTemplateHash] = f.hash
	labels[api.LabelRolloutType] = s.kind
	if s.step >= 0 {
		labels[api.LabelStepIndex] = strconv.Itoa(int(s.step))
	}
	if id, ok := f.ro.Labels[api.LabelInstanceID]; ok {
		labels[api.LabelInstanceID] = id
	}
	notes[api.AnnotationRevision] = strconv.FormatInt(d.revision, 10)
	notes[annotationAttempt] = strconv.Itoa(int(d.status.Attempt))
	return labels, notes
}
