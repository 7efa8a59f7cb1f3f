package vu

import (
	"context"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/template"
)

// user is one virtual user.
type user struct {
	*runner
	k        int64
	phase    int
	scope    template.Scope
	client   *httpx.Client
	intended time.Time
	headers  []httpx.Header
}

// user runs arrival k to its end.
func (r *runner) user(ctx context.Context, k int64, phase int, due time.Time) {
	defer r.users.Done()
	defer r.inFlight.Add(-1)
	started := time.Now()
	random := rand.New(rand.NewPCG(r.config.Seed, uint64(k)))
	picked := r.pick(random)
	scenario := &r.script.Scenarios[picked]
	u := &user{runner: r, k: k, phase: phase, intended: due, client: r.factory.NewClient()}
	defer u.client.Close()
	u.scope = template.Scope{Vars: u.variables(random), Rand: random}
	r.config.Recorder.Record(k, func(s *stats.Set) {
		s.At(started)
		s.Inc(r.keys.created, 1)
		s.Inc(r.keys.scenarios[picked], 1)
		s.Inc(r.keys.phases[phase].arrivals, 1)
		s.Observe(r.keys.lag, started.Sub(due))
	})
	err := u.walk(ctx, scenario.Steps)
	if ctx.Err() != nil {
		return // cut off by the end of the run: neither completed nor failed
	}
	r.config.Recorder.Record(k, func(s *stats.Set) {
		s.At(time.Now())
		if err != nil {
			s.Inc(r.keys.failed, 1)
			return
		}
		s.Inc(r.keys.completed, 1)
		s.Inc(r.keys.failed, 0)
		s.Observe(r.keys.session, time.Since(started))
	})
}

// variables are the shared ones, the script's, and the user's own; of a list
// the user takes one element.
func (u *user) variables(random *rand.Rand) map[string]any {
	vars := make(map[string]any, len(u.script.Builtins)+len(u.script.Variables)+1)
	for name, v := range u.script.Builtins {
		vars[name] = v
	}
	vars["$uuid"] = uuid(random)
	// In order, so that a seed draws the same elements every time.
	for _, name := range slices.Sorted(maps.Keys(u.script.Variables)) {
		v := u.script.Variables[name]
		if choices, ok := v.([]any); ok {
			v = choices[random.IntN(len(choices))]
		}
		vars[name] = v
	}
	return vars
}

// uuid makes a version 4 identifier.
func uuid(random *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}
