package controller_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/testr"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	clientretry "k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/controller"
	"sluice.dev/sluice/test/apiserver"
)

// The API server is shared by all tests of the process, so the definitions and roles are too.
var (
	install   sync.Once
	installed error
)

// account is who the controller is in a real installation.
const account = "system:serviceaccount:argo-rollouts:argo-rollouts"

// installAll applies what a cluster gets, but for the Deployment.
func installAll(config *rest.Config) error {
	ctx := context.Background()
	if err := crd.Install(ctx, config); err != nil {
		return err
	}
	c, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{}
	namespace.Name = "argo-rollouts"
	if err := c.Create(ctx, namespace); err != nil {
		return err
	}
	for _, file := range []string{"role.yaml", "binding.yaml"} {
		text, err := os.ReadFile("../../config/rbac/" + file)
		if err != nil {
			return err
		}
		for _, document := range strings.Split(string(text), "\n---\n") {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				return err
			}
			if err := c.Create(ctx, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// place is a namespace of a real API server. There are no nodes and no controllers: a test plays them.
type place struct {
	*testing.T
	config    *rest.Config
	namespace string
	client    client.WithWatch
}

func newPlace(t *testing.T) *place {
	t.Helper()
	config := apiserver.Start(t)
	install.Do(func() {
		ctrllog.SetLogger(logr.Discard())
		if installed = installAll(config); installed != nil {
			return
		}
		apiserver.Allowed(t, apiserver.As(config, account, "system:serviceaccounts", "system:authenticated"),
			authorizationv1.ResourceAttributes{Verb: "watch", Group: "argoproj.io", Resource: "rollouts"})
	})
	if installed != nil {
		t.Fatal(installed)
	}
	scheme, err := cluster.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &place{T: t, config: config, namespace: apiserver.Namespace(t, config), client: c}
}

// process is one running controller.
type process struct {
	kill func()
	done chan struct{}
	err  error
}

// stop asks it to end and waits.
func (p *process) stop() {
	p.kill()
	<-p.done
}

// start runs a controller for the namespace until it is stopped or the test ends.
func (p *place) start(change ...func(*controller.Options)) *process {
	p.Helper()
	ctx, kill := context.WithCancel(context.Background())
	o := controller.Options{
		// With the rights of a real installation, and no others.
		Config: apiserver.As(p.config, account, "system:serviceaccounts", "system:authenticated"), Scope: cluster.Scope{Namespace: p.namespace},
		Log: quiet(p.T), Version: "test",
	}
	for _, c := range change {
		c(&o)
	}
	running := &process{kill: kill, done: make(chan struct{})}
	go func() {
		defer close(running.done)
		running.err = controller.Run(ctx, o)
	}()
	p.Cleanup(running.stop)
	return running
}

func quiet(t *testing.T) logr.Logger {
	if testing.Verbose() {
		return testr.NewWithOptions(t, testr.Options{LogTimestamp: true})
	}
	return logr.Discard()
}

// kubelet makes the pods that ReplicaSets want available after a while, until the test ends.
// Hashes in broken never get there.
type kubelet struct {
	after time.Duration
	mu    sync.Mutex
	// available reports how many of the wanted pods of a ReplicaSet become available; nil = all.
	available func(rs *appsv1.ReplicaSet) int32
}

func (p *place) kubelet(k *kubelet) {
	p.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	events, err := p.client.Watch(ctx, &appsv1.ReplicaSetList{}, client.InNamespace(p.namespace))
	if err != nil {
		p.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for event := range events.ResultChan() {
			if rs, ok := event.Object.(*appsv1.ReplicaSet); ok && event.Type != "DELETED" {
				time.Sleep(k.after)
				k.settle(ctx, p.client, rs)
			}
		}
	})
	p.Cleanup(func() {
		cancel()
		events.Stop()
		busy.Wait()
	})
}

func (k *kubelet) settle(ctx context.Context, c client.Client, rs *appsv1.ReplicaSet) {
	want := *rs.Spec.Replicas
	ready := want
	k.mu.Lock()
	if k.available != nil {
		ready = k.available(rs)
	}
	k.mu.Unlock()
	status := appsv1.ReplicaSetStatus{
		Replicas: want, FullyLabeledReplicas: want, ReadyReplicas: ready, AvailableReplicas: ready, ObservedGeneration: rs.Generation,
	}
	if rs.Status.Replicas == status.Replicas && rs.Status.AvailableReplicas == ready && rs.Status.ObservedGeneration == rs.Generation {
		return
	}
	next := rs.DeepCopy()
	next.Status = status
	_ = c.Status().Patch(ctx, next, client.MergeFrom(rs))
}

// wire stands between a controller and the API server.
type wire struct {
	next http.RoundTripper
	// seen is called before each request is sent; an error keeps it from being sent.
	seen func(r *http.Request) error
	// answered is called after each answer; an error keeps it from arriving.
	answered func(r *http.Request, status int) error
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.seen != nil {
		if err := w.seen(r); err != nil {
			return nil, err
		}
	}
	response, err := w.next.RoundTrip(r)
	if err == nil && w.answered != nil {
		if lost := w.answered(r, response.StatusCode); lost != nil {
			_ = response.Body.Close()
			return nil, lost
		}
	}
	return response, err
}

// over puts a wire between the controller and the API server.
func over(w wire) func(*controller.Options) {
	return func(o *controller.Options) {
		o.Config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			w.next = next
			return &w
		})
	}
}

