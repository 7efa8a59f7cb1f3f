package metric

import (
	"context"
	"sync"
)

// flights lets equal reads that overlap share one exchange. An exchange ends early when nobody waits for it.
type flights struct {
	mu sync.Mutex
	by map[digest]*flight
}

type flight struct {
	callers int // guarded by flights.mu
	cancel  context.CancelFunc
	done    chan struct{}
	answer  Answer // written before done is closed
	err     error
}

func (f *flights) do(ctx context.Context, key digest, exchange func(context.Context) (Answer, error)) (Answer, error) {
	one := f.join(ctx, key, exchange)
	select {
	case <-one.done:
		return one.answer, one.err
	case <-ctx.Done():
		f.leave(key, one)
		return Answer{}, ctx.Err()
	}
}

func (f *flights) join(ctx context.Context, key digest, exchange func(context.Context) (Answer, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, running := f.by[key]; running {
		one.callers++
		return one
	}
	// The first caller's deadline is not everybody's: the exchange has its own.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := &flight{callers: 1, cancel: cancel, done: make(chan struct{})}
	f.by[key] = one
	go func() {
		one.answer, one.err = exchange(ctx)
		f.forget(key, one)
		cancel()
		close(one.done)
	}()
	return one
}

func (f *flights) leave(key digest, one *flight) {
	f.mu.Lock()
	one.callers--
	abandoned := one.callers == 0
	f.mu.Unlock()
	if abandoned {
		f.forget(key, one)
		one.cancel()
	}
}

// forget makes the next equal read start an exchange of its own.
func (f *flights) forget(key digest, one *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by[key] == one {
		delete(f.by, key)
	}
}
