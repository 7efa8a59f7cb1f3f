package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Inspector says what is wrong with a spec, in words a user can act on.
type Inspector interface {
	// Rollout judges a Rollout and what it refers to.
	Rollout(rollout *api.Rollout, to References) Findings
	// Experiment judges an Experiment and the templates it refers to.
	Experiment(experiment *api.Experiment, to References) Findings
	// Run judges an AnalysisRun.
	Run(run *api.AnalysisRun, to References) Findings
}

// References are what a Rollout refers to, as far as it exists.
type References struct {
	Templates map[decide.TemplateKey]api.AnalysisTemplateSpec
	// Workload says that the object that spec.workloadRef names exists.
	Workload bool
	// Services are those a Rollout names, by name, with their annotation, type and selector.
	Services map[string]*corev1.Service
	// SecretKeys lists the keys of a Secret in the object's namespace.
	SecretKeys func(name string) (keys []string, exists bool)
}

// Findings are what an Inspector found.
type Findings struct {
	// Unsupported parts leave the object exactly as it is.
	Unsupported []string
	// Invalid parts stop forward movement.
	Invalid []string
	// Dropped are fields of the applied manifest that the API does not have.
	Dropped []string
}

// inspections keeps the last findings about each object, while nothing they stand on changes.
type inspections struct {
	mu    sync.Mutex
	known map[types.UID]inspection
}

type inspection struct {
	generation int64                // of a Rollout
	references string               // of a Rollout: the versions of the templates and Services
	spec       *api.AnalysisRunSpec // of a run, whose generation changes with its status
	experiment *api.ExperimentSpec  // of an Experiment, likewise
	until      time.Time            // zero: for good
	findings   Findings
}

func (m *inspections) recall(uid types.UID, same func(inspection) bool) (inspection, bool) {
	m.mu.Lock()
	i, ok := m.known[uid]
	m.mu.Unlock()
	if !ok || !same(i) || (!i.until.IsZero() && !time.Now().Before(i.until)) {
		return inspection{}, false
	}
	return i, true
}

func (m *inspections) keep(uid types.UID, i inspection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[types.UID]inspection{}
	}
	m.known[uid] = i
}

func (m *inspections) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, uid)
}

// lookups answers questions about secrets and notes that there were some.
type lookups struct {
	ctx       context.Context
	cluster   *Cluster
	namespace string
	fresh     time.Duration // how old an answer may be
	asked     bool
	failed    error
}

func (l *lookups) secretKeys(name string) ([]string, bool) {
	l.asked = true
	keys, exists, err := l.cluster.SecretKeys(l.ctx, types.NamespacedName{Namespace: l.namespace, Name: name}, l.fresh)
	if err != nil {
		l.failed = err
	}
	return keys, exists
}

// inspect asks the Inspector. Findings about secrets hold for a while only: some seconds while all
// is well, a second while something is wrong and somebody may be correcting it.
func (c *Cluster) inspect(ctx context.Context, namespace string, ask func(References) Findings) (inspection, error) {
	look := &lookups{ctx: ctx, cluster: c, namespace: namespace, fresh: foundFor}
	findings := ask(References{SecretKeys: look.secretKeys})
	if look.asked && len(findings.Invalid) > 0 {
		look.fresh = missingFor
		findings = ask(References{SecretKeys: look.secretKeys})
	}
	if look.failed != nil {
		return inspection{}, look.failed
	}
	i := inspection{findings: findings}
	switch {
	case look.asked && len(findings.Invalid) > 0:
		i.until = time.Now().Add(missingFor)
	case look.asked:
		i.until = time.Now().Add(foundFor)
	}
	return i, nil
}

// examine adds what is known about the spec itself: the findings of the Inspector, and the server's
// opinion about the pod template where the spec is otherwise fit to be carried out.
func (w *RolloutWorld) examine(ctx context.Context, observed *decide.Observed) error {
	c := w.cluster
	templates, versions, err := c.referenced(ctx, w.rollout.Namespace, w.rollout)
	if err != nil {
		return err
	}
	versions += w.workloadVersion()
	observed.Templates = templates
	versions += w.serviceVersions()
	known, ok := c.inspections.recall(w.rollout.UID, func(i inspection) bool {
		return i.generation == w.rollout.Generation && i.references == versions
	})
	if !ok {
		known, err = c.inspect(ctx, w.rollout.Namespace, func(to References) Findings {
			to.Templates, to.Services, to.Workload = templates, w.services, w.workload != nil
			return c.Inspect.Rollout(w.rollout, to)
		})
		if err != nil {
			return err
		}
		known.generation, known.references = w.rollout.Generation, versions
		c.inspections.keep(w.rollout.UID, known)
	}
	observed.Unsupported, observed.Invalid = known.findings.Unsupported, known.findings.Invalid
	observed.Dropped = known.findings.Dropped
	if len(observed.Invalid) > 0 && !known.until.IsZero() {
		w.again = known.until
	}
	return w.judged(ctx, observed)
}

// judged adds the server's opinion about the pod template, where there is one and it would be used.
func (w *RolloutWorld) judged(ctx context.Context, observed *decide.Observed) error {
	if len(observed.Unsupported) > 0 || w.rollout.Spec.WorkloadRef != nil && w.workload == nil {
		return nil
	}
	j, err := w.cluster.judge(ctx, w.rollout, w.workloadVersion(), observed.ReplicaSets)
	if err != nil {
		return err
	}
	observed.Refused, observed.ServerTemplate, observed.Unjudged = j.refused, j.as, j.unknown
	if !j.until.IsZero() && (w.again.IsZero() || j.until.Before(w.again)) {
		w.again = j.until
	}
	return nil
}

// examine returns the user's mistakes in the run's spec, and what it asks for that cannot be carried out:
// it would not measure what it says. One that somebody else has begun, or has begun a Rollout for that we
// leave alone, is left to them, which is ErrLeft.
func (w *AnalysisWorld) examine(ctx context.Context) ([]string, error) {
	c := w.cluster
	if w.run.Status.Phase.Completed() {
		c.inspections.forget(w.run.UID)
		return nil, nil
	}
	known, ok := c.inspections.recall(w.run.UID, func(i inspection) bool {
		return i.spec == &w.run.Spec || equality.Semantic.DeepEqual(i.spec, &w.run.Spec)
	})
	if !ok {
		var err error
		known, err = c.inspect(ctx, w.run.Namespace, func(to References) Findings {
			return c.Inspect.Run(w.run, to)
		})
		if err != nil {
			return nil, err
		}
		known.spec = &w.run.Spec
		c.inspections.keep(w.run.UID, known)
	}
	if len(known.findings.Unsupported) > 0 && othersBusiness(w.run) {
		return nil, ErrLeft
	}
	if len(known.findings.Invalid) > 0 && !known.until.IsZero() {
		w.again = known.until
	}
	return slices.Concat(known.findings.Invalid, known.findings.Unsupported), nil
}

// othersBusiness says that a run that we cannot carry out is another controller's: it has begun it, or it
// has made it for a Rollout, which we never do.
func othersBusiness(run *api.AnalysisRun) bool {
	owner := metav1.GetControllerOfNoCopy(run)
	return run.Status.StartedAt != nil || owner != nil && owner.Kind == api.KindRollout
}
