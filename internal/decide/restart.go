package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// A restart replaces the pods that were created before spec.restartAt: they are evicted, and their
// ReplicaSets make new ones from the template they have. Steps, analysis, pauses and an abort neither
// hold it up nor notice it, and a spec that is otherwise invalid does not stop it, because no template
// moves. It spends the same budget as scaling and has the last turn in a pass, so that it takes only
// what is left after an update or an abort had its share.
//
// With T pods wanted and A of them serving once this pass's sizes have taken effect, it may take
//
//	A − (max(R, T) − max(1, maxUnavailable))
//
//	R = 5, maxUnavailable 1, 5 of 5 serve                      → 1
//	the same in mid-update, 6 wanted, 5 serve                  → 0: first the sixth
//	R = 10, maxUnavailable 2, 10 serve, this pass removes one  → 1
//	R = 1, maxUnavailable 0                                    → 1, or it could never be restarted
//
// A pod that is not ready serves nobody, so evicting it costs nothing: such pods go first and
// together. This is what helps when they are the reason for the restart, and it is safe because the
// server refuses the eviction of one that has changed since.
const (
	// restartAgain is when to look again while nothing that is awaited wakes anybody: the server must be
	// asked whether a PodDisruptionBudget allows more by now. Soon after a change it is asked sooner.
	restartAgain, restartSoonest = 30 * time.Second, time.Second
	// restartEcho is how long after the end of a restart its ReplicaSets may still count pods that are gone.
	restartEcho = 10 * time.Second
	// evictionsEach bounds one pass; the others follow in the next ones.
	evictionsEach = 50
)

// Restarting says that pods are to be replaced now.
func Restarting(ro *api.Rollout, now time.Time) bool {
	return RestartPending(ro) && !now.Before(ro.Spec.RestartAt.Time)
}

// RestartPending says that a restart was asked for and not carried out.
func RestartPending(ro *api.Rollout) bool { return pending(ro.Spec.RestartAt, ro.Status.RestartedAt) }

// CountsPods says that pods are counted one by one: during a restart, and for a moment after it, while the
// statuses of the ReplicaSets may not have caught up with what it did.
func CountsPods(ro *api.Rollout, now time.Time) bool {
	if Restarting(ro, now) {
		return true
	}
	for _, d := range ro.Status.Decisions {
		if d.Reason == DecidedRestarted && now.Sub(d.At.Time) < restartEcho {
			return true
		}
	}
	return false
}

// pending compares whole seconds: that is what status keeps.
func pending(asked, done *metav1.Time) bool {
	return asked != nil && (done == nil || !sameSecond(asked.Time, done.Time))
}

// countPods lowers what ReplicaSets say is available to what their pods show: a ReplicaSet learns a
// little late that a pod was evicted.
func (f *facts) countPods() {
	if f.seen.Pods == nil || !CountsPods(f.ro, f.now) {
		return
	}
	active, ready := map[string]int32{}, map[string]int32{}
	for _, p := range f.seen.Pods {
		if p.Deleting {
			continue
		}
		active[p.Hash]++
		if p.ready() {
			ready[p.Hash]++
		}
	}
	f.seen.ReplicaSets = slices.Clone(f.seen.ReplicaSets)
	for i := range f.seen.ReplicaSets {
		rs := &f.seen.ReplicaSets[i]
		f.unsettled = f.unsettled || rs.Replicas > active[rs.Hash] || rs.Available > ready[rs.Hash]
		rs.Available = min(rs.Available, ready[rs.Hash])
	}
}

