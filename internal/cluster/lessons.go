package cluster

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// lesson is what an act learned about an object it wanted to create or change.
type lesson struct {
	taken   bool          // an object of that name exists and is somebody else's
	refused string        // the server does not take the object, and says why
	final   bool          // it is refused for what it is: asking again is of no use
	load    bool          // the object is a load test, which ends without a verdict when it cannot begin
	remedy  string        // what people can do, so that it is no longer refused; "" when it is not known
	within  time.Duration // of a load test: how long it is waited for
	since   time.Time     // when it was refused first
	at      time.Time     // when it was refused last, where that matters
}

// lessons remembers what acts learned, so that the next pass observes it. Losing it costs one
// refused request.
type lessons struct {
	mu    sync.Mutex
	about map[types.UID]map[ref]lesson
}

// lessonsEach bounds what is remembered for one object.
const lessonsEach = 64

// lessonsFor is after how long without a refusal the next one begins a new row of them.
const lessonsFor = 5 * time.Minute

// learn reports whether it is news.
func (l *lessons) learn(owner types.UID, at ref, what lesson) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.about[owner][at]
	what.since = before.since
	if before == what {
		return false
	}
	if what.refused != "" && (before.refused == "" || what.at.Sub(before.at) > lessonsFor) {
		what.since = time.Now()
	}
	if l.about == nil {
		l.about = map[types.UID]map[ref]lesson{}
	}
	if l.about[owner] == nil || len(l.about[owner]) >= lessonsEach {
		l.about[owner] = map[ref]lesson{}
	}
	l.about[owner][at] = what
	return true
}

// A refused write is repeated after as long as it has been refused already, within these bounds.
const soonestRetry, latestRetry = 250 * time.Millisecond, 30 * time.Second

// latestRetry for a load test: a canary waits for it.
const latestLoadRetry = 5 * time.Second

// learnRefusal notes why the server does not take an object, or a change of it. The Stale it returns makes the next pass
// tell people at once, and later ones ask again less and less often.
func (l *lessons) learnRefusal(owner types.UID, at ref, what lesson) error {
	before, repeated := l.refusals(owner, at.kind)[at.name]
	l.learn(owner, at, what)
	latest := latestRetry
	if what.load {
		latest = latestLoadRetry
	}
	after := atOnce
	if repeated && !what.final {
		after = min(max(time.Since(before.since), soonestRetry), latest)
	}
	return &Stale{What: fmt.Sprintf("writing %s: %s", at, what.refused), After: after}
}

// unlearn forgets about one object, because the request has succeeded.
func (l *lessons) unlearn(owner types.UID, at ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.about[owner], at)
}

// taken returns the names that are somebody else's, nil when there are none.
func (l *lessons) taken(owner types.UID) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var taken map[string]bool
	for at, what := range l.about[owner] {
		if what.taken {
			if taken == nil {
				taken = map[string]bool{}
			}
			taken[at.name] = true
		}
	}
	return taken
}

// of returns everything that was learned for an owner.
func (l *lessons) of(owner types.UID) map[ref]lesson {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.about[owner])
}

// refusals returns the objects of a kind the server does not take, by name; nil when there are none.
func (l *lessons) refusals(owner types.UID, kind schema.GroupVersionKind) map[string]lesson {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refusals map[string]lesson
	for at, what := range l.about[owner] {
		if what.refused != "" && at.kind == kind {
			if refusals == nil {
				refusals = map[string]lesson{}
			}
			refusals[at.name] = what
		}
	}
	return refusals
}

func (l *lessons) forget(owner types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.about, owner)
}
