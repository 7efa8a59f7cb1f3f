package vu

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleep sleeps in the kernel, which is exact to some 100 µs.
func sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	left := unix.NsecToTimespec(int64(d))
	for unix.Nanosleep(&left, &left) == unix.EINTR {
		// The runtime preempts threads by signals; what is left is slept again.
	}
}