// writes reports whether a request changes objects that matter: not events, leases or rehearsals.
func writes(r *http.Request) bool {
	if r.Method == http.MethodGet || strings.Contains(r.URL.Path, "/events") || strings.Contains(r.URL.Path, "/leases") {
		return false
	}
	return r.URL.Query().Get("dryRun") == ""
}

// create adds objects written as YAML.
func (p *place) create(texts ...string) {
	p.Helper()
	for _, text := range texts {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
			p.Fatal(err)
		}
		object, err := p.client.Scheme().New(api.Kind(kind.Kind))
		if err != nil {
			object, err = p.client.Scheme().New(coreKind(kind.Kind))
		}
		if err != nil {
			p.Fatal(err)
		}
		if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
			p.Fatal(err)
		}
		o := object.(client.Object)
		o.SetNamespace(p.namespace)
		if err := p.client.Create(p.Context(), o); err != nil {
			p.Fatal(err)
		}
	}
}

func (p *place) rollout(name string) *api.Rollout {
	p.Helper()
	var r api.Rollout
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: name}, &r); err != nil {
		p.Fatal(err)
	}
	return &r
}

// named is a rollout of which only the name is known.
func (p *place) named(name string) *api.Rollout {
	r := &api.Rollout{}
	r.Namespace, r.Name = p.namespace, name
	return r
}

// sizes lists wanted pods by hash.
func (p *place) sizes() map[string]int32 {
	p.Helper()
	var list appsv1.ReplicaSetList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	sizes := map[string]int32{}
	for _, rs := range list.Items {
		sizes[rs.Labels[api.LabelPodTemplateHash]] = *rs.Spec.Replicas
	}
	return sizes
}

// patch merges a JSON document into a rollout, or into its status.
func (p *place) patch(name, document string, status bool) {
	p.Helper()
	r := p.named(name)
	patch := client.RawPatch(types.MergePatchType, []byte(document))
	var err error
	for range 20 { // as any client would
		if status {
			err = p.client.Status().Patch(p.Context(), r, patch)
		} else {
			err = p.client.Patch(p.Context(), r, patch)
		}
		if !apierrors.IsConflict(err) {
			break
		}
	}
	if err != nil {
		p.Fatal(err)
	}
}

// setStatus gives an object another status, again on what it is by then when somebody else has saved it meanwhile.
func (p *place) setStatus(o client.Object, set func()) {
	p.Helper()
	p.rewrite(o, set, func() error { return p.client.Status().Update(p.Context(), o) })
}

// rewrite reads an object, changes it and saves it, until nobody else has saved it in between.
func (p *place) rewrite(o client.Object, change func(), save func() error) {
	p.Helper()
	err := clientretry.OnError(wait.Backoff{Steps: 50, Duration: 5 * time.Millisecond, Jitter: 1}, apierrors.IsConflict, func() error {
		if err := p.client.Get(p.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change()
		return save()
	})
	if err != nil {
		p.Fatal(err)
	}
}

// eventually waits until check returns "".
func (p *place) eventually(what string, check func() string) {
	p.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		missing := check()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("%s: %s", what, missing)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// get asks a listener of a controller.
func get(from net.Listener, path string) (int, string) {
	response, err := http.Get("http://" + from.Addr().String() + path)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// template is the spec of a template with these metrics.
func (p *place) template(metrics string) api.AnalysisTemplateSpec {
	p.Helper()
	var spec api.AnalysisTemplateSpec
	if err := yaml.UnmarshalStrict([]byte("metrics: "+metrics), &spec); err != nil {
		p.Fatal(err)
	}
	return spec
}
