package vu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/template"
)

// walk does steps one after the other.
func (u *user) walk(ctx context.Context, steps []script.Step) error {
	for i := range steps {
		if u.isHalted() {
			return errHalted
		}
		if err := u.step(ctx, &steps[i]); err != nil {
			return err
		}
	}
	return nil
}

func (u *user) step(ctx context.Context, s *script.Step) error {
	switch {
	case s.Request != nil:
		return u.send(ctx, s.Request)
	case s.Think != nil:
		return u.think(ctx, s.Think)
	case s.Loop != nil:
		return u.loop(ctx, s.Loop)
	case s.Parallel != nil:
		return u.parallel(ctx, s.Parallel)
	case s.Log != nil:
		u.printer.print(s.Log.String(&u.scope))
		return nil
	case s.Function != "":
		return u.steps(ctx, []string{s.Function})
	}
	return nil
}

// wait lets a time go by, and other branches of the user compute meanwhile.
func (u *user) wait(ctx context.Context, d time.Duration) error {
	u.leave()
	defer u.enter()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// think waits; the next request is intended for the end of the pause.
func (u *user) think(ctx context.Context, t *script.Think) error {
	d := t.Fixed
	if !t.Text.IsStatic() {
		text := t.Text.String(&u.scope)
		var ok bool
		if d, ok = script.ParseSeconds(text); !ok {
			return u.fail(scriptClass, "Invalid think time: "+text, fmt.Errorf("%q is no duration", text))
		}
	}
	jitter := t.Jitter
	if jitter == nil {
		jitter = u.script.ThinkJitter
	}
	d = vary(d, jitter, u.scope.Rand)
	u.intended = u.intended.Add(d)
	return u.wait(ctx, d)
}

// vary makes a pause up to so much longer or shorter, evenly.
func vary(d time.Duration, j *script.Jitter, random *rand.Rand) time.Duration {
	if j == nil {
		return d
	}
	by := j.By
	if by == 0 {
		by = time.Duration(float64(d) * j.Share)
	}
	if by <= 0 {
		return d
	}
	return max(0, d-by+time.Duration(random.Int64N(2*int64(by)+1)))
}

// forever is a loop without an end of its own.
const forever = -1

// turns are how often a loop runs: from one number up to another, or forever,
// with the values of a list if it goes over one.
type turns struct {
	from, to int64
	values   []any
}

func (u *user) turns(l *script.Loop) turns {
	switch {
	case l.Over != nil:
		values := u.over(l.Over)
		return turns{0, int64(len(values)), values}
	case l.While != "":
		return turns{to: forever}
	case l.Times != nil:
		from, to := countOf(l.Times.Value(&u.scope))
		return turns{from: from, to: to}
	case l.To == 0 && l.From == 0:
		return turns{to: forever}
	}
	return turns{from: l.From, to: l.To}
}

// loop repeats its steps.
func (u *user) loop(ctx context.Context, l *script.Loop) error {
	t := u.turns(l)
	for i := t.from; t.to == forever || i < t.to; i++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		u.scope.Vars[named(l.Count, "$loopCount")] = i
		u.scope.Vars[named(l.Element, "$loopElement")] = t.element(i)
		if err := u.walk(ctx, l.Steps); err != nil {
			return err
		}
		if l.While == "" {
			continue
		}
		if more, err := u.asked(l.While); err != nil || !more {
			return err
		}
	}
	return nil
}

func named(name, usual string) string {
	if name == "" {
		return usual
	}
	return name
}

// element is what a turn is about: the list's value. A loop over no list has
// its first number all the time, as in Artillery; the turn's is the other variable.
func (t turns) element(i int64) any {
	if t.values == nil {
		return t.from
	}
	return t.values[i]
}

// over returns what a loop goes over; a variable that is no list is none.
func (u *user) over(o *script.Over) []any {
	if o.Path != nil {
		v, _ := template.Resolve(u.scope.Vars, o.Path)
		values, _ := v.([]any)
		return values
	}
	values := make([]any, len(o.Values))
	for i, node := range o.Values {
		values[i] = node.Value(&u.scope)
	}
	return values
}

// countOf reads a loop's count: a number, where a negative one has no end, or a range.
func countOf(v any) (from, to int64) {
	text := strings.TrimSpace(template.Format(v))
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if n == -1 {
			return 0, forever
		}
		return 0, max(0, int64(min(n, 1<<53)))
	}
	low, high, found := strings.Cut(text, "-")
	a, errA := strconv.ParseInt(strings.TrimSpace(low), 10, 64)
	b, errB := strconv.ParseInt(strings.TrimSpace(high), 10, 64)
	if !found || errA != nil || errB != nil {
		return 0, 0
	}
	return a, max(a, b)
}

// usualLimit is how many steps of a parallel block run at once when the script does not say.
const usualLimit = 100

// parallel runs steps at the same time. The first that fails keeps further ones
// from beginning, and fails the block once those under way have ended.
func (u *user) parallel(ctx context.Context, p *script.Parallel) error {
	outermost := u.turn == nil
	if outermost {
		u.turn = &sync.Mutex{}
		u.turn.Lock()
		if u.script.Pool == 0 {
			u.sockets = make(chan struct{}, max(1, u.script.MaxSockets))
		}
	}
	limit := p.Limit
	if limit <= 0 {
		limit = usualLimit
	}
	group := &group{steps: p.Steps}
	u.leave()
	var branches sync.WaitGroup
	for range min(limit, len(p.Steps)) {
		branches.Go(func() { group.run(ctx, u) })
	}
	branches.Wait()
	u.enter()
	if outermost {
		u.turn, u.sockets = nil, nil
	}
	if group.latest.After(u.intended) {
		u.intended = group.latest
	}
	return group.err
}

// group is what the branches of a parallel block share.
type group struct {
	steps  []script.Step
	next   atomic.Int64
	failed atomic.Bool

	mu     sync.Mutex
	err    error
	latest time.Time
}

// run takes steps from the group until there are none left.
func (g *group) run(ctx context.Context, from *user) {
	for {
		i := g.next.Add(1) - 1
		if i >= int64(len(g.steps)) || g.failed.Load() {
			return
		}
		branch := *from
		branch.headers, branch.answer = nil, nil
		branch.halted = append(from.halted[:len(from.halted):len(from.halted)], &g.failed)
		branch.enter()
		err := branch.walk(ctx, g.steps[i:i+1])
		branch.leave()
		g.ended(err, branch.intended)
	}
}

func (g *group) ended(err error, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at.After(g.latest) {
		g.latest = at
	}
	if err != nil && g.err == nil {
		g.failed.Store(true)
		g.err = err
	}
}

// errHalted ends a branch because one beside it failed.
var errHalted = errors.New("a step beside it failed")

func (u *user) isHalted() bool {
	for _, h := range u.halted {
		if h.Load() {
			return true
		}
	}
	return false
}

// leave lets other branches of the user compute, enter waits for the turn.
func (u *user) leave() {
	if u.turn != nil {
		u.turn.Unlock()
	}
}

func (u *user) enter() {
	if u.turn != nil {
		u.turn.Lock()
	}
}
