package validate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Around is what is known of the place where a Rollout runs.
type Around struct {
	// Autoscaled tells that an autoscaler sets its replicas.
	Autoscaled bool
	// Nodes is how many nodes its pods can run on, 0 when that is not known.
	Nodes int
}

// Dangers warns of what is valid, means the same on every controller of this API, and goes wrong easily:
// combinations of fields that leave requests without pods, pods without an end, or a new version without
// anybody who looks at it. There are only warnings: none of it is refused.
func Dangers(ro *api.Rollout, around Around) Findings {
	d := &dangers{sheet: &sheet{}, spec: &ro.Spec, around: around}
	root := field.NewPath("spec")
	d.general(root)
	if ro.Spec.Strategy.BlueGreen != nil {
		d.blueGreen(ro.Spec.Strategy.BlueGreen, root.Child("strategy", "blueGreen"))
	}
	if ro.Spec.Strategy.Canary != nil {
		d.canary(ro.Spec.Strategy.Canary, root.Child("strategy", "canary"))
	}
	return d.sorted()
}

type dangers struct {
	*sheet
	spec   *api.RolloutSpec
	around Around
}

func (d *dangers) general(root *field.Path) {
	if limit := d.spec.RevisionHistoryLimit; limit != nil && *limit == 0 {
		d.as(RuleNoHistory).warn(root.Child("revisionHistoryLimit"), "is 0: no earlier revision is kept, so there is nothing that undo or a rollbackWindow could go back to", "write at least 1")
	}
	if window := d.spec.RollbackWindow; window != nil && window.Revisions < 1 {
		d.as(RuleNoEffect).warn(root.Child("rollbackWindow", "revisions"), fmt.Sprintf("is %d: no rollback skips steps and analysis", window.Revisions), "write at least 1, or remove rollbackWindow")
	}
	if ref := d.spec.WorkloadRef; ref != nil && ref.Kind == "Deployment" && ref.ScaleDown != api.ScaleDownOnSuccess && ref.ScaleDown != api.ScaleDownProgressively {
		d.as(RuleTwoWorkloads).warn(root.Child("workloadRef"), "leaves the Deployment its own pods, beside those of the Rollout: twice the capacity, and requests to both where a Service selects both", "write scaleDown: onsuccess or progressively, or scale the Deployment to 0")
	}
	d.deadline(root.Child("progressDeadlineSeconds"))
}

// deadline compares the progress deadline with the time a pod takes at least.
func (d *dangers) deadline(path *field.Path) {
	given, ready := d.spec.ProgressDeadlineSeconds, d.spec.MinReadySeconds
	delay := probeDelay(d.spec.Template.Spec.Containers)
	least := int64(ready) + int64(delay)
	if given == nil || *given <= ready || int64(*given) > least || delay <= 0 {
		return
	}
	d.as(RuleShortDeadline).warn(path, fmt.Sprintf("is %d, and a pod is available after %d s at the earliest: its readiness is asked for after %d s, and minReadySeconds is %d", *given, least, delay, ready), fmt.Sprintf("write more than %d, with time to start", least))
}

// probeDelay is the longest time before a container is asked for the first time whether it is ready.
func probeDelay(containers []corev1.Container) (seconds int32) {
	for i := range containers {
		for _, probe := range []*corev1.Probe{containers[i].StartupProbe, containers[i].ReadinessProbe} {
			if probe != nil {
				seconds = max(seconds, probe.InitialDelaySeconds)
			}
		}
	}
	return seconds
}

func (d *dangers) blueGreen(bg *api.BlueGreenStrategy, path *field.Path) {
	manual := bg.AutoPromotionEnabled != nil && !*bg.AutoPromotionEnabled
	if manual && bg.AutoPromotionSeconds != 0 {
		d.as(RuleNoEffect).warn(path.Child("autoPromotionSeconds"), "has no effect while autoPromotionEnabled is false: the update waits until somebody promotes it", "remove one of them")
	}
	if bg.AutoPromotionSeconds < 0 {
		d.as(RuleNoEffect).warn(path.Child("autoPromotionSeconds"), fmt.Sprintf("is %d, which waits no time", bg.AutoPromotionSeconds), "remove it")
	}
	size, replicas := bg.PreviewReplicaCount, d.spec.ResolvedReplicas()
	measured := bg.PrePromotionAnalysis != nil && len(bg.PrePromotionAnalysis.Templates) > 0
	if size != nil && *size >= 0 && *size < replicas && !measured && !manual {
		d.as(RuleUnwatchedPreview).warn(path.Child("previewReplicaCount"), fmt.Sprintf("is %d of %d, and nothing looks at the preview: it is grown and promoted whatever it does", *size, replicas), "add prePromotionAnalysis, or write autoPromotionEnabled: false and promote by hand")
	}
	d.delays(bg.ScaleDownDelaySeconds, bg.AbortScaleDownDelaySeconds, path)
	d.apart(bg.AntiAffinity, path)
}

// delays are about how long pods stay that nobody needs, or might still need.
func (d *dangers) delays(after, abort *int32, path *field.Path) {
	if abort != nil && *abort == 0 {
		d.as(RuleAbortKeepsPods).warn(path.Child("abortScaleDownDelaySeconds"), "is 0, which keeps the new pods after an abort for good", "write at least 1 to have them scaled down, or leave it out for 30")
	}
	if abort != nil && *abort < 0 {
		d.warn(path.Child("abortScaleDownDelaySeconds"), fmt.Sprintf("is %d, and no time is negative", *abort), "write a number from 1, or 0 to keep the pods")
	}
	if after == nil {
		return
	}
	at, deadline := path.Child("scaleDownDelaySeconds"), d.spec.ResolvedProgressDeadlineSeconds()
	switch {
	case *after < 0:
		d.warn(at, fmt.Sprintf("is %d, and no time is negative", *after), "write a number from 1")
	case *after == 0:
		d.as(RuleNoScaleDownDelay).warn(at, "is 0: the old pods go at once, while proxies and load balancers that have not heard yet still send them requests", "write 30 or more, or leave it out for 30")
	case *after > deadline:
		d.as(RuleLongScaleDownDelay).warn(at, fmt.Sprintf("is %d, longer than progressDeadlineSeconds, which is %d: two versions are paid for all that time, and Argo Rollouts may report the update as late", *after, deadline), "")
	}
}

// apart is about pods that may not share a node with those of the other version.
func (d *dangers) apart(rule *api.AntiAffinity, path *field.Path) {
	if rule == nil || rule.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return
	}
	at, replicas := path.Child("antiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"), int(d.spec.ResolvedReplicas())
	switch nodes := d.around.Nodes; {
	case nodes > replicas:
	case nodes > 0:
		d.as(RuleRequiredApart).warn(at, fmt.Sprintf("keeps new pods off every node with a stable one, and %d stable pods may be on all %d nodes: the new pods would stay Pending", replicas, nodes), "write preferredDuringSchedulingIgnoredDuringExecution with a weight")
	default:
		d.as(RuleRequiredApart).warn(at, fmt.Sprintf("keeps new pods off every node with a stable one: where the %d stable pods are on all nodes, the new ones stay Pending", replicas), "write preferredDuringSchedulingIgnoredDuringExecution with a weight, or make sure that there are more nodes than replicas")
	}
}
