package decide

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// bench is the place of the current step's Experiment.
type bench struct {
	base string // the Experiment's name without collision suffix
	step api.RolloutExperimentStep
}

// bench is that of the current step, false when the step is another.
func (d *draft) bench(f facts) (bench, bool) {
	index := d.step(f)
	step, ok := f.stepAt(index)
	if !ok || step.Experiment == nil {
		return bench{}, false
	}
	return bench{base: fmt.Sprintf("%s-%s-%d-%d", f.ro.Name, f.hash, d.revision, index), step: *step.Experiment}, true
}

// owns says whether the name is one of this place's: its base, or its base with a collision suffix.
func (b bench) owns(name string) bool {
	rest, ok := strings.CutPrefix(name, b.base)
	if !ok || rest == "" {
		return ok
	}
	number, ok := strings.CutPrefix(rest, "-")
	_, err := strconv.ParseUint(number, 10, 31)
	return ok && err == nil
}

// experiment is the Experiment of this name, nil when it is not seen.
func (f facts) experiment(name string) *api.Experiment {
	for _, ex := range f.seen.Experiments {
		if ex.Name == name {
			return ex
		}
	}
	return nil
}

// hearExperiment takes over what the Experiment of the current step has come to. A bad one aborts, one that
// could not tell pauses; that of another step, revision or attempt has no say.
func (d *draft) hearExperiment(f facts) {
	name := d.status.Canary.CurrentExperiment
	if name == "" || d.aborted() {
		return
	}
	ex := f.experiment(name)
	if d.strayExperiment(f, name, ex) {
		d.status.Canary.CurrentExperiment = ""
		return
	}
	if ex == nil || !d.measuring(f) {
		return
	}
	switch phase, message := experimentCameTo(ex); phase {
	case api.AnalysisPhaseFailed, api.AnalysisPhaseError:
		cause := "Experiment analysis phase is error/failed"
		if message != "" {
			cause += ": " + message
		}
		d.tellExperiment(name, phase)
		d.abort(f, cause, fmt.Sprintf("Experiment %s came to %s: %s", name, phase, message), experimentProof(ex)...)
	case api.AnalysisPhaseInconclusive:
		if d.inconclusive() {
			return
		}
		d.tellExperiment(name, phase)
		d.pause(f, api.PauseReasonInconclusiveExperiment)
		d.record(f, DecidedInconclusive, fmt.Sprintf("Experiment %s was inconclusive: %s", name, message), experimentProof(ex)...)
	case api.AnalysisPhasePending, api.AnalysisPhaseRunning, api.AnalysisPhaseSuccessful:
	}
}

// strayExperiment says that an Experiment is not that of the current step, revision and attempt. While the spec
// is invalid its steps say nothing about that.
func (d *draft) strayExperiment(f facts, name string, ex *api.Experiment) bool {
	if d.promoted(f) || ex != nil && d.earlier(ex) {
		return true
	}
	b, here := d.bench(f)
	return f.forward && (!here || !b.owns(name))
}

func (d *draft) tellExperiment(name string, phase api.AnalysisPhase) {
	bad := phase == api.AnalysisPhaseFailed || phase == api.AnalysisPhaseError
	d.events = append(d.events, Event{
		Warning: bad, Reason: api.EventExperimentPrefix + string(phase), Message: fmt.Sprintf("Experiment '%s' completed with phase '%s'", name, phase),
	})
}

// experimentCameTo is what an Experiment has come to. One that another controller let pass although an
// analysis it waits for was not successful has come to nothing.
func experimentCameTo(ex *api.Experiment) (api.AnalysisPhase, string) {
	phase, message := ex.Status.Phase, ex.Status.Message
	if phase == "" {
		phase = api.AnalysisPhasePending
	}
	if phase != api.AnalysisPhaseSuccessful {
		return phase, message
	}
	if name := unproven(ex); name != "" {
		return api.AnalysisPhaseInconclusive, fmt.Sprintf("It ended as Successful, but its analysis %q was never successful.", name)
	}
	return phase, message
}

