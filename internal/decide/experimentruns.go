package decide

import (
	"fmt"
	"strconv"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// annotationAvailableAt tells runs of an Experiment from those it had before somebody started it over.
const annotationAvailableAt = "sluice.dev/available-at"

// entry is what the status says of an analysis, nil before it was begun.
func (t *trial) entry(name string) *api.ExperimentAnalysisRunStatus {
	for i := range t.status.AnalysisRuns {
		if t.status.AnalysisRuns[i].Name == name {
			return &t.status.AnalysisRuns[i]
		}
	}
	return nil
}

func (t *trial) run(name string) *api.AnalysisRun {
	for _, run := range t.in.Runs {
		if run.Name == name {
			return run
		}
	}
	return nil
}

// hear takes over what the runs have come to.
func (t *trial) hear() {
	if t.ended() {
		return
	}
	_, stopping := t.over()
	for i := range t.status.AnalysisRuns {
		e := &t.status.AnalysisRuns[i]
		if e.Phase.Completed() {
			continue
		}
		run := t.run(e.AnalysisRun)
		switch {
		case run != nil && t.ofThisTime(run):
			t.follow(e, run)
		case stopping:
			t.moveRun(e, api.AnalysisPhaseInconclusive, "It was stopped before it measured anything.")
		case run == nil && e.Phase == api.AnalysisPhaseRunning:
			message := fmt.Sprintf("AnalysisRun %s has disappeared before it had a verdict: it is begun anew, and what it had measured is lost.", e.AnalysisRun)
			t.events = append(t.events, Event{Warning: true, Reason: api.EventRolloutReconciliationError, Message: message})
			e.Phase, e.Message = api.AnalysisPhasePending, ""
		}
	}
}

func (t *trial) follow(e *api.ExperimentAnalysisRunStatus, run *api.AnalysisRun) {
	phase, message := cameTo(run)
	t.moveRun(e, phase, message)
}

func (t *trial) moveRun(e *api.ExperimentAnalysisRunStatus, phase api.AnalysisPhase, message string) {
	if e.Phase != phase {
		t.announce(api.EventAnalysisRunPrefix, string(phase), transition(fmt.Sprintf("AnalysisRun '%s'", e.Name), e.Phase, phase, message))
	}
	e.Phase, e.Message = phase, message
}

// attempt tells runs of one time from those before somebody wiped the status to try again: it is when the
// pods were available.
func (t *trial) attempt() string {
	if t.status.AvailableAt == nil {
		return ""
	}
	return strconv.FormatInt(t.status.AvailableAt.Unix(), 10)
}

// ofThisTime says that a run was begun by this attempt. Another controller does not say.
func (t *trial) ofThisTime(run *api.AnalysisRun) bool {
	of := run.Annotations[annotationAvailableAt]
	return of == "" || of == t.attempt()
}

// worst is the worst of what the analyses have come to; Successful while none is bad. An analysis that is not
// required and was only stopped, because all that are required were successful, has no say when it is unsure.
func (t *trial) worst() (api.AnalysisPhase, string) {
	phase, message := api.AnalysisPhaseSuccessful, ""
	required, missing := t.required()
	proven := required > 0 && missing == 0
	for _, e := range t.status.AnalysisRuns {
		unsure := e.Phase == api.AnalysisPhaseInconclusive && proven && t.stopped(e)
		if e.Phase.Completed() && !unsure && severity(e.Phase) > severity(phase) {
			phase, message = e.Phase, e.Message
		}
	}
	return phase, message
}

// stopped says that a run was told to end before its time.
func (t *trial) stopped(e api.ExperimentAnalysisRunStatus) bool {
	run := t.run(e.AnalysisRun)
	return run == nil || run.Spec.Terminate
}

func severity(phase api.AnalysisPhase) int {
	switch phase {
	case api.AnalysisPhaseInconclusive:
		return 1
	case api.AnalysisPhaseError:
		return 2
	case api.AnalysisPhaseFailed:
		return 3
	case api.AnalysisPhaseSuccessful, api.AnalysisPhasePending, api.AnalysisPhaseRunning:
	}
	return 0
}

// required counts the analyses the end waits for, and those of them that have not been successful yet.
func (t *trial) required() (all, missing int) {
	for _, a := range t.in.Experiment.Spec.Analyses {
		if !a.RequiredForCompletion {
			continue
		}
		all++
		if e := t.entry(a.Name); e == nil || e.Phase != api.AnalysisPhaseSuccessful {
			missing++
		}
	}
	return all, missing
}

// open counts the analyses that have begun and have no verdict.
func (t *trial) open() (n int) {
	for _, e := range t.status.AnalysisRuns {
		if !e.Phase.Completed() {
			n++
		}
	}
	return n
}

// measure makes the runs exist that should, and stops every other run that still measures.
func (t *trial) measure() {
	current := map[string]bool{}
	if _, over := t.over(); !t.ended() && !over && t.status.AvailableAt != nil {
		for i := range t.in.Experiment.Spec.Analyses {
			analysis := &t.in.Experiment.Spec.Analyses[i]
			e := t.entry(analysis.Name)
			if e == nil {
				e = t.beginRun(analysis)
			}
			current[e.AnalysisRun] = true
			t.ensureRun(analysis, e)
		}
	}
	for _, run := range t.in.Runs {
		if goesOn := current[run.Name] && t.ofThisTime(run); !goesOn && !run.Status.Phase.Completed() && !run.Spec.Terminate {
			t.act(RunStopped{Name: run.Name, ByHand: t.endedByHand()})
			t.events = append(t.events, Event{Reason: api.EventAnalysisRunTerminating, Message: fmt.Sprintf("Terminating AnalysisRun '%s'", run.Name)})
		}
	}
}

// endedByHand says that somebody other than the Rollout has told an Experiment that went on to terminate.
func (t *trial) endedByHand() bool {
	ex := t.in.Experiment
	return ex.Spec.Terminate && ex.Annotations[api.AnnotationStoppedBy] != api.StoppedByRollout && !t.ended()
}

// beginRun picks the name of a new run: <experiment>-<analysis>, or that with the first suffix that is free.
func (t *trial) beginRun(analysis *api.ExperimentAnalysisTemplateRef) *api.ExperimentAnalysisRunStatus {
	t.status.AnalysisRuns = append(t.status.AnalysisRuns, api.ExperimentAnalysisRunStatus{
		Name: analysis.Name, AnalysisRun: t.freeName(analysis.Name), Phase: api.AnalysisPhasePending,
	})
	return &t.status.AnalysisRuns[len(t.status.AnalysisRuns)-1]
}

func (t *trial) freeName(analysis string) string {
	base := t.in.Experiment.Name + "-" + analysis
	for n := 0; ; n++ {
		name := base
		if n > 0 {
			name += "." + strconv.Itoa(n)
		}
		if !t.in.Taken[name] && t.run(name) == nil {
			return name
		}
	}
}

// ensureRun states that the run exists, as long as it is not seen and has come to nothing. What cannot be
// begun in time is an error: nobody would ever know what it had measured.
func (t *trial) ensureRun(analysis *api.ExperimentAnalysisTemplateRef, e *api.ExperimentAnalysisRunStatus) {
	run := t.run(e.AnalysisRun)
	if e.Phase.Completed() || run != nil && t.ofThisTime(run) {
		return
	}
	if run != nil || t.in.Taken[e.AnalysisRun] { // an old cache had shown the name as free
		e.AnalysisRun = t.freeName(analysis.Name)
	}
	problem := ""
	spec, problems := t.runSpec(analysis)
	switch why := t.in.Refused.Runs[e.AnalysisRun]; {
	case len(problems) > 0:
		problem = problems[0].Message
	case why != "":
		problem = "The server refuses the AnalysisRun: " + why
	}
	if problem != "" && !t.patientWith(e, problem) {
		return
	}
	if len(problems) == 0 {
		t.act(RunExists{Name: e.AnalysisRun, Labels: t.runLabels(), Annotations: t.runNotes(), Spec: spec})
	}
}

// patientWith waits for a problem to be put right, for as long as pods may take to come up.
func (t *trial) patientWith(e *api.ExperimentAnalysisRunStatus, problem string) bool {
	end := t.status.AvailableAt.Add(t.deadline())
	if !t.in.Now.Before(end) {
		t.moveRun(e, api.AnalysisPhaseError, "It could not be begun: "+problem)
		return false
	}
	e.Message = problem
	t.wait(end)
	t.waiting = Reason{Code: "Invalid", Message: fmt.Sprintf("Waiting for analysis %s: %s", e.Name, problem)}
	return true
}

func (t *trial) runSpec(analysis *api.ExperimentAnalysisTemplateRef) (api.AnalysisRunSpec, []compose.Problem) {
	ex := t.in.Experiment
	lookup := func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
		spec, ok := t.in.Templates[TemplateKey{Name: name, Cluster: cluster}]
		return spec, ok
	}
	args, problems := compose.ExperimentArgs(analysis.Args, t.values())
	refs := []api.AnalysisTemplateRef{{TemplateName: analysis.TemplateName, ClusterScope: analysis.ClusterScope}}
	bare, _ := compose.Spec(refs, lookup, args, nil, nil)
	dryRun, retention := compose.Fitting(bare.Metrics, ex.Spec.DryRun, ex.Spec.MeasurementRetention)
	spec, more := compose.Spec(refs, lookup, args, dryRun, retention)
	problems = append(problems, more...)
	spec.Args, more = compose.FieldArgs(spec.Args, ex)
	return spec, append(problems, more...)
}

