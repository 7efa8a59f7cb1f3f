package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sluice.dev/sluice/test/apiserver"
)

// answering makes the server answer creations as told; nil leaves them to the real server.
func (s *stage) answering(to func(client.Object) error) {
	s.Helper()
	under, err := client.NewWithWatch(apiserver.Start(s.T), client.Options{Scheme: s.live.Scheme()})
	if err != nil {
		s.Fatal(err)
	}
	s.cluster.Live = interceptor.NewClient(under, interceptor.Funcs{
		Create: func(ctx context.Context, next client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if err := to(o); err != nil {
				return err
			}
			return next.Create(ctx, o, options...)
		},
	})
}

// policy is how a ValidatingAdmissionPolicy with its default reason says no.
func policy(kind schema.GroupResource) error {
	err := apierrors.NewForbidden(kind, "x", errors.New("ValidatingAdmissionPolicy 'owners' denied request: no owner"))
	err.ErrStatus.Reason, err.ErrStatus.Code = metav1.StatusReasonInvalid, 422
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Message: "ValidatingAdmissionPolicy 'owners' denied request: no owner"}}
	return err
}

func TestWhatTheServersRefusalOfATemplateMeans(t *testing.T) {
	sets := appsv1.Resource("replicasets")
	invalid := func(path *field.Path) error {
		return apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, "x", field.ErrorList{field.Invalid(path, "v", "is wrong")})
	}
	for _, c := range []struct {
		name  string
		err   error
		fault bool
	}{
		{"a field of the template is the user's mistake", invalid(field.NewPath("spec", "template", "spec", "containers")), true},
		{"a selector that does not fit is the user's mistake", invalid(field.NewPath("spec", "selector")), true},
		{"a field nobody wrote is not", invalid(field.NewPath("metadata", "ownerReferences")), false},
		{"a policy is not", policy(sets), false},
		{"a quota is not", apierrors.NewForbidden(sets, "x", errors.New("exceeded quota")), false},
		{"a webhook that cannot be reached is not", apierrors.NewInternalError(errors.New("failed calling webhook")), false},
		{"a webhook that says no is not", apierrors.NewBadRequest("admission webhook denied the request"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			s.answering(func(client.Object) error { return c.err })
			w, in := s.look()
			if got := in.Observed.Refused != ""; got != c.fault {
				t.Errorf("refused is %q", in.Observed.Refused)
			}
			if got := in.Observed.Unjudged != ""; got == c.fault {
				t.Errorf("the server could not tell because %q", in.Observed.Unjudged)
			}
			if w.Again().IsZero() {
				t.Error("the server is never asked again")
			}
		})
	}
}

func TestARefusalOfATemplateIsNotForGood(t *testing.T) {
	s := newStage(t)
	asked := 0
	refuse := error(apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, "x",
		field.ErrorList{field.Invalid(field.NewPath("spec", "template", "spec", "priorityClassName"), "high", "not found")}))
	s.answering(func(client.Object) error {
		asked++
		return refuse
	})
	w, in := s.look()
	if !strings.Contains(in.Observed.Refused, "priorityClassName") {
		t.Fatalf("refused is %q", in.Observed.Refused)
	}
	if wait := time.Until(w.Again()); wait < 5*time.Second || wait > refusedFor {
		t.Errorf("the next look is in %s", wait)
	}
	if s.look(); asked != 1 {
		t.Errorf("asked %d times within a moment", asked)
	}
	// Ten seconds later.
	uid := in.Rollout.UID
	j := s.cluster.judgements.known[uid]
	j.until = time.Now().Add(-time.Millisecond)
	s.cluster.judgements.keep(uid, j)
	refuse = nil
	if _, in = s.look(); in.Observed.Refused != "" || in.Observed.ServerTemplate == nil || asked != 2 {
		t.Errorf("after %d questions it is refused because %q", asked, in.Observed.Refused)
	}
}

func TestAChangeOfTheSpecAsksTheServerAgain(t *testing.T) {
	s := newStage(t)
	refuse := error(apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, "x",
		field.ErrorList{field.Invalid(field.NewPath("spec", "selector"), "app", "does not match")}))
	s.answering(func(client.Object) error { return refuse })
	_, in := s.look()
	if in.Observed.Refused == "" {
		t.Fatal("it is not refused")
	}
	refuse = nil
	changed := in.Rollout.DeepCopy()
	changed.Spec.MinReadySeconds++ // not the template
	if err := s.live.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	if _, in = s.look(); in.Observed.Refused != "" {
		t.Errorf("it is still refused because %q", in.Observed.Refused)
	}
}

func TestWhyTheServerCouldNotTellIsSaidInOneWay(t *testing.T) {
	s := newStage(t)
	port := 40000
	s.answering(func(client.Object) error {
		port++
		return apierrors.NewInternalError(fmt.Errorf("failed calling webhook: read tcp 10.0.0.1:%d: %s", port, strings.Repeat("reset ", 100)))
	})
	_, in := s.look()
	first := in.Observed.Unjudged
	if !strings.Contains(first, "failed calling webhook") || len(first) > maxUnknown+len("…") {
		t.Errorf("it says %q", first)
	}
	j, _ := s.cluster.judgements.recall(in.Rollout.UID)
	j.until = time.Now().Add(-time.Millisecond) // 15 seconds later
	s.cluster.judgements.keep(in.Rollout.UID, j)
	if _, in = s.look(); in.Observed.Unjudged != first || port != 40002 {
		t.Errorf("after %d questions it says %q", port-40000, in.Observed.Unjudged)
	}
}

func TestTheServerIsAskedWhenTheReplicaSetOfATemplateIsGone(t *testing.T) {
	s := newStage(t)
	w, _ := s.look()
	s.act(w, s.newest())
	s.cache.catchUp(t, s.namespace)
	if _, in := s.look(); in.Observed.ServerTemplate != nil {
		t.Error("the server was asked although the ReplicaSet exists")
	}
	if err := s.live.Delete(t.Context(), s.set(s.newest().Name)); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	if _, in := s.look(); in.Observed.ServerTemplate == nil {
		t.Error("the server was not asked")
	}
}
