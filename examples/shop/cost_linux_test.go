package main

import (
	"flag"
	"io"
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

// visit is how a load is made up: so many per second of each.
type visit struct {
	// shoppers make three requests on a connection of their own, as the seed's script does.
	shoppers float64
	// probes ask for readiness on a connection of their own, as a kubelet does; scrapes read the metrics on a kept one, as Prometheus does.
	probes, scrapes float64
}

// TestCost measures the shop as a process of its own. The numbers tell which rate a demonstration may use: a good version has to stay under half of
// the threshold. They depend on the machine, and on what else it does: waking an idle process costs more than the request.
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
	cases := []struct {
		name        string
		environment []string
		load        visit
		least, most float64
	}{
		{"at rest it costs next to nothing", nil, visit{}, 0, threshold / 100},
		{"a probe a second", nil, visit{probes: 1}, 0, threshold / 4},
		{"a look at the metrics a second", nil, visit{scrapes: 1}, 0, threshold / 4},
		{"2.5 requests a second and a probe", nil, visit{shoppers: 2.5 / 3, probes: 1}, 0, threshold / 2},
		{"5 requests a second and a probe", nil, visit{shoppers: 5. / 3, probes: 1}, 0, threshold},
		{"10 requests a second and a probe", nil, visit{shoppers: 10. / 3, probes: 1}, 0, 2 * threshold},
		{"15 requests a second and a probe", nil, visit{shoppers: 5, probes: 1}, 0, 3 * threshold},
		{"2.5 requests a second that burn 10ms each", []string{"SHOP_CPU_PER_REQUEST=10ms"}, visit{shoppers: 2.5 / 3, probes: 1}, 2 * threshold, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cores, peak := cost(t, binary, c.environment, c.load)
			t.Logf("%.5f cores, %.0f %% of the threshold; in the worst second %.5f, %.0f %%", cores, 100*cores/threshold, peak, 100*peak/threshold)
			if cores < c.least || cores > c.most {
				t.Errorf("want %.5f to %.5f cores", c.least, c.most)
			}
		})
	}
}

// cost gives the cores used on average and in the worst second: a query with irate sees single seconds.
func cost(t *testing.T, binary string, environment []string, load visit) (mean, peak float64) {
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
	last, lastAt := before, begun
	load.run(t, "http://"+address, func() {
		now, at := scheduledTime(t, shop.Process.Pid), time.Now()
		peak = max(peak, (now-last).Seconds()/at.Sub(lastAt).Seconds())
		last, lastAt = now, at
	})
	return (scheduledTime(t, shop.Process.Pid) - before).Seconds() / time.Since(begun).Seconds(), peak
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

func (v visit) run(t *testing.T, url string, everySecond func()) {
	t.Helper()
	end := time.NewTimer(*costFor)
	defer end.Stop()
	seconds := tick(t, 1)
	shoppers, probes, scrapes := tick(t, v.shoppers), tick(t, v.probes), tick(t, v.scrapes)
	for {
		select {
		case <-end.C:
			return
		case <-seconds:
			everySecond()
		case <-probes:
			alone := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			send(t, "GET", url+"/healthz", "", alone)
		case <-scrapes:
			send(t, "GET", url+"/metrics", "", http.DefaultClient)
		case <-shoppers:
			shopper := &http.Client{Transport: &http.Transport{}}
			send(t, "GET", url+"/collection/FRONT_PAGE", "", shopper)
			send(t, "POST", url+"/products/", `"Shirt"`, shopper)
			send(t, "GET", url+"/collection/FRONT_PAGE", "", shopper)
			shopper.CloseIdleConnections()
		}
	}
}

// tick gives nothing at all for a rate of zero.
func tick(t *testing.T, perSecond float64) <-chan time.Time {
	t.Helper()
	if perSecond == 0 {
		return nil
	}
	ticker := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
	t.Cleanup(ticker.Stop)
	return ticker.C
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
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
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
