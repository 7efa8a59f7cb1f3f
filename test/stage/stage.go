// Package stage puts up, on a real cluster, what the demo and the end-to-end tests play on.
package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"

	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	"k8s.io/apimachinery/pkg/runtime"
)

// Options say which cluster to play on.
type Options struct {
	// Root is the repository; what was built lies in its .build.
	Root string
	// Name of the local cluster.
	Name string
	// Existing uses the cluster of KUBECONFIG instead of a local one.
	Existing bool
	// Registry is where an existing cluster pulls images from; they are pushed there. Load is a
	// command that is called with each image archive instead, for example
	// `kind load image-archive`. With neither the cluster must have the local/… images already.
	Registry, Load string
	// Extra are images that are needed besides those of the demo.
	Extra []string
	// Log hears what is being done.
	Log io.Writer
}

// Stage is a cluster to play on.
type Stage struct {
	Options
	Kubeconfig string
	Config     *rest.Config
	Client     client.WithWatch
}

// Up brings the cluster up, or takes the existing one, and makes the images known to it.
func Up(ctx context.Context, o Options) (*Stage, error) {
	s := &Stage{Options: o}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, s.loadImages(ctx)
}

// connect finds the cluster and makes a client for it.
func (s *Stage) connect(ctx context.Context) error {
	if err := s.find(ctx); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = -1, -1
	s.Config = config
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), api.AddToScheme(scheme)); err != nil {
		return err
	}
	if s.Client, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	return nil
}

// find brings the local cluster up, or finds the existing one's kubeconfig.
func (s *Stage) find(ctx context.Context) error {
	if s.Existing {
		s.Kubeconfig = os.Getenv("KUBECONFIG")
		if s.Kubeconfig == "" {
			return errors.New("DEMO_CLUSTER=existing needs KUBECONFIG to name the cluster")
		}
		return nil
	}
	if _, err := s.localkube(ctx, "up"); err != nil {
		return err
	}
	path, err := s.localkube(ctx, "kubeconfig")
	s.Kubeconfig = strings.TrimSpace(path)
	return err
}

// Down ends the local cluster and removes its files, or takes away what was installed into an
// existing one; the definitions stay there, because deleting them would delete every Rollout.
func Down(ctx context.Context, o Options) error {
	s := &Stage{Options: o}
	if !o.Existing {
		_, err := s.localkube(ctx, "down", "--purge")
		return err
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	return s.uninstall(ctx)
}

func (s *Stage) localkube(ctx context.Context, command string, args ...string) (string, error) {
	tool := filepath.Join(s.Root, ".build", "localkube", "bin", "localkube")
	all := append([]string{command, "--name", s.Name}, args...)
	c := exec.CommandContext(ctx, tool, all...)
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("localkube %s: %w: %s", command, err, strings.TrimSpace(errs.String()))
	}
	return string(out), nil
}

// Images are the names of the images the stage needs.
var images = []string{"sluice-controller", "sluice-load", "shop", "amp", "prometheus"}

func (s *Stage) archive(name string) string {
	return filepath.Join(s.Root, ".build", "images", name+".tar")
}

// image is what a manifest calls the image on this cluster.
func (s *Stage) image(name string) string {
	if s.Registry != "" {
		return strings.TrimSuffix(s.Registry, "/") + "/" + name + ":demo"
	}
	return "local/" + name + ":1"
}

func (s *Stage) loadImages(ctx context.Context) error {
	var archives []string
	for _, name := range slices.Concat(images, s.Extra) {
		archives = append(archives, s.archive(name))
	}
	switch {
	case !s.Existing:
		_, err := s.localkube(ctx, "load", archives...)
		return err
	case s.Registry != "":
		return s.push(ctx)
	case s.Load != "":
		for _, archive := range archives {
			words := append(strings.Fields(s.Load), archive)
			if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
			}
		}
	}
	return nil
}

func (s *Stage) say(format string, args ...any) {
	if s.Log != nil {
		fmt.Fprintf(s.Log, format+"\n", args...)
	}
}

// Namespace is where the seed's Rollout lives.
const Namespace = "argo-rollouts"

// Pods are the pods of a hash, or of all revisions, that are not on their way out.
func (s *Stage) Pods(ctx context.Context, hash string) ([]corev1.Pod, error) {
	labels := client.MatchingLabels{"app": "rollouts-demo"}
	if hash != "" {
		labels[api.LabelPodTemplateHash] = hash
	}
	var list corev1.PodList
	if err := s.Client.List(ctx, &list, client.InNamespace(Namespace), labels); err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	var pods []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			pods = append(pods, p)
		}
	}
	return pods, nil
}

// Rollout is the seed's Rollout as it stands.
func (s *Stage) Rollout(ctx context.Context) (*api.Rollout, error) {
	ro := &api.Rollout{}
	key := client.ObjectKey{Namespace: Namespace, Name: "rollouts-demo"}
	if err := s.Client.Get(ctx, key, ro); err != nil {
		return nil, fmt.Errorf("reading the Rollout: %w", err)
	}
	return ro, nil
}

// Await calls check every 100 ms until it is satisfied or the time is over; the error then is what
// check said last.
func Await(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // a request that the end of the time cut short says nothing
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", limit, last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
