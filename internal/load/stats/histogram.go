package stats

import (
	"encoding/base64"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Geometry of the histograms: microseconds up to an hour. Histograms of one
// precision can be added exactly, whoever recorded them.
const (
	lowest  = 1
	highest = int64(time.Hour / time.Microsecond)
	// fine keeps a value within 0.1 %, in about 190 KB.
	fine = 3
	// coarse keeps a value within 1 %, in about 30 KB; for the many small series.
	coarse = 2
)

// Histogram counts durations. It is not safe for concurrent use.
type Histogram struct {
	h        *hdrhistogram.Histogram
	digits   int
	least    int64
	greatest int64
	sum      float64
}

// newHistogram returns an empty histogram that keeps this many digits.
func newHistogram(digits int) *Histogram {
	return &Histogram{h: hdrhistogram.New(lowest, highest, digits), digits: digits, least: math.MaxInt64}
}

// record adds one duration; more than an hour counts as an hour.
func (h *Histogram) record(d time.Duration) {
	micros := min(max(d.Microseconds(), 0), highest)
	if err := h.h.RecordValue(micros); err != nil {
		// The value was clamped into the histogram's range.
		panic(fmt.Sprintf("recording %d µs: %v", micros, err))
	}
	h.least, h.greatest = min(h.least, micros), max(h.greatest, micros)
	h.sum += float64(micros)
}

// merge adds what another histogram of the same precision counted.
func (h *Histogram) merge(from *Histogram) {
	if dropped := h.h.Merge(from.h); dropped != 0 {
		panic(fmt.Sprintf("merging dropped %d values of a histogram of the same range", dropped))
	}
	h.least, h.greatest = min(h.least, from.least), max(h.greatest, from.greatest)
	h.sum += from.sum
}

func (h *Histogram) reset() {
	h.h.Reset()
	h.least, h.greatest, h.sum = math.MaxInt64, 0, 0
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Summary is what a histogram says, in milliseconds.
type Summary struct {
	Count                         int64
	Min, Max, Mean                float64
	P50, P75, P90, P95, P99, P999 float64
}

// Summary computes the usual quantiles; of an empty histogram all are 0.
func (h *Histogram) Summary() Summary {
	n := h.Count()
	if n == 0 {
		return Summary{}
	}
	return Summary{
		Count: n, Min: milliseconds(h.least), Max: milliseconds(h.greatest), Mean: h.sum / float64(n) / 1000,
		P50: h.Percentile(50), P75: h.Percentile(75), P90: h.Percentile(90),
		P95: h.Percentile(95), P99: h.Percentile(99), P999: h.Percentile(99.9),
	}
}

// Percentile returns the value that this percentage of the recorded ones does
// not exceed, in milliseconds; 0 for an empty histogram.
func (h *Histogram) Percentile(percent float64) float64 {
	n := float64(h.Count())
	if n == 0 {
		return 0
	}
	// The library rounds the rank to the nearest; of 11 values the 95th percentile is
	// the 11th, not the 10th, so the rank is made whole, upwards, before it is asked.
	rank := math.Ceil(percent*n/100 - 1e-9)
	return milliseconds(min(h.h.ValueAtQuantile(rank/n*100), h.greatest))
}

func milliseconds(micros int64) float64 { return float64(micros) / 1000 }

// Value returns one of the statistics by its name in a gate.
func (s Summary) Value(statistic string) (float64, bool) {
	switch statistic {
	case "min":
		return s.Min, true
	case "max":
		return s.Max, true
	case "count":
		return float64(s.Count), true
	case "mean":
		return s.Mean, true
	case "p50", "median":
		return s.P50, true
	case "p75":
		return s.P75, true
	case "p90":
		return s.P90, true
	case "p95":
		return s.P95, true
	case "p99":
		return s.P99, true
	case "p999":
		return s.P999, true
	}
	return 0, false
}

// Encode writes the histogram in HdrHistogram's compressed V2 form, base64,
// at two digits, so that a few hundred bytes hold it.
func (h *Histogram) Encode() (string, error) {
	small := h.h
	if h.digits != coarse {
		small = hdrhistogram.New(lowest, highest, coarse)
		for _, bar := range h.h.Distribution() {
			if bar.Count == 0 {
				continue
			}
			if err := small.RecordValues(min(bar.To, highest), bar.Count); err != nil {
				return "", fmt.Errorf("encoding the histogram: %w", err)
			}
		}
	}
	// The encoder already gives base64 text; anything else would be a change of its format.
	encoded, err := small.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encoding the histogram: %w", err)
	}
	if _, err := base64.StdEncoding.DecodeString(string(encoded)); err != nil {
		return "", fmt.Errorf("encoding the histogram: %w", err)
	}
	return string(encoded), nil
}
