// Command react measures, on a real cluster, how long a bad measurement takes to become a rollback:
// from the first bad answer leaving a metric server to the canary's ReplicaSet being scaled down in
// the API server.
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

	"sluice.dev/sluice/test/bench/machine"
	"sluice.dev/sluice/test/stage"
)

func main() {
	rounds := flag.Int("rounds", 20, "how often to measure")
	keep := flag.Bool("keep", false, "leave the cluster up afterwards")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "react:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, keep bool) (err error) {
	if rounds < 1 {
		return fmt.Errorf("%d rounds measure nothing", rounds)
	}
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	o := stage.Options{Root: root, Name: "bench", Log: os.Stdout}
	if !keep {
		defer func() { err = errors.Join(err, stage.Down(context.WithoutCancel(ctx), o)) }()
	}
	fmt.Println("bringing a cluster up and installing the controller")
	b, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Println("load of the machine:", machine.Load())
	fmt.Print(heading)
	var all []reaction
	for n := 1; n <= rounds; n++ {
		r, err := b.round(ctx, n)
		if err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
		fmt.Print(r.row(fmt.Sprintf("round %2d", n)))
		all = append(all, r)
	}
	fmt.Println("load of the machine:", machine.Load())
	text, met := summary(all)
	fmt.Print(text)
	if !met {
		return errors.New("a target was missed")
	}
	return nil
}
