package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
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
	template [sha256.Size]byte
	until    time.Time // zero: for good
	refused  string
	as       *corev1.PodTemplateSpec // after defaulting
}

// judgementMemory keeps the last judgement of each Rollout: the server is asked once for each new
// template.
type judgementMemory struct {
	mu       sync.Mutex
	verdicts map[types.UID]judgement
	seen     map[types.UID]int64 // the generation the verdict was last looked up for
}

// unknownFor is how long the server is left alone when it could not judge, for example because a
// webhook was not reachable.
const unknownFor = 15 * time.Second

func (m *judgementMemory) recall(uid types.UID, template [sha256.Size]byte) (judgement, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.verdicts[uid]
	if !ok || j.template != template || (!j.until.IsZero() && time.Now().After(j.until)) {
		return judgement{}, false
	}
	return j, true
}

// sameGeneration is recall without looking at the template: the spec is the one judged last.
func (m *judgementMemory) sameGeneration(uid types.UID, generation int64) (judgement, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.verdicts[uid]
	return j, ok && m.seen[uid] == generation && j.until.IsZero()
}

func (m *judgementMemory) keep(uid types.UID, generation int64, j judgement) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.verdicts == nil {
		m.verdicts, m.seen = map[types.UID]judgement{}, map[types.UID]int64{}
	}
	m.verdicts[uid] = j
	m.seen[uid] = generation
}

func (m *judgementMemory) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.verdicts, uid)
	delete(m.seen, uid)
}

// judge asks the server about the Rollout's pod template, unless the answer is known: from an
// earlier pass, or because a ReplicaSet made from this very spec exists.
func (c *Cluster) judge(ctx context.Context, rollout *api.Rollout, revisions []decide.ReplicaSet) (judgement, error) {
	if accepted(rollout, revisions) {
		return judgement{}, nil
	}
	if j, ok := c.judgements.sameGeneration(rollout.UID, rollout.Generation); ok {
		return j, nil
	}
	raw, err := json.Marshal(&rollout.Spec.Template)
	if err != nil {
		return judgement{}, fmt.Errorf("encoding the pod template: %w", err)
	}
	sum := sha256.Sum256(raw)
	j, ok := c.judgements.recall(rollout.UID, sum)
	if !ok {
		j, err = c.rehearse(ctx, rollout)
		if err != nil {
			return judgement{}, err
		}
		j.template = sum
	}
	c.judgements.keep(rollout.UID, rollout.Generation, j)
	return j, nil
}

// accepted reports that the last saved status was about this very spec, found it valid and names a
// ReplicaSet that exists: the server took its template.
func accepted(rollout *api.Rollout, revisions []decide.ReplicaSet) bool {
	if rollout.Status.ObservedGeneration != strconv.FormatInt(rollout.Generation, 10) {
		return false
	}
	for _, c := range rollout.Status.Conditions {
		if c.Type == api.RolloutInvalidSpec && c.Status == corev1.ConditionTrue {
			return false
		}
	}
	for _, r := range revisions {
		if r.Hash == rollout.Status.CurrentPodHash {
			return true
		}
	}
	return false
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
	case apierrors.IsInvalid(err):
		return judgement{refused: faults(err)}, nil
	case ctx.Err() != nil:
		return judgement{}, fmt.Errorf("rehearsing the ReplicaSet of %s/%s: %w", rollout.Namespace, rollout.Name, err)
	}
	return judgement{until: time.Now().Add(unknownFor)}, nil
}

// faults are the server's findings, each with its field.
func faults(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return err.Error()
	}
	var found []string
	for _, cause := range status.Status().Details.Causes {
		found = append(found, cause.Field+": "+cause.Message)
	}
	if len(found) == 0 {
		return err.Error()
	}
	return strings.Join(found, "; ")
}
