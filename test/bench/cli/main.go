// Command cli measures how long `sluice get rollout` takes, as a whole process, beside `kubectl get`
// of the same rollout in the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// target is what people do not notice as waiting.
const target = 150 * time.Millisecond

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 30, "how often to measure each command")
	flag.StringVar(&o.sluice, "sluice", filepath.Join("bin", "sluice"), "the program to measure")
	flag.StringVar(&o.kubectl, "kubectl", "kubectl", "the program to compare with")
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "cluster to ask; none starts an API server without nodes")
	flag.StringVar(&o.namespace, "n", "", "namespace of the rollout, with -kubeconfig")
	flag.StringVar(&o.rollout, "rollout", "", "rollout to ask for, with -kubeconfig")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "cli:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds                         int
	sluice, kubectl                string
	kubeconfig, namespace, rollout string
}

func run(ctx context.Context, o options) error {
	switch {
	case o.rounds < 1:
		return fmt.Errorf("%d rounds measure nothing", o.rounds)
	case o.kubeconfig != "" && o.rollout == "":
		return errors.New("name a rollout of that cluster with -rollout, and its namespace with -n")
	case o.kubeconfig == "":
		fmt.Println("starting an API server and creating a rollout of 10 pods in mid-analysis")
		done, err := setUp(ctx, &o)
		if err != nil {
			return err
		}
		defer done()
	}
	connection := []string{"--kubeconfig", o.kubeconfig, "-n", o.namespace}
	commands := []command{
		{"sluice get rollout", o.sluice, append([]string{"get", "rollout", o.rollout}, connection...)},
		{"sluice get rollout -o name", o.sluice, append([]string{"get", "rollout", o.rollout, "-o", "name"}, connection...)},
		{"sluice version", o.sluice, []string{"version"}},
	}
	if _, err := exec.LookPath(o.kubectl); err != nil {
		fmt.Println("there is no kubectl to compare with:", err)
	} else {
		commands = append(commands, command{"kubectl get rollout", o.kubectl, append([]string{"get", "rollouts.argoproj.io", o.rollout}, connection...)})
	}
	took, err := measure(ctx, commands, o.rounds)
	if err != nil {
		return err
	}
	return report(commands, took)
}

// command is a command line to measure.
type command struct {
	name, program string
	args          []string
}

// warm is how often each command is carried out before anything counts: files are cached then, and
// kubectl has asked the server what it serves.
const warm = 3

// measure runs the commands by turns, so that whatever else the machine does hits all alike.
func measure(ctx context.Context, commands []command, rounds int) ([][]time.Duration, error) {
	took := make([][]time.Duration, len(commands))
	for round := range warm + rounds {
		for i, c := range commands {
			start := time.Now()
			out, err := exec.CommandContext(ctx, c.program, c.args...).CombinedOutput()
			elapsed := time.Since(start)
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", c.name, err, out)
			}
			if round >= warm {
				took[i] = append(took[i], elapsed)
			}
		}
	}
	return took, nil
}

// report prints a table and returns an error when the target was missed.
func report(commands []command, took [][]time.Duration) error {
	fmt.Printf("\n%-28s  %8s  %8s  %8s\n", "whole process", "median", "90 %", "slowest")
	for i, c := range commands {
		slices.Sort(took[i])
		fmt.Printf("%-28s  %8s  %8s  %8s\n", c.name, ms(share(took[i], 0.5)), ms(share(took[i], 0.9)), ms(took[i][len(took[i])-1]))
	}
	median := share(took[0], 0.5)
	fmt.Printf("\n%s: median %s, target at most %s\n", commands[0].name, ms(median), ms(target))
	if median > target {
		return errors.New("the target was missed")
	}
	return nil
}

// share is the time within which that part of the sorted measurements lies.
func share(sorted []time.Duration, part float64) time.Duration {
	return sorted[int(part*float64(len(sorted)-1)+0.5)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }
