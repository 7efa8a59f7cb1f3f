package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/engine"
)

// experiment is an Experiment with its ReplicaSets and Services.
type experiment struct {
	object   *api.Experiment
	version  int
	sets     map[string]*set
	services map[string]bool
	reason   decide.Reason
}

// CreateExperiment makes an Experiment, as a user would.
func (w *World) CreateExperiment(ex *api.Experiment) {
	w.uid++
	made := ex.DeepCopy()
	made.Namespace, made.UID = w.rollout.Namespace, types.UID(fmt.Sprintf("experiment-%d", w.uid))
	made.CreationTimestamp = metav1.NewTime(w.Now)
	w.experiments[made.Name] = &experiment{object: made, version: w.touch(), sets: map[string]*set{}, services: map[string]bool{}}
}

// EditExperiment changes an Experiment as a user would, if there is one of this name.
func (w *World) EditExperiment(name string, change func(*api.Experiment)) {
	if e := w.experiments[name]; e != nil {
		e.object = e.object.DeepCopy()
		change(e.object)
		e.version = w.touch()
	}
}

// DeleteExperiment takes an Experiment away with all that belongs to it.
func (w *World) DeleteExperiment(name string) {
	e := w.experiments[name]
	if e == nil {
		return
	}
	for run, r := range w.runs {
		if metav1.IsControlledBy(r.object, e.object) {
			delete(w.runs, run)
		}
	}
	delete(w.experiments, name)
	w.touch()
}

// Experiments are the Experiments by name.
func (w *World) Experiments() map[string]*api.Experiment {
	all := map[string]*api.Experiment{}
	for name, e := range w.experiments {
		all[name] = e.object
	}
	return all
}

// ExperimentPods is how many pods an Experiment wants, and how many of them are available.
func (w *World) ExperimentPods(name string) (wanted, available int32) {
	if e := w.experiments[name]; e != nil {
		for _, s := range e.sets {
			wanted += s.Wanted
			available += s.serving(w.Now)
		}
	}
	return wanted, available
}

// ExperimentServices are the Services of an Experiment, sorted.
func (w *World) ExperimentServices(name string) []string {
	if e := w.experiments[name]; e != nil {
		return slices.Sorted(maps.Keys(e.services))
	}
	return nil
}

// eachSet visits every ReplicaSet there is, those of Experiments too, in a fixed order.
func (w *World) eachSet(visit func(*set)) {
	for _, name := range slices.Sorted(maps.Keys(w.sets)) {
		visit(w.sets[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.experiments)) {
		sets := w.experiments[name].sets
		for _, s := range slices.Sorted(maps.Keys(sets)) {
			visit(sets[s])
		}
	}
}

// snapExperiments is what caches hold of the Experiments.
func (w *World) snapExperiments() map[string]experiment {
	seen := map[string]experiment{}
	for name, e := range w.experiments {
		copied := experiment{object: e.object, version: e.version, services: maps.Clone(e.services), sets: map[string]*set{}}
		for s, rs := range e.sets {
			now := *rs
			copied.sets[s] = &now
		}
		seen[name] = copied
	}
	return seen
}

// watchedExperiments are the Experiments as the cache has them. Where there have never been any, no fault is drawn.
func (w *World) watchedExperiments(seen func() *snapshot) map[string]experiment {
	if !slices.ContainsFunc(w.past, func(s *snapshot) bool { return len(s.experiments) > 0 }) {
		return nil
	}
	return seen().experiments
}

// seenExperiments are those the Rollout owns, as this pass sees them.
func (p *rolloutWorld) seenExperiments() (all []*api.Experiment) {
	for _, name := range slices.Sorted(maps.Keys(p.seen.experiments)) {
		if e := p.seen.experiments[name]; metav1.IsControlledBy(e.object, p.seen.rollout) {
			all = append(all, e.object)
		}
	}
	return all
}

// actOnExperiment is what the API server does with the Rollout's actions about Experiments.
func (p *rolloutWorld) actOnExperiment(action decide.Action) error {
	w := p.w
	switch a := action.(type) {
	case decide.ExperimentExists:
		if w.experiments[a.Name] == nil {
			w.CreateExperiment(&api.Experiment{
				ObjectMeta: metav1.ObjectMeta{
					Name: a.Name, Labels: a.Labels, Annotations: a.Annotations,
					OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(w.rollout, api.Kind(api.KindRollout))},
				},
				Spec: *a.Spec.DeepCopy(),
			})
		}
	case decide.ExperimentStopped:
		w.EditExperiment(a.Name, func(ex *api.Experiment) {
			ex.Annotations = maps.Clone(ex.Annotations)
			if ex.Annotations == nil {
				ex.Annotations = map[string]string{}
			}
			ex.Annotations[api.AnnotationStoppedBy], ex.Spec.Terminate = api.StoppedByRollout, true
		})
	case decide.ExperimentGone:
		w.DeleteExperiment(a.Name)
	default:
		return w.actOnRun(action, w.rollout)
	}
	return nil
}

// experimentWorld is one pass over an Experiment.
type experimentWorld struct {
	w    *World
	name string
	seen experiment
}

