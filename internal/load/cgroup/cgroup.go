// Package cgroup reads what the container grants the load generator.
package cgroup

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Root is where a container sees its own cgroup.
const Root = "/sys/fs/cgroup"

// statFiles are where cpu.stat lies, for cgroup v2 and v1.
var statFiles = []string{"cpu.stat", "cpu/cpu.stat", "cpu,cpuacct/cpu.stat"}

// memoryFiles are where the memory limit lies, for cgroup v2 and v1.
var memoryFiles = []string{"memory.max", "memory/memory.limit_in_bytes"}

// Throttled returns how many times the CPU quota has run out, and false when
// that cannot be read.
func Throttled(root string) (int64, bool) {
	for _, name := range statFiles {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if rest, ok := strings.CutPrefix(line, "nr_throttled "); ok {
				n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}

// MemoryLimit returns the memory limit in bytes, and false when there is none.
func MemoryLimit(root string) (int64, bool) {
	for _, name := range memoryFiles {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		// Version 1 shows "no limit" as a number near the largest one.
		return n, err == nil && n > 0 && n < 1<<60
	}
	return 0, false
}

// Watch counts the seconds in which the generator was throttled, until the
// context ends.
type Watch struct {
	done      chan struct{}
	seconds   int64
	throttled int64
	unknown   bool
}

// NewWatch starts watching the cgroup at root.
func NewWatch(ctx context.Context, root string, every time.Duration) *Watch {
	w := &Watch{done: make(chan struct{})}
	last, known := Throttled(root)
	if w.unknown = !known; w.unknown {
		close(w.done)
		return w
	}
	go w.run(ctx, root, every, last)
	return w
}

func (w *Watch) run(ctx context.Context, root string, every time.Duration, last int64) {
	defer close(w.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now, known := Throttled(root)
		if !known {
			w.unknown = true
			return
		}
		w.seconds++
		if now > last {
			w.throttled++
		}
		last = now
	}
}

// Share returns the share of seconds that were throttled, and false when it
// could not be read. The context given to NewWatch must have ended.
func (w *Watch) Share() (float64, bool) {
	<-w.done
	if w.unknown {
		return 0, false
	}
	return float64(w.throttled) / float64(max(1, w.seconds)), true
}
