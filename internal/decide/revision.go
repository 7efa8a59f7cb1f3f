package decide

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// takeRevision makes sure the current template has its ReplicaSet and number, and starts over when
// the template or the steps have changed.
func (d *draft) takeRevision(f facts) {
	if d.status.ObservedGeneration == "" {
		d.tell(api.EventRolloutAddedToInformer, "Rollout resource added to informer: %s/%s", f.ro.Namespace, f.ro.Name)
	}
	d.revision = f.revision()
	if !f.forward {
		return
	}
	d.number(f)
	podChanged := d.status.CurrentPodHash != f.hash
	stepsChanged := d.status.CurrentStepHash != f.stepHash
	if podChanged || stepsChanged {
		d.startOver(f, podChanged)
	}
	d.create(f)
	d.describeCompletion(f) // before anything is scaled: the events tell the beginning first
	if (d.status.StableRS == "" || (d.undeployed(f) && !d.promoted(f))) && f.fresh() != nil {
		d.deployFirst(f)
	}
}

// revision is the number of the current template: what its ReplicaSet has when that is the highest,
// else one more than the highest.
func (f facts) revision() int64 {
	highest := int64(0)
	for i := range f.seen.ReplicaSets {
		if rs := &f.seen.ReplicaSets[i]; rs.Hash != f.hash {
			highest = max(highest, rs.Revision)
		}
	}
	if rs := f.fresh(); rs != nil && rs.Revision > highest {
		return rs.Revision
	}
	return highest + 1
}

// number writes the revision's number on the Rollout and on a ReplicaSet that came back into use.
func (d *draft) number(f facts) {
	if replicas := f.replicas; f.ro.Spec.Replicas == nil {
		d.act(RolloutCarries{Replicas: &replicas})
	}
	text := strconv.FormatInt(d.revision, 10)
	if f.ro.Annotations[api.AnnotationRevision] != text {
		d.act(RolloutCarries{Annotations: map[string]string{api.AnnotationRevision: text}})
		d.tell(api.EventRolloutUpdated, "Rollout updated to revision %d", d.revision)
	}
	rs := f.fresh()
	if rs == nil {
		return
	}
	if d.condition(api.RolloutProgressing) == nil {
		d.progress(f, api.ReasonFoundNewReplicaSet, "Found new replica set %q", rs.Name)
	}
	if rs.Revision != d.revision {
		change := map[string]string{api.AnnotationRevision: text}
		if rs.Revision > 0 {
			change[api.AnnotationRevisionHistory] = appendHistory(rs.History, rs.Revision)
		}
		d.act(ReplicaSetCarries{Name: rs.Name, Annotations: change})
	}
	if rs.MinReadySeconds != f.ro.Spec.MinReadySeconds {
		seconds := f.ro.Spec.MinReadySeconds
		d.act(ReplicaSetCarries{Name: rs.Name, MinReadySeconds: &seconds})
	}
}

// maxHistory bounds the list of earlier numbers a ReplicaSet carries, in bytes.
const maxHistory = 2000

func appendHistory(history string, revision int64) string {
	entry := strconv.FormatInt(revision, 10)
	if history == "" {
		return entry
	}
	history += "," + entry
	for len(history) > maxHistory {
		_, history, _ = strings.Cut(history, ",")
	}
	return history
}

// create asks for the ReplicaSet of the current template. A name that somebody else has makes the
// next hash another one.
func (d *draft) create(f facts) {
	if f.fresh() != nil {
		return
	}
	name := f.ro.Name + "-" + f.hash
	if f.seen.Taken[name] {
		collisions := int32(1)
		if c := d.status.CollisionCount; c != nil {
			collisions = *c + 1
		}
		d.status.CollisionCount = &collisions
		return
	}
	template, notes := dressed(&f.ro.Spec.Template, f.hash, d.outfit(f, f.hash))
	template.Spec.Affinity = d.apart(f, f.hash, template.Spec.Affinity)
	maps.DeleteFunc(notes, func(_, value string) bool { return value == "" })
	d.act(ReplicaSetExists{
		Name: name, Hash: f.hash, Revision: d.revision, DesiredReplicas: f.replicas,
		Template: *template, Annotations: notes, MinReadySeconds: f.ro.Spec.MinReadySeconds,
	})
	d.tell(api.EventNewReplicaSetCreated, "Created ReplicaSet %s (revision %d)", name, d.revision)
	d.progress(f, api.ReasonNewReplicaSetCreated, "Created new replica set %q", name)
}

