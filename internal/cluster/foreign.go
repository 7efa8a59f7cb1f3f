package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

const (
	// tellAfter is how many rewrites in a row are reported: a single one may be somebody's repair.
	tellAfter = 2
	// yieldAfter is how many are answered at once. From then on the time between two passes grows with each
	// of them, so that two controllers that disagree do not write against each other as fast as they can.
	yieldAfter = 3
	// It stays within these bounds, so that there is a pass at least that often, however often the other one
	// writes. The way back after an abort has a closer one, and an abort by hand does not wait at all.
	firstYield, lastYield, abortYield = time.Second, 30 * time.Second, 2 * time.Second
	// forgivenAfter ends a row of rewrites, and makes the next one news again.
	forgivenAfter = 10 * time.Minute
)

// mark is what a status says in the fields that only a controller writes: a sum for each.
type mark [7]uint64

// marked names the fields of a mark. Abort, promoteFull, controllerPause, pauseConditions and
// currentStepIndex are not among them: any client commands with those. Nor are fields that a server with
// other definitions drops.
var marked = [len(mark{})]string{
	"phase", "message", "conditions", "observedGeneration", "currentPodHash", "currentStepHash", "replicas",
}

func markOf(s *api.RolloutStatus) (m mark) {
	for i, field := range [len(m)]any{
		s.Phase, s.Message, s.Conditions, s.ObservedGeneration, s.CurrentPodHash, s.CurrentStepHash,
		[]int32{s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas, s.HPAReplicas},
	} {
		raw, err := json.Marshal(field)
		if err != nil {
			raw = nil // cannot happen for a status that came from JSON
		}
		sum := fnv.New64a()
		sum.Write(raw)
		m[i] = sum.Sum64()
	}
	return m
}

// contest is the status we saved last, and how often in a row somebody else has put another in its place.
type contest struct {
	version string // of the object that was compared last
	mark    mark
	row     int
	last    time.Time // of the newest rewrite
	passed  time.Time // when we last did not wait
}

// contests are those of all Rollouts. Losing them costs nothing but a report.
type contests struct {
	mu    sync.Mutex
	known map[types.UID]contest
}

// saved notes the status of our own write.
func (c *contests) saved(uid types.UID, version string, status *api.RolloutStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[types.UID]contest{}
	}
	before := c.known[uid]
	before.version, before.mark = version, markOf(status)
	c.known[uid] = before
}

// compare says which fields somebody else has rewritten since we saved the status, the how manieth time in a
// row, and until when the next pass should wait. News of a rewrite are told once.
func (c *contests) compare(rollout *api.Rollout, now time.Time) (fields []string, row int, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[rollout.UID]
	if !ok {
		return nil, 0, time.Time{}
	}
	if now.Sub(known.last) > forgivenAfter {
		known.row = 0
	}
	if known.version != rollout.ResourceVersion {
		is := markOf(&rollout.Status)
		for i := range is {
			if is[i] != known.mark[i] {
				fields = append(fields, marked[i])
			}
		}
		known.version, known.mark = rollout.ResourceVersion, is
	}
	if len(fields) > 0 {
		known.row++
		known.last = now
	}
	if known.row > yieldAfter {
		wait := min(firstYield<<min(known.row-yieldAfter-1, 10), lastYield)
		if rollout.Status.Abort {
			wait = min(wait, abortYield)
		}
		until = known.passed.Add(wait)
	}
	if !now.Before(until) {
		known.passed = now
	}
	c.known[rollout.UID] = known
	return fields, known.row, until
}

func (c *contests) forget(uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, uid)
}

// uncontested reports another controller that writes this Rollout's status, and is a Stale while the pass
// had better wait because of it.
func (w *RolloutWorld) uncontested(ctx context.Context) error {
	now := time.Now()
	fields, row, until := w.cluster.contests.compare(w.rollout, now)
	if len(fields) > 0 && row == tellAfter {
		message := fmt.Sprintf("Another controller writes the status of this Rollout too: %s changed after our last write. "+
			"Only one may be responsible for it; stop the other one, or separate them by instance id.", strings.Join(fields, ", "))
		if who := w.writer(ctx); who != "" {
			message += fmt.Sprintf(" The last writer is %q.", who)
		}
		w.Tell([]decide.Event{{Warning: true, Reason: api.EventRolloutReconciliationError, Message: message}})
	}
	s := w.rollout.Status
	if aborting := s.Abort && s.AbortedAt == nil; now.Before(until) && !aborting {
		return &Stale{What: fmt.Sprintf("the status of rollout %s is contested", w.key), After: until.Sub(now)}
	}
	return nil
}

// writer is who has last written the status, by the name it gave itself; "" when the server does not say.
func (w *RolloutWorld) writer(ctx context.Context) (who string) {
	live, err := w.cluster.liveMetadata(ctx, w.self().ref)
	if err != nil {
		return ""
	}
	var last time.Time
	for _, entry := range live.ManagedFields {
		if entry.Subresource == "status" && entry.Time != nil && !entry.Time.Time.Before(last) {
			who, last = entry.Manager, entry.Time.Time
		}
	}
	return who
}
