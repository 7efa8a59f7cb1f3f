package simulate

import (
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// interruption is a fate without faults that lets somebody else act once: before a turn, or before a
// write, when the pass has read what it decides on and not yet written it.
type interruption struct {
	at, chances int
	act         func()
}

func (i *interruption) chance() {
	if i.chances == i.at {
		i.act()
	}
	i.chances++
}

func (i *interruption) Crash() bool {
	i.chance()
	return false
}
func (*interruption) Lose(decide.Action) bool { return false }
func (*interruption) Repeat() bool            { return false }
func (*interruption) Stale() int              { return 0 }

// command is what people or tools do to a rollout. It sends patches built from what was read.
type command struct {
	name string
	send func(t *testing.T, w *World, read *api.Rollout) []request
	// skips says that it takes the new version past its measurements.
	skips bool
	// ends is how the story must end, when the command met the rollout as it is given.
	ends func(met *api.Rollout) string
	// after is what is to be done so that the story goes on to its end, nil when it ends by itself.
	after []request
}

func plain(requests ...request) func(*testing.T, *World, *api.Rollout) []request {
	return func(*testing.T, *World, *api.Rollout) []request { return requests }
}

func reading(build func(*api.Rollout) request) func(*testing.T, *World, *api.Rollout) []request {
	return func(_ *testing.T, _ *World, read *api.Rollout) []request { return []request{build(read)} }
}

func readingAll(build func(*api.Rollout) []request) func(*testing.T, *World, *api.Rollout) []request {
	return func(_ *testing.T, _ *World, read *api.Rollout) []request { return build(read) }
}

// both sends two commands in the same instant, from the same read.
func both(a, b func(*testing.T, *World, *api.Rollout) []request) func(*testing.T, *World, *api.Rollout) []request {
	return func(t *testing.T, w *World, read *api.Rollout) []request {
		return append(a(t, w, read), b(t, w, read)...)
	}
}

const (
	promotedEnd = "Healthy, 5 pods of 2"
	goneBackEnd = "Degraded, aborted, 5 pods of 1"
)

func promotes(*api.Rollout) string { return promotedEnd }

// aborts goes back if there was an update to take back that the controller knew of.
func aborts(met *api.Rollout) string {
	if underWay(met) {
		return goneBackEnd
	}
	return promotedEnd
}

// underWay says that the controller has begun the update to version 2 and not promoted it.
func underWay(met *api.Rollout) bool {
	return met.Status.ObservedGeneration == fmt.Sprint(met.Generation) && met.Status.StableRS != met.Status.CurrentPodHash
}

func sendVersion(version string) func(*testing.T, *World, *api.Rollout) []request {
	return reading(func(read *api.Rollout) request { return setVersion(read, version) })
}

func goBack(t *testing.T, w *World, _ *api.Rollout) []request {
	return []request{undo(t, w, w.born[0])}
}

func restartNow(_ *testing.T, w *World, _ *api.Rollout) []request {
	return []request{onSpec(`{"spec":{"restartAt":%q}}`, w.Now.UTC().Format(time.RFC3339))}
}

// commands are the lines of the contract's table of control operations, and contradictory pairs.
func commands() []command {
	const third = "Healthy, 5 pods of 3"
	skipping := reading(skip)
	return []command{
		{name: "abort", send: plain(abort()), ends: aborts},
		{name: "retry", send: plain(retry()), ends: promotes},
		{name: "retry by Argo CD", send: plain(retryByArgoCD()), ends: promotes},
		{name: "promote", send: readingAll(promote), skips: true, ends: promotes},
		{name: "promote --full", send: plain(promoteFull()), skips: true, ends: promotes},
		{name: "promote --skip-all-steps", send: reading(skipAll), skips: true, ends: promotes},
		{name: "skip-current-step", send: skipping, skips: true, ends: promotes},
		{name: "resume", send: plain(resume()...), ends: promotes},
		{name: "pause", send: plain(pause()), ends: promotes, after: []request{unpause()}},
		{name: "set image", send: sendVersion("3"), ends: func(*api.Rollout) string { return third }},
		{name: "undo", send: goBack, skips: true, ends: func(*api.Rollout) string { return "Healthy, 5 pods of 1" }},
		{name: "scale to 8", send: plain(scale(8)), ends: func(*api.Rollout) string { return "Healthy, 8 pods of 2" }},
		{name: "restart", send: restartNow, ends: promotes},
		{name: "scale to 0", send: plain(scale(0)), skips: true, ends: promotes, after: []request{scale(5)}},

		{name: "skip twice from the same read", send: both(skipping, skipping), skips: true, ends: promotes},
		{name: "promote and abort at once", send: both(readingAll(promote), plain(abort())), skips: true, ends: aborts},
		{name: "abort and promote at once", send: both(plain(abort()), readingAll(promote)), skips: true, ends: aborts},
		{name: "promote --full and abort at once", send: plain(promoteFull(), abort()), skips: true, ends: aborts},
		{name: "abort and promote --full at once", send: plain(abort(), promoteFull()), skips: true, ends: aborts},
		{name: "abort twice", send: plain(abort(), abort()), ends: aborts},
		{name: "abort and retry at once", send: plain(abort(), retry()), ends: promotes},
		{name: "retry and abort at once", send: plain(retryByArgoCD(), abort()), ends: aborts},
		{name: "pause and abort at once", send: plain(pause(), abort()), ends: aborts, after: []request{unpause()}},
		{name: "pause and promote --full at once", send: plain(pause(), promoteFull()), skips: true, ends: promotes, after: []request{unpause()}},
		{name: "pause and skip at once", send: both(plain(pause()), skipping), skips: true, ends: promotes, after: []request{unpause()}},
		{name: "restart and abort at once", send: both(restartNow, plain(abort())), ends: aborts},
		{name: "abort and a new version at once", send: both(plain(abort()), sendVersion("3")), ends: func(*api.Rollout) string { return third }},
		{name: "a new version and promote --full at once", send: both(sendVersion("3"), plain(promoteFull())), ends: func(*api.Rollout) string { return third }},
		{name: "scale to 3 and abort at once", send: plain(scale(3), abort()), ends: func(met *api.Rollout) string {
			if underWay(met) {
				return "Degraded, aborted, 3 pods of 1"
			}
			return "Healthy, 3 pods of 2"
		}},
	}
}

// race is the seed's rollout from version 1 to version 2, with a command at one moment.
type race struct {
	t     *testing.T
	w     *World
	h     *history
	fate  *interruption
	reads []*api.Rollout // what clients could have read, newest last
	sent  bool
	want  string
	// commands counts how many were sent, taken or not.
	commands int
}

func newRace(t *testing.T, at int, c command, lag int, versioned bool) *race {
	r := &race{t: t, w: seed(t), fate: &interruption{at: at}}
	r.h = &history{w: r.w, fate: &dice{off: true}, skipped: c.skips}
	r.w.Until(r.w.Now.Add(5*time.Second), func() {})
	r.h.stable = r.w.Rollout().Status.StableRS
	r.w.Resized, r.w.Evicted = r.h.resized, r.h.evicted
	r.w.Fate = r.fate
	r.fate.act = func() { r.command(c, lag, versioned) }
	if err := send(r.w, setVersion(r.w.Rollout(), "2")); err != nil {
		t.Fatal(err)
	}
	return r
}

// command sends the patches, built from what was read lag chances ago. A patch that names a version
// that is no longer there is refused as a whole, and then nothing must come of it.
func (r *race) command(c command, lag int, versioned bool) {
	r.commands++
	met := r.w.Rollout()
	read := met
	if n := len(r.reads) - 1 - lag; lag > 0 && n >= 0 {
		read = r.reads[n]
	}
	r.want = c.ends(met)
	for i, request := range c.send(r.t, r.w, read) {
		if versioned && i == 0 && !request.list {
			request = request.versioned(read)
		}
		if err := send(r.w, request); errors.Is(err, ErrConflict) {
			r.want = promotedEnd
			return
		} else if err != nil {
			r.t.Fatal(err)
		}
	}
	r.sent = true
}

// play lets time pass until the end of the update, with a chance for the command before every turn.
func (r *race) play(d time.Duration) {
	for end := r.w.Now.Add(d); ; {
		for turns := 0; ; turns++ {
			r.h.law(turns < maxTurns, "law 8: the world never came to rest")
			r.reads = append(r.reads, r.w.Rollout())
			r.fate.chance()
			before, commands := r.w.Rollout().Status, r.commands
			wrote := r.w.Turn()
			if wrote && commands == r.commands {
				r.h.moved(before, r.w.Rollout()) // nobody else wrote in this turn
			}
			if wrote {
				r.h.watch()
			}
			if !wrote || r.h.broken != "" {
				break
			}
		}
		at := r.w.next()
		if at.IsZero() || at.After(end) || r.h.broken != "" {
			r.w.Now = end
			return
		}
		r.w.Now = at
	}
}

// settle plays to the end, does what the story still needs, and checks the laws and the end.
func (r *race) settle(c command) {
	r.play(30 * time.Minute)
	if r.sent && c.after != nil {
		r.h.settled(nil)
		for _, request := range c.after {
			if err := send(r.w, request); err != nil {
				r.t.Fatal(err)
			}
		}
		r.play(30 * time.Minute)
	}
	before := r.w.Writes()
	r.w.Turn()
	r.h.law(r.w.Writes() == before, "law 8: %d writes at rest", r.w.Writes()-before)
	r.h.settled(nil)
}

// end says how the story ended: the phase, and which version serves with how many pods.
func (r *race) end() string {
	s := r.w.Rollout().Status
	_, stable := r.w.Pods(s.StableRS)
	text := string(s.Phase)
	if s.Abort {
		text += ", aborted"
	}
	text += fmt.Sprintf(", %d pods of %s", stable, r.version(s.StableRS))
	if wanted, _ := r.w.Totals(); wanted != stable {
		text += fmt.Sprintf(" among %d", wanted)
	}
	return text
}

// version is the version a revision runs, in short.
func (r *race) version(hash string) string {
	for _, s := range r.w.sets {
		if s.Hash == hash {
			v := s.Template.Spec.Containers[0].Env[0].Value
			return v[len(v)-1:]
		}
	}
	return "none"
}

var every = flag.Bool("every", false, "send commands at every moment, not at every seventeenth")

// TestCommandsRaceTheController sends every command at every moment of the seed's update: before every
// turn and before every write, when a pass has read and not yet written. A client may have read a while
// ago, and may name the version it read.
func TestCommandsRaceTheController(t *testing.T) {
	quiet := newRace(t, -1, command{}, 0, false)
	quiet.settle(command{})
	moments := quiet.fate.chances
	if got := quiet.end(); got != promotedEnd || moments < 50 {
		t.Fatalf("without a command: %s after %d moments", got, moments)
	}
	stride := 17
	if *every {
		stride = 1
	}
	clients := []struct {
		name      string
		lag       int
		versioned bool
	}{
		{"a client that has just read", 0, false}, {"a client that read a while ago", 5, false},
		{"a client that has just read, and names the version", 0, true}, {"a client that read a while ago, and names the version", 5, true},
	}
	for first, c := range commands() {
		for _, client := range clients {
			t.Run(c.name+" by "+client.name, func(t *testing.T) {
				for at := first % stride; at < moments; at += stride {
					r := newRace(t, at, c, client.lag, client.versioned)
					r.settle(c)
					switch {
					case r.h.broken != "":
						t.Fatalf("at moment %d of %d: %s", at, moments, r.h.broken)
					case r.end() != r.want:
						t.Fatalf("at moment %d of %d: %s, want %s", at, moments, r.end(), r.want)
					}
				}
			})
		}
	}
}