// restart evicts what was created before spec.restartAt, as far as places can spare it.
func (d *draft) restart(f facts, places []place) {
	if f.unsettled {
		d.wait(f.now.Add(restartSoonest))
	}
	if !pending(f.ro.Spec.RestartAt, d.status.RestartedAt) {
		return
	}
	at := f.ro.Spec.RestartAt
	if f.now.Before(at.Time) {
		d.wait(at.Time)
		d.waits("RestartAt", "Waiting until %s (spec.restartAt) to replace the pods.", stampOf(at))
		return
	}
	if f.seen.Pods == nil {
		return
	}
	old := d.outdated(f, places)
	if len(old) == 0 {
		d.endRestart(f)
		return
	}
	d.wait(f.now.Add(restartAgain))
	if d.restartRecord(f).Reason == "" {
		d.record(f, DecidedRestart, fmt.Sprintf("A restart was asked for: %s created before %s (spec.restartAt) %s to be replaced, %s.",
			numbered(len(old), "pod"), stampOf(at), isAre(len(old)), d.pace(f)))
	}
	d.waits("Restart", "Replacing %s created before %s, as others become available.", numbered(len(old), "pod"), stampOf(at))
	if d.askAgain(f, old) {
		d.evict(f, old, places)
	}
}

// endRestart is when no pod is left that is too old, as far as pods and ReplicaSets agree.
func (d *draft) endRestart(f facts) {
	if f.unsettled {
		d.waits("Restart", "Waiting for the ReplicaSets to notice which pods are gone.")
		return
	}
	message := "The restart is complete: no pod is left that was created before %s."
	if d.restartRecord(f).Reason == "" {
		message = "There was nothing to restart: no pod was created before %s (spec.restartAt)."
	}
	d.record(f, DecidedRestarted, fmt.Sprintf(message, stampOf(f.ro.Spec.RestartAt)))
	d.status.RestartedAt = f.ro.Spec.RestartAt
}

// giveUpRestart marks a restart as done because a new update has begun: its own pods will be new. Going
// back to the stable template, or other steps for it, is no update: nothing else would replace its pods.
func (d *draft) giveUpRestart(f facts, podChanged bool) {
	if pending(f.ro.Spec.RestartAt, d.status.RestartedAt) && d.status.CurrentPodHash != "" {
		if d.promoted(f) {
			return
		}
		because := "the update replaces the pods"
		if !podChanged {
			because = "the update starts over with other steps"
		}
		d.record(f, DecidedRestarted, fmt.Sprintf("The restart asked for at %s (spec.restartAt) is given up: %s.", stampOf(f.ro.Spec.RestartAt), because))
	}
	d.status.RestartedAt = f.ro.Spec.RestartAt
}

// restartRecord is the newest decision about the restart that is under way, empty before the first.
func (d *draft) restartRecord(f facts) api.Decision {
	for i := len(d.status.Decisions) - 1; i >= 0; i-- {
		switch made := d.status.Decisions[i]; made.Reason {
		case DecidedRestarted:
			return api.Decision{}
		case DecidedRestart, DecidedRefused:
			if made.At.Unix() < f.ro.Spec.RestartAt.Unix() {
				return api.Decision{}
			}
			return made
		}
	}
	return api.Decision{}
}

