package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	steer "sluice.dev/sluice/internal/command"
	"sluice.dev/sluice/internal/decide"
)

// Setup is what a scenario is played with.
type Setup struct {
	// Rollout is the manifest of the new version. Its status is ignored; a template that it takes from another
	// object is filled in.
	Rollout   *api.Rollout
	Templates map[decide.TemplateKey]api.AnalysisTemplateSpec
	Scenario  Scenario

	short int // how many of the scenario's metrics were said in short, at its end
}

// The names of the two versions there always are.
const (
	versionOld = "old"
	versionNew = "new"
)

// annotationVersion tells the invented versions from the manifest's.
const annotationVersion = "sluice.dev/simulated-version"

// dawn is when simulated worlds begin. The date is of no importance, and stands in no result.
var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// player is a scenario on its way.
type player struct {
	w         *World
	plot      Scenario
	manifest  *api.Rollout
	began     time.Time // when the new version is applied; zero before
	templates map[string]corev1.PodTemplateSpec
	versions  []string          // in the order in which they were applied first
	applied   []string          // in the order in which they were applied
	names     map[string]string // versions by hash
	fired     []bool            // of the plot's events
	chores    []chore
	looping   map[string]time.Time // versions whose pods crash, and until when
	routing   RouterPlan
	scaler    *scaler
	reapplyAt time.Time
	promoteAt time.Time
	script    *script
	tape      *tape // nil records nothing
	// stepped is called after every turn in which the update has come to another place.
	stepped func(from string)
	// turning is called before every turn.
	turning func()
	// rested is called whenever the world has come to rest at a moment.
	rested func()
	place  string
	// workload is where the pods came from, "" when they are the Rollout's from the beginning.
	workload string
	// stopped says why watching ended before nothing more would happen.
	stopped string
}

// chore is what an event leaves to be done later.
type chore struct {
	at time.Time
	do func()
}

func newPlayer(s Setup) *player {
	ro := &api.Rollout{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.Rollout.Name, Namespace: s.Rollout.Namespace, Labels: s.Rollout.Labels, Annotations: s.Rollout.Annotations,
		},
		Spec: *s.Rollout.Spec.DeepCopy(),
	}
	workload := ""
	if ref := ro.Spec.WorkloadRef; ref != nil { // taken over long ago: the template is what counts
		workload = ref.Kind + " " + ref.Name
		ro.Spec.WorkloadRef, ro.Spec.TemplateResolvedFromRef, ro.Spec.SelectorResolvedFromRef = nil, false, false
	}
	p := &player{
		plot: s.Scenario, manifest: ro, workload: workload, templates: map[string]corev1.PodTemplateSpec{versionNew: ro.Spec.Template},
		names: map[string]string{}, fired: make([]bool, len(s.Scenario.Events)), looping: map[string]time.Time{},
	}
	first := ro.DeepCopy()
	first.Spec.Template = p.template(versionOld)
	first.Spec.Paused, first.Spec.RestartAt = false, nil
	p.w = New(first, dawn)
	p.w.Quick = true
	p.know(versionOld)
	if s.Templates != nil {
		p.w.Templates = s.Templates
	}
	for _, name := range decide.NamedServices(ro) {
		p.w.CreateService(name)
	}
	p.useRouter()
	p.bind()
	return p
}

// useRouter puts a router into the world where the manifest names one. It names the revisions itself when
// there are no Services for them.
func (p *player) useRouter() {
	c := p.manifest.Spec.Strategy.Canary
	if c == nil || c.TrafficRouting == nil {
		return
	}
	p.w.UseRouter(Routing{Subsets: c.StableService == "" && c.PingPong == nil})
	if p.plot.Router != nil {
		p.routing = *p.plot.Router
	}
}

// bind lets the world ask this player.
func (p *player) bind() {
	p.w.Boot, p.w.Answer, p.w.Work = p.boot, p.answer, p.work
	p.w.routing.Lag, p.w.routing.Refuse = p.lag, p.refuse
}

// lag is how long the router takes to do what it is told.
func (p *player) lag() time.Duration {
	switch {
	case p.began.IsZero():
		return 0
	case p.routing.Never:
		return -1
	}
	return time.Duration(p.routing.Lag)
}

func (p *player) refuse() string {
	if p.routing.Refuses && !p.began.IsZero() {
		return "the scenario lets the router refuse every change"
	}
	return ""
}

// fork is a player of the same plot in a world of its own, that records nothing yet.
func (p *player) fork() *player {
	f := *p
	f.w, f.tape, f.stepped, f.turning, f.rested = p.w.Fork(), nil, nil, nil, nil
	f.bind()
	return &f
}

// template is the pod template of a version.
func (p *player) template(version string) corev1.PodTemplateSpec {
	if t, ok := p.templates[version]; ok {
		return t
	}
	t := p.manifest.Spec.Template.DeepCopy()
	if t.Annotations == nil {
		t.Annotations = map[string]string{}
	}
	t.Annotations[annotationVersion] = version
	p.templates[version] = *t
	return *t
}

// know remembers which version a revision is.
func (p *player) know(version string) {
	if !slices.Contains(p.versions, version) {
		p.versions = append(p.versions, version)
	}
	p.applied = append(p.applied, version)
	t := p.w.rollout.Spec.Template
	p.names[decide.PodHash(&t, p.w.rollout.Status.CollisionCount)] = version
}