// unproven is an analysis the success of an Experiment rests on that was not successful, "" when there is
// none: one of those that are required or, where none is, of all.
func unproven(ex *api.Experiment) string {
	required := false
	for _, a := range ex.Spec.Analyses {
		required = required || a.RequiredForCompletion
	}
	t := trial{status: ex.Status}
	for _, a := range ex.Spec.Analyses {
		if required && !a.RequiredForCompletion {
			continue
		}
		if e := t.entry(a.Name); e == nil || e.Phase != api.AnalysisPhaseSuccessful {
			return a.Name
		}
	}
	return ""
}

// experimentProof quotes the analyses that came to what the Experiment came to.
func experimentProof(ex *api.Experiment) (all []api.Evidence) {
	for _, e := range ex.Status.AnalysisRuns {
		if e.Phase == ex.Status.Phase && len(all) < maxProof {
			all = append(all, api.Evidence{Run: e.AnalysisRun, Phase: e.Phase, Limit: brokenLimit(e.Message), Message: e.Message})
		}
	}
	if len(all) == 0 {
		all = append(all, api.Evidence{Run: ex.Name, Phase: ex.Status.Phase, Message: ex.Status.Message})
	}
	return all
}

// takeExperiment is done when the step's Experiment is Successful.
func (d *draft) takeExperiment(f facts) {
	name := d.status.Canary.CurrentExperiment
	ex := f.experiment(name)
	if ex == nil {
		d.waiting = Reason{Code: "Experiment", Message: "Waiting for the experiment in step " + f.ordinal(d.step(f)) + " to begin."}
		return
	}
	phase, _ := experimentCameTo(ex)
	if phase == api.AnalysisPhaseSuccessful {
		d.tellExperiment(name, phase)
		d.completeStep(f, "Experiment "+name+" was successful", experimentProof(ex)...)
		return
	}
	d.waiting = Reason{Code: "Experiment", Message: "Waiting for Experiment " + name + experimentWaits(ex) + "."}
}

// experimentWaits is what an Experiment is at.
func experimentWaits(ex *api.Experiment) string {
	for _, c := range ex.Status.Conditions {
		if c.Type == api.ExperimentInvalidSpec && c.Status == corev1.ConditionTrue {
			return ", which does not begin: " + strings.TrimSuffix(c.Message, ".")
		}
	}
	if ex.Status.Phase == api.AnalysisPhaseRunning {
		return " to come to a verdict"
	}
	return ", whose pods are coming up"
}

// conduct makes the Experiment of the current step exist, and stops every other one that goes on.
func (d *draft) conduct(f facts) {
	current := ""
	b, here := d.bench(f)
	switch {
	case !d.measuring(f):
	case !f.forward:
		current = d.status.Canary.CurrentExperiment
	case here:
		if d.status.Canary.CurrentExperiment == "" && !f.ro.Spec.Paused && !d.inconclusive() && f.replicas > 0 {
			d.beginExperiment(f, b)
		}
		current = d.status.Canary.CurrentExperiment
		d.ensureExperiment(f, b, current)
	}
	for _, ex := range f.seen.Experiments {
		if ex.Name != current && !ex.Status.Phase.Completed() && !ex.Spec.Terminate {
			d.act(ExperimentStopped{Name: ex.Name})
		}
	}
}

// beginExperiment picks the name of a new Experiment: the base, or the first suffix whose name is free. One of
// this very attempt that goes on is taken up again.
func (d *draft) beginExperiment(f facts, b bench) {
	for n := 0; ; n++ {
		name := b.base
		if n > 0 {
			name += "-" + strconv.Itoa(n)
		}
		ex := f.experiment(name)
		if f.seen.Taken[name] && ex == nil {
			continue
		}
		if ex != nil && (ex.Status.Phase.Completed() || ex.Spec.Terminate || attemptOf(ex) != d.status.Attempt) {
			continue
		}
		d.status.Canary.CurrentExperiment = name
		if ex == nil {
			d.tell(api.EventExperimentCreated, "Created Experiment '%s'", name)
		}
		return
	}
}

