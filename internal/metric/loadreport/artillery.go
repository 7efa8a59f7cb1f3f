package loadreport

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// artilleryTimes are a distribution, in milliseconds. Reports of 1.x hold null where there were too few.
type artilleryTimes map[string]*float64

// artillery reads what `artillery run -o` writes, of 2.x and of 1.x. What it calls response time ends with the first byte of
// the answer; it is both firstByte and, where the script does not ask for extended metrics, latency.
func artillery(text []byte, t tree) error {
	var report struct {
		Aggregate *struct {
			Counters   map[string]float64        `json:"counters"`
			Rates      map[string]float64        `json:"rates"`
			Summaries  map[string]artilleryTimes `json:"summaries"`
			Histograms map[string]artilleryTimes `json:"histograms"`
			First      *float64                  `json:"firstMetricAt"` // milliseconds
			Last       *float64                  `json:"lastMetricAt"`
			artilleryOne
		} `json:"aggregate"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("it is no report of Artillery: %w", err)
	}
	a := report.Aggregate
	switch {
	case a == nil:
		return errors.New(`it is no report of Artillery: it has no "aggregate"`)
	case a.Completed != nil:
		a.read(t)
		return nil
	case a.Counters == nil:
		return errors.New(`it is no report of Artillery: its "aggregate" has no "counters"`)
	}
	if a.First != nil && a.Last != nil && *a.Last >= *a.First {
		t.put("duration", (*a.Last-*a.First)*millisToSecond)
	}
	if rate, told := a.Rates["http.request_rate"]; told {
		t.put("rate.achieved", rate)
	}
	times := a.Summaries
	if times == nil {
		times = a.Histograms
	}
	t.times("firstByte", times["http.response_time"])
	t.times("latency", times["http.response_time"])
	t.times("latency", times["http.total"])
	artilleryCounters(a.Counters, t)
	return nil
}

// artilleryOne is the report of Artillery 1.x.
type artilleryOne struct {
	Created   *float64                `json:"scenariosCreated"`
	Skipped   *float64                `json:"scenariosAvoided"`
	Completed *float64                `json:"requestsCompleted"`
	Latency   artilleryTimes          `json:"latency"`
	RPS       struct{ Mean *float64 } `json:"rps"`
	Codes     map[string]float64      `json:"codes"`
	Errors    map[string]float64      `json:"errors"`
}

func (a artilleryOne) read(t tree) {
	t.number("arrivals", a.Created, asItIs)
	t.number("skipped", a.Skipped, asItIs)
	t.number("rate.achieved", a.RPS.Mean, asItIs)
	t.times("firstByte", a.Latency)
	t.times("latency", a.Latency)
	bad, unanswered := t.codes(a.Codes)
	unanswered += t.classes(a.Errors)
	requests := *a.Completed + unanswered // what was completed was answered
	t.put("requests", requests)
	t.failures(bad+unanswered, requests)
}

// artilleryCounters reads the counters, which have dotted names.
func artilleryCounters(counters map[string]float64, t tree) {
	codes, errs := map[string]float64{}, map[string]float64{}
	for name, n := range counters {
		if code, is := strings.CutPrefix(name, "http.codes."); is {
			codes[code] = n
		}
		if class, is := strings.CutPrefix(name, "errors."); is {
			errs[class] = n
		}
	}
	for name, path := range map[string]string{"vusers.created": "arrivals", "vusers.skipped": "skipped", "http.requests": "requests"} {
		if n, told := counters[name]; told {
			t.put(path, n)
		}
	}
	requests, told := counters["http.requests"]
	if !told {
		t.classes(errs)
		return
	}
	bad, _ := t.codes(codes)
	t.classes(errs)
	t.failures(bad+max(requests-counters["http.responses"], 0), requests)
}

// classes puts errors by their names, and counts those that are Node's: nothing was answered.
func (t tree) classes(counts map[string]float64) (unanswered float64) {
	for name, n := range counts {
		if name == "total" || name == "rate" {
			continue // an error message; those names are taken
		}
		errs, _ := t["errors"].(map[string]any)
		if errs == nil {
			errs = map[string]any{}
			t["errors"] = errs
		}
		errs[name] = n
		if strings.HasPrefix(name, "E") && strings.ToUpper(name) == name {
			unanswered += n
		}
	}
	return unanswered
}

func (t tree) times(path string, times artilleryTimes) {
	for name, short := range map[string]string{
		"median": "p50", "p50": "p50", "p75": "p75", "p90": "p90", "p95": "p95", "p99": "p99", "p999": "p999",
		"min": "min", "mean": "mean", "max": "max",
	} {
		t.number(path+"."+short, times[name], asItIs)
	}
}
