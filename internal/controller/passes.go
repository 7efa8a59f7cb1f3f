package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/telemetry"
)

const (
	// passWithin bounds one pass, all its requests included.
	passWithin = 10 * time.Second
	// A failing pass is repeated after 50 ms, 100 ms … 30 s.
	firstRetry, lastRetry = 50 * time.Millisecond, 30 * time.Second
	// shortest is the shortest wait there is; a time that has come already is not lost.
	shortest = time.Millisecond
)

// passes is what passes of all kinds have in common.
type passes struct {
	cluster *cluster.Cluster
	meters  *telemetry.Meters
	state   *health
}

// names remembers which UID a name belongs to, so that what is known about an object can be dropped
// when it is gone.
type names struct {
	mu   sync.Mutex
	uids map[types.NamespacedName]types.UID
}

// now returns the UID that had this name before, if it was another one.
func (n *names) now(name types.NamespacedName, uid types.UID) (before types.UID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.uids == nil {
		n.uids = map[types.NamespacedName]types.UID{}
	}
	before = n.uids[name]
	if before == uid {
		return ""
	}
	if uid == "" {
		delete(n.uids, name)
	} else {
		n.uids[name] = uid
	}
	return before
}

// backOff makes a failing object wait, and nothing else: there is no limit over all objects.
func backOff() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry)
}

// outcome says when to pass again: at the soonest of these times, or when a stale view is refreshed.
func outcome(ctx context.Context, times []time.Time, err error) (reconcile.Result, error) {
	if after, stale := cluster.IsStale(err); stale {
		times = append(times, time.Now().Add(after))
	} else if err != nil {
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return reconcile.Result{}, nil // the process is ending
		}
		return reconcile.Result{}, err
	}
	var next time.Time
	for _, again := range times {
		if !again.IsZero() && (next.IsZero() || again.Before(next)) {
			next = again
		}
	}
	if next.IsZero() {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{RequeueAfter: max(time.Until(next), shortest)}, nil
}
