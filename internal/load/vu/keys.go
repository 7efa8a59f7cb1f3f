package vu

import (
	"strconv"
	"sync"
	"sync/atomic"

	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// keys are the series that every request writes, resolved once for the run.
type keys struct {
	recorder *stats.Recorder

	created, completed, failed, requests, responses, bytes stats.Counter
	satisfied, tolerated, frustrated                       stats.Counter

	lag, session, duration, fromIntended, response stats.Timer
	// classes are the response times of answers from 200, 300, 400 and 500 on.
	classes [4]stats.Timer

	codes     codeKeys
	phases    []phaseKeys
	scenarios []stats.Counter
	endpoints sync.Map // *series.Endpoint to *endpointKeys
}

type phaseKeys struct {
	arrivals, requests stats.Counter
	duration           stats.Timer
}

// endpointKeys are the series of one request's endpoint.
type endpointKeys struct {
	response stats.Timer
	codes    codeKeys
}

func newKeys(s *script.Script, r *stats.Recorder) *keys {
	k := &keys{
		recorder: r,
		created:  r.Counter(series.VUsersCreated), completed: r.Counter(series.VUsersCompleted), failed: r.Counter(series.VUsersFailed),
		requests: r.Counter(series.Requests), responses: r.Counter(series.Responses), bytes: r.Counter(series.DownloadedBytes),
		satisfied: r.Counter(series.ApdexSatisfied), tolerated: r.Counter(series.ApdexTolerated), frustrated: r.Counter(series.ApdexFrustrated),
		lag: r.Timer(series.Lag), session: r.Timer(series.SessionLength), duration: r.Timer(series.Duration),
		fromIntended: r.Timer(series.DurationFromIntended), response: r.Timer(series.ResponseTime),
		codes: codeKeys{prefix: series.Codes},
	}
	for i := range k.classes {
		k.classes[i] = r.Timer(series.ResponseTime + "." + strconv.Itoa(i+2) + "xx")
	}
	for i := range s.Plan.Windows() {
		k.phases = append(k.phases, phaseKeys{
			arrivals: r.Counter(series.PhaseArrivals(i)), requests: r.Counter(series.PhaseRequests(i)), duration: r.Timer(series.PhaseDuration(i)),
		})
	}
	for _, scenario := range s.Scenarios {
		k.scenarios = append(k.scenarios, r.Counter(series.VUsersCreatedByName+scenario.Name))
	}
	return k
}

// endpoint resolves an endpoint at its first answer.
func (k *keys) endpoint(e *series.Endpoint) *endpointKeys {
	if found, ok := k.endpoints.Load(e); ok {
		return found.(*endpointKeys)
	}
	made := &endpointKeys{response: k.recorder.Timer(e.ResponseTime), codes: codeKeys{prefix: e.Codes}}
	found, _ := k.endpoints.LoadOrStore(e, made)
	return found.(*endpointKeys)
}

// codeKeys are the counters of a family by status code. Each is resolved when it first comes.
type codeKeys struct {
	prefix string
	// keys holds, for 200 to 599, one more than the key.
	keys [400]atomic.Int32
}

// count adds one answer of a code to a set.
func (c *codeKeys) count(s *stats.Set, r *stats.Recorder, code int) {
	i := code - 200
	if i < 0 || i >= len(c.keys) {
		s.Count(c.prefix+strconv.Itoa(code), 1)
		return
	}
	key := stats.Counter(c.keys[i].Load()) - 1
	if key < 0 {
		key = r.Counter(c.prefix + strconv.Itoa(code))
		c.keys[i].Store(int32(key) + 1)
	}
	s.Inc(key, 1)
}