// ensureExperiment states that the Experiment exists, as long as it is not seen.
func (d *draft) ensureExperiment(f facts, b bench, name string) {
	if name == "" || f.experiment(name) != nil {
		return
	}
	spec, problem := d.experimentSpec(f, b.step)
	if problem != "" {
		d.waiting = Reason{Code: "Invalid", Message: fmt.Sprintf("Waiting for Experiment %s: %s", name, problem)}
		return
	}
	if why := f.seen.RefusedExperiments[name]; why != "" {
		d.waiting = Reason{Code: "ExperimentRefused", Message: "The server refuses the Experiment: " + why}
	}
	labels := map[string]string{api.LabelPodTemplateHash: f.hash, api.LabelStepIndex: strconv.Itoa(int(d.step(f)))}
	if id, ok := f.ro.Labels[api.LabelInstanceID]; ok {
		labels[api.LabelInstanceID] = id
	}
	d.act(ExperimentExists{Name: name, Labels: labels, Spec: spec, Annotations: map[string]string{
		api.AnnotationRevision: strconv.FormatInt(d.revision, 10),
		annotationAttempt:      strconv.Itoa(int(d.status.Attempt)),
	}})
}

// experimentSpec is the Experiment a step asks for, unless there is a problem.
func (d *draft) experimentSpec(f facts, step api.RolloutExperimentStep) (spec api.ExperimentSpec, problem string) {
	spec = api.ExperimentSpec{
		Duration: step.Duration, ScaleDownDelaySeconds: step.ScaleDownDelaySeconds, ProgressDeadlineSeconds: f.ro.Spec.ProgressDeadlineSeconds,
		DryRun: step.DryRun, AnalysisRunMetadata: *step.AnalysisRunMetadata.DeepCopy(),
	}
	for i := range step.Templates {
		template, why := d.experimentTemplate(f, &step.Templates[i])
		if why != "" {
			return api.ExperimentSpec{}, why
		}
		spec.Templates = append(spec.Templates, template)
	}
	for i := range step.Analyses {
		analysis, why := d.experimentAnalysis(f, &step.Analyses[i])
		if why != "" {
			return api.ExperimentSpec{}, why
		}
		spec.Analyses = append(spec.Analyses, analysis)
	}
	return spec, ""
}

// experimentTemplate is the pods of a revision under the names the step gives. The revision's own hash is not
// among their labels: no Service of the Rollout sends them anything.
func (d *draft) experimentTemplate(f facts, of *api.RolloutExperimentTemplate) (api.TemplateSpec, string) {
	pods := f.ro.Spec.Template
	if of.SpecRef == api.StableSpecRef {
		stable := f.find(d.status.StableRS)
		if stable == nil {
			return api.TemplateSpec{}, fmt.Sprintf("template %s is to run the stable version, whose ReplicaSet does not exist.", of.Name)
		}
		pods = *f.own(stable)
	}
	template := api.TemplateSpec{
		Name: of.Name, Replicas: of.Replicas, MinReadySeconds: f.ro.Spec.MinReadySeconds, Template: *pods.DeepCopy(),
		Selector: of.Selector.DeepCopy(), Service: of.Service.DeepCopy(),
	}
	if template.Selector == nil {
		template.Selector = f.ro.Spec.Selector.DeepCopy()
	}
	if template.Selector != nil {
		delete(template.Selector.MatchLabels, api.LabelPodTemplateHash)
	}
	if template.Service == nil && of.Weight != nil {
		template.Service = &api.TemplateService{}
	}
	delete(template.Template.Labels, api.LabelPodTemplateHash)
	meta := &template.Template.ObjectMeta
	meta.Labels, meta.Annotations = with(meta.Labels, of.Metadata.Labels), with(meta.Annotations, of.Metadata.Annotations)
	return template, ""
}

func with(have, more map[string]string) map[string]string {
	if have == nil && len(more) > 0 {
		have = map[string]string{}
	}
	maps.Copy(have, more)
	return have
}

