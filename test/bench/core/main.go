// Command core measures what deciding costs: one pass over a large canary, simulated passes per second,
// and a whole simulation of the seed's rollout.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/test/bench/machine"
)

// The targets.
const (
	passTakes     = 50 * time.Microsecond
	passAllocates = 200
	passesASecond = 20_000
	seedTakes     = 50 * time.Millisecond
)

func main() {
	sluice := flag.String("sluice", "bin/sluice", "the program that simulates the seed's rollout")
	rounds := flag.Int("rounds", 7, "how often each thing is measured; the median counts")
	flag.Parse()
	fmt.Println("machine:", machine.Load())
	missed := errors.Join(decisions(*rounds), simulated(*rounds), seed(*sluice, *rounds))
	if missed != nil {
		fmt.Fprintln(os.Stderr, "core:", missed)
		os.Exit(1)
	}
}

// decisions measures one pass of decide.Rollout on a canary of 20 steps with 10 revisions.
func decisions(rounds int) error {
	in := largeCanary()
	const passes = 2000
	var took []time.Duration
	for range rounds {
		spent := processor()
		for range passes {
			decide.Rollout(in)
		}
		took = append(took, (processor()-spent)/passes)
	}
	median, allocations := middle(took), int64(testing.AllocsPerRun(100, func() { decide.Rollout(in) }))
	fmt.Printf("decide.Rollout, 20 steps, 10 revisions: %v and %d allocations a pass (target %v and %d)\n", median, allocations, passTakes, passAllocates)
	if median > passTakes || allocations > passAllocates {
		return errors.New("a pass of decide.Rollout misses its target")
	}
	return nil
}

// simulated measures how many passes a second of one core are simulated.
func simulated(rounds int) error {
	var took []time.Duration
	passes := 0
	for range rounds {
		spent := processor()
		passes = playUpdates()
		took = append(took, processor()-spent)
	}
	rate := float64(passes) / middle(took).Seconds()
	fmt.Printf("simulated passes: %.0f a second of one core (target %d)\n", rate, passesASecond)
	if rate < passesASecond {
		return errors.New("simulated passes miss their target")
	}
	return nil
}

// processor is the time that this process has spent on processors so far, collecting garbage included: the
// clock on the wall would count what else the machine does.
func processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0 // cannot happen for this process itself
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// seed measures `sluice simulate` of the seed's rollout as a whole process.
func seed(program string, rounds int) error {
	var took []time.Duration
	for range rounds {
		began := time.Now()
		out, err := exec.Command(program, "simulate", "-f", "examples/seed").CombinedOutput()
		if err != nil {
			return fmt.Errorf("simulating the seed's rollout: %w\n%s", err, out)
		}
		took = append(took, time.Since(began))
	}
	median := middle(took)
	fmt.Printf("sluice simulate -f examples/seed, whole process: %v (target %v)\n", median.Round(time.Millisecond), seedTakes)
	if median > seedTakes {
		return errors.New("simulating the seed's rollout misses its target")
	}
	return nil
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
