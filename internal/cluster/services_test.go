package cluster

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/test/apiserver"
)

// serve makes the rollout name Services, of which those given exist.
func (s *stage) serve(exist ...*corev1.Service) {
	s.Helper()
	for _, service := range exist {
		service.Namespace = s.namespace
		if err := s.live.Create(s.Context(), service); err != nil {
			s.Fatal(err)
		}
	}
	s.merge(&api.Rollout{}, s.rollout.Name, `{"spec":{"strategy":{"canary":{"canaryService":"canary","stableService":"stable"}}}}`)
	s.cache.catchUp(s.T, s.namespace)
}

// merge changes an object as somebody else would.
func (s *stage) merge(o client.Object, name, document string) {
	s.Helper()
	o.SetNamespace(s.namespace)
	o.SetName(name)
	if err := s.live.Patch(s.Context(), o, client.RawPatch(types.MergePatchType, []byte(document))); err != nil {
		s.Fatal(err)
	}
}

func selecting(name string, selector map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func managedBy(who string, service *corev1.Service) *corev1.Service {
	service.Annotations = map[string]string{api.AnnotationManagedBy: who}
	return service
}

func (s *stage) service(name string) *corev1.Service {
	s.Helper()
	service := &corev1.Service{}
	if err := s.live.Get(s.Context(), types.NamespacedName{Namespace: s.namespace, Name: name}, service); err != nil {
		s.Fatal(err)
	}
	return service
}

// selects compares a Service's selector and who is said to manage it.
func (s *stage) selects(name string, selector map[string]string, manager string) {
	s.Helper()
	service := s.service(name)
	if diff := cmp.Diff(selector, service.Spec.Selector); diff != "" {
		s.Errorf("selector of %s (-want +got):\n%s", name, diff)
	}
	if by := service.Annotations[api.AnnotationManagedBy]; by != manager {
		s.Errorf("%s is managed by %q, want %q", name, by, manager)
	}
}

func app(hash ...string) map[string]string {
	selector := map[string]string{"app": "shop"}
	for _, h := range hash {
		selector[api.LabelPodTemplateHash] = h
	}
	return selector
}

func TestAServiceIsPointedAndGivenBack(t *testing.T) {
	s := newStage(t)
	plain := selecting("stable", app())
	plain.Annotations = map[string]string{"by": "a person"}
	s.serve(plain)

	w, in := s.look()
	if diff := cmp.Diff(map[string]decide.Service{"stable": {Name: "stable"}}, in.Observed.Services); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	s.act(w, decide.ServiceSelects{Service: "stable", To: "one"})
	s.selects("stable", app("one"), "shop")
	s.stale("pointing a Service")

	w, in = s.look()
	if diff := cmp.Diff(map[string]decide.Service{"stable": {Name: "stable", Hash: "one", ManagedBy: "shop"}}, in.Observed.Services); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	mark := s.requests.mark()
	s.act(w, decide.ServiceSelects{Service: "stable", From: "one", To: "one"})
	if asked := s.requests.since(mark); len(asked) > 0 {
		t.Errorf("what is true already asks %v", asked)
	}
	s.act(w, decide.ServiceSelects{Service: "stable", From: "one", To: "two"})
	s.act(w, decide.ServiceSelects{Service: "stable", From: "two", To: "three"}) // it sees its own write
	s.selects("stable", app("three"), "shop")
	s.stale("pointing it elsewhere")

	w, _ = s.look()
	s.act(w, decide.ServiceSelects{Service: "stable", From: "three"})
	s.selects("stable", app(), "")
	if by := s.service("stable").Annotations["by"]; by != "a person" {
		t.Errorf("the other annotation is now %q", by)
	}
	s.stale("giving it back")
	w, _ = s.look()
	mark = s.requests.mark()
	s.act(w, decide.ServiceSelects{Service: "stable"})
	if asked := s.requests.since(mark); len(asked) > 0 {
		t.Errorf("giving back what is nobody's asks %v", asked)
	}
}

func TestAServiceSomebodyElseChangedIsNotPointed(t *testing.T) {
	s := newStage(t)
	s.serve(selecting("stable", app()))
	w, _ := s.look()
	s.merge(&corev1.Service{}, "stable", `{"spec":{"selector":{"tier":"web"}}}`)
	err := w.Act(t.Context(), decide.ServiceSelects{Service: "stable", To: "one"})
	if _, stale := IsStale(err); !stale {
		t.Errorf("pointing what somebody else has changed: %v", err)
	}
	want := app()
	want["tier"] = "web"
	s.selects("stable", want, "")
	s.stale("a refusal")
}

func TestAServiceIsPointedOnlyAtWhatServes(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	w, _ := s.look()
	s.act(w, exists)
	s.serve(selecting("stable", app()))
	w, _ = s.look()
	points := decide.ServiceSelects{Service: "stable", To: exists.Hash, Relies: []decide.Capacity{{ReplicaSet: exists.Name, Available: 1}}}
	if _, stale := IsStale(w.Act(t.Context(), points)); !stale {
		t.Error("it was pointed at a revision without pods")
	}
	s.selects("stable", app(), "")
}

func TestNobodyIsSentToWhatIsJustEmptied(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	w, _ := s.look()
	s.act(w, exists)
	s.serve(selecting("stable", app()))
	w, in := s.look()
	s.merge(&corev1.Service{}, "stable", `{"spec":{"selector":{"rollouts-pod-template-hash":"`+exists.Hash+`"}}}`)
	lower := decide.ReplicaSetWants{Name: exists.Name, From: 1, To: 0, Sees: decide.Entrances{Services: map[string]string{"stable": in.Observed.Services["stable"].Hash}}}
	version := s.set(exists.Name).ResourceVersion
	if _, stale := IsStale(w.Act(t.Context(), lower)); !stale {
		t.Error("it was emptied although a Service leads to it now")
	}
	if now := s.set(exists.Name).ResourceVersion; now != version {
		t.Error("it was written")
	}
	s.stale("a Service that was pointed elsewhere")
	w, _ = s.look()
	lower.Sees.Services["stable"] = exists.Hash
	s.act(w, lower)
}

func TestServicesThatAreNotOursToPoint(t *testing.T) {
	outside := selecting("stable", nil)
	outside.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "a.example", Selector: app()}
	for name, service := range map[string]*corev1.Service{
		"of another Rollout":            managedBy("other", selecting("stable", app("theirs"))),
		"leading outside":               outside,
		"without a selector":            selecting("stable", nil),
		"with nothing but a revision's": selecting("stable", map[string]string{api.LabelPodTemplateHash: "old"}),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			var asked map[string]*corev1.Service
			s.cluster.Inspect = inspects(func(to References) { asked = to.Services })
			s.serve(service.DeepCopy())
			before := s.service("stable")
			w, in := s.look()
			if len(in.Observed.Services) > 0 {
				t.Errorf("it is observed as %v", in.Observed.Services)
			}
			if asked["stable"] == nil || asked["canary"] != nil {
				t.Errorf("the inspector was shown %v", asked)
			}
			err := w.Act(t.Context(), decide.ServiceSelects{Service: "stable", To: "one"})
			if _, stale := IsStale(err); err == nil || stale {
				t.Errorf("pointing it: %v", err)
			}
			if after := s.service("stable"); after.ResourceVersion != before.ResourceVersion {
				t.Errorf("it was changed: %+v", after)
			}
		})
	}
}

