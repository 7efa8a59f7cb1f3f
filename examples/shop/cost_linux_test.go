package main

import (
	"flag"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var costFor = flag.Duration("cost", 0, "measure for this long what the shop costs at several rates; 30s gives steady numbers")

// threshold is the number of cores above which the seed's query fails a release.
const threshold = 0.004

// TestCost measures the shop as its own process, with a new connection for every three requests as the seed's script makes them, a probe and a look at
// the metrics every second. A good version has to stay at half the threshold.
func TestCost(t *testing.T) {
	if *costFor == 0 {
		t.Skip("measures only with -cost 30s")
	}
	binary := filepath.Join(t.TempDir(), "shop")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	cases := map[string]struct {
		environment          []string
		visitsPerSecond      float64
		leastCore, mostCores float64
	}{
		"at rest":                       {nil, 0, 0, threshold / 4},
		"2.4 requests a second":         {nil, 0.8, 0, threshold / 2},
		"6 requests a second":           {nil, 2, 0, threshold / 2},
		"12 requests a second":          {nil, 4, 0, threshold / 2},
		"15 requests a second":          {nil, 5, 0, threshold / 2},
		"12 a second, each burning 2ms": {[]string{"SHOP_CPU_PER_REQUEST=2ms"}, 4, 2 * threshold, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cores := cost(t, binary, c.environment, c.visitsPerSecond)
			t.Logf("%.5f cores, %.0f %% of the threshold", cores, 100*cores/threshold)
			if cores < c.leastCore || cores > c.mostCores {
				t.Errorf("want %.4f to %.4f cores", c.leastCore, c.mostCores)
			}
		})
	}
}

func cost(t *testing.T, binary string, environment []string, visitsPerSecond float64) float64 {
	t.Helper()
	const address = "127.0.0.1:18080"
	shop := exec.CommandContext(t.Context(), binary)
	shop.Env = append(environment, "SHOP_LISTEN="+address, "SHOP_DRAIN=0s")
	if err := shop.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = shop.Process.Kill() // nothing of it is needed any more
		_ = shop.Wait()
	}()
	awaitShop(t, "http://"+address)
	before, begun := scheduledTime(t, shop.Process.Pid), time.Now()
	keepVisiting(t, "http://"+address, visitsPerSecond)
	return (scheduledTime(t, shop.Process.Pid) - before).Seconds() / time.Since(begun).Seconds()
}

func awaitShop(t *testing.T, url string) {
	t.Helper()
	for range 200 {
		if response, err := http.Get(url + "/healthz"); err == nil {
			response.Body.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the shop never answered")
}

func keepVisiting(t *testing.T, url string, visitsPerSecond float64) {
	t.Helper()
	end := time.NewTimer(*costFor)
	defer end.Stop()
	probes := time.NewTicker(time.Second)
	defer probes.Stop()
	var visits <-chan time.Time
	if visitsPerSecond > 0 {
		ticker := time.NewTicker(time.Duration(float64(time.Second) / visitsPerSecond))
		defer ticker.Stop()
		visits = ticker.C
	}
	for {
		select {
		case <-end.C:
			return
		case <-probes.C:
			send(t, "GET", url+"/healthz", "", http.DefaultClient)
			send(t, "GET", url+"/metrics", "", http.DefaultClient)
		case <-visits:
			visitor := &http.Client{Transport: &http.Transport{}}
			send(t, "GET", url+"/collection/FRONT_PAGE", "", visitor)
			send(t, "POST", url+"/products/", `"Shirt"`, visitor)
			send(t, "GET", url+"/collection/FRONT_PAGE", "", visitor)
			visitor.CloseIdleConnections()
		}
	}
}

func send(t *testing.T, method, url, body string, client *http.Client) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// scheduledTime reads the processor clock of another process, exact to the nanosecond where /proc counts ticks of ten milliseconds.
func scheduledTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	const scheduled = 2 // CPUCLOCK_SCHED of clock_getcpuclockid(3)
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &used); err != nil {
		t.Fatalf("reading the clock of process %d: %v", pid, err)
	}
	return time.Duration(used.Nano())
}
