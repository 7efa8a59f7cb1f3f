//go:build !linux

package localkube

import (
	"context"
	"fmt"
	"runtime"
)

func notLinux() error {
	return fmt.Errorf("%w: pods need Linux, this is %s (the control plane alone does not: localkube control-plane up)", ErrUnsupported, runtime.GOOS)
}

// Up reports that a cluster needs Linux.
func (c Cluster) Up(context.Context, Options) error { return notLinux() }

// Down reports that a cluster needs Linux.
func (c Cluster) Down(context.Context) error { return notLinux() }

// Purge reports that a cluster needs Linux.
func (c Cluster) Purge(context.Context) error { return notLinux() }

// Status reports that a cluster needs Linux.
func (c Cluster) Status(context.Context) (State, error) { return State{}, notLinux() }

// RunInit reports that a cluster needs Linux.
func RunInit(string, bool) error { return notLinux() }

// RunNode reports that a cluster needs Linux.
func RunNode(context.Context, string) error { return notLinux() }
