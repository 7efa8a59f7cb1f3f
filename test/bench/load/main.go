// Command load measures the load generator beside its targets, and beside other
// load generators in the same run: speed, exactness, and whether it knows its limits.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"sluice.dev/sluice/test/bench/machine"
)

// bench is what every measurement needs.
type bench struct {
	dir        string
	sluiceLoad string
	// anchors holds the other generators; empty when they are not wanted.
	anchors              string
	artillery            string
	clientCPU, serverCPU int
	rounds               int
	long                 bool
	memory               time.Duration
	verbose              bool
}

// row is one number beside its target.
type row struct {
	what, got, target string
	missed            bool
	// anchor is what another program, or another way, needs in the same run.
	anchor string
}

// measurement is one part of the bench.
type measurement struct {
	name string
	run  func(*bench) ([]row, error)
}

// measurements are all there are, in order.
func measurements() []measurement {
	return []measurement{
		{"rate", keepAlive}, {"connections", connections}, {"low", lowRates}, {"pacing", pacing}, {"percentiles", percentiles},
		{"stall", stall}, {"abort", abort}, {"starved", starved}, {"healthy", healthy}, {"thinking", thinking},
		{"memory", memory}, {"artillery", artillery}, {"image", image}, {"start", firstRequest},
	}
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		exit(serve(os.Args[2]))
	}
	if len(os.Args) == 5 && os.Args[1] == "bare" {
		exit(wakeUp(os.Args[2], os.Args[3], os.Args[4]))
	}
	b := &bench{}
	only := flag.String("only", "", "comma-separated parts to measure; all without it")
	anchors := flag.Bool("anchors", true, "build vegeta and hey, and use wrk where it is installed (Debian: apt-get install wrk)")
	flag.StringVar(&b.sluiceLoad, "sluice-load", "bin/sluice-load", "the program to measure")
	flag.StringVar(&b.artillery, "artillery", "", "the command of an installed Artillery, for the comparison with it")
	flag.IntVar(&b.rounds, "rounds", 5, "how often speeds are measured; the median counts")
	flag.BoolVar(&b.long, "long", false, "measure as long as the targets say: 60 s of stall, 10 min of memory, 100 healthy runs")
	flag.DurationVar(&b.memory, "memory", 0, "how long memory is watched, instead of 30 s, or 10 min with -long")
	flag.BoolVar(&b.verbose, "v", false, "show what the generator prints")
	flag.Parse()
	exit(b.all(*only, *anchors))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// all runs the measurements that are wanted; what one of them misses does not keep the others from running.
func (b *bench) all(only string, anchors bool) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "bench-load"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.sluiceLoad, err = filepath.Abs(b.sluiceLoad); err != nil {
		return err
	}
	b.clientCPU, b.serverCPU = 0, 1
	if runtime.NumCPU() < 2 {
		b.clientCPU, b.serverCPU = -1, -1
	}
	if anchors {
		if err := b.buildAnchors(); err != nil {
			fmt.Println("no anchors from Go modules:", err)
		}
	}
	fmt.Printf("machine: %s, %s; the generator on processor %d, servers on %d\n\n", machine.Load(), runtime.Version(), b.clientCPU, b.serverCPU)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tMEASURED\tTARGET\t\tANCHOR IN THE SAME RUN")
	var missed []error
	for _, m := range measurements() {
		if only != "" && !strings.Contains(","+only+",", ","+m.name+",") {
			continue
		}
		missed = append(missed, b.one(m, table))
	}
	fmt.Println("\nmachine:", machine.Load())
	return errors.Join(missed...)
}

func (b *bench) one(m measurement, table *tabwriter.Writer) error {
	began := time.Now()
	rows, err := m.run(b)
	var missed []string
	for _, r := range rows {
		word := "ok"
		switch {
		case r.missed:
			word = "MISSED"
			missed = append(missed, r.what)
		case r.target == "":
			word = ""
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.what, r.got, r.target, word, r.anchor)
	}
	if flushed := table.Flush(); err == nil {
		err = flushed
	}
	if b.verbose {
		fmt.Printf("%s took %s\n", m.name, time.Since(began).Round(time.Second))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	if len(missed) > 0 {
		return fmt.Errorf("%s misses its target", strings.Join(missed, ", "))
	}
	return nil
}