// outdated are the pods to be replaced, in the order in which they go: those that serve nobody, then
// those the server did not refuse lately; the stable revision's, the new one's, others; oldest first.
func (d *draft) outdated(f facts, places []place) []Pod {
	turn := map[string]int{}
	for i, p := range places { // stable, canary, older ones
		turn[p.rs.Hash] = i
	}
	var old []Pod
	for _, p := range f.seen.Pods {
		if _, ours := turn[p.Hash]; ours && !p.Deleting && p.CreatedAt.Unix() < f.ro.Spec.RestartAt.Unix() {
			old = append(old, p)
		}
	}
	slices.SortFunc(old, func(a, b Pod) int {
		return cmp.Or(
			cmp.Compare(oneIf(a.ready()), oneIf(b.ready())),
			a.RefusedAt.Compare(b.RefusedAt),
			cmp.Compare(turn[a.Hash], turn[b.Hash]),
			a.CreatedAt.Compare(b.CreatedAt),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return old
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// askAgain says whether the server may be asked to evict, and tells why it said no the last time. It is
// asked after as long as it has been refusing since anything became ready, within bounds.
func (d *draft) askAgain(f facts, old []Pod) bool {
	last, since := f.refusal(old)
	if last.RefusedAt.IsZero() || since.After(last.RefusedAt) { // something has become ready since
		return true
	}
	d.waits("EvictionRefused", "Waiting for the server to allow evictions: %s.", last.Refused)
	refusing := last.RefusedAt.Sub(since)
	told := d.restartRecord(f)
	if told.Reason == DecidedRestart || (refusing >= restartAgain && told.At.Time.Before(since)) {
		d.record(f, DecidedRefused, fmt.Sprintf("Pod %s may not be evicted now: %s. The server is asked again until it may.", last.Name, last.Refused))
	}
	again := last.RefusedAt.Add(min(max(refusing, restartSoonest), restartAgain))
	if !f.now.Before(again) {
		return true
	}
	d.wait(again)
	return false
}

// refusal is the pod whose eviction was refused last in this restart, and since when the server has been
// refusing with nothing becoming ready.
func (f facts) refusal(old []Pod) (last Pod, since time.Time) {
	for _, p := range old {
		if p.RefusedAt.Before(f.ro.Spec.RestartAt.Time) {
			continue // never, or an earlier restart was refused
		}
		if p.RefusedAt.After(last.RefusedAt) {
			last = p
		}
		if since.IsZero() || p.RefusedSince.Before(since) {
			since = p.RefusedSince
		}
	}
	for _, p := range f.seen.Pods {
		if p.ReadyAt.After(since) && !p.Deleting {
			since = p.ReadyAt
		}
	}
	return last, since
}

// spareOf is how many serving pods a restart may take now; see above.
func spareOf(f facts, places []place) int32 {
	serving := int32(0)
	for _, p := range places {
		serving += p.serving()
	}
	_, unavailable := f.limits()
	return min(serving, serving-(max(f.replicas, wantedOf(places))-max(unavailable, 1)))
}

func wantedOf(places []place) (n int32) {
	for _, p := range places {
		n += p.size.wanted
	}
	return n
}

// serving is what still serves once the size of this pass has taken effect.
func (p place) serving() int32 { return min(p.size.wanted, p.rs.Available) }

// evict states which pods are gone: all that serve nobody, and as many others as can be spared. Each
// of those relies on what serves after the ones before it.
func (d *draft) evict(f facts, old []Pod, places []place) {
	spare, taken, evicted := spareOf(f, places), map[string]int32{}, 0
	for _, p := range old {
		if evicted == evictionsEach {
			break
		}
		gone := PodGone{Name: p.Name, UID: p.UID}
		if p.ready() {
			if spare <= 0 {
				break // those that are not ready came before
			}
			spare--
			for _, place := range places {
				if n := place.serving() - taken[place.rs.Hash]; n > 0 {
					gone.Relies = append(gone.Relies, Capacity{ReplicaSet: place.rs.Name, Available: n})
				}
			}
			taken[p.Hash]++
		}
		d.act(gone)
		evicted++
	}
	switch {
	case evicted > 0:
		d.wait(f.now.Add(restartSoonest))
	case f.ro.Spec.Paused && wantedOf(places) < f.replicas:
		d.waits("Restart", "Waiting for somebody to end the pause: before that no pods are added to the %d there are, and %d are wanted.", wantedOf(places), f.replicas)
	}
}

// pace is how many serving pods go at a time, for people.
func (d *draft) pace(f facts) string {
	_, unavailable := f.limits()
	return fmt.Sprintf("at most %d at a time", max(unavailable, 1))
}

// waits says what is awaited.
func (d *draft) waits(code, format string, args ...any) {
	d.waiting = Reason{Code: code, Message: fmt.Sprintf(format, args...)}
}

func stampOf(t *metav1.Time) string { return t.UTC().Format(time.RFC3339) }

func numbered(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// Pod is a pod of a revision. Pods that have ended are not among those observed.
type Pod struct {
	Name      string
	UID       types.UID
	Hash      string // of its ReplicaSet
	CreatedAt time.Time
	ReadyAt   time.Time // since when it is ready; zero = it is not
	Deleting  bool
	// Refused says why the server did not let it be evicted, at first and the last time.
	Refused                 string
	RefusedSince, RefusedAt time.Time
	// Labels and Annotations are those of the pod. Of one that does not say what it wears only the keys of the
	// annotations are known.
	Labels, Annotations map[string]string
}

func (p Pod) ready() bool { return !p.ReadyAt.IsZero() }
