package simulate

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	steer "sluice.dev/sluice/internal/command"
)

// fire does what is due at this moment. It says whether anything was done.
func (p *player) fire() (done bool) {
	if p.began.IsZero() {
		return false
	}
	for i, e := range p.plot.Events {
		if !p.fired[i] && p.due(e.At) {
			p.fired[i], done = true, true
			p.happen(e)
		}
	}
	for i := 0; i < len(p.chores); i++ {
		if c := p.chores[i]; !p.w.Now.Before(c.at) {
			p.chores = slices.Delete(slices.Clone(p.chores), i, i+1)
			i, done = i-1, true
			c.do()
		}
	}
	return p.autoscale() || p.reapply() || p.wave() || done
}

func (p *player) due(at Moment) bool {
	switch {
	case at.Step > 0:
		index := p.w.rollout.Status.CurrentStepIndex
		return index != nil && *index >= at.Step-1 && p.update()
	case at.Weight > 0:
		return p.update() && p.hasCome(at.Weight)
	}
	return p.elapsed() >= time.Duration(at.After)
}

// update says that the version that was applied last is on its way.
func (p *player) update() bool {
	s := p.w.rollout.Status
	return s.CurrentPodHash == p.hash(p.applied[len(p.applied)-1]) && !s.Abort
}

// hasCome says that the version on its way has this share of the requests: in fact, or as near as its pods
// allow, when the step that asks for it is complete.
func (p *player) hasCome(weight int32) bool {
	if p.share(p.w.rollout.Status.CurrentPodHash) >= float64(weight) {
		return true
	}
	canary, index := p.w.rollout.Spec.Strategy.Canary, p.w.rollout.Status.CurrentStepIndex
	if canary == nil || index == nil {
		return false
	}
	for _, step := range canary.Steps[:min(int(*index), len(canary.Steps))] {
		if step.SetWeight != nil && *step.SetWeight >= weight {
			return true
		}
	}
	return false
}

func (p *player) happen(e Happening) {
	switch {
	case e.Do != "":
		p.do(e.Do)
	case e.Apply != "":
		p.apply(e.Apply)
	case e.Reapply:
		p.applyAgain("The manifest is applied again")
	case e.Scale != nil:
		p.say("spec.replicas is set to %d.", *e.Scale)
		p.w.Scale(*e.Scale)
	case e.Crash != nil:
		p.crash(*e.Crash)
	case e.Evict != nil:
		p.evict(*e.Evict)
	case e.NodeLoss != nil:
		p.loseNode(*e.NodeLoss)
	case e.Router != nil:
		p.say("The router %s.", e.Router)
		p.routing = *e.Router
	case e.Outage > 0:
		p.say("The controller stops, and starts again after %s.", e.Outage)
		p.w.Away = p.w.Now.Add(time.Duration(e.Outage))
	}
}

// orders are those of the command line, in the order in which they are listed.
var orders = []struct {
	name  string
	build func(*api.Rollout) (steer.Change, error)
}{
	{"abort", steer.Abort}, {"pause", steer.Pause}, {"promote", steer.Promote}, {"promote-full", steer.PromoteFull},
	{"resume", steer.Resume}, {"retry", steer.Retry}, {"skip", steer.SkipStep},
}

