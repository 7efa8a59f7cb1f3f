// Command sluice-load sends the load that an Artillery script describes and
// judges the answers. It also works under the names artillery and run.
package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"sluice.dev/sluice/internal/load/cgroup"
	"sluice.dev/sluice/internal/load/command"
)

// version is set by the linker.
var version = "dev"

func main() {
	tuneMemory()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	os.Exit(command.Main(os.Args, command.Env{
		Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Signals: signals, Version: version,
	}))
}

// tuneMemory trades memory, of which the generator needs little, for fewer
// collections, whose pauses would be measured as the target's latency.
func tuneMemory() {
	limit, limited := cgroup.MemoryLimit(cgroup.Root)
	if os.Getenv("GOGC") == "" {
		percent := 400
		if limited && limit < 128<<20 {
			percent = 200
		}
		debug.SetGCPercent(percent)
	}
	if limited && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}
