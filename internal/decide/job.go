package decide

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// jobPending marks a measurement of ours whose Job was not there yet. Without the mark the Job was there,
// ours or that of the controller before us: when it is missing, somebody deleted it, and it is not
// created again.
const jobPending = api.EvidencePrefix + "job-pending"

// What is pending: a Job of the user's, or a load test, of which there may only be so many at once.
const pendingJob, pendingLoad = "true", "load-test"

// startJob writes the measurement down as begun; the Job itself is a fact of this and every later
// pass until it was seen.
func (a *assay) startJob(m api.Metric, r *api.MetricResult) {
	due, ok := schedule(a.in.Run, a.status, m)
	if !ok {
		return
	}
	if a.in.Now.Before(due.At) {
		a.wait(due.At)
		return
	}
	at := a.stamp(a.in.Now)
	name := jobName(string(a.in.Run.UID), m, due.N)
	pending := pendingJob
	if m.Provider.LoadTest != nil {
		pending = pendingLoad
	}
	r.Measurements = append(r.Measurements, api.Measurement{
		Phase: api.AnalysisPhaseRunning, StartedAt: &at,
		Metadata: map[string]string{api.MetadataJobName: name, api.MetadataJobNamespace: a.in.Run.Namespace, jobPending: pending},
	})
	a.actions = append(a.actions, JobExists{Name: name, Metric: m})
}

// readJob takes in what the Job of a begun measurement says.
func (a *assay) readJob(m api.Metric, r *api.MetricResult, last *api.Measurement) {
	name := last.Metadata[api.MetadataJobName]
	job, exists := a.in.Jobs[name]
	switch {
	case exists && !job.Ours:
		a.finishJob(m, r, judge.Sample{Failure: &judge.Failure{Class: judge.BadConfig,
			Message: fmt.Sprintf("a Job named %q exists and does not belong to this run", name)}})
	case exists && job.Done:
		a.noteLoad(m, last.Metadata, job)
		a.finishJob(m, r, job.Sample)
	case exists && job.Queued && last.Metadata[jobPending] != "":
		last.Message = job.Waiting
		a.wait(job.Again)
	case exists && !job.Missing:
		delete(last.Metadata, jobPending)
		a.noteLoad(m, last.Metadata, job)
		last.Message = job.Waiting
		a.wait(job.Again)
	case last.Metadata[jobPending] == "":
		a.finishJob(m, r, judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer,
			Message: fmt.Sprintf("Job %q was deleted before it ended", name)}})
	case !a.in.Run.Spec.Terminate:
		last.Message = job.Waiting
		a.wait(job.Again)
		a.actions = append(a.actions, JobExists{Name: name, Metric: m})
	}
}

func (a *assay) finishJob(m api.Metric, r *api.MetricResult, s judge.Sample) {
	last := judge.InFlight(r)
	begun := last.Metadata
	s.StartedAt = last.StartedAt.Time
	s.Metadata = maps.Clone(s.Metadata)
	if s.Metadata == nil {
		s.Metadata = map[string]string{}
	}
	for _, key := range []string{api.MetadataJobName, api.MetadataJobNamespace} {
		s.Metadata[key] = begun[key]
	}
	for _, key := range []string{api.EvidenceLoadStartedAt, api.EvidenceLoadEndedAt, api.EvidenceLoadPhases} {
		if begun[key] != "" {
			s.Metadata[key] = begun[key]
		}
	}
	a.take(m, r, s, s.StartedAt)
}

// stop ends what is under way for a metric of a run that stops. The measurement is kept and not
// counted: it came to nothing.
func (a *assay) stop(m api.Metric) {
	r := a.result(m.Name)
	last := judge.InFlight(r)
	if last == nil {
		return
	}
	at := a.stamp(a.in.Now)
	last.Phase, last.Message, last.FinishedAt = api.AnalysisPhaseInconclusive, "Metric Terminated", &at
}

// clear states that Jobs are gone which no measurement waits for, and those of measurements that are
// not kept. It is stated for as long as one is seen: also after the run has ended. The Job of a
// measurement that is kept stays as it ended, so that people can look at it.
func (a *assay) clear() {
	awaited, known := map[string]bool{}, map[string]bool{}
	for i := range a.status.MetricResults {
		r := &a.status.MetricResults[i]
		for j := range r.Measurements {
			known[r.Measurements[j].Metadata[api.MetadataJobName]] = true
		}
		if last := judge.InFlight(r); last != nil {
			awaited[last.Metadata[api.MetadataJobName]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.in.Jobs)) {
		job := a.in.Jobs[name]
		unwanted := !job.Ended && !awaited[name] || !known[name]
		if job.Ours && !job.Missing && unwanted {
			a.actions = append(a.actions, JobGone{Name: name})
		}
	}
}

// maxName is the longest name of a Job whose pods can carry it as a label.
const maxName = 63

// JobName is the Job of a metric's n-th measurement: <run uid>.<metric>.<n>. A metric name that does
// not fit, or holds characters a name cannot have, is cut and gets a hash, so that two metrics never
// share a Job.
func JobName(uid, metric string, n int32) string { return joined(uid, metric, n, ".", maxName) }

// jobName is that of a metric's own Job. The pods of a load test that several share are called after it and their number,
// and that must be a DNS label, which holds no dots: <run uid>-<metric>-<n>, with room for "-49".
func jobName(uid string, m api.Metric, n int32) string {
	if m.Provider.LoadTest.Pods() > 1 {
		return joined(uid, m.Name, n, "-", maxName-len("-49"))
	}
	return JobName(uid, m.Name, n)
}

func joined(uid, metric string, n int32, by string, longest int) string {
	tail := by + strconv.Itoa(int(n))
	room := longest - len(uid) - len(tail) - 1
	part := nameable(metric)
	if part != metric || len(part) > room {
		sum := fnv.New32a()
		sum.Write([]byte(metric))
		suffix := fmt.Sprintf("-%08x", sum.Sum32())
		part = strings.Trim(part[:min(len(part), max(room-len(suffix), 0))], "-.") + suffix
	}
	return uid + by + strings.TrimLeft(part, "-") + tail
}

// nameable keeps what a DNS label may hold.
func nameable(s string) string {
	out := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			return c
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return '-'
	}, s)
	return strings.Trim(out, "-")
}

// Keys of a metric's metadata while it holds for data.
const (
	noDataSince = api.EvidencePrefix + "no-data-since"
	noDataLast  = api.EvidencePrefix + "no-data-last"
)

// hold notes that there is no data yet and says whether it has waited long enough.
func (a *assay) hold(m api.Metric, r *api.MetricResult, at time.Time) bool {
	at = orElse(at, a.in.Now)
	if r.Metadata == nil {
		r.Metadata = map[string]string{}
	}
	since, err := time.Parse(time.RFC3339, r.Metadata[noDataSince])
	if err != nil {
		since = at
		r.Metadata[noDataSince] = at.UTC().Format(time.RFC3339)
	}
	r.Metadata[noDataLast] = at.UTC().Format(time.RFC3339)
	return at.Sub(since) >= holdLimit(m)
}

// holdLimit is how long a metric waits for data: noDataDeadline, else five intervals, at least a
// minute.
func holdLimit(m api.Metric) time.Duration {
	if limit, err := m.NoDataDeadline.Duration(); err == nil && limit > 0 {
		return limit
	}
	interval, _ := m.Interval.Duration()
	return max(5*interval, time.Minute)
}