// inspects is an Inspector that looks at what it is shown.
type inspects func(to References)

func (i inspects) Rollout(_ *api.Rollout, to References) Findings  { i(to); return Findings{} }
func (i inspects) Experiment(*api.Experiment, References) Findings { return Findings{} }
func (i inspects) Run(*api.AnalysisRun, References) Findings       { return Findings{} }

func TestASpecIsInspectedAgainWhenAServiceAppears(t *testing.T) {
	s := newStage(t)
	times := 0
	s.cluster.Inspect = inspects(func(References) { times++ })
	s.serve()
	s.look()
	s.look()
	if times != 1 {
		t.Errorf("nothing changed, and it was inspected %d times", times)
	}
	s.serve(selecting("stable", app()))
	s.look()
	s.look()
	if times != 2 {
		t.Errorf("after a Service appeared it was inspected %d times in all", times)
	}
}

// TestARefusalToPointAServiceIsObserved takes the right to change Services away.
func TestARefusalToPointAServiceIsObserved(t *testing.T) {
	s := newStage(t)
	s.serve(selecting("stable", app()))
	reader := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "reader"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"get"}}},
	}
	bound := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "reader"}},
	}
	for _, o := range []client.Object{reader, bound} {
		if err := s.live.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	config := apiserver.As(apiserver.Start(t), "reader")
	apiserver.Allowed(t, config, authorizationv1.ResourceAttributes{Namespace: s.namespace, Verb: "get", Resource: "services"})
	asReader, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := s.look() // judged with all rights
	all := s.cluster.Live
	s.cluster.Live = asReader
	err = w.Act(t.Context(), decide.ServiceSelects{Service: "stable", To: "one"})
	if _, stale := IsStale(err); !stale || !strings.Contains(err.Error(), "forbidden") {
		t.Fatalf("without the right: %v", err)
	}
	w, in := s.look()
	if got := in.Observed.Services["stable"].Refused; !strings.Contains(got, `User "reader" cannot patch resource "services"`) {
		t.Errorf("the next pass observes %q", got)
	}
	if after, _ := IsStale(w.Act(t.Context(), decide.ServiceSelects{Service: "stable", To: "one"})); after < soonestRetry {
		t.Errorf("in vain again, it waits %s only", after)
	}
	s.cluster.Live = all
	w, _ = s.look()
	s.act(w, decide.ServiceSelects{Service: "stable", To: "one"})
	s.stale("pointing it at last")
	if _, in = s.look(); in.Observed.Services["stable"].Refused != "" {
		t.Errorf("it still counts as refused: %q", in.Observed.Services["stable"].Refused)
	}
}

