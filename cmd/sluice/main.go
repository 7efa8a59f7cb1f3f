// Command sluice watches and steers rollouts, and checks their manifests. Under the name
// kubectl-sluice it is a plug-in of kubectl.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sluice.dev/sluice/internal/cli"
)

// version and commit are set by the linker.
var version, commit string

func main() {
	// What libraries log would be written over the picture. What matters comes back as an error.
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	code := cli.Run(ctx, os.Args[0], os.Args[1:], streams, build())
	stop()
	os.Exit(code)
}

// build names what this program was built from.
func build() string {
	switch {
	case version != "" && commit != "":
		return version + " (" + commit + ")"
	case version != "":
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
