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

func TestWatchSaysWhenNothingCanBeRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := NewWatch(ctx, t.TempDir(), time.Second)
	cancel()
	if share, known := w.Share(); known {
		t.Errorf("a share of %v was read from nothing", share)
	}
}