// Commands are the words that an event may do.
func Commands() []string {
	names := []string{"restart", "undo"}
	for _, c := range orders {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

func (p *player) do(name string) {
	switch name {
	case "undo":
		before := versionOld
		for _, v := range p.applied {
			if v != p.applied[len(p.applied)-1] {
				before = v
			}
		}
		p.apply(before)
	case "restart":
		p.send(name, func(ro *api.Rollout) (steer.Change, error) { return steer.Restart(ro, p.w.Now, p.w.Now) })
	}
	for _, c := range orders {
		if c.name == name {
			p.send(name, c.build)
		}
	}
}

// apply applies a version: its pod template in the spec that there is.
func (p *player) apply(version string) {
	again := ""
	if slices.Contains(p.versions, version) {
		again = " again"
	}
	template := p.template(version)
	p.w.Apply(func(ro *api.Rollout) { ro.Spec.Template = *template.DeepCopy() })
	p.know(version)
	p.say("Version %s is applied%s.", version, again)
}

// applyAgain is the manifest as it stands in Git, whatever was changed in the cluster meanwhile.
func (p *player) applyAgain(what string) bool {
	spec := p.manifest.Spec.DeepCopy()
	spec.Template = p.template(p.applied[len(p.applied)-1])
	now := p.w.rollout.Spec
	if spec.RestartAt == nil {
		spec.RestartAt = now.RestartAt // not in the manifest: applying leaves it alone
	}
	if spec.Replicas == nil {
		spec.Replicas = now.Replicas
	}
	if sameJSON(*spec, now) {
		return false
	}
	told := what + "."
	if now.Replicas != nil && *spec.Replicas != *now.Replicas {
		told = fmt.Sprintf("%s: spec.replicas goes from %d back to %d.", what, *now.Replicas, *spec.Replicas)
	}
	p.say("%s", told)
	p.w.Apply(func(ro *api.Rollout) { ro.Spec = *spec })
	return true
}

// lost are the version and how many of its pods a loss is about.
func (p *player) lost(l Loss) (version string, n int) {
	version = l.Version
	if version == "" {
		version = p.applied[len(p.applied)-1]
	}
	_, available := p.w.Pods(p.hash(version))
	n = int(available)
	if l.Pods > 0 {
		n = min(n, int(l.Pods))
	}
	return version, n
}

// crash lets pods fail. When all of a version do, those that come later fail as well.
func (p *player) crash(l Loss) {
	version, n := p.lost(l)
	uids := p.w.Crash(p.hash(version), n)
	back := "and do not come back"
	if l.For > 0 {
		back = fmt.Sprintf("for %s", l.For)
		p.later(time.Duration(l.For), func() {
			p.say("The pods of %s that crashed serve again.", version)
			p.w.Recover(uids)
			delete(p.looping, version)
		})
	}
	if l.Pods > 0 {
		p.say("%s of %s crash %s.", count(n, "pod"), version, back)
		return
	}
	p.say("All pods of %s crash %s.", version, back)
	p.looping[version] = time.Time{}
	if l.For > 0 {
		p.looping[version] = p.w.Now.Add(time.Duration(l.For))
	}
}

func (p *player) evict(l Loss) {
	version, n := p.lost(l)
	p.say("%s of %s %s evicted.", count(n, "pod"), version, map[bool]string{true: "is", false: "are"}[n == 1])
	p.w.LosePods(p.hash(version), n)
}

// nodeTimeout is when Kubernetes replaces the pods of a node that does not answer, by default.
const nodeTimeout = 5 * time.Minute

func (p *player) loseNode(l Loss) {
	_, available := p.w.Totals()
	n := (int(available) + 2) / 3
	if l.Pods > 0 {
		n = int(l.Pods)
	}
	var uids []types.UID
	if l.Version != "" {
		uids = p.w.Crash(p.hash(l.Version), n)
	} else {
		uids = p.w.LoseNode(n)
	}
	after := time.Duration(l.For)
	if after == 0 {
		after = nodeTimeout
	}
	p.say("A node dies with %s; they are replaced after %s.", count(len(uids), "pod"), Duration(after))
	p.later(after, func() {
		p.say("The pods of the dead node are replaced.")
		p.w.Replace(uids)
	})
}

func (p *player) later(after time.Duration, do func()) {
	p.chores = append(slices.Clone(p.chores), chore{p.w.Now.Add(after), do})
}

// autoscale is the autoscaler's look.
func (p *player) autoscale() bool {
	if p.scaler == nil || p.w.Now.Before(p.scaler.nextAt) {
		return false
	}
	now := int32(1)
	if r := p.w.rollout.Spec.Replicas; r != nil {
		now = *r
	}
	load := p.scaler.plan.load(p.elapsed())
	wanted := p.scaler.look(p.w, load)
	if wanted == now {
		return false
	}
	p.say("The autoscaler sets spec.replicas from %d to %d, for a load of %s.", now, wanted, shortNumber(load))
	p.w.Scale(wanted)
	return true
}

func (p *player) reapply() bool {
	if p.reapplyAt.IsZero() || p.w.Now.Before(p.reapplyAt) {
		return false
	}
	p.reapplyAt = p.w.Now.Add(time.Duration(p.plot.ReapplyEvery))
	return p.applyAgain("GitOps applies the manifest again")
}

// wave ends a pause that waits for somebody, when the plot says so.
func (p *player) wave() bool {
	if p.plot.PromoteAfter == 0 {
		return false
	}
	switch {
	case !p.waitsForSomebody():
		p.promoteAt = time.Time{}
	case p.promoteAt.IsZero():
		p.promoteAt = p.w.Now.Add(time.Duration(p.plot.PromoteAfter))
	case !p.w.Now.Before(p.promoteAt):
		p.promoteAt = time.Time{}
		p.do("promote")
		return true
	}
	return false
}

// waitsForSomebody says that the update is paused until a person ends that.
func (p *player) waitsForSomebody() bool {
	ro := p.w.rollout
	if ro.Spec.Paused {
		return true
	}
	for _, c := range ro.Status.PauseConditions {
		if c.Reason != api.PauseReasonCanaryPauseStep {
			return !p.timedPause(c.Reason)
		}
		if i, canary := ro.Status.CurrentStepIndex, ro.Spec.Strategy.Canary; i != nil && canary != nil && int(*i) < len(canary.Steps) {
			pause := canary.Steps[*i].Pause
			return pause != nil && pause.IsIndefinite()
		}
	}
	return false
}

// timedPause says that a pause of a blue-green update ends by itself.
func (p *player) timedPause(reason api.PauseReason) bool {
	b := p.w.rollout.Spec.Strategy.BlueGreen
	return reason == api.PauseReasonBlueGreenPause && b != nil && b.AutoPromotionSeconds > 0
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
