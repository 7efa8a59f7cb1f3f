package cgroup

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestThrottled(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             int64
		known            bool
	}{
		{"version 2", "cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 3\nthrottled_usec 1\n", 3, true},
		{"version 1", "cpu/cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 1\n", 4, true},
		{"version 2 without a quota says nothing about throttling", "cpu.stat", "usage_usec 5\n", 0, false},
		{"a number nobody can read", "cpu.stat", "nr_throttled many\n", 0, false},
		{"no file", "other", "", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tt.file, tt.text)
			if got, known := Throttled(root); got != tt.want || known != tt.known {
				t.Errorf("Throttled = %d, %t, want %d, %t", got, known, tt.want, tt.known)
			}
		})
	}
}

// Where the files lie is what /proc/self/cgroup says; a quota around the own cgroup throttles too.
func TestNestedCgroups(t *testing.T) {
	tests := []struct {
		name, self string
		files      map[string]string
		want       int64
		known      bool
		limit      int64
	}{
		{
			"version 2, in a cgroup of its own", "0::/kubepods/pod7/c1\n",
			map[string]string{
				"cpu.stat": "usage_usec 5\n", "kubepods/cpu.stat": "nr_throttled 0\n", "kubepods/pod7/cpu.stat": "nr_throttled 2\n",
				"kubepods/pod7/c1/cpu.stat": "nr_throttled 5\n", "kubepods/pod8/cpu.stat": "nr_throttled 100\n",
				"kubepods/pod7/memory.max": "1000\n", "kubepods/pod7/c1/memory.max": "2000\n",
			}, 7, true, 1000,
		},
		{
			"version 1, controllers mounted together", "4:memory:/docker/c1\n3:cpu,cpuacct:/docker/c1\n0::/\n",
			map[string]string{
				"cpu,cpuacct/docker/c1/cpu.stat": "nr_throttled 3\n", "cpu,cpuacct/cpu.stat": "nr_throttled 0\n",
				"memory/docker/c1/memory.limit_in_bytes": "3000\n",
			}, 3, true, 3000,
		},
		{
			"a container that sees its cgroup as the root, and the host's path", "3:cpu:/docker/c1\n",
			map[string]string{"cpu/cpu.stat": "nr_throttled 4\n"}, 4, true, 0,
		},
		{
			"both versions, the second empty", "2:cpu:/a\n0::/a\n",
			map[string]string{"unified/a/cpu.stat": "usage_usec 1\n", "cpu/a/cpu.stat": "nr_throttled 1\n"}, 1, true, 0,
		},
		{
			"a path out of the namespace", "0::/../../other\n",
			map[string]string{"../../other/cpu.stat": "nr_throttled 9\n"}, 0, false, 0,
		},
		{"nothing to read", "0::/a\n", nil, 0, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := t.TempDir()
			root := filepath.Join(top, Root)
			write(t, top, "proc/self/cgroup", tt.self)
			for name, text := range tt.files {
				write(t, root, name, text)
			}
			if got, known := Throttled(root); got != tt.want || known != tt.known {
				t.Errorf("Throttled = %d, %t, want %d, %t", got, known, tt.want, tt.known)
			}
			if got, limited := MemoryLimit(root); got != tt.limit || limited != (tt.limit > 0) {
				t.Errorf("MemoryLimit = %d, %t, want %d", got, limited, tt.limit)
			}
		})
	}
}

func TestMemoryLimit(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             int64
		limited          bool
	}{
		{"version 2", "memory.max", "67108864\n", 64 << 20, true},
		{"version 2 without a limit", "memory.max", "max\n", 0, false},
		{"version 1", "memory/memory.limit_in_bytes", "67108864\n", 64 << 20, true},
		{"version 1 without a limit", "memory/memory.limit_in_bytes", "9223372036854771712\n", 9223372036854771712, false},
		{"no file", "other", "", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tt.file, tt.text)
			got, limited := MemoryLimit(root)
			if limited != tt.limited || limited && got != tt.want {
				t.Errorf("MemoryLimit = %d, %t, want %d, %t", got, limited, tt.want, tt.limited)
			}
		})
	}
}

func TestWatchCountsThrottledSeconds(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		write(t, root, "cpu.stat", "nr_throttled 1\n")
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWatch(ctx, root, time.Second)
		time.Sleep(2500 * time.Millisecond)
		write(t, root, "cpu.stat", "nr_throttled 7\n")
		time.Sleep(2 * time.Second)
		cancel()
		if share, known := w.Share(); !known || share != 0.25 {
			t.Errorf("Share = %v, %t, want one second of four", share, known)
		}
	})
}

func TestWatchSeesTheLastSecond(t *testing.T) {
	root := t.TempDir()
	write(t, root, "cpu.stat", "nr_throttled 1\n")
	ctx, cancel := context.WithCancel(t.Context())
	w := NewWatch(ctx, root, time.Hour)
	write(t, root, "cpu.stat", "nr_throttled 2\n")
	cancel()
	if share, known := w.Share(); !known || share != 1 {
		t.Errorf("Share = %v, %t, want the only second", share, known)
	}
}

func TestWatchSaysWhenNothingCanBeRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := NewWatch(ctx, t.TempDir(), time.Second)
	cancel()
	if share, known := w.Share(); known {
		t.Errorf("a share of %v was read from nothing", share)
	}
}
