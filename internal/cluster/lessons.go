package cluster

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// lesson is what an act learned about a name it wanted to use.
type lesson struct {
	taken   bool   // an object of that name exists and is somebody else's
	refused string // the server does not take the object, and says why
}

// lessons remembers what acts learned, so that the next pass observes it. Losing it costs one
// refused request.
type lessons struct {
	mu    sync.Mutex
	names map[types.UID]map[string]lesson
}

// lessonsEach bounds what is remembered for one object.
const lessonsEach = 64

// learn reports whether it is news.
func (l *lessons) learn(owner types.UID, name string, what lesson) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names[owner][name] == what {
		return false
	}
	if l.names == nil {
		l.names = map[types.UID]map[string]lesson{}
	}
	if l.names[owner] == nil || len(l.names[owner]) >= lessonsEach {
		l.names[owner] = map[string]lesson{}
	}
	l.names[owner][name] = what
	return true
}

// unlearn forgets about one name, because the request has succeeded.
func (l *lessons) unlearn(owner types.UID, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names[owner], name)
}

// taken returns the names that are somebody else's, nil when there are none.
func (l *lessons) taken(owner types.UID) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var taken map[string]bool
	for name, what := range l.names[owner] {
		if what.taken {
			if taken == nil {
				taken = map[string]bool{}
			}
			taken[name] = true
		}
	}
	return taken
}

// refusals returns why the server does not take objects, by name.
func (l *lessons) refusals(owner types.UID) map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refusals map[string]string
	for name, what := range l.names[owner] {
		if what.refused != "" {
			if refusals == nil {
				refusals = map[string]string{}
			}
			refusals[name] = what.refused
		}
	}
	return refusals
}

func (l *lessons) forget(owner types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names, owner)
}
