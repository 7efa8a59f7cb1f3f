package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// burn uses the processor for d as the thread's own clock counts it, so that the amount is right however busy the machine is. It ends early when ctx
// does: work nobody waits for would be burnt on top of everybody else's.
func burn(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	runtime.LockOSThread() // the clock is a thread's
	defer runtime.UnlockOSThread()
	begun, err := threadTime()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		spin()
		now, err := threadTime()
		if err != nil {
			return err
		}
		if now-begun >= d {
			return nil
		}
	}
	return ctx.Err()
}

func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("reading the thread's clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
