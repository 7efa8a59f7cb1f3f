//go:build unix

package command

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is how much processor time this process has used.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
