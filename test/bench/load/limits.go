package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/result"
)

// quota is a cgroup with a tenth of a processor.
type quota struct{ directory string }

// newQuota makes the cgroup, in the version that has the cpu controller here. Only root may.
func newQuota() (*quota, error) {
	name := "sluice-bench-" + strconv.Itoa(os.Getpid())
	v1 := filepath.Join("/sys/fs/cgroup/cpu", name)
	if err := os.Mkdir(v1, 0o755); err == nil {
		q := &quota{v1}
		if err := errors.Join(q.set("cpu.cfs_period_us", "100000"), q.set("cpu.cfs_quota_us", "10000")); err != nil {
			q.remove()
			return nil, err
		}
		return q, nil
	}
	v2 := filepath.Join("/sys/fs/cgroup", name)
	if err := os.Mkdir(v2, 0o755); err != nil {
		return nil, fmt.Errorf("making a cgroup with a quota needs root and the cpu controller: %w", err)
	}
	q := &quota{v2}
	if err := q.set("cpu.max", "10000 100000"); err != nil {
		q.remove()
		return nil, err
	}
	return q, nil
}

func (q *quota) set(file, value string) error {
	return os.WriteFile(filepath.Join(q.directory, file), []byte(value), 0o600)
}

func (q *quota) remove() { _ = os.Remove(q.directory) } // what is left is an empty cgroup

