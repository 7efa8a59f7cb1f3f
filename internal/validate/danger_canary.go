package validate

import (
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

func (d *dangers) canary(canary *api.CanaryStrategy, path *field.Path) {
	if canary.TrafficRouting == nil {
		d.withoutRouter(canary, path)
	} else {
		d.withRouter(canary, path)
	}
	d.apart(canary.AntiAffinity, path)
	d.threshold(canary.ReplicaProgressThreshold, path.Child("replicaProgressThreshold"))
	d.watched(canary, path)
	d.weights(canary, path.Child("steps"))
	d.sizes(canary, path.Child("steps"))
}

func (d *dangers) withoutRouter(canary *api.CanaryStrategy, path *field.Path) {
	if canary.StableService != "" && canary.CanaryService != "" {
		d.as(RuleServicesAlone).warn(path.Child("stableService"), "selects the stable pods alone, and no trafficRouting moves requests away from it: whoever sends them to this Service sees the stable pods shrink as the canary grows",
			"send requests to a Service that selects both versions, or add trafficRouting")
	}
	replicas := d.spec.Replicas
	if replicas == nil || d.around.Autoscaled || *replicas < 1 {
		return
	}
	for i := range canary.Steps {
		weight := canary.Steps[i].SetWeight
		if weight == nil || *weight <= 0 || *weight >= 100 {
			continue
		}
		if near := nearest100(int(*weight), int(*replicas)); math.Abs(near-float64(*weight)) >= coarse {
			d.as(RuleCoarseWeight).warn(path.Child("steps").Index(i).Child("setWeight"), fmt.Sprintf("is %d, and with replicas %d the nearest share of the pods is %.0f %%, which is the share of the requests", *weight, *replicas, near),
				"write a weight that the pods can have, more replicas, or trafficRouting")
		}
	}
}

// coarse is how many per cent a share of pods may be off before it is another share.
const coarse = 10

// nearest100 is the share, in per cent, nearest to weight that some of replicas pods can have, or of one pod
// more: 5 % of 2 pods is 33, one of three.
func nearest100(weight, replicas int) float64 {
	best := math.Inf(1)
	for _, all := range []int{replicas, replicas + 1} {
		for _, part := range []int{weight * all / 100, weight*all/100 + 1} {
			share := 100 * float64(part) / float64(all)
			if part >= 1 && part < all && math.Abs(share-float64(weight)) < math.Abs(best-float64(weight)) {
				best = share
			}
		}
	}
	return best
}

func (d *dangers) withRouter(canary *api.CanaryStrategy, path *field.Path) {
	d.delays(canary.ScaleDownDelaySeconds, canary.AbortScaleDownDelaySeconds, path)
	if canary.MaxSurge != nil {
		d.as(RuleNoEffect).warn(path.Child("maxSurge"), "has no effect with trafficRouting: the canary's pods are always added to the stable ones", "remove it")
	}
	if canary.DynamicStableScale && d.around.Autoscaled {
		d.as(RuleAutoscaledStable).warn(path.Child("dynamicStableScale"), "is true, and an autoscaler sets the number of pods by an average over both versions: one of them can be overloaded while the average is fine, and an abort has to wait for stable pods",
			"remove it, so that the stable pods stay while the canary grows")
	}
	if least := canary.MinPodsPerReplicaSet; least != nil && (*least < 1 || *least > d.spec.ResolvedReplicas() && !d.around.Autoscaled) {
		d.as(RuleNoEffect).warn(path.Child("minPodsPerReplicaSet"), fmt.Sprintf("is %d, and counts as at least 1 and at most replicas, which is %d", *least, d.spec.ResolvedReplicas()), "")
	}
}

func (d *dangers) threshold(threshold *api.ReplicaProgressThreshold, path *field.Path) {
	if threshold == nil {
		return
	}
	percent := threshold.Type == api.ProgressThresholdPercent
	if !percent && threshold.Type != api.ProgressThresholdPods {
		d.as(RuleProgressThreshold).warn(path.Child("type"), fmt.Sprintf("is %s, which means Pods", quote(threshold.Type)), "write Percent or Pods")
	}
	switch value := threshold.Value; {
	case value < 0:
		d.as(RuleProgressThreshold).warn(path.Child("value"), fmt.Sprintf("is %d, which means all pods", value), "remove replicaProgressThreshold if that is what you mean")
	case value == 0:
		d.as(RuleProgressThreshold).warn(path.Child("value"), "is 0: a step is complete although no pod of the new version is available", "write at least 1")
	case percent && value > 100:
		d.as(RuleProgressThreshold).warn(path.Child("value"), fmt.Sprintf("is %d, more than all of the pods", value), "write 1 to 100")
	}
}

// watched warns where a new version is taken to all requests with nobody who looks at it.
func (d *dangers) watched(canary *api.CanaryStrategy, path *field.Path) {
	if len(canary.Steps) == 0 || canary.Analysis != nil && len(canary.Analysis.Templates) > 0 {
		return
	}
	limit := canary.ResolvedMaxTrafficWeight()
	everything := false
	for i := range canary.Steps {
		step := &canary.Steps[i]
		switch {
		case asks(step):
			return
		case measures(step) && everything:
			d.as(RuleLateAnalysis).warn(path.Child("steps").Index(i), "is the first to measure, and the new version has all requests already", "measure at a smaller weight, or in the background: spec.strategy.canary.analysis")
			return
		case measures(step):
			return
		}
		everything = everything || step.SetWeight != nil && *step.SetWeight == limit
	}
	d.as(RuleNeverMeasured).warn(path.Child("steps"), "are taken by the clock alone: nothing is measured and nobody is asked, so only pods that do not become ready stop a bad version", "add an analysis step, an analysis in the background, or pause: {}")
}

// asks tells that a step waits for somebody who decides.
func asks(step *api.CanaryStep) bool {
	return step.Pause != nil && step.Pause.IsIndefinite() || step.Plugin != nil
}

func measures(step *api.CanaryStep) bool {
	return step.Analysis != nil && len(step.Analysis.Templates) > 0 || step.Experiment != nil && len(step.Experiment.Analyses) > 0
}

// weights looks at the weights in their order.
func (d *dangers) weights(canary *api.CanaryStrategy, path *field.Path) {
	limit, before := canary.ResolvedMaxTrafficWeight(), int32(0)
	for i := range canary.Steps {
		step := &canary.Steps[i]
		d.together(step.Experiment, before, limit, path.Index(i).Child("experiment"))
		weight := step.SetWeight
		if weight == nil {
			continue
		}
		if *weight < before {
			d.as(RuleDescendingWeights).warn(path.Index(i).Child("setWeight"), fmt.Sprintf("is %d, less than the %d before it: requests go back to the old version", *weight, before), "order the weights from small to large")
		}
		if *weight == limit && i == len(canary.Steps)-1 {
			d.as(RuleLastWeight).warn(path.Index(i).Child("setWeight"), fmt.Sprintf("is %d in the last step: the promotion follows at once, so nothing is watched at this weight", *weight), "remove the step, which the promotion does anyway, or let a pause or an analysis follow")
		}
		before = *weight
	}
}

// together adds up what an experiment's templates get beside the canary.
func (d *dangers) together(experiment *api.RolloutExperimentStep, canary, limit int32, path *field.Path) {
	if experiment == nil {
		return
	}
	sum := int64(0)
	for i := range experiment.Templates {
		if weight := experiment.Templates[i].Weight; weight != nil {
			sum += int64(*weight)
		}
	}
	if sum > 0 && sum+int64(canary) > int64(limit) {
		d.as(RuleTooMuchWeight).warn(path.Child("templates"), fmt.Sprintf("get %d together, beside %d of the canary: that is more than all requests, %d", sum, canary, limit), "write smaller weights")
	}
}

// sizes compares the share of the requests with that of the pods where setCanaryScale sets them apart. Less
// than half the pods for a share is warned of: each gets more than twice its part.
func (d *dangers) sizes(canary *api.CanaryStrategy, path *field.Path) {
	if canary.TrafficRouting == nil {
		return
	}
	limit, replicas := int64(canary.ResolvedMaxTrafficWeight()), int64(d.spec.ResolvedReplicas())
	var scale *api.SetCanaryScale
	scaledAt, weight := 0, int64(0)
	for i := range canary.Steps {
		step := &canary.Steps[i]
		if step.SetCanaryScale != nil {
			scale, scaledAt = step.SetCanaryScale, i
		}
		if step.SetWeight != nil {
			weight = int64(*step.SetWeight)
		}
		if step.SetCanaryScale == nil && step.SetWeight == nil || scale == nil {
			continue
		}
		pods, explicit := scaled(scale, replicas, limit)
		if needed := (replicas*weight + limit - 1) / limit; explicit && 2*pods < needed {
			d.as(RuleScaleBelowWeight).warn(path.Index(i), fmt.Sprintf("asks for weight %d of %d, which is the share of %d pods, and setCanaryScale of steps[%d] gives the new version %d", weight, limit, needed, scaledAt, pods),
				"let setCanaryScale: {matchTrafficWeight: true} come before the weight, or give it more pods")
		}
	}
}

// scaled is the size a setCanaryScale asks for; explicit is false when it follows the weight.
func scaled(scale *api.SetCanaryScale, replicas, limit int64) (pods int64, explicit bool) {
	switch {
	case scale.Replicas != nil:
		return int64(*scale.Replicas), true
	case scale.Weight != nil:
		return (replicas*int64(*scale.Weight) + limit - 1) / limit, true
	default:
		return 0, false
	}
}
