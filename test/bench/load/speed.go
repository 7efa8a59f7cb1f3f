package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/test/bench/machine"
)

// The targets of speed.
const (
	ratePerCore        = 40_000
	processorPerOne    = 25 * time.Microsecond
	connectionsPerCore = 9_000
)

// buildAnchors builds the other generators from their modules, beside this
// program's sources, so that the product does not depend on them.
func (b *bench) buildAnchors() error {
	b.anchors = filepath.Join(b.dir, "anchors")
	if err := os.Mkdir(b.anchors, 0o700); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-C", "test/bench/load/anchors", "-o", b.anchors+"/", ".", "github.com/rakyll/hey")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.anchors = ""
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// load runs a script against a URL and returns its result with what it used.
func (b *bench) load(cpu int, script, url string, flags ...string) (result.Result, spent, error) {
	path := filepath.Join(b.dir, "result.json")
	cmd := b.generator(path, append(append([]string{"run", "-q", "-t", url}, flags...), script)...)
	var stderr bytes.Buffer
	if !b.verbose {
		cmd.Stderr = &stderr
	}
	_ = os.Remove(path) // of the run before; there may be none
	used, err := b.runOn(cpu, cmd)
	if err != nil {
		return result.Result{}, used, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return result.Result{}, used, fmt.Errorf("the generator left no result: %s", bytes.TrimSpace(stderr.Bytes()))
	}
	r, err := result.Parse(text)
	return r, used, err
}

// speed is what one tool needs for a request.
type speed struct {
	perRequest time.Duration
	perSecond  float64
}

func median(all []speed) speed {
	slices.SortFunc(all, func(a, b speed) int { return int(a.perRequest - b.perRequest) })
	return all[len(all)/2]
}

func (s speed) String() string {
	return fmt.Sprintf("%.1f µs", float64(s.perRequest)/float64(time.Microsecond))
}

// keepAlive measures the greatest rate over 50 kept connections, with all statistics.
func keepAlive(b *bench) ([]row, error) {
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	const users, each = 50, 2000
	script, err := b.script("keep.yaml", fmt.Sprintf(
		"config: {phases: [{duration: 0.05, arrivalCount: %d}]}\nscenarios: [{flow: [{loop: [{get: {url: /}}], count: %d}]}]\n", users, each))
	if err != nil {
		return nil, err
	}
	tools := []struct {
		name string
		run  func() (speed, error)
	}{
		{"sluice-load", func() (speed, error) {
			r, used, err := b.load(b.clientCPU, script, s.URL)
			if err == nil && r.Requests != users*each {
				err = fmt.Errorf("%d requests were sent, want %d", r.Requests, users*each)
			}
			return speed{used.CPU / (users * each), float64(r.Requests) / used.Took.Seconds()}, err
		}},
		{"vegeta", func() (speed, error) { return b.vegeta(s, "0", 3*time.Second) }},
		{"hey", func() (speed, error) { return b.hey(s, users, users*each) }},
		{"wrk", func() (speed, error) { return b.wrk(s, users, 3*time.Second) }},
	}
	got := map[string][]speed{}
	for range b.rounds { // interleaved, so that what else the machine does meets all alike
		for _, tool := range tools {
			v, err := tool.run()
			if tool.name == "sluice-load" && err != nil {
				return nil, err
			}
			if err == nil {
				got[tool.name] = append(got[tool.name], v)
			}
		}
	}
	ours := median(got["sluice-load"])
	capacity := float64(time.Second) / float64(ours.perRequest)
	rows := []row{
		{what: "requests/s per core, keep-alive", got: fmt.Sprintf("%.0f", capacity), target: fmt.Sprintf("≥ %d", ratePerCore), missed: capacity < ratePerCore,
			anchor: fmt.Sprintf("sent at %.0f/s beside everything else here", ours.perSecond)},
		{what: "processor time per request", got: ours.String(), target: "≤ 25 µs", missed: ours.perRequest > processorPerOne, anchor: anchorsOf(got)},
	}
	if v := got["vegeta"]; len(v) > 0 {
		theirs := median(v)
		percent := 100 * ours.perRequest / theirs.perRequest // as it is printed: 1.00 × is not below
		rows = append(rows, row{what: "… beside vegeta's", got: fmt.Sprintf("%.2f ×", float64(percent)/100), target: "< 1 ×", missed: percent >= 100}, calibration(theirs))
	}
	return rows, nil
}

// quietVegeta is what vegeta needs for a request on the machine that the targets were set on, with nothing else to do.
const quietVegeta = 22200 * time.Nanosecond

// calibration says how this machine, as busy as it is, compares with that one.
// The targets stay as they are: whoever reads the numbers can put them into place.
func calibration(vegeta speed) row {
	return row{
		what: "this machine beside the quiet one of the targets", got: fmt.Sprintf("%.2f ×", float64(vegeta.perRequest)/float64(quietVegeta)),
		anchor: fmt.Sprintf("vegeta %s here, 22.2 µs there; load %s", vegeta, machine.Load()),
	}
}

func anchorsOf(got map[string][]speed) string {
	var out []string
	for _, name := range []string{"vegeta", "hey", "wrk"} {
		if v := got[name]; len(v) > 0 {
			out = append(out, name+" "+median(v).String())
		} else {
			out = append(out, name+" not here")
		}
	}
	return strings.Join(out, ", ")
}

// vegeta uses vegeta's library with its own metrics.
func (b *bench) vegeta(s *server, rate string, lasts time.Duration) (speed, error) {
	if b.anchors == "" {
		return speed{}, os.ErrNotExist
	}
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(b.anchors, "anchors"), "attack", s.URL+"/", rate, lasts.String())
	cmd.Stdout = &out
	used, err := b.run(cmd)
	if err != nil {
		return speed{}, err
	}
	var answer struct{ Requests int64 }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return speed{}, err
	}
	return speed{used.CPU / time.Duration(max(1, answer.Requests)), float64(answer.Requests) / used.Took.Seconds()}, nil
}

