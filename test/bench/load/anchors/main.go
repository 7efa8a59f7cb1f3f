// Command anchors sends load with vegeta's library, and asks the histogram
// behind its percentiles, for the bench to compare with.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/influxdata/tdigest"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "anchors:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 4 && args[0] == "attack" {
		return attack(args[1], args[2], args[3])
	}
	if len(args) == 1 && args[0] == "digest" {
		return digest()
	}
	return fmt.Errorf("say attack URL RATE DURATION, or digest")
}

// attack sends with 50 workers at most at a rate, or as fast as it can when the rate is 0.
func attack(url, rate, duration string) error {
	perSecond, err := strconv.Atoi(rate)
	if err != nil {
		return err
	}
	lasts, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	attacker := vegeta.NewAttacker(vegeta.Workers(50), vegeta.MaxWorkers(50), vegeta.Connections(50), vegeta.KeepAlive(true))
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: "GET", URL: url})
	var m vegeta.Metrics
	for r := range attacker.Attack(target, vegeta.Rate{Freq: perSecond, Per: time.Second}, lasts, "bench") {
		m.Add(r)
	}
	m.Close()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"requests": m.Requests, "success": m.Success, "p99": m.Latencies.P99.Seconds() * 1000})
}

// digest reads milliseconds, one a line, and prints what vegeta's digest says of them.
func digest() error {
	d := tdigest.NewWithCompression(100)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		v, err := strconv.ParseFloat(lines.Text(), 64)
		if err != nil {
			return err
		}
		d.Add(v, 1)
	}
	for _, q := range []float64{0.5, 0.9, 0.95, 0.99, 0.999} {
		fmt.Println(d.Quantile(q))
	}
	return lines.Err()
}