// startOver begins the steps anew for another template or other steps. Nothing an earlier revision or
// attempt has earned is kept. Going back to the stable template skips all steps.
func (d *draft) startOver(f facts, podChanged bool) {
	first := d.status.CurrentPodHash == ""
	d.unpause()
	d.status.Abort, d.status.AbortedAt = false, nil
	d.status.PromoteFull = false
	d.forgetRuns()
	d.forgetSwitch()
	d.status.Attempt++
	if rs := f.fresh(); rs == nil || rs.Revision != d.revision {
		d.status.Attempt = 0 // a new number: no run of it can be left from before
	}
	d.giveUpRestart(f, podChanged)
	d.status.CurrentPodHash, d.status.CurrentStepHash = f.hash, f.stepHash
	if podChanged || (d.status.Duration != nil && d.status.Duration.FinishedAt != nil && !d.promoted(f)) {
		d.startClock(f)
	}
	d.begins(f, first, podChanged)
	if !first {
		d.progress(f, api.ReasonReplicaSetUpdated, "ReplicaSet %q is progressing.", f.ro.Name+"-"+f.hash)
	}
}

// begins goes to the step at which the update starts, and says why there.
func (d *draft) begins(f facts, first, podChanged bool) {
	d.goTo(f, 0)
	switch {
	case d.promoted(f):
		d.goTo(f, d.lastStep(f))
		if podChanged {
			d.goesBack(f)
		}
	case first || d.status.StableRS == "" || d.undeployed(f):
	case d.fastRollback(f) != "":
		// Told where the steps are skipped, which may also become right in mid-update.
	case podChanged && f.replicas == 0:
		// Nobody is served and nothing can be measured: the version that will serve is simply replaced.
		d.goTo(f, d.lastStep(f))
		d.record(f, DecidedSkip, "A new template was applied while no pods are wanted (spec.replicas is 0): there is nothing to measure, so the steps are skipped.")
	case f.blueGreen != nil:
		d.record(f, DecidedUpdate, fmt.Sprintf("A new template was applied: revision %d starts as the preview.", d.revision)+f.superseded())
	case podChanged:
		d.record(f, DecidedUpdate, fmt.Sprintf("A new template was applied: revision %d starts at step 1.", d.revision)+f.superseded())
	default:
		d.record(f, DecidedStepsChanged, "The steps were changed: the update starts over at step 1.")
	}
}

// goesBack tells that the stable template was applied again.
func (d *draft) goesBack(f facts) {
	if f.blueGreen != nil {
		d.record(f, DecidedRollback, "The stable template was applied again: it serves without another analysis.")
		return
	}
	d.tell(api.EventSkipSteps, "Rollback to stable ReplicaSets")
	d.record(f, DecidedRollback, "The stable template was applied again: steps and analysis are skipped.")
}

// deployFirst makes the very first revision stable at once: there is nothing to compare it with and
// nothing to go back to.
func (d *draft) deployFirst(f facts) {
	d.status.StableRS = f.hash
	d.goTo(f, d.lastStep(f))
	d.record(f, DecidedInitialDeploy, "This is the first revision: it is deployed without steps or analysis.")
	d.completion = "Initial deploy"
}

// lastStep is the index that says all steps are done.
func (d *draft) lastStep(f facts) int32 { return int32(len(f.canary.Steps)) }

// goTo moves to a step; without steps there is no index.
func (d *draft) goTo(f facts, index int32) {
	d.status.CurrentStepIndex = nil
	if len(f.canary.Steps) > 0 {
		d.status.CurrentStepIndex = &index
	}
}

// step is the index of the step being taken; the number of steps when all are done.
func (d *draft) step(f facts) int32 {
	if d.status.CurrentStepIndex == nil {
		return d.lastStep(f)
	}
	return *d.status.CurrentStepIndex
}
