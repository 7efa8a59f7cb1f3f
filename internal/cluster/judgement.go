package cluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// judgement is what the API server says about a pod template.
type judgement struct {
	hash     string // of the template
	spec     string // of the Rollout, and of its workload, when it was last asked for
	needless bool   // nobody asked: the template's ReplicaSet exists
	until    time.Time
	refused  string
	unknown  string                  // why the server could not tell
	as       *corev1.PodTemplateSpec // after defaulting
}

// answers reports whether the server need not be asked again about the same template: it has taken it, or
// has said otherwise a moment ago about the same spec.
func (j judgement) answers(spec string) bool {
	return j.as != nil || j.spec == spec && time.Now().Before(j.until)
}

// judgementMemory keeps the last judgement of each Rollout: the server is asked once for each new
// template.
type judgementMemory struct {
	mu    sync.Mutex
	known map[types.UID]judgement
}

const (
	// unknownFor is how long the server is left alone when it could not judge, for example because a
	// webhook was not reachable.
	unknownFor = 15 * time.Second
	// refusedFor is how long a refusal is believed: what the server takes depends on more than the
	// template, for example on classes and defaults that somebody is just adding.
	refusedFor = 10 * time.Second
)

func (m *judgementMemory) recall(uid types.UID) (judgement, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.known[uid]
	return j, ok
}

func (m *judgementMemory) keep(uid types.UID, j judgement) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[types.UID]judgement{}
	}
	m.known[uid] = j
}

func (m *judgementMemory) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, uid)
}

// judge asks the server about the Rollout's pod template, unless the answer is known from an earlier
// pass, or nobody needs it because the template's ReplicaSet exists. The version is that of the workload the
// template is of, if any.
func (c *Cluster) judge(ctx context.Context, rollout *api.Rollout, version string, revisions []decide.ReplicaSet) (judgement, error) {
	spec := strconv.FormatInt(rollout.Generation, 10) + "/" + version
	before, known := c.judgements.recall(rollout.UID)
	hash := before.hash
	if !known || before.spec != spec {
		hash = decide.PodHash(&rollout.Spec.Template, rollout.Status.CollisionCount)
	}
	if !known || before.needless || before.hash != hash {
		before = judgement{}
	}
	next := before
	switch {
	case slices.ContainsFunc(revisions, func(r decide.ReplicaSet) bool { return r.Hash == hash }):
		next = judgement{needless: true}
	case !before.answers(spec):
		var err error
		if next, err = c.rehearse(ctx, rollout); err != nil {
			return judgement{}, err
		}
		if before.unknown != "" && next.unknown != "" {
			next.unknown = before.unknown // told once; the next error may differ in a port or a time
		}
	}
	next.hash, next.spec = hash, spec
	c.judgements.keep(rollout.UID, next)
	return next, nil
}

// rehearse creates the ReplicaSet of the Rollout's template without creating it. Only a fault in
// the template itself is a refusal: quotas, policies and webhooks speak again when it counts.
func (c *Cluster) rehearse(ctx context.Context, rollout *api.Rollout) (judgement, error) {
	none := int32(0)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       rollout.Namespace,
			GenerateName:    "rehearsal-",
			Labels:          rollout.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rollout, rolloutKind)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        &none,
			MinReadySeconds: rollout.Spec.MinReadySeconds,
			Selector:        rollout.Spec.Selector,
			Template:        *rollout.Spec.Template.DeepCopy(),
		},
	}
	err := c.Live.Create(ctx, rs, client.DryRunAll)
	switch {
	case err == nil:
		return judgement{as: &rs.Spec.Template}, nil
	case blamesTemplate(err):
		return judgement{refused: faults(err), until: time.Now().Add(refusedFor)}, nil
	case ctx.Err() != nil:
		return judgement{}, fmt.Errorf("rehearsing the ReplicaSet of %s/%s: %w", rollout.Namespace, rollout.Name, err)
	}
	return judgement{until: time.Now().Add(unknownFor), unknown: clipped(err.Error())}, nil
}

// maxUnknown bounds what a status repeats of an answer of the server, in bytes.
const maxUnknown = 300

func clipped(text string) string {
	if len(text) <= maxUnknown {
		return text
	}
	return strings.ToValidUTF8(text[:maxUnknown], "") + "…"
}

// blamesTemplate reports whether the server's validation found fault with fields the user wrote. The
// answers of policies look alike, but name no field of the template.
func blamesTemplate(err error) bool {
	return apierrors.IsInvalid(err) && slices.ContainsFunc(causes(err), func(cause metav1.StatusCause) bool {
		return strings.HasPrefix(cause.Field, "spec.template") || strings.HasPrefix(cause.Field, "spec.selector")
	})
}

// faults are the server's findings, each with its field.
func faults(err error) string {
	var found []string
	for _, cause := range causes(err) {
		found = append(found, cause.Field+": "+cause.Message)
	}
	if len(found) == 0 {
		return err.Error()
	}
	return strings.Join(found, "; ")
}
