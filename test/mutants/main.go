// Command mutants plants faults in package decide, one at a time, and tells which test notices each.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fault is one line of package decide that is wrong.
type fault struct {
	file string // in internal/decide
	name string // what is wrong, as a sentence
	old  string // what is replaced; the file has it exactly once
	new  string
}

// seed makes the random histories of the laws the same in every run.
const seed = 2

func main() {
	only := flag.String("only", "", "plant these faults: numbers, or parts of names, with commas between them")
	kinds := flag.String("tests", "units,stories,laws", "who is asked, in this order; the first to notice a fault ends it")
	checks := flag.Int("checks", 200, "histories for each law")
	jobs := flag.Int("j", 1, "faults at the same time")
	list := flag.Bool("list", false, "list the faults, and plant none")
	flag.Parse()
	chosen := choose(faults, *only)
	if *list {
		for _, n := range chosen {
			fmt.Printf("%3d  %-18s %s\n", n+1, faults[n].file, faults[n].name)
		}
		return
	}
	if err := hunt(chosen, strings.Split(*kinds, ","), *checks, *jobs); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// choose is which faults are meant.
func choose(all []fault, only string) (chosen []int) {
	for n, one := range all {
		for word := range strings.SplitSeq(only, ",") {
			if word == strconv.Itoa(n+1) || (!isNumber(word) && strings.Contains(one.file+": "+one.name, word)) {
				chosen = append(chosen, n)
				break
			}
		}
	}
	return chosen
}

func isNumber(word string) bool { _, err := strconv.Atoi(word); return err == nil }

// outcome is what became of a fault.
type outcome struct {
	fault int
	by    string // the test that noticed, "" when none did
	took  time.Duration
}

// hunt plants the faults and reports. An error says that one has survived, or that nothing can be said.
func hunt(chosen []int, kinds []string, checks, jobs int) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return fmt.Errorf("making room for the builds: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tests, err := build(dir, kinds, checks)
	if err != nil {
		return err
	}
	work, done := make(chan int), make(chan outcome)
	var workers sync.WaitGroup
	for range max(jobs, 1) {
		workers.Go(func() {
			for n := range work {
				done <- tests.ask(n)
			}
		})
	}
	go func() {
		for _, n := range chosen {
			work <- n
		}
		close(work)
		workers.Wait()
		close(done)
	}()
	return report(done)
}

// report prints each fault as it is done, and sums up.
func report(done <-chan outcome) error {
	var survived, unequal []string
	killed, same := 0, 0
	for o := range done {
		one := faults[o.fault]
		why, equivalent := equivalents[one.name]
		by := o.by
		switch {
		case by != "" && equivalent:
			unequal = append(unequal, one.name)
		case by != "":
			killed++
		case equivalent:
			same++
			by = "nobody can: " + why
		default:
			survived = append(survived, one.name)
			by = "SURVIVES"
		}
		fmt.Printf("%3d  %-18s %-72s %5.1f s  %s\n", o.fault+1, one.file, one.name, o.took.Seconds(), by)
	}
	fmt.Printf("\nkilled %d of %d", killed, killed+len(survived)+len(unequal))
	if same > 0 {
		fmt.Printf(", and %d that change nothing", same)
	}
	fmt.Println()
	switch {
	case len(survived) > 0:
		return fmt.Errorf("survived:\n  %s", strings.Join(survived, "\n  "))
	case len(unequal) > 0:
		return fmt.Errorf("said to change nothing, and noticed:\n  %s", strings.Join(unequal, "\n  "))
	}
	return nil
}

// suite is tests that are asked together.
type suite struct {
	binary, dir string
	args        []string
	sound       func() error // whether they pass without a fault; asked once
}

type suites []*suite

// build compiles the tests of decide and simulate, with all faults in them, each once.
func build(dir string, kinds []string, checks int) (suites, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the module: %w", err)
	}
	root := strings.TrimSpace(string(module))
	faulty, err := overlay(root, dir, faults)
	if err != nil {
		return nil, err
	}
	const laws = "^TestLaw|^TestADryRunChangesNothing|^TestCommandsToWhatIsOver|^TestCommandsRace"
	always := []string{"-test.failfast", "-test.timeout=10m", "-rapid.nofailfile", "-rapid.shrinktime=1ms", "-rapid.seed=" + strconv.Itoa(seed)}
	known := map[string]struct {
		of   string
		args []string
	}{
		"units":   {"internal/decide", nil},
		"stories": {"internal/simulate", []string{"-test.skip=" + laws}},
		"laws":    {"internal/simulate", []string{"-test.run=" + laws, "-rapid.checks=" + strconv.Itoa(checks)}},
	}
	var all suites
	built := map[string]bool{}
	for _, kind := range kinds {
		tests, ok := known[kind]
		if !ok {
			return nil, fmt.Errorf("there are no tests called %q: write units, stories or laws", kind)
		}
		s := &suite{binary: filepath.Join(dir, filepath.Base(tests.of)+".test"), dir: filepath.Join(root, tests.of), args: append(tests.args, always...)}
		s.sound = sync.OnceValue(func() error {
			if by := s.notices(""); by != "" {
				return fmt.Errorf("%s fails without a fault", by)
			}
			return nil
		})
		all = append(all, s)
		if built[s.binary] {
			continue
		}
		built[s.binary] = true
		compile := exec.Command("go", "test", "-c", "-overlay", faulty, "-o", s.binary, "./"+tests.of)
		compile.Dir = root
		if said, err := compile.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the tests of %s with the faults: %w\n%s", tests.of, err, said)
		}
	}
	return all, nil
}

// ask plants a fault and asks one suite after the other.
func (all suites) ask(n int) outcome {
	began := time.Now()
	for _, s := range all {
		if err := s.sound(); err != nil {
			fmt.Fprintln(os.Stderr, "mutants:", err)
			os.Exit(1)
		}
		if by := s.notices(strconv.Itoa(n + 1)); by != "" {
			return outcome{fault: n, by: by, took: time.Since(began)}
		}
	}
	return outcome{fault: n, took: time.Since(began)}
}

// notices is the test that fails with this fault, "" when none does.
func (s *suite) notices(number string) string {
	run := exec.Command(s.binary, s.args...)
	run.Dir = s.dir
	run.Env = append(os.Environ(), chooses+"="+number)
	said, err := run.CombinedOutput()
	if err == nil {
		return ""
	}
	return noticed(string(said))
}

var (
	failed = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
	broken = regexp.MustCompile(`\blaw \d+\b|\bpanic: [^\n]{1,60}|\btest timed out\b`)
)

// noticed names the test that failed, the innermost, and the law that was broken.
func noticed(said string) string {
	name := "the tests"
	if all := failed.FindAllStringSubmatch(said, -1); len(all) > 0 {
		name = all[0][1]
		for _, one := range all[1:] {
			if strings.HasPrefix(one[1], name+"/") {
				name = one[1]
			}
		}
	}
	if how := broken.FindString(said); how != "" {
		name += " (" + how + ")"
	}
	return name
}
