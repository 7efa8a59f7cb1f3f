package report

import (
	"sort"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// maxPoints bounds a timeline; a longer test has fewer points a minute.
const maxPoints = 3600

// step is how long a point is at least.
const step = time.Second

// Timeline keeps one side of a run second by second, for charts. The zero value is empty.
type Timeline struct {
	points        []Point
	created, over int64
	// pending is what was recorded since the last point, until end.
	pending *stats.Set
	end     time.Duration
	last    time.Duration
	joined  time.Duration // how long a point is after neighbours were joined
}

// Add takes what was recorded from the last call until a time, counted from the start of the test.
func (t *Timeline) Add(s *stats.Set, to time.Duration) {
	if t.pending == nil {
		t.pending = stats.NewSet()
	}
	t.pending.Merge(s)
	t.end = max(t.end, to)
	// A tick may come a little early.
	if t.end-t.last >= step-step/20 {
		t.flush()
	}
}

// flush makes a point of what is pending.
func (t *Timeline) flush() {
	if t.pending == nil || t.end <= t.last {
		return
	}
	p := NewPoint(t.pending)
	t.created += p.Arrivals
	t.over += t.pending.Counter(series.VUsersCompleted) + t.pending.Counter(series.VUsersFailed)
	p.From, p.To, p.Active = t.last, t.end, max(0, t.created-t.over)
	t.last, t.pending = t.end, nil
	if n := len(t.points); n > 0 && p.To-t.points[n-1].From <= t.joined {
		t.points[n-1] = join(t.points[n-1], p)
		return
	}
	t.points = append(t.points, p)
	if len(t.points) > maxPoints {
		t.points = condense(t.points, maxPoints)
		t.joined = t.points[0].To - t.points[0].From
	}
}

// NewPoint tells a set as a point without a time.
func NewPoint(s *stats.Set) Point {
	p := Point{
		Planned: -1, Arrivals: s.Counter(series.VUsersCreated), Requests: s.Counter(series.Requests), Active: -1, Errors: map[string]int64{},
	}
	for name, n := range s.Counters() {
		if code, ok := strings.CutPrefix(name, series.Codes); ok && n > 0 {
			p.answer(code, n)
		}
		if class, ok := strings.CutPrefix(name, series.ErrorClass); ok && n > 0 {
			p.Codes[0] += n
			p.Errors[class] += n
		}
	}
	if h := s.Histogram(series.Duration); h != nil {
		p.Q = &Quick{P50: h.Percentile(50), P95: h.Percentile(95), P99: h.Percentile(99)}
	}
	return p
}

// answer counts answers with a code; those that say that the server failed are errors too.
func (p *Point) answer(code string, n int64) {
	if len(code) == 0 || code[0] < '1' || code[0] > '5' {
		return
	}
	p.Codes[code[0]-'0'] += n
	if code[0] == '5' {
		p.Errors[code] += n
	}
}

// Points are what was added, with the arrivals that a share of a plan has at each of them.
func (t *Timeline) Points(plan schedule.Plan, share schedule.Share) []Point {
	t.flush()
	out := append([]Point(nil), t.points...)
	// What came in after the last whole second is no rate of its own.
	if n := len(out); n > 2 && out[n-1].To-out[n-1].From < step/2 {
		active := out[n-1].Active
		out[n-2] = join(out[n-2], out[n-1])
		out[n-2].Active = active
		out = out[:n-1]
	}
	before := int64(0)
	for i := range out {
		until := due(plan, share, out[i].To)
		out[i].Planned = until - before
		before = until
	}
	return out
}

// due is how many arrivals of a share are due before a time.
func due(plan schedule.Plan, share schedule.Share, at time.Duration) int64 {
	n := sort.Search(int(share.Total(plan)), func(i int) bool {
		return plan.Due(share.Index+int64(i)*share.Of).At > at
	})
	return int64(n)
}

// Bands are a plan's phases on the time axis.
func Bands(plan schedule.Plan) []Band {
	var out []Band
	for _, w := range plan.Windows() {
		out = append(out, Band{Name: w.Name, From: w.Start, To: w.End()})
	}
	return out
}

// Until cuts off what a test never came to.
func Until(bands []Band, end time.Duration) []Band {
	var out []Band
	for _, b := range bands {
		if b.To = min(b.To, end); b.To > b.From {
			out = append(out, b)
		}
	}
	return out
}
