package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// deployment is the Deployment a Rollout may take its template from, with pods of its own. They are those of
// any version: its own updates are not played.
type deployment struct {
	decide.Workload
	template corev1.PodTemplateSpec
	pods     []pod
	version  int
}

// Rescale is one change of the Deployment's size by the controller.
type Rescale struct {
	From, To int32
	// Replicas is what the Rollout wanted when this was decided.
	Replicas int32
	// ServingBefore and ServingAfter are the available pods of the Rollout and of the Deployment.
	ServingBefore, ServingAfter int32
}

// Deploy makes a Deployment with pods that serve, as there is before a Rollout takes over.
func (w *World) Deploy(name string, replicas int32, template corev1.PodTemplateSpec) {
	d := &deployment{template: template}
	d.Kind, d.Name, d.Scales, d.Generation, d.Wanted = "Deployment", name, true, 1, replicas
	for range replicas {
		d.pods = append(d.pods, w.workloadPod(d, 0))
	}
	d.version = w.touch()
	w.deployment = d
	w.node()
}

func (w *World) workloadPod(d *deployment, boot time.Duration) pod {
	w.uid++
	return pod{name: fmt.Sprintf("%s-%d", d.Name, w.uid), createdAt: w.Now, readyAt: w.Now.Add(boot), never: boot < 0}
}

// EditDeployment changes size and template as a user, an autoscaler or a sync would.
func (w *World) EditDeployment(change func(replicas *int32, template *corev1.PodTemplateSpec)) {
	next := *w.deployment
	next.template = *next.template.DeepCopy()
	change(&next.Wanted, &next.template)
	w.replaceDeployment(next)
}

// DeleteDeployment takes the Deployment and its pods away.
func (w *World) DeleteDeployment() {
	w.deployment = nil
	w.touch()
}

// DeploymentPods is how many pods of its own the Deployment wants and has available; nothing without one.
func (w *World) DeploymentPods() (wanted, available int32) {
	if w.deployment == nil {
		return 0, 0
	}
	return w.deployment.Wanted, w.deployment.serving(w.Now)
}

func (d *deployment) serving(now time.Time) (n int32) {
	for _, p := range d.pods {
		if p.available(now) {
			n++
		}
	}
	return n
}

// replaceDeployment puts a new version in place; a change of the spec is a new generation.
func (w *World) replaceDeployment(next deployment) {
	was := w.deployment
	if was.Wanted != next.Wanted || !sameJSON(was.template, next.template) {
		next.Generation++
		next.Observed = false
	}
	next.version = w.touch()
	w.deployment = &next
	w.nodeOfDeployment()
}

// nodeOfDeployment is the Deployment controller and the kubelet.
func (w *World) nodeOfDeployment() {
	if w.deployment == nil {
		return
	}
	next := *w.deployment
	next.pods = slices.Clone(next.pods)
	for int32(len(next.pods)) < next.Wanted {
		boot := time.Second
		if w.DeploymentBoot != nil {
			boot = w.DeploymentBoot()
		}
		next.pods = append(next.pods, w.workloadPod(&next, boot))
	}
	slices.SortStableFunc(next.pods, func(a, b pod) int { return order(b.available(w.Now), a.available(w.Now)) })
	next.pods = next.pods[:next.Wanted]
	available := next.serving(w.Now)
	if len(next.pods) != len(w.deployment.pods) || available != next.Available || !next.Observed {
		next.Available, next.Observed = available, true
		next.version = w.touch()
		w.deployment = &next
	}
}

// Delete asks for the Rollout to be deleted. What it owns goes with it, once nothing holds it any more.
func (w *World) Delete() {
	w.Apply(func(ro *api.Rollout) {
		now := metav1.NewTime(w.Now.Truncate(time.Second))
		ro.DeletionTimestamp = &now
	})
	w.collect()
}

// Gone says that the Rollout does not exist any more.
func (w *World) Gone() bool { return w.gone }

// collect is the API server and the garbage collector once a deleted Rollout has no finalizer.
func (w *World) collect() {
	if w.gone || w.rollout.DeletionTimestamp.IsZero() || len(w.rollout.Finalizers) > 0 {
		return
	}
	w.gone = true
	clear(w.sets)
	clear(w.runs)
	w.touch()
}

// resolve is the Rollout as this pass sees it, with the template of the Deployment where it refers to one.
func (p *rolloutWorld) resolve(in *decide.RolloutInput) {
	ref := in.Rollout.Spec.WorkloadRef
	if ref == nil {
		return
	}
	seen := p.seen.deployment
	if seen == nil || seen.Name != ref.Name {
		in.Observed.Workload = &decide.Workload{Kind: ref.Kind, Name: ref.Name, Missing: true}
		in.Observed.Invalid = append(in.Observed.Invalid, fmt.Sprintf("spec.workloadRef: %s %s does not exist", ref.Kind, ref.Name))
		return
	}
	workload := seen.Workload
	in.Observed.Workload = &workload
	in.Rollout.Spec.SetResolvedTemplate(*seen.template.DeepCopy())
	if in.Rollout.Spec.Selector == nil {
		in.Rollout.Spec.SetResolvedSelector(&metav1.LabelSelector{MatchLabels: seen.template.Labels})
	}
}

// scaleDeployment is what the API server does with a patch of the Deployment.
func (p *rolloutWorld) scaleDeployment(a decide.WorkloadWants) error {
	w := p.w
	if w.deployment == nil || p.seen.deployment == nil || w.deployment.version != p.seen.deployment.version {
		return ErrConflict
	}
	if err := p.rely(a.Relies); err != nil {
		return err
	}
	change := Rescale{From: w.deployment.Wanted, To: a.To, Replicas: 1, ServingBefore: w.everything()}
	if wanted := p.seen.rollout.Spec.Replicas; wanted != nil {
		change.Replicas = *wanted
	}
	next := *w.deployment
	next.Wanted, next.Before, next.Set = a.To, a.Before, a.To
	w.replaceDeployment(next)
	change.ServingAfter = w.everything()
	if w.Rescaled != nil {
		w.Rescaled(change)
	}
	return nil
}

// everything is what serves of the Rollout and of the Deployment.
func (w *World) everything() int32 {
	_, ours := w.Totals()
	_, others := w.DeploymentPods()
	return ours + others
}

// holdRollout is what the API server does with a change of the finalizers.
func (p *rolloutWorld) holdRollout(a decide.RolloutHeld) error {
	w := p.w
	if live, seen := w.deployment, p.seen.deployment; !a.Held && live != nil && (seen == nil || live.version != seen.version) {
		return ErrConflict
	}
	w.Apply(func(ro *api.Rollout) {
		ro.Finalizers = slices.DeleteFunc(slices.Clone(ro.Finalizers), func(f string) bool { return f == api.FinalizerRestoreWorkload })
		if a.Held {
			ro.Finalizers = append(ro.Finalizers, api.FinalizerRestoreWorkload)
		}
	})
	w.collect()
	return nil
}

// noteDeployment is the part of a transcript that tells of the Deployment.
func (w *World) noteDeployment() string {
	if w.deployment == nil {
		return ""
	}
	wanted, available := w.DeploymentPods()
	note := " deployment " + strconv.Itoa(int(available)) + "/" + strconv.Itoa(int(wanted))
	if slices.Contains(w.rollout.Finalizers, api.FinalizerRestoreWorkload) {
		note += " held"
	}
	return note
}
