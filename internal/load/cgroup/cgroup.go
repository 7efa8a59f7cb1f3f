// Package cgroup reads what the container grants the load generator.
package cgroup

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Root is where a process sees the cgroups. What it says of itself is beside
// it, in proc/self/cgroup of the same file system.
const Root = "/sys/fs/cgroup"

const self = "../../../proc/self/cgroup"

// controller says where a resource's files lie.
type controller struct {
	// name is its name in cgroup v1, mounts where that is mounted.
	name   string
	mounts []string
}

var (
	cpu    = controller{name: "cpu", mounts: []string{"cpu", "cpu,cpuacct", "cpuacct,cpu"}}
	memory = controller{name: "memory", mounts: []string{"memory"}}
)

// unified is where cgroup v2 is mounted beside v1.
const unified = "unified"

// directories lists where the files of a controller may lie: the process's own
// cgroup and those around it, whose quotas count too, for v2 and v1. A container
// often sees its own cgroup as the root, and a path that leads nowhere.
func (c controller) directories(root string) []string {
	v2, v1 := c.paths(root)
	var out []string
	for _, mount := range []string{".", unified} {
		out = append(out, upwards(filepath.Join(root, mount), v2)...)
	}
	for _, mount := range c.mounts {
		out = append(out, upwards(filepath.Join(root, mount), v1)...)
	}
	return out
}

// paths reads the process's own cgroups: of v2, and of the controller in v1.
func (c controller) paths(root string) (v2, v1 string) {
	data, err := os.ReadFile(filepath.Join(root, self))
	if err != nil {
		return "", ""
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n") {
		parts := strings.SplitN(line, ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			v2 = parts[2]
		case slices.Contains(strings.Split(parts[1], ","), c.name):
			v1 = parts[2]
		}
	}
	return v2, v1
}

// upwards lists mount/a/b, mount/a and mount for the path /a/b. A path with
// "..", of a process outside the cgroup namespace, counts as the root.
func upwards(mount, path string) []string {
	out := []string{mount}
	if path == "" || strings.Contains(path, "..") {
		return out
	}
	at := mount
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name != "" {
			at = filepath.Join(at, name)
			out = append(out, at)
		}
	}
	return out
}

// Throttled returns how many times a CPU quota of the process's cgroup, or of
// one around it, has run out, and false when none of them says.
func Throttled(root string) (int64, bool) { return throttled(cpu.directories(root)) }

func throttled(directories []string) (sum int64, known bool) {
	for _, directory := range directories {
		data, err := os.ReadFile(filepath.Join(directory, "cpu.stat"))
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			rest, ok := strings.CutPrefix(line, "nr_throttled ")
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err != nil {
				return 0, false
			}
			sum, known = sum+n, true
		}
	}
	return sum, known
}

// MemoryLimit returns the least memory limit of the process's cgroup and those
// around it, in bytes, and false when there is none.
func MemoryLimit(root string) (int64, bool) {
	least, limited := int64(0), false
	for _, directory := range memory.directories(root) {
		for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
			data, err := os.ReadFile(filepath.Join(directory, name))
			if err != nil {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
			// Version 1 shows "no limit" as a number near the largest one.
			if err == nil && n > 0 && n < 1<<60 && (!limited || n < least) {
				least, limited = n, true
			}
		}
	}
	return least, limited
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
	directories := cpu.directories(root)
	last, known := throttled(directories)
	if w.unknown = !known; w.unknown {
		close(w.done)
		return w
	}
	go w.run(ctx, directories, every, last)
	return w
}

func (w *Watch) run(ctx context.Context, directories []string, every time.Duration, last int64) {
	defer close(w.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-ticker.C:
		}
		now, known := throttled(directories)
		if !known {
			w.unknown = true
			return
		}
		// The last second is seldom a whole one; it counts when it was throttled.
		if now > last {
			w.throttled++
		}
		if now > last || !ended {
			w.seconds++
		}
		if ended {
			return
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