func (b *bench) hey(s *server, users, requests int) (speed, error) {
	if b.anchors == "" {
		return speed{}, os.ErrNotExist
	}
	used, err := b.run(exec.Command(filepath.Join(b.anchors, "hey"), "-c", strconv.Itoa(users), "-n", strconv.Itoa(requests), s.URL+"/"))
	return speed{used.CPU / time.Duration(requests), float64(requests) / used.Took.Seconds()}, err
}

var wrkRequests = regexp.MustCompile(`(\d+) requests in`)

func (b *bench) wrk(s *server, users int, lasts time.Duration) (speed, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return speed{}, err
	}
	var out bytes.Buffer
	cmd := exec.Command(path, "-t1", "-c", strconv.Itoa(users), "-d", lasts.String(), s.URL+"/")
	cmd.Stdout = &out
	used, err := b.run(cmd)
	if err != nil {
		return speed{}, err
	}
	found := wrkRequests.FindSubmatch(out.Bytes())
	if found == nil {
		return speed{}, fmt.Errorf("wrk printed %q", out.String())
	}
	n, err := strconv.Atoi(string(found[1]))
	return speed{used.CPU / time.Duration(max(1, n)), float64(n) / used.Took.Seconds()}, err
}

// connections measures Artillery's default shape: a new connection for every user.
// Each round has a server, and so a port, of its own: the kernel keeps closed connections for a minute.
func connections(b *bench) ([]row, error) {
	script, err := b.script("connections.yaml", "config: {phases: [{duration: 2, arrivalCount: 6000}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n")
	if err != nil {
		return nil, err
	}
	var got, hey []speed
	for range b.rounds {
		s, err := start(b, "static")
		if err != nil {
			return nil, err
		}
		r, used, err := b.load(b.clientCPU, script, s.URL)
		s.stop()
		if err != nil {
			return nil, err
		}
		got = append(got, speed{used.CPU / time.Duration(max(1, r.Requests)), 0})
		if v, err := b.heyClosing(6000); err == nil {
			hey = append(hey, v)
		}
	}
	ours := median(got)
	capacity := float64(time.Second) / float64(ours.perRequest)
	anchor := "hey not here"
	if len(hey) > 0 {
		anchor = "hey -disable-keepalive " + median(hey).String()
	}
	return []row{{
		what: "users/s per core, a connection each", got: fmt.Sprintf("%.0f (%s each)", capacity, ours), target: fmt.Sprintf("≥ %d", connectionsPerCore),
		missed: capacity < connectionsPerCore, anchor: anchor,
	}}, nil
}

func (b *bench) heyClosing(requests int) (speed, error) {
	if b.anchors == "" {
		return speed{}, os.ErrNotExist
	}
	s, err := start(b, "static")
	if err != nil {
		return speed{}, err
	}
	defer s.stop()
	used, err := b.run(exec.Command(filepath.Join(b.anchors, "hey"), "-c", "50", "-n", strconv.Itoa(requests), "-disable-keepalive", s.URL+"/"))
	return speed{used.CPU / time.Duration(requests), 0}, err
}

// lowRates measures what a usual test costs, and beside it what waking up for
// each request, sending it and reading the answer costs by itself.
func lowRates(b *bench) ([]row, error) {
	s, err := start(b, "static")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var rows []row
	for _, c := range []struct {
		rate int
		most float64
	}{{100, 1}, {1000, 8}} {
		const lasts = 4
		script, err := b.script("low.yaml", fmt.Sprintf(
			"config: {http: {pool: 20}, phases: [{duration: %d, arrivalRate: %d}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n", lasts, c.rate))
		if err != nil {
			return nil, err
		}
		var ours, vegeta, floor []float64
		for range b.rounds {
			_, used, err := b.load(b.clientCPU, script, s.URL)
			if err != nil {
				return nil, err
			}
			ours = append(ours, 100*used.CPU.Seconds()/lasts)
			if v, err := b.vegeta(s, strconv.Itoa(c.rate), lasts*time.Second); err == nil {
				vegeta = append(vegeta, 100*v.perRequest.Seconds()*float64(c.rate))
			}
			_, used, err = b.bare(b.clientCPU, s.URL, c.rate, lasts*time.Second)
			if err != nil {
				return nil, err
			}
			floor = append(floor, 100*used.CPU.Seconds()/lasts)
		}
		anchor := fmt.Sprintf("vegeta not here; a bare thread %.1f %%", middle(floor))
		if len(vegeta) > 0 {
			anchor = fmt.Sprintf("vegeta %.1f %%; a bare thread %.1f %%", middle(vegeta), middle(floor))
		}
		rows = append(rows, row{
			what: fmt.Sprintf("share of a core at %d/s", c.rate), got: fmt.Sprintf("%.1f %%", middle(ours)),
			target: fmt.Sprintf("≤ %.0f %%", c.most), missed: middle(ours) > c.most, anchor: anchor,
		})
	}
	return rows, nil
}

// middle is the median.
func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