func (p *experimentWorld) Observe(context.Context) (decide.ExperimentInput, error) {
	w := p.w
	past := w.observe()
	e, ok := past.experiments[p.name]
	if !ok {
		return decide.ExperimentInput{}, errors.New("the Experiment is not in the cache")
	}
	p.seen = e
	in := decide.ExperimentInput{
		Experiment: e.object.DeepCopy(), Services: maps.Clone(e.services), Templates: w.Templates, Now: w.Now,
		Taken: w.TakenNames, Trouble: map[string]string{},
	}
	for _, name := range slices.Sorted(maps.Keys(e.sets)) {
		in.ReplicaSets = append(in.ReplicaSets, e.sets[name].ReplicaSet)
	}
	for _, name := range slices.Sorted(maps.Keys(past.runs)) {
		if run := past.runs[name].object; metav1.IsControlledBy(run, e.object) {
			in.Runs = append(in.Runs, run)
		}
	}
	for _, name := range decide.ExperimentOverdue(in.Experiment, w.Now) {
		in.Trouble[name] = "1 CrashLoopBackOff (container shop: last exit code 1)"
	}
	if w.InvalidExperiment != nil {
		in.Invalid = w.InvalidExperiment(in.Experiment)
	}
	return in, nil
}

func (p *experimentWorld) Same(s api.ExperimentStatus) bool {
	return p.w.same(p.seen.object.Status, s)
}

func (p *experimentWorld) Save(_ context.Context, s api.ExperimentStatus) error {
	if err := p.w.write(); err != nil {
		return err
	}
	live := p.w.experiments[p.name]
	if live == nil || live.version != p.seen.version {
		return ErrConflict
	}
	if p.w.same(live.object.Status, s) {
		return nil
	}
	kept := *s.DeepCopy()
	if err := p.w.roundTrip(s, &kept); err != nil {
		return err
	}
	p.w.EditExperiment(p.name, func(ex *api.Experiment) { ex.Status = kept })
	return nil
}

func (p *experimentWorld) Tell(events []decide.Event) { p.w.events = append(p.w.events, events...) }

func (p *experimentWorld) Act(_ context.Context, action decide.Action) error {
	return p.w.deliver(action, func() error {
		live := p.w.experiments[p.name]
		if live == nil {
			return ErrConflict
		}
		return p.act(live, action)
	})
}

func (p *experimentWorld) act(live *experiment, action decide.Action) error {
	w := p.w
	switch a := action.(type) {
	case decide.ReplicaSetExists:
		if live.sets[a.Name] == nil {
			live.sets[a.Name] = &set{version: w.touch(), boots: a.Name, ReplicaSet: decide.ReplicaSet{
				Name: a.Name, Hash: a.Hash, CreatedAt: w.Now, DesiredReplicas: a.DesiredReplicas,
				MinReadySeconds: a.MinReadySeconds, Template: *a.Template.DeepCopy(), Observed: true,
			}}
		}
	case decide.ReplicaSetWants:
		return p.edit(live, a.Name, func(s *set) { s.Wanted, s.Observed = a.To, false })
	case decide.ReplicaSetCarries:
		return p.edit(live, a.Name, func(s *set) {
			s.ScaleDownAt, _ = time.Parse(time.RFC3339, a.Annotations[api.AnnotationScaleDownDeadline])
		})
	case decide.ServiceExists:
		if !live.services[a.Name] {
			live.services[a.Name] = true
			w.touch()
		}
	case decide.ServiceGone:
		if live.services[a.Name] {
			delete(live.services, a.Name)
			w.touch()
		}
	default:
		return w.actOnRun(action, live.object)
	}
	return nil
}

// edit changes a ReplicaSet of an Experiment, if it is still the version this pass saw.
func (p *experimentWorld) edit(live *experiment, name string, change func(*set)) error {
	s, seen := live.sets[name], p.seen.sets[name]
	if s == nil || seen == nil || s.version != seen.version {
		return ErrConflict
	}
	change(s)
	s.version = p.w.touch()
	p.w.node()
	return nil
}

// passExperiments lets every Experiment have its pass.
func (w *World) passExperiments() {
	for _, name := range slices.Sorted(maps.Keys(w.experiments)) {
		again, _ := engine.Pass(context.Background(), &experimentWorld{w: w, name: name}, func(in decide.ExperimentInput) decide.Plan[api.ExperimentStatus] {
			plan := decide.Experiment(in)
			w.experiments[name].reason = plan.Reason
			return plan
		})
		w.alarm(again)
	}
}

// noteExperiments adds the Experiments whose state differs from the last one noted.
func (t *Transcript) noteExperiments() {
	for _, name := range slices.Sorted(maps.Keys(t.w.experiments)) {
		e := t.w.experiments[name]
		var pods []string
		for _, s := range slices.Sorted(maps.Keys(e.sets)) {
			rs := e.sets[s]
			pods = append(pods, fmt.Sprintf("%s %d/%d", strings.TrimPrefix(s, name+"-"), rs.serving(t.w.Now), rs.Wanted))
		}
		state := fmt.Sprintf("%s: %s, %s  %s", name, e.object.Status.Phase, strings.Join(pods, " "), e.reason.Message)
		if t.tried[name] != state {
			fmt.Fprintf(&t.text, "%6s    · %s\n", t.clock(), strings.TrimRight(state, " "))
		}
		t.tried[name] = state
	}
}
