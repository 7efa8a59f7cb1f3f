package decide

import (
	"slices"
	"sort"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// maxWeight is the whole of the traffic where no router says otherwise.
const maxWeight int32 = 100

// facts is what one turn sees, computed once and never edited.
type facts struct {
	ro       *api.Rollout
	seen     Observed
	now      time.Time
	replicas int32              // R
	canary   api.CanaryStrategy // empty when the strategy is blue-green
	// blueGreen is nil when the strategy is a canary.
	blueGreen *api.BlueGreenStrategy
	// hash and stepHash are those of the spec; while the spec is invalid, those already in progress.
	hash, stepHash string
	// specSteps is the hash of the spec's steps, whether or not they can be carried out.
	specSteps string
	// forward says that the spec can be carried out: nothing new starts without it.
	forward bool
	// unsure says what is awaited before it is known which revision the template is, "" when it is.
	unsure string
	// unsettled says that ReplicaSets still count pods that are gone.
	unsettled bool
}

func look(in RolloutInput) facts {
	f := facts{ro: in.Rollout, seen: in.Observed, now: in.Now, replicas: 1}
	if in.Rollout.Spec.Replicas != nil {
		f.replicas = max(*in.Rollout.Spec.Replicas, 0)
	}
	if c := in.Rollout.Spec.Strategy.Canary; c != nil {
		f.canary = *c
	}
	f.blueGreen = in.Rollout.Spec.Strategy.BlueGreen
	f.seen.Invalid = append(slices.Clone(f.seen.Invalid), f.missingServices()...)
	f.countPods()
	f.hash, f.unsure = f.identify()
	f.specSteps = f.specStepHash()
	f.stepHash = f.specSteps
	f.forward = len(f.seen.Invalid) == 0 && in.Observed.Refused == "" && len(in.Observed.Unsupported) == 0 && f.unsure == ""
	if old := in.Rollout.Status; !f.forward && old.CurrentPodHash != "" {
		f.hash, f.stepHash = old.CurrentPodHash, old.CurrentStepHash
	}
	return f
}

func (f facts) specStepHash() string {
	if f.ro.Spec.Strategy.Canary == nil {
		return ""
	}
	return StepHash(f.canary.Steps)
}

// find is the ReplicaSet of a revision, nil when there is none. Somebody may have made a second one with
// the same hash, from a backup for instance: the one with the revision's own name is meant.
func (f facts) find(hash string) (found *ReplicaSet) {
	for i := range f.seen.ReplicaSets {
		rs := &f.seen.ReplicaSets[i]
		if hash != "" && rs.Hash == hash && (found == nil || rs.Name == f.ro.Name+"-"+hash) {
			found = rs
		}
	}
	return found
}

// fresh is the ReplicaSet of the current template, nil before it exists.
func (f facts) fresh() *ReplicaSet { return f.find(f.hash) }

// others are the ReplicaSets that are neither current nor stable, newest revision first.
func (f facts) others(stable string) []*ReplicaSet {
	var others []*ReplicaSet
	fresh, kept := f.fresh(), f.find(stable)
	for i := range f.seen.ReplicaSets {
		rs := &f.seen.ReplicaSets[i]
		if rs != fresh && rs != kept {
			others = append(others, rs)
		}
	}
	sort.SliceStable(others, func(i, j int) bool {
		if others[i].Revision != others[j].Revision {
			return others[i].Revision > others[j].Revision
		}
		return others[i].Name < others[j].Name
	})
	return others
}

// run is the AnalysisRun of this name, nil when it is not seen.
func (f facts) run(name string) *api.AnalysisRun {
	for _, r := range f.seen.Runs {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// stamp is now as status keeps it: whole seconds.
func (f facts) stamp() metav1.Time { return metav1.NewTime(f.now.Truncate(time.Second)) }

// stampUp is now rounded up to whole seconds, for starts of waits that must not come out too short.
func (f facts) stampUp() metav1.Time {
	return metav1.NewTime(f.now.Add(time.Second - time.Nanosecond).Truncate(time.Second))
}

// surge and unavailable are the limits of a basic canary; blue-green has the second, for restarts. If both come to 0 one pod may be missing,
// or nothing could ever move.
func (f facts) limits() (surge, unavailable int32) {
	if f.blueGreen != nil {
		return 0, min(share(f.blueGreen.MaxUnavailable, f.replicas, false), f.replicas)
	}
	surge = share(f.canary.MaxSurge, f.replicas, true)
	unavailable = share(f.canary.MaxUnavailable, f.replicas, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, f.replicas)
}

// share reads a number or a percentage of total; absent means 25 %, a string without a percent
// sign is a percentage, unreadable is 0 (validation reports it).
func share(v *intstr.IntOrString, total int32, up bool) int32 {
	quarter := intstr.FromString("25%")
	if v == nil {
		v = &quarter
	}
	text := *v
	if text.Type == intstr.String && (text.StrVal == "" || text.StrVal[len(text.StrVal)-1] != '%') {
		text.StrVal += "%"
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(&text, int(total), up)
	if err != nil || n < 0 {
		return 0
	}
	return int32(n)
}
