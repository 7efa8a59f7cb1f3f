package stage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Version is an update of the shop: only its environment differs.
type Version struct {
	// Name becomes the value of dummy-variable.
	Name string
	// CPU is burnt for each request.
	CPU time.Duration
	// Env is added as it is.
	Env map[string]string
}

// Ship changes the Rollout's template to this version.
func (s *Stage) Ship(ctx context.Context, v Version) error {
	ro, err := s.Rollout(ctx)
	if err != nil {
		return err
	}
	before := ro.DeepCopy()
	container := &ro.Spec.Template.Spec.Containers[0]
	setEnv(container, "dummy-variable", v.Name)
	setEnv(container, "SHOP_CPU_PER_REQUEST", v.CPU.String())
	setEnv(container, "SHOP_VERSION", v.Name)
	for name, value := range v.Env {
		setEnv(container, name, value)
	}
	if err := s.Client.Patch(ctx, ro, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("shipping version %s: %w", v.Name, err)
	}
	return nil
}

func setEnv(c *corev1.Container, name, value string) {
	i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
	if i < 0 {
		c.Env = append(c.Env, corev1.EnvVar{Name: name})
		i = len(c.Env) - 1
	}
	c.Env[i].Value = value
}

// Patch sends a merge patch, as kubectl would; sub is "status" or "".
func (s *Stage) Patch(ctx context.Context, sub, patch string) error {
	ro := &api.Rollout{}
	ro.Namespace, ro.Name = Namespace, "rollouts-demo"
	raw := client.RawPatch("application/merge-patch+json", []byte(patch))
	var err error
	if sub == "" {
		err = s.Client.Patch(ctx, ro, raw)
	} else {
		err = s.Client.SubResource(sub).Patch(ctx, ro, raw)
	}
	if err != nil {
		return fmt.Errorf("patching the Rollout with %s: %w", patch, err)
	}
	return nil
}

// Phase waits until the Rollout has seen its present spec and is in one of the phases.
func (s *Stage) Phase(ctx context.Context, limit time.Duration, phases ...api.RolloutPhase) (*api.Rollout, error) {
	return s.Until(ctx, limit, strings.Trim(fmt.Sprint(phases), "[]"), func(ro *api.Rollout) bool {
		return slices.Contains(phases, ro.Status.Phase)
	})
}

// Until waits until the Rollout has seen its present spec and something holds.
func (s *Stage) Until(ctx context.Context, limit time.Duration, what string, holds func(*api.Rollout) bool) (*api.Rollout, error) {
	var ro *api.Rollout
	err := Await(ctx, limit, func(ctx context.Context) error {
		var err error
		if ro, err = s.Rollout(ctx); err != nil {
			return err
		}
		if ro.Status.ObservedGeneration != fmt.Sprint(ro.Generation) || !holds(ro) {
			return fmt.Errorf("waiting for %s: it is %s %s", what, ro.Status.Phase, ro.Status.Message)
		}
		return nil
	})
	return ro, err
}

// Runs are the AnalysisRuns of a revision, oldest first.
func (s *Stage) Runs(ctx context.Context, hash string) ([]api.AnalysisRun, error) {
	var list api.AnalysisRunList
	err := s.Client.List(ctx, &list, client.InNamespace(Namespace), client.MatchingLabels{api.LabelPodTemplateHash: hash})
	if err != nil {
		return nil, fmt.Errorf("listing AnalysisRuns: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b api.AnalysisRun) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return list.Items, nil
}

// Reset deletes the Rollout, its runs and everything they own, and waits until its pods are gone.
func (s *Stage) Reset(ctx context.Context) error {
	ro := &api.Rollout{}
	ro.Namespace, ro.Name = Namespace, "rollouts-demo"
	if err := client.IgnoreNotFound(s.Client.Delete(ctx, ro)); err != nil {
		return fmt.Errorf("deleting the Rollout: %w", err)
	}
	return Await(ctx, time.Minute, func(ctx context.Context) error {
		var pods corev1.PodList
		if err := s.Client.List(ctx, &pods, client.InNamespace(Namespace), client.MatchingLabels{"app": "rollouts-demo"}); err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	})
}

// AMP talks to the administration of the AMP stand-in, which listens on its pod's loopback only.
// GET /stats counts what it accepted and refused; POST and DELETE /faults make it misbehave.
func (s *Stage) AMP(ctx context.Context, method, path, body string) (string, error) {
	var answer string
	err := s.forward(ctx, "monitoring", "amp", 8081, func(address string) error {
		request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err == nil && response.StatusCode >= 300 {
			err = fmt.Errorf("%s: %s", response.Status, raw)
		}
		answer = string(raw)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("asking the AMP stand-in %s %s: %w", method, path, err)
	}
	return answer, nil
}

// forward opens a port of the first pod of an app on loopback while use runs.
func (s *Stage) forward(ctx context.Context, namespace, app string, port int, use func(address string) error) error {
	var pods corev1.PodList
	if err := s.Client.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"app": app}); err != nil {
		return err
	}
	if len(pods.Items) == 0 {
		return fmt.Errorf("no pod of %s/%s", namespace, app)
	}
	return s.Forward(ctx, &pods.Items[0], port, use)
}

// Forward opens a port of a pod on loopback while use runs.
func (s *Stage) Forward(ctx context.Context, pod *corev1.Pod, port int, use func(address string) error) error {
	roundTripper, upgrader, err := spdy.RoundTripperFor(s.Config)
	if err != nil {
		return err
	}
	target, err := request(s.Config, pod.Namespace, pod.Name)
	if err != nil {
		return err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	defer close(stop)
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, target)
	f, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- f.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	ports, err := f.GetPorts()
	if err != nil {
		return err
	}
	return use(fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
}
