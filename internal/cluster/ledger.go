package cluster

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// ref names one object of the cluster.
type ref struct {
	kind      schema.GroupVersionKind
	namespace string
	name      string
}

func (r ref) String() string { return r.kind.Kind + " " + r.namespace + "/" + r.name }

// expectation is what a cache must show before a pass may decide on it.
type expectation struct {
	version string    // at least this resource version
	gone    types.UID // or: not this object any more
	leaving types.UID // or: this object being deleted, or gone
	since   time.Time
}

func (e expectation) metBy(seen metav1.Object) bool {
	if e.leaving != "" {
		return seen == nil || seen.GetUID() != e.leaving || seen.GetDeletionTimestamp() != nil
	}
	if e.gone != "" {
		return seen == nil || seen.GetUID() != e.gone
	}
	return seen != nil && atLeast(seen.GetResourceVersion(), e.version)
}

// atLeast compares resource versions, which grow with time on every storage Kubernetes supports.
// Where a server uses others, only equality counts.
func atLeast(have, want string) bool {
	order, err := resourceversion.CompareResourceVersion(have, want)
	if err != nil {
		return have == want
	}
	return order >= 0
}

// ledger remembers what the passes of each object wrote, so that the next pass of that object does
// not decide on a view from before. It holds only what a cache has not shown yet: nothing at rest.
type ledger struct {
	mu     sync.Mutex
	owners map[types.UID]map[ref]expectation
}

// wrote notes that a pass of owner left r at this version.
func (l *ledger) wrote(owner types.UID, r ref, version string) {
	if version != "" {
		l.expect(owner, r, expectation{version: version, since: time.Now()})
	}
}

// deleted notes that a pass of owner deleted the object with this UID.
func (l *ledger) deleted(owner types.UID, r ref, uid types.UID) {
	l.expect(owner, r, expectation{gone: uid, since: time.Now()})
}

// leaves notes that a pass of owner made the object with this UID go, in its own time.
func (l *ledger) leaves(owner types.UID, r ref, uid types.UID) {
	l.expect(owner, r, expectation{leaving: uid, since: time.Now()})
}

func (l *ledger) expect(owner types.UID, r ref, e expectation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owners == nil {
		l.owners = map[types.UID]map[ref]expectation{}
	}
	if l.owners[owner] == nil {
		l.owners[owner] = map[ref]expectation{}
	}
	l.owners[owner][r] = e
}

// open returns what the caches have yet to show for owner; nil when nothing.
func (l *ledger) open(owner types.UID) map[ref]expectation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.owners[owner]) == 0 {
		return nil
	}
	open := make(map[ref]expectation, len(l.owners[owner]))
	for r, e := range l.owners[owner] {
		open[r] = e
	}
	return open
}

// settle strikes e unless something newer has been noted for r meanwhile.
func (l *ledger) settle(owner types.UID, r ref, e expectation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owners[owner][r] != e {
		return
	}
	delete(l.owners[owner], r)
	if len(l.owners[owner]) == 0 {
		delete(l.owners, owner)
	}
}

// forget drops everything about an owner that is gone.
func (l *ledger) forget(owner types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.owners, owner)
}
