package stats

import "sync"

// Counter and Timer are keys of series that a recorder has resolved once, so
// that recording needs no look-up by name. They are good for its sets only.
type (
	Counter int
	Timer   struct {
		id        int
		precision precision
	}
)

// Recorder takes what many virtual users record at once. Each of its shards
// has its own lock and its own set, so that users seldom wait for each other;
// adding the shards up gives exactly what one set would hold.
type Recorder struct {
	shards []shard

	mu       sync.Mutex
	counters keys
	timers   keys
}

// keys number names in the order they came.
type keys struct {
	ids   map[string]int
	names []string
}

func (k *keys) id(name string) int {
	id, known := k.ids[name]
	if !known {
		if k.ids == nil {
			k.ids = map[string]int{}
		}
		id = len(k.names)
		k.ids[name], k.names = id, append(k.names, name)
	}
	return id
}

type shard struct {
	mu  sync.Mutex
	set *Set
	// Locks that share a cache line are waited for although they are free.
	_ [64]byte
}

// NewRecorder returns a recorder with n shards.
func NewRecorder(n int) *Recorder {
	r := &Recorder{shards: make([]shard, max(1, n))}
	for i := range r.shards {
		r.shards[i].set = NewSet()
	}
	return r
}

// Counter returns the key of a counter.
func (r *Recorder) Counter(name string) Counter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counter(r.counters.id(name))
}

// Timer returns the key of a histogram.
func (r *Recorder) Timer(name string) Timer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Timer{id: r.timers.id(name), precision: precisionOf(name)}
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
		r.name(s.set, out)
		s.set.Reset()
		s.mu.Unlock()
	}
	return out
}

// name adds what a set holds under keys to another under names.
func (r *Recorder) name(from, to *Set) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range from.tallies {
		if t.seen {
			to.counters[r.counters.names[id]] += t.n
		}
	}
	for id, h := range from.timers {
		if h != nil {
			to.Add(r.timers.names[id], h)
		}
	}
}