// version is the version of a revision.
func (p *player) version(hash string) string {
	if name, ok := p.names[hash]; ok {
		return name
	}
	return p.applied[len(p.applied)-1]
}

func (p *player) hash(version string) string {
	for hash, name := range p.names {
		if name == version {
			return hash
		}
	}
	return ""
}

// elapsed is the time since the new version was applied.
func (p *player) elapsed() time.Duration {
	if p.began.IsZero() {
		return 0
	}
	return p.w.Now.Sub(p.began)
}

// named puts versions where hashes stand.
func (p *player) named(text string) string {
	var pairs []string
	for hash, name := range p.names {
		pairs = append(pairs, hash, name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// settleOld brings the old version up, as if it had served for long.
func (p *player) settleOld() error {
	if !p.w.Until(p.w.Now.Add(time.Hour), func() {}) {
		return fmt.Errorf("playing the scenario: the old version never comes to rest: %s", p.named(p.w.reason.Message))
	}
	if s := p.w.rollout.Status; s.Phase != api.RolloutPhaseHealthy {
		return fmt.Errorf("playing the scenario: the old version never becomes healthy: %s: %s", s.Phase, p.named(s.Message))
	}
	p.w.events = nil
	return nil
}

// begin applies the new version.
func (p *player) begin() {
	p.began = p.w.Now
	if p.tape != nil {
		p.tape.past = p.w.rollout.Status.Decisions
	}
	p.w.Apply(func(ro *api.Rollout) { ro.Spec = *p.manifest.Spec.DeepCopy() })
	p.know(versionNew)
	p.say("Version new is applied.")
	if p.plot.Autoscaler != nil {
		p.scaler = &scaler{plan: *p.plot.Autoscaler, nextAt: p.w.Now}
	}
	if p.plot.ReapplyEvery > 0 {
		p.reapplyAt = p.w.Now.Add(time.Duration(p.plot.ReapplyEvery))
	}
	if !p.plot.Faults.none() {
		p.script = &script{faults: p.plot.Faults}
		p.w.Fate = p.script
	}
	p.place = p.where()
}

func (p *player) say(format string, args ...any) {
	if p.tape != nil {
		p.tape.say(p, fmt.Sprintf(format, args...))
	}
}

// turns lets the world come to rest at this moment.
func (p *player) turns() bool {
	quiet := 0
	for range maxTurns {
		if p.script != nil {
			p.script.hit = false
		}
		if p.turning != nil {
			p.turning()
		}
		changed := p.w.Turn()
		if p.tape != nil {
			p.tape.turn(p)
		}
		p.step()
		if p.fire() {
			changed = true
		}
		if changed || p.script != nil && p.script.hit {
			quiet = 0
			continue
		}
		if quiet++; quiet > p.plot.Faults.Stale {
			return true
		}
	}
	return false
}

// step tells when the update has come to another place.
func (p *player) step() {
	now := p.where()
	if now == p.place {
		return
	}
	from := p.place
	p.place = now
	if p.stepped != nil {
		p.stepped(from)
	}
}

// next is when something happens: in the world or in the plot.
func (p *player) next() time.Time {
	at := p.w.next()
	for _, t := range p.plotted() {
		if t.After(p.w.Now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// plotted are the times at which the plot goes on, those of what repeats without end left out when the
// rest is over.
func (p *player) plotted() []time.Time {
	all := append(p.singular(), p.promoteAt, p.reapplyAt)
	if p.scaler != nil {
		all = append(all, p.scaler.nextAt)
	}
	return all
}

// singular are the times of what happens once.
func (p *player) singular() (all []time.Time) {
	for i, e := range p.plot.Events {
		if !p.fired[i] && e.At.timed() {
			all = append(all, p.began.Add(time.Duration(e.At.After)))
		}
	}
	for _, c := range p.chores {
		all = append(all, c.at)
	}
	return all
}

// send carries out a command as the command line does. It says why not when it is refused.
func (p *player) send(do string, build func(*api.Rollout) (steer.Change, error)) {
	change, err := build(p.w.rollout)
	if err != nil {
		p.say("%s is refused: %s.", do, p.named(err.Error()))
		return
	}
	for _, patch := range change.Patches {
		if err := p.w.patch(patch.Subresource == "status", patch.Body); err != nil {
			p.say("%s is refused: %s.", do, err)
			return
		}
	}
	p.say("%s: %s.", do, p.named(change.Effect))
}

// patch is what the API server does with a merge patch: the status subresource takes the status alone, the
// object everything but that.
func (w *World) patch(status bool, body []byte) error {
	old, err := json.Marshal(w.rollout)
	if err != nil {
		return fmt.Errorf("writing the rollout: %w", err)
	}
	raw, err := jsonpatch.MergePatch(old, body)
	if err != nil {
		return fmt.Errorf("patching the rollout: %w", err)
	}
	var next api.Rollout
	if err := json.Unmarshal(raw, &next); err != nil {
		return fmt.Errorf("reading the patched rollout: %w", err)
	}
	if next.ResourceVersion != w.rollout.ResourceVersion {
		return ErrConflict
	}
	if status {
		next.Spec, next.ObjectMeta = w.rollout.Spec, w.rollout.ObjectMeta
	} else {
		next.Status = w.rollout.Status
	}
	if !sameJSON(w.rollout, next) {
		w.Apply(func(ro *api.Rollout) { *ro = next })
	}
	return nil
}
