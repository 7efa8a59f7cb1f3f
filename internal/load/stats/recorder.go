package stats

import "sync"

// Recorder takes what many virtual users record at once. Each of its shards
// has its own lock and its own set, so that users seldom wait for each other;
// adding the shards up gives exactly what one set would hold.
type Recorder struct {
	shards []shard
}

type shard struct {
	mu  sync.Mutex
	set *Set
}

// NewRecorder returns a recorder with n shards.
func NewRecorder(n int) *Recorder {
	r := &Recorder{shards: make([]shard, max(1, n))}
	for i := range r.shards {
		r.shards[i].set = NewSet()
	}
	return r
}

// Record lets f write into the set of user k's shard. f must not keep the set.
func (r *Recorder) Record(k int64, f func(*Set)) {
	s := &r.shards[uint64(k)%uint64(len(r.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.set)
}

// Drain returns everything recorded since the last call.
func (r *Recorder) Drain() *Set {
	out := NewSet()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		out.Merge(s.set)
		s.set.reset()
		s.mu.Unlock()
	}
	return out
}