func TestNothingDividesRequestsYet(t *testing.T) {
	s := newStage(t)
	w, _ := s.look()
	err := w.Act(t.Context(), decide.TrafficSplits{})
	if _, stale := IsStale(err); err == nil || stale || !strings.Contains(err.Error(), "no traffic router") {
		t.Errorf("dividing requests: %v", err)
	}
}

func TestAServiceIsReleasedWhenNoRolloutNamesIt(t *testing.T) {
	s := newStage(t)
	s.serve(managedBy("shop", selecting("stable", app("one"))), managedBy("shop", selecting("former", app("one"))), selecting("free", app("one")))
	release := func(name string) {
		t.Helper()
		if _, err := s.cluster.ReleaseService(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	want := []decide.Service{{Name: "former", Hash: "one", ManagedBy: "shop"}}
	if _, in := s.look(); !cmp.Equal(want, in.Observed.Former) {
		t.Errorf("until then it is observed: %+v, want %+v", in.Observed.Former, want)
	}
	mark := s.requests.mark()
	release("stable")
	release("free")
	if asked := s.requests.since(mark); len(asked) > 0 {
		t.Errorf("one that is named, and one that nobody manages, ask %v", asked)
	}
	release("former")
	s.selects("former", app(), "")
	s.selects("stable", app("one"), "shop")
	s.selects("free", app("one"), "")

	_, err := s.cluster.ReleaseService(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: "former"})
	if _, stale := IsStale(err); !stale {
		t.Errorf("the cache does not show the release yet: %v", err)
	}

	// The cache does not know of it yet, or it is in the care of another controller.
	s.cache.catchUp(t, s.namespace)
	if _, in := s.look(); len(in.Observed.Former) > 0 {
		t.Errorf("given back, and still observed: %+v", in.Observed.Former)
	}
	s.cache.forgetRollout("shop")
	release("stable")
	s.selects("stable", app("one"), "shop")

	// Another one that names the Service gets it when it is given back.
	s.cache.catchUp(t, s.namespace)
	_, in := s.look()
	other := in.Rollout.DeepCopy()
	other.ObjectMeta = metav1.ObjectMeta{Namespace: s.namespace, Name: "other"}
	if err := s.live.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := s.live.Delete(t.Context(), in.Rollout); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	release("stable")
	s.selects("stable", app(), "")
}

func TestAReleaseMeetsWhoeverWasQuicker(t *testing.T) {
	s := newStage(t)
	s.serve(managedBy("gone", selecting("former", app("one"))))
	s.merge(&corev1.Service{}, "former", `{"spec":{"selector":{"rollouts-pod-template-hash":"two"}}}`)
	_, err := s.cluster.ReleaseService(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: "former"})
	if _, stale := IsStale(err); !stale {
		t.Errorf("releasing what has changed since: %v", err)
	}
	s.selects("former", app("two"), "gone")
	for _, asked := range s.requests.since(0) {
		if strings.HasPrefix(asked, http.MethodPut) {
			t.Errorf("it was replaced as a whole: %s", asked)
		}
	}
}
