package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"sluice.dev/sluice/internal/load/cgroup"
)

const (
	// seldom and often are the percentages of GOGC that are used.
	seldom, often = 400, 50
	// headroom is about how much garbage may lie beside what is in use.
	headroom = 64 << 20
	// small is a memory limit below which less garbage may lie.
	small = 128 << 20
)

// tuneMemory trades memory, of which the generator needs little, for fewer
// collections, whose pauses would be measured as the target's latency. When
// many users are under way, what they hold counts, and the trade is a bad one.
func tuneMemory() {
	limit, limited := cgroup.MemoryLimit(cgroup.Root)
	if os.Getenv("GOGC") == "" {
		most := seldom
		if limited && limit < small {
			most = seldom / 2
		}
		debug.SetGCPercent(most)
		afterCollection(&tuner{most: most, now: most})
	}
	if limited && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// tuner sets GOGC after each collection.
type tuner struct{ most, now int }

// afterCollection has the tuner look at what the next collection left.
func afterCollection(t *tuner) {
	// Nothing holds it, so it goes with the next collection. It has a pointer, or it would share its place with others.
	runtime.AddCleanup(&struct{ self *tuner }{t}, func(t *tuner) {
		t.tune()
		afterCollection(t)
	}, t)
}

func (t *tuner) tune() {
	used := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(used)
	percent := percentFor(used[0].Value.Uint64()+used[1].Value.Uint64(), t.most)
	// Setting it stops everything for a moment.
	if change := percent - t.now; change > t.now/10 || -change > t.now/10 {
		t.now = percent
		debug.SetGCPercent(percent)
	}
}

// percentFor keeps the garbage beside so many bytes in use near the headroom.
func percentFor(used uint64, most int) int {
	return int(max(often, min(uint64(most), 100*headroom/max(1, used))))
}
