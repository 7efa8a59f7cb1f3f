package metric

import (
	"context"
	"sync"
)

// limits holds back requests so that no server gets more than its share at once, and a slow one delays only its
// own callers.
type limits struct {
	atOnce int
	mu     sync.Mutex
	by     map[string]*slots
}

type slots struct {
	users int // guarded by limits.mu: holders and those who wait
	free  chan struct{}
}

// acquire waits for a free slot of the server; the caller must release it.
func (l *limits) acquire(ctx context.Context, backend string) (release func(), err error) {
	s := l.enter(backend)
	select {
	case s.free <- struct{}{}:
		return func() { <-s.free; l.exit(backend, s) }, nil
	case <-ctx.Done():
		l.exit(backend, s)
		return nil, ctx.Err()
	}
}

func (l *limits) enter(backend string) *slots {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.by[backend]
	if s == nil {
		s = &slots{free: make(chan struct{}, l.atOnce)}
		l.by[backend] = s
	}
	s.users++
	return s
}

// exit forgets servers nobody uses: addresses come from users and would pile up.
func (l *limits) exit(backend string, s *slots) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(l.by, backend)
	}
}
