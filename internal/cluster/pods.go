package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// Restarts evict pods, which lets PodDisruptionBudgets have their say. Pods are never deleted directly.
//
// +kubebuilder:rbac:groups="",resources=pods/eviction,verbs=create

var podKind = corev1.SchemeGroupVersion.WithKind("Pod")

const (
	// evictionWithin bounds one eviction. A server that still works on a PodDisruptionBudget asks for
	// ten seconds of patience, which the client would spend waiting.
	evictionWithin = 3 * time.Second
	refusalLimit   = 300
)

// observePods lists the pods of the ReplicaSets that have not ended.
func (w *RolloutWorld) observePods(ctx context.Context, revisions []decide.ReplicaSet) ([]decide.Pod, error) {
	refusals := w.cluster.lessons.refusals(w.rollout.UID, podKind)
	w.pods = map[string]*corev1.Pod{}
	pods := []decide.Pod{}
	for _, r := range revisions {
		var list corev1.PodList
		owned := client.MatchingFields{IndexOwner: string(w.replicaSets[r.Name].UID)}
		if err := w.cluster.Cached.List(ctx, &list, client.InNamespace(w.rollout.Namespace), owned); err != nil {
			return nil, fmt.Errorf("listing the pods of ReplicaSet %s/%s: %w", w.rollout.Namespace, r.Name, err)
		}
		for i := range list.Items {
			pod := &list.Items[i]
			if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
				continue
			}
			w.pods[pod.Name] = pod
			no := refusals[pod.Name]
			pods = append(pods, decide.Pod{
				Name: pod.Name, UID: pod.UID, Hash: r.Hash, CreatedAt: pod.CreationTimestamp.Time,
				ReadyAt: readySince(pod), Deleting: pod.DeletionTimestamp != nil,
				Refused: no.refused, RefusedSince: no.since, RefusedAt: no.at,
				Labels: pod.Labels, Annotations: pod.Annotations,
			})
		}
	}
	for name := range refusals {
		if w.pods[name] == nil {
			w.cluster.lessons.unlearn(w.rollout.UID, w.child(podKind, name))
		}
	}
	return pods, nil
}

// readySince is when a pod became ready, zero when it is not.
func readySince(pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.PodReady || c.Status != corev1.ConditionTrue {
			continue
		}
		if c.LastTransitionTime.IsZero() {
			return pod.CreationTimestamp.Time
		}
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}

// evict asks the server to evict a pod. What it refuses is told to the next pass.
func (w *RolloutWorld) evict(ctx context.Context, a decide.PodGone) error {
	pod := w.pods[a.Name]
	if pod == nil || pod.UID != a.UID || pod.DeletionTimestamp != nil {
		return nil
	}
	if err := w.rely(ctx, a.Relies); err != nil {
		return err
	}
	at := w.child(podKind, pod.Name)
	err := w.sendEviction(ctx, pod)
	switch {
	case err == nil, apierrors.IsNotFound(err):
		w.cluster.lessons.unlearn(w.rollout.UID, at)
		w.cluster.ledger.leaves(w.rollout.UID, at, pod.UID)
		return nil
	case apierrors.IsConflict(err):
		return w.cluster.refused(ctx, target{ref: at, owner: w.rollout.UID}, "evicting", err)
	case ctx.Err() != nil:
		return fmt.Errorf("evicting %s: %w", at, err)
	}
	why := whyNot(err)
	w.cluster.lessons.learn(w.rollout.UID, at, lesson{refused: why, at: time.Now()})
	return lookAgain("evicting %s: %s", at, why)
}

// sendEviction names the pod by its UID; one that is not ready also by its version, as it goes without
// being missed only while it stays that way.
func (w *RolloutWorld) sendEviction(ctx context.Context, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, evictionWithin)
	defer cancel()
	only := &metav1.Preconditions{UID: &pod.UID}
	if readySince(pod).IsZero() {
		only.ResourceVersion = &pod.ResourceVersion
	}
	meta := metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}
	return w.cluster.Live.SubResource("eviction").Create(ctx, &corev1.Pod{ObjectMeta: meta},
		&policyv1.Eviction{ObjectMeta: meta, DeleteOptions: &metav1.DeleteOptions{Preconditions: only}})
}

// whyNot is why the server does not evict a pod, in its own words: what a PodDisruptionBudget needs,
// if that is the cause.
func whyNot(err error) string {
	text := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("The server gave no answer within %s, as while a PodDisruptionBudget is new", evictionWithin)
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, cause := range status.Status().Details.Causes {
			if cause.Type == policyv1.DisruptionBudgetCause {
				text = cause.Message
			}
		}
	}
	return judge.Trim(strings.TrimRight(text, "."), refusalLimit)
}
