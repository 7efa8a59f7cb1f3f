package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// processTime is the processor time of the whole process so far.
func processTime(t *testing.T) time.Duration {
	t.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestBurnUsesTheAskedTimeUnderContention(t *testing.T) {
	const each, at = 20 * time.Millisecond, 4
	burners := at * runtime.NumCPU() // more than there are processors: a wall clock would count the others' time too
	before := processTime(t)
	var wg sync.WaitGroup
	for range burners {
		wg.Go(func() {
			if err := burn(t.Context(), each); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	used, want := processTime(t)-before, time.Duration(burners)*each
	if used < want || used > want*13/10 {
		t.Errorf("%d burns of %s used %s", burners, each, used)
	}
}

func TestBurnEndsWithItsRequest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	before := processTime(t)
	if err := burn(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
	if used := processTime(t) - before; used > time.Second {
		t.Errorf("it used %s after its request had ended", used)
	}
}