// starved gives the generator a tenth of a processor and asks for 5,000/s.
func starved(b *bench) ([]row, error) {
	runs := 5
	if b.long {
		runs = 20
	}
	q, err := newQuota()
	if err != nil {
		return []row{{what: "starved runs that are inconclusive", got: "not measured", anchor: err.Error()}}, nil
	}
	defer q.remove()
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script, err := b.script("starved.yaml", "config: {http: {pool: 50}, phases: [{duration: 2, arrivalRate: 5000}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n")
	if err != nil {
		return nil, err
	}
	found, why := 0, ""
	for range runs {
		path := filepath.Join(b.dir, "starved.json")
		// The shell moves itself into the cgroup and becomes the generator.
		cmd := exec.Command("sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, q.directory, b.sluiceLoad, "run", "-q", "-t", s.URL, script)
		cmd.Env = environ("SLUICE_TERMINATION_LOG=" + path)
		if _, err := b.runOn(-1, cmd); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r, err := result.Parse(text)
		if err != nil {
			return nil, err
		}
		if r.Verdict == result.Inconclusive {
			found++
		}
		why = r.Why
	}
	return []row{{
		what: "starved runs that are inconclusive", got: fmt.Sprintf("%d of %d", found, runs), target: "all", missed: found < runs, anchor: why,
	}}, nil
}

// healthy runs a usual test again and again; none may be called inconclusive.
// A bare thread that wakes at the same times says whether the machine itself stood still.
func healthy(b *bench) ([]row, error) {
	runs := 15
	if b.long {
		runs = 100
	}
	s, err := start(b, "slow")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script, err := b.script("healthy.yaml", `
config:
  phases: [{duration: 1, arrivalRate: 100}]
  plugins: {ensure: {}}
  ensure: {thresholds: [{http.response_time.p99: 500}]}
scenarios: [{flow: [{get: {url: /}}]}]
`)
	if err != nil {
		return nil, err
	}
	alarms, why := 0, ""
	for range runs {
		beside := make(chan bare, 1)
		go func() {
			late, _, _ := b.bare(-1, "", 100, 1100*time.Millisecond) // without an answer it is late by nothing
			beside <- late
		}()
		r, _, err := b.load(-1, script, s.URL)
		if err != nil {
			return nil, err
		}
		if late := <-beside; r.Verdict != result.Pass {
			alarms++
			why = fmt.Sprintf("%s: %s; a bare thread beside it woke up to %s late", r.Verdict, r.Why, late.P999.Round(100*time.Microsecond))
		}
	}
	return []row{{what: "healthy runs with a false alarm", got: fmt.Sprintf("%d of %d", alarms, runs), target: "none", missed: alarms > 0, anchor: why}}, nil
}

// abort sends to a server that answers 500 to everything, with a condition that ends the test.
func abort(b *bench) ([]row, error) {
	s, err := start(b, "bad")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script, err := b.script("abort.yaml", "config: {phases: [{duration: 30, arrivalRate: 100}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n")
	if err != nil {
		return nil, err
	}
	r, used, err := b.load(-1, script, s.URL, "--abort-on", "errors.rate > 0.5")
	if err != nil {
		return nil, err
	}
	n, err := s.count()
	if err != nil {
		return nil, err
	}
	return []row{
		{what: "end of a test whose every answer is a 500", got: used.Took.Round(10 * time.Millisecond).String(), target: "≤ 3 s", missed: used.Took > 3*time.Second || r.Verdict == result.Pass, anchor: string(r.Verdict) + ": " + r.Why},
		{what: "… bad requests sent", got: strconv.FormatInt(n, 10), target: "≤ 300", missed: n > 300},
	}, nil
}

// thinking keeps 10,000 users with a connection each waiting at the same time.
func thinking(b *bench) ([]row, error) {
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script, err := b.script("thinking.yaml", "config: {phases: [{duration: 8, arrivalCount: 10000}]}\nscenarios: [{flow: [{get: {url: /}}, {think: 10}, {get: {url: /}}]}]\n")
	if err != nil {
		return nil, err
	}
	r, used, err := b.load(-1, script, s.URL)
	if err != nil {
		return nil, err
	}
	if r.Arrivals != 10_000 {
		return nil, fmt.Errorf("%d users started: %s", r.Arrivals, r.Why)
	}
	mib := float64(used.MaxRSS) / (1 << 20)
	return []row{{
		what: "10,000 users thinking, a connection each", got: fmt.Sprintf("%.0f MiB", mib), target: "≤ 200 MB", missed: used.MaxRSS > 200_000_000,
		anchor: fmt.Sprintf("%.1f KiB a user", mib*1024/10_000),
	}}, nil
}

// memory watches the generator at 5,000/s. The first third is warming up: the
// heap grows to what collections let it have. What it grows by after that is judged.
func memory(b *bench) ([]row, error) {
	lasts := 30 * time.Second
	if b.long {
		lasts = 10 * time.Minute
	}
	if b.memory > 0 {
		lasts = b.memory
	}
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script, err := b.script("memory.yaml", fmt.Sprintf(
		"config: {http: {pool: 50}, phases: [{duration: %g, arrivalRate: 5000}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n", lasts.Seconds()))
	if err != nil {
		return nil, err
	}
	cmd := b.generator(filepath.Join(b.dir, "memory.json"), "run", "-q", "-t", s.URL, script)
	if err := b.startOn(-1, cmd); err != nil {
		return nil, err
	}
	const parts = 60
	var all [parts]float64
	for i := range all {
		time.Sleep(lasts / (parts + 1))
		if all[i], err = resident(cmd.Process.Pid); err != nil {
			return nil, errors.Join(err, cmd.Wait())
		}
	}
	_ = cmd.Wait() // its verdict does not matter here
	// The least of each third: between collections the heap rises and falls.
	warm, middle, last := slices.Min(all[:parts/3]), slices.Min(all[parts/3:2*parts/3]), slices.Min(all[2*parts/3:])
	ten := slope(all[parts/3:]) * float64(10*time.Minute) / float64(lasts/(parts+1))
	return []row{{
		what: fmt.Sprintf("growth at 5,000/s over %s, warm", lasts), got: fmt.Sprintf("%.2f MB", last-middle), target: "< 2 MB in 10 min", missed: last-middle > 2,
		anchor: fmt.Sprintf("resident %.1f, %.1f, %.1f MB in its thirds, %.1f at most; slope of the last two %+.1f MB in 10 min", warm, middle, last, slices.Max(all[:]), ten),
	}}, nil
}

// slope is by how much values grow from one to the next, by least squares.
func slope(values []float64) float64 {
	n := float64(len(values))
	var x, y, xy, xx float64
	for i, v := range values {
		at := float64(i)
		x, y, xy, xx = x+at, y+v, xy+at*v, xx+at*at
	}
	return (n*xy - x*y) / (n*xx - x*x)
}

// resident is a process's resident memory in millions of bytes.
func resident(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm holds %q", raw)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return float64(pages*int64(os.Getpagesize())) / 1e6, err
}

// artillery finds the highest arrival rate that Artillery and sluice-load keep
// up on one processor each: at least 99 % of the users done, and the test no more than a tenth too long.
func artillery(b *bench) ([]row, error) {
	if b.artillery == "" {
		return []row{{what: "arrival rate beside Artillery's", got: "not measured", target: "≥ 10 ×", anchor: "make parity installs Artillery, or say -artillery COMMAND"}}, nil
	}
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	ours, err := b.sustainable(s, b.sluiceLoad, []int{500, 1000, 2000, 3000, 4000, 5000, 6000, 8000})
	if err != nil {
		return nil, err
	}
	theirs, err := b.sustainable(s, b.artillery, []int{50, 100, 150, 200, 300, 400, 500, 700, 1000})
	if err != nil {
		return nil, err
	}
	ratio := float64(ours.rate) / float64(max(1, theirs.rate))
	share := float64(ours.rss) / float64(max(1, theirs.rss))
	return []row{
		{what: "highest arrival rate that is kept up, one core", got: fmt.Sprintf("%d/s", ours.rate), target: "≥ 10 × Artillery", missed: ratio < 10, anchor: fmt.Sprintf("Artillery %d/s: %.1f ×", theirs.rate, ratio)},
		{what: "… memory at that rate", got: fmt.Sprintf("%.0f MB", float64(ours.rss)/1e6), target: "≤ 1/5 of Artillery", missed: share > 0.2, anchor: fmt.Sprintf("Artillery %.0f MB: %.2f ×", float64(theirs.rss)/1e6, share)},
	}, nil
}

type kept struct {
	rate int
	rss  int64
}

func (b *bench) sustainable(s *server, command string, rates []int) (kept, error) {
	const seconds = 4
	var best kept
	for _, rate := range rates {
		script, err := b.script("sustainable.yaml", fmt.Sprintf(
			"config: {target: %q, phases: [{duration: %d, arrivalRate: %d}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n", s.URL, seconds, rate))
		if err != nil {
			return best, err
		}
		before, err := s.span()
		if err != nil {
			return best, err
		}
		args := append(strings.Fields(command), "run", "-q", script)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = environ("SLUICE_TERMINATION_LOG=" + filepath.Join(b.dir, "sustainable.json"))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		used, err := b.run(cmd)
		if err != nil {
			return best, err
		}
		after, err := s.span()
		if err != nil {
			return best, err
		}
		n, lasted := after.n-before.n, after.last.Sub(after.first)
		if n == 0 && used.Code != 0 {
			return best, fmt.Errorf("%s: %s", command, bytes.TrimSpace(out.Bytes()))
		}
		if float64(n) < 0.99*float64(rate*seconds) || lasted > seconds*time.Second*11/10 {
			break
		}
		best = kept{rate, used.MaxRSS}
	}
	return best, nil
}

// image measures what a node has to fetch: the image's layers, compressed.
func image(b *bench) ([]row, error) {
	layout := filepath.Join(b.dir, "image")
	named := filepath.Join(b.dir, "sluice-load")
	if err := copyFile(b.sluiceLoad, named); err != nil {
		return nil, err
	}
	args := []string{"run", "./internal/image/mkimage", "-layout", layout, "-t", "local/sluice-load:1", "-alias", "run=sluice-load", "-alias", "artillery=sluice-load"}
	const certificates = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(certificates); err == nil {
		args = append(args, "-file", certificates+":"+certificates)
	}
	if out, err := exec.Command("go", append(args, named)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making the image: %w: %s", err, bytes.TrimSpace(out))
	}
	var size int64
	err := filepath.WalkDir(filepath.Join(layout, "blobs"), func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return []row{{what: "image, compressed", got: fmt.Sprintf("%.1f MB", float64(size)/1e6), target: "≤ 15 MB", missed: size > 15_000_000}}, err
}

// copyFile copies a program, whatever it is called here, under the name it has in an image.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o700) //nolint:gosec // a program
}