// experimentAnalysis gives an analysis of the step its arguments. What a template takes from a field of the
// Rollout is taken now: the Experiment does not know the Rollout.
func (d *draft) experimentAnalysis(f facts, of *api.RolloutExperimentStepAnalysisTemplateRef) (api.ExperimentAnalysisTemplateRef, string) {
	analysis := api.ExperimentAnalysisTemplateRef{
		Name: of.Name, TemplateName: of.TemplateName, ClusterScope: of.ClusterScope, RequiredForCompletion: of.RequiredForCompletion,
	}
	args, problems := compose.RolloutArgs(of.Args, f.ro, d.status.StableRS, f.hash)
	spec, more := compose.Spec([]api.AnalysisTemplateRef{{TemplateName: of.TemplateName, ClusterScope: of.ClusterScope}}, f.template, args, nil, nil)
	problems = append(problems, more...)
	for _, arg := range spec.Args {
		if arg.Value == nil && arg.ValueFrom != nil && arg.ValueFrom.FieldRef != nil {
			taken, wrong := compose.FieldArgs([]api.Argument{arg}, f.ro)
			args, problems = append(args, taken...), append(problems, wrong...)
		}
	}
	if len(problems) > 0 {
		return analysis, fmt.Sprintf("analysis %s: %s", of.Name, problems[0])
	}
	analysis.Args = args
	return analysis, ""
}

// experimentShares are the parts of the requests the current step's Experiment should get: nothing before it
// runs, nothing after it has ended, and nothing for pods that do not serve.
func (d *draft) experimentShares(f facts) (shares []Share) {
	b, here := d.bench(f)
	ex := f.experiment(d.status.Canary.CurrentExperiment)
	switch {
	case ex == nil || !d.measuring(f) || ex.Status.Phase != api.AnalysisPhaseRunning || ex.Spec.Terminate:
		return nil
	case !f.forward:
		return f.standingShares(ex)
	case !here:
		return nil
	}
	return f.templateShares(ex, b.step)
}

// templateShares are what the templates of a step ask for, all together no more than there is.
func (f facts) templateShares(ex *api.Experiment, step api.RolloutExperimentStep) (shares []Share) {
	left := f.whole()
	for _, template := range step.Templates {
		s := templateStatus(&ex.Status, template.Name)
		if template.Weight == nil || *template.Weight <= 0 || s == nil || s.AvailableReplicas == 0 || s.ServiceName == "" {
			continue
		}
		weight := min(*template.Weight, left)
		shares = append(shares, Share{Service: s.ServiceName, Hash: s.PodTemplateHash, Weight: weight})
		left -= weight
	}
	return shares
}

// tidyExperiments keeps the newest Experiments of each outcome. One whose revision is gone goes too, but never
// one that still has pods.
func (d *draft) tidyExperiments(f facts, gone map[string]bool) {
	good, bad := f.historyLimits()
	for _, ex := range newestFirst(f.seen.Experiments) {
		if !ex.Status.Phase.Completed() || ex.Name == d.status.Canary.CurrentExperiment {
			continue
		}
		left := &bad
		if ex.Status.Phase == api.AnalysisPhaseSuccessful {
			left = &good
		}
		hash := ex.Labels[api.LabelPodTemplateHash]
		orphan := gone[hash] || (hash != f.hash && f.find(hash) == nil)
		if (*left <= 0 || orphan) && !populated(ex) {
			d.act(ExperimentGone{Name: ex.Name})
			continue
		}
		*left--
	}
}

func populated(ex *api.Experiment) bool {
	for _, s := range ex.Status.TemplateStatuses {
		if s.Replicas > 0 {
			return true
		}
	}
	return false
}

// earlier says that something the Rollout made is of an earlier attempt than the present one; see superseded.
func (d *draft) earlier(o metav1.Object) bool {
	if attemptOf(o) >= d.status.Attempt {
		return false
	}
	clock := d.status.Duration
	if o.GetAnnotations()[annotationAttempt] == "" && clock != nil && clock.RolloutStartedAt != nil {
		made := o.GetCreationTimestamp()
		return made.Before(clock.RolloutStartedAt)
	}
	return true
}
