// Command localkube runs a real one-node Kubernetes cluster on this machine, or
// its control plane alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"sluice.dev/sluice/test/localkube"
)

// Exit codes, for scripts that skip what cannot run.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitNotRunning
	exitUnsupported
)

const usage = `usage: localkube COMMAND [flags]

  up              bring the cluster up (root, Linux); fine when it is up already
  down            end it; --purge removes its files too
  status          say how it is: exit code 0 ready, 1 not ready, 3 not running
  kubeconfig      print the path of the administrator's kubeconfig
  exec -- CMD     run a command in the cluster's namespaces, e.g. ctr -n k8s.io images ls
  load FILE...    import image archives
  packages [NAME...]
                  fetch the Debian packages a node needs, and others by name, into the cache
  control-plane up|down
                  etcd and the API server alone, on loopback, without root

Each takes --name NAME (localkube), --dir DIR (a directory in the cache) and --cache DIR
($LOCALKUBE_CACHE, or the directory above this program's). "up" and "control-plane up" take
--with-parent: print one line of JSON when ready, run until standard input ends, then clean up.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running, 4 this machine or user cannot.
`

func main() {
	// Children are told to end with the thread that started them.
	runtime.LockOSThread()
	os.Exit(code(dispatch(os.Args[1:])))
}

func code(err error) int {
	var wrong usageError
	var ended commandEnded
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "localkube: %v\n\n%s", err, usage)
		return exitUsage
	case errors.As(err, &ended):
		return ended.ExitCode() // it has said why itself
	}
	fmt.Fprintln(os.Stderr, "localkube:", err)
	switch {
	case errors.Is(err, localkube.ErrNotRunning):
		return exitNotRunning
	case errors.Is(err, localkube.ErrUnsupported):
		return exitUnsupported
	}
	return exitFailure
}

// dispatch runs one command. Inside the namespaces the program calls itself, and
// what it says then goes to the cluster's log.
func dispatch(args []string) error {
	if inside, err := runInside(args); inside {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	in, err := parse(args)
	if err != nil {
		return err
	}
	c, err := localkube.New(in.name, in.dir, in.cache)
	if err != nil {
		return usageError{err}
	}
	return commands[in.command](ctx, c, in)
}

func runInside(args []string) (inside bool, err error) {
	switch {
	case len(args) >= 2 && args[0] == localkube.InitCommand:
		return true, localkube.RunInit(args[1], len(args) > 2)
	case len(args) == 2 && args[0] == localkube.NodeCommand:
		return true, localkube.RunNode(context.Background(), args[1])
	}
	return false, nil
}

// withStdin returns a context that ends when standard input does.
func withStdin(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		// What comes, or how it ends, does not matter.
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ctx, cancel
}
