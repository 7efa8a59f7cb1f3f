package stats

import (
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Histograms count whole microseconds up to an hour.
const highest = int64(time.Hour / time.Microsecond)

// precision is how many buckets each doubling of the value has, as a power of
// two; values below twice that many microseconds have one each. The buckets of
// a lower precision are made of whole buckets of a higher one, so a histogram
// is the same whether it was made coarser before or after others were added.
type precision uint8

const (
	// fine keeps a value within 0.1 %, for the few series every run has. It is HdrHistogram's three digits.
	fine precision = 10
	// coarse keeps a value within 0.8 %, for the many small series. It is HdrHistogram's two digits.
	coarse precision = 7
	// packed keeps a value within 0.8 %, to either side; it is what travels.
	packed precision = 6
)

// bucket numbers the buckets from 0.
func (p precision) bucket(micros int64) int {
	octave := max(0, bits.Len64(uint64(micros))-int(p)-1)
	return octave<<p + int(micros>>octave)
}

// bounds are the least and the greatest value in a bucket.
func (p precision) bounds(bucket int) (low, high int64) {
	octave := max(0, bucket>>p-1)
	low = int64(bucket-octave<<p) << octave
	return low, low + 1<<octave - 1
}

// value stands for the values in a bucket.
func (p precision) value(bucket int) int64 {
	low, high := p.bounds(bucket)
	if p == packed {
		return (low + high) / 2
	}
	return high
}

// page is as many buckets as are made room for at once. Most are never needed.
type page [1 << pageBits]int64

const pageBits = 7

// Histogram counts durations. It is not safe for concurrent use.
type Histogram struct {
	precision precision
	pages     []*page
	// spare are empty pages from before the last reset.
	spare []*page

	n, sum          int64
	least, greatest int64
}

// newHistogram returns an empty histogram.
func newHistogram(p precision) *Histogram {
	return &Histogram{precision: p, pages: make([]*page, p.bucket(highest)>>pageBits+1), least: math.MaxInt64}
}

// record adds one duration; more than an hour counts as an hour.
func (h *Histogram) record(d time.Duration) {
	micros := min(max(d.Microseconds(), 0), highest)
	h.add(h.precision.bucket(micros), 1)
	h.n++
	h.sum += micros
	h.least, h.greatest = min(h.least, micros), max(h.greatest, micros)
}

func (h *Histogram) add(bucket int, n int64) {
	p := h.pages[bucket>>pageBits]
	if p == nil {
		p = h.fresh()
		h.pages[bucket>>pageBits] = p
	}
	p[bucket%len(p)] += n
}

func (h *Histogram) fresh() *page {
	last := len(h.spare) - 1
	if last < 0 {
		return new(page)
	}
	p := h.spare[last]
	h.spare = h.spare[:last]
	return p
}

// count is how many durations a bucket holds.
func (h *Histogram) count(bucket int) int64 {
	if p := h.pages[bucket>>pageBits]; p != nil {
		return p[bucket%len(p)]
	}
	return 0
}

// each calls f with every bucket that is not empty, in order, until it returns false.
func (h *Histogram) each(f func(bucket int, n int64) bool) {
	for i, p := range h.pages {
		if p == nil {
			continue
		}
		for j, n := range p {
			if n != 0 && !f(i<<pageBits+j, n) {
				return
			}
		}
	}
}

// merge adds what another histogram of the same or a higher precision counted.
func (h *Histogram) merge(from *Histogram) {
	if from.n == 0 {
		return
	}
	if from.precision < h.precision {
		panic(fmt.Sprintf("a histogram of precision %d cannot hold what one of %d counted", h.precision, from.precision))
	}
	from.each(func(bucket int, n int64) bool {
		if from.precision != h.precision {
			low, _ := from.precision.bounds(bucket)
			bucket = h.precision.bucket(low)
		}
		h.add(bucket, n)
		return true
	})
	h.n += from.n
	h.sum += from.sum
	h.least, h.greatest = min(h.least, from.least), max(h.greatest, from.greatest)
}

// reset empties the histogram and keeps its memory.
func (h *Histogram) reset() {
	if h.n == 0 {
		return
	}
	for i, p := range h.pages {
		if p != nil {
			*p = page{}
			h.spare = append(h.spare, p)
			h.pages[i] = nil
		}
	}
	h.n, h.sum, h.least, h.greatest = 0, 0, math.MaxInt64, 0
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.n }

// Summary is what a histogram says, in milliseconds.
type Summary struct {
	Count                         int64
	Min, Max, Mean                float64
	P50, P75, P90, P95, P99, P999 float64
}

// Summary computes the usual quantiles; of an empty histogram all are 0.
func (h *Histogram) Summary() Summary {
	if h.n == 0 {
		return Summary{}
	}
	p := h.percentiles(50, 75, 90, 95, 99, 99.9)
	return Summary{
		Count: h.n, Min: milliseconds(h.least), Max: milliseconds(h.greatest), Mean: float64(h.sum) / float64(h.n) / 1000,
		P50: p[0], P75: p[1], P90: p[2], P95: p[3], P99: p[4], P999: p[5],
	}
}

// Percentile returns the value that this percentage of the recorded ones does
// not exceed, in milliseconds; 0 for an empty histogram.
func (h *Histogram) Percentile(percent float64) float64 { return h.percentiles(percent)[0] }

// percentiles wants the percentages in rising order.
func (h *Histogram) percentiles(percents ...float64) []float64 {
	out := make([]float64, len(percents))
	var upTo int64
	k := 0
	h.each(func(bucket int, n int64) bool {
		upTo += n
		// Of 11 values the 95th percentile is the 11th, not the 10th.
		for k < len(percents) && upTo >= int64(math.Ceil(percents[k]*float64(h.n)/100-1e-9)) {
			out[k] = milliseconds(max(h.least, min(h.precision.value(bucket), h.greatest)))
			k++
		}
		return k < len(percents)
	})
	return out
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
