package vu

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/sluice/internal/load/extract"
	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/template"
)

// user is one virtual user, or a branch of one: the steps of a parallel block
// run as copies that share everything behind a pointer.
type user struct {
	*runner
	k        int64
	phase    int
	scenario *script.Scenario
	// picked is the scenario's number.
	picked   int
	scope    template.Scope
	client   *httpx.Client
	intended time.Time
	headers  []httpx.Header
	// answer is kept from request to request for its memory; nil until somebody looks at an answer.
	answer *httpx.Answer
	// current is the request under way, kept for its memory.
	current exchange
	// quiet users are not counted.
	quiet bool
	// turn is held by the branch that computes and free while it waits; nil while there is one branch only.
	turn *sync.Mutex
	// sockets limits what branches send at once over the user's own connections.
	sockets chan struct{}
	// halted are set when a branch beside this one failed.
	halted []*atomic.Bool
}

// newUser returns user k with its variables.
func (r *runner) newUser(k int64, s *script.Scenario) *user {
	random := rand.New(rand.NewPCG(r.config.Seed, uint64(k)))
	u := &user{runner: r, k: k, scenario: s, client: r.factory.NewClient()}
	if s == nil {
		u.picked = r.pick(random)
		u.scenario = &r.script.Scenarios[u.picked]
	}
	u.scope = template.Scope{Vars: u.variables(random), Rand: random, Functions: r.script.Fakes}
	return u
}

// user runs arrival k to its end.
func (r *runner) user(ctx context.Context, k int64, phase int, due time.Time) {
	defer r.users.Done()
	defer r.inFlight.Add(-1)
	started := time.Now()
	u := r.newUser(k, nil)
	u.phase, u.intended = phase, due
	defer u.client.Close()
	r.config.Recorder.Record(k, func(s *stats.Set) {
		s.At(started)
		s.Inc(r.keys.created, 1)
		s.Inc(r.keys.scenarios[u.picked], 1)
		s.Inc(r.keys.phases[phase].arrivals, 1)
		s.Observe(r.keys.lag, started.Sub(due))
	})
	err := u.play(ctx)
	var unfinished *failure
	if ctx.Err() != nil && !errors.As(err, &unfinished) {
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

// play walks through the scenario, with its functions before and after.
func (u *user) play(ctx context.Context) error {
	if err := u.steps(ctx, u.scenario.Before); err != nil {
		return err
	}
	if err := u.walk(ctx, u.scenario.Steps); err != nil {
		return err
	}
	return u.steps(ctx, u.scenario.After)
}

// variables are, the later over the earlier: the shared ones, a row of each
// file, the script's, what the before flow captured, and the scenario's. Of a
// list the user takes one element.
func (u *user) variables(random *rand.Rand) map[string]any {
	vars := make(map[string]any, len(u.script.Builtins)+len(u.script.Variables)+1)
	maps.Copy(vars, u.script.Builtins)
	vars["target"] = u.target
	vars["$uuid"] = uuid(random)
	maps.Copy(vars, u.shared)
	for _, p := range u.script.Payloads {
		if p.Name == "" && len(p.Rows) > 0 {
			place(vars, p.Fields, u.row(p, random))
		}
	}
	draw(vars, u.script.Variables, random)
	maps.Copy(vars, u.captured)
	draw(vars, u.scenario.Variables, random)
	return vars
}

// row is user k's row of a file: in sequence row k mod n, so that all shares of
// a test together go through the file as one would.
func (u *user) row(p script.Payload, random *rand.Rand) []any {
	if p.Sequence {
		return p.Rows[max(0, u.k)%int64(len(p.Rows))]
	}
	return p.Rows[random.IntN(len(p.Rows))]
}

// draw sets variables, in order, so that a seed draws the same elements every time.
func draw(vars, from map[string]any, random *rand.Rand) {
	if len(from) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		v := from[name]
		if choices, ok := v.([]any); ok && len(choices) > 0 {
			v = choices[random.IntN(len(choices))]
		}
		vars[name] = v
	}
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

// same says whether a variable still has the value it had.
func same(a, b any) bool {
	switch a.(type) {
	case map[string]any, []any:
		return false // it may have been changed inside; to hand it on again does no harm
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return extract.Same(a, b)
}
