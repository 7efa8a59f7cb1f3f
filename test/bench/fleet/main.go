// Command fleet measures what many Rollouts that are updated at once cost: time, and the controller's CPU time and
// memory. The API server is real; ReplicaSets get their pods from a stand-in that says at once that they are available,
// so that what is measured is the controller.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"sluice.dev/sluice/test/apiserver"
	"sluice.dev/sluice/test/bench/machine"
)

func main() {
	rollouts := flag.Int("rollouts", 300, "how many Rollouts")
	program := flag.String("controller", "bin/sluice-controller", "the controller to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rollouts, *program); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rollouts int, program string) (err error) {
	if rollouts < 1 {
		return fmt.Errorf("%d Rollouts measure nothing", rollouts)
	}
	fmt.Println("load of the machine:", machine.Load())
	config, err := apiserver.Config()
	if err != nil {
		return err
	}
	f, err := newFleet(ctx, config, rollouts)
	if err != nil {
		return err
	}
	defer f.stop()
	controller, err := start(ctx, program, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, controller.end()) }()

	first, err := controller.measure(func() error { return f.deploy(ctx) })
	if err != nil {
		return fmt.Errorf("deploying: %w", err)
	}
	first.print(fmt.Sprintf("%d first deployments", rollouts))
	update, err := controller.measure(func() error { return f.update(ctx) })
	if err != nil {
		return fmt.Errorf("updating: %w", err)
	}
	update.print(fmt.Sprintf("%d updates at once", rollouts))
	rest, err := controller.measure(func() error { return sleep(ctx, 10*time.Second) })
	if err != nil {
		return err
	}
	rest.print("10 s at rest")
	fmt.Println("load of the machine:", machine.Load())
	if rollouts != reference.rollouts {
		fmt.Printf("the targets are for %d Rollouts\n", reference.rollouts)
		return nil
	}
	text, met := update.compare()
	fmt.Print(text)
	if !met {
		return errors.New("a target was missed")
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// scratch is a directory for the kubeconfig of the controller, gone when it is.
func scratch() (path string, remove func(), err error) {
	directory, err := os.MkdirTemp("", "fleet-")
	if err != nil {
		return "", nil, fmt.Errorf("making a directory: %w", err)
	}
	return filepath.Join(directory, "kubeconfig"), func() { _ = os.RemoveAll(directory) }, nil
}