// values are what arguments may say about the Experiment.
func (t *trial) values() map[string]string {
	values := map[string]string{}
	for i := range t.in.Experiment.Spec.Templates {
		template := &t.in.Experiment.Spec.Templates[i]
		if s := templateStatus(&t.status, template.Name); s != nil {
			values[compose.AboutTemplate(template.Name, compose.AboutHash)] = s.PodTemplateHash
			values[compose.AboutTemplate(template.Name, compose.AboutReplicaSet)] = t.setName(template, s)
		}
	}
	if at := t.status.AvailableAt; at != nil {
		values[compose.AboutExperiment(compose.AboutAvailableAt)] = at.UTC().Format(time.RFC3339)
		if length, err := t.in.Experiment.Spec.Duration.Duration(); err == nil && length > 0 {
			values[compose.AboutExperiment(compose.AboutFinishedAt)] = at.Add(length).UTC().Format(time.RFC3339)
		}
	}
	return values
}

func (t *trial) runLabels() map[string]string {
	labels := map[string]string{}
	for k, v := range t.in.Experiment.Spec.AnalysisRunMetadata.Labels {
		labels[k] = v
	}
	delete(labels, api.LabelInstanceID) // a run of another instance is never measured
	if hash, ok := t.in.Experiment.Labels[api.LabelPodTemplateHash]; ok {
		labels[api.LabelPodTemplateHash] = hash // of the revision whose step this is
	}
	if id, ok := t.in.Experiment.Labels[api.LabelInstanceID]; ok {
		labels[api.LabelInstanceID] = id
	}
	return labels
}

func (t *trial) runNotes() map[string]string {
	notes := map[string]string{}
	for k, v := range t.in.Experiment.Spec.AnalysisRunMetadata.Annotations {
		notes[k] = v
	}
	notes[annotationAvailableAt] = t.attempt()
	if revision := t.in.Experiment.Annotations[api.AnnotationRevision]; revision != "" {
		notes[api.AnnotationRevision] = revision
	}
	return notes
}
