// Command sluice-load sends the load that an Artillery script describes and
// judges the answers. It also works under the names artillery and run.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"sluice.dev/sluice/internal/load/command"
)

// version is set by the linker.
var version = "dev"

func main() {
	tuneMemory()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	os.Exit(command.Main(os.Args, command.Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Signals: signals, Version: version,
	}))
}
