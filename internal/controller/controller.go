// Package controller calls the engine when something changes or it is time.
package controller

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/measure"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/telemetry"
)

// Leader election, in the namespace of the controller.
//
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=argo-rollouts,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=argo-rollouts,resources=events,verbs=create;patch

// leaseName is the reference implementation's, so that only one of the two controllers works at a
// time where both are installed in one namespace.
const leaseName = "argo-rollouts-controller-lock"

// Options are what a controller runs with.
type Options struct {
	// Config reaches the API server.
	Config *rest.Config
	// Scope is the part of the cluster it is responsible for.
	Scope cluster.Scope
	// Providers ask metric systems.
	Providers metric.Registry
	// MaxLoadTests is how many load tests may run at once; 0 = any number.
	MaxLoadTests int
	// LeaseNamespace turns leader election on, with the lease in that namespace; "" = off.
	LeaseNamespace string
	// Lease is how long a leader that fell silent is waited for; 0 = 15 s.
	Lease time.Duration
	// Metrics and Probes listen for HTTP; nil = not served. They are closed when Run ends.
	Metrics, Probes net.Listener
	// Workers is how many passes of each kind run side by side; 0 = 10.
	Workers int
	// Version and Commit of this build.
	Version, Commit string
	Log             logr.Logger
}

// Run works until ctx ends. It returns an error when it could not start, or lost its lease: the
// process must then end at once, because another one has taken over.
func Run(ctx context.Context, o Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	config := rest.CopyConfig(o.Config)
	config.QPS = -1 // the server's priority and fairness limits us, where it must
	if config.UserAgent == "" {
		config.UserAgent = "sluice-controller/" + o.Version
	}
	registry := prometheus.NewRegistry()
	config.Wrap(telemetry.Requests(registry))
	state := &health{}
	serve(ctx, o.Probes, state.handler(), o.Log)
	serve(ctx, o.Metrics, metricsHandler(registry), o.Log)

	if err := awaitSchema(ctx, config, o.Scope, state, o.Log); err != nil {
		return err
	}
	mgr, err := newManager(config, o)
	if err != nil {
		return err
	}
	if err := assemble(ctx, mgr, o, registry, state); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the controller: %w", err)
	}
	return nil
}

func newManager(config *rest.Config, o Options) (manager.Manager, error) {
	scheme, err := cluster.Scheme()
	if err != nil {
		return nil, err
	}
	caches, err := cluster.Caches(scheme, o.Scope)
	if err != nil {
		return nil, err
	}
	lease := leaseName
	if o.Scope.InstanceID != "" {
		lease += "-" + o.Scope.InstanceID
	}
	duration := o.Lease
	if duration == 0 {
		duration = 15 * time.Second
	}
	// The reference's proportions: 15 s, 10 s, 2 s.
	renew, retry := duration*2/3, duration*2/15
	grace := 20 * time.Second
	mgr, err := manager.New(config, manager.Options{
		Scheme:                        scheme,
		Cache:                         caches,
		Logger:                        o.Log,
		LeaderElection:                o.LeaseNamespace != "",
		LeaderElectionID:              lease,
		LeaderElectionNamespace:       o.LeaseNamespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &duration,
		RenewDeadline:                 &renew,
		RetryPeriod:                   &retry,
		GracefulShutdownTimeout:       &grace,
		Metrics:                       metricsserver.Options{BindAddress: "0"}, // served by us
		HealthProbeBindAddress:        "0",
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the controller: %w", err)
	}
	return mgr, nil
}

// sideCache makes a manager start another cache together with its own.
type sideCache struct{ cache.Cache }

// GetCache tells the manager that this is a cache.
func (c sideCache) GetCache() cache.Cache { return c.Cache }

// assemble wires caches, worlds, measurements and controllers together.
func assemble(ctx context.Context, mgr manager.Manager, o Options, registry prometheus.Registerer, state *health) error {
	jobs, err := newJobs(mgr, o.Scope)
	if err != nil {
		return err
	}
	if err := cluster.Index(ctx, mgr.GetCache(), jobs, o.Scope); err != nil {
		return err
	}
	known, err := newWorkloads(mgr, o.Scope)
	if err != nil {
		return err
	}
	live, err := client.New(mgr.GetConfig(), client.Options{
		Scheme: mgr.GetScheme(), Mapper: cluster.Remembering(mgr.GetRESTMapper()), HTTPClient: mgr.GetHTTPClient(),
	})
	if err != nil {
		return fmt.Errorf("preparing the client: %w", err)
	}
	meters := telemetry.New(registry, telemetry.Options{
		Cached: mgr.GetCache(), OneNamespace: o.Scope.Namespace != "", Version: o.Version, Commit: o.Commit,
	})
	recorder := cluster.NewRecorder(live, o.Log)
	recorder.Count = counting(meters)
	logs, err := cluster.ServerLogs(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	notify := &bell{}
	world := cluster.New(cluster.Options{
		Cached: mgr.GetCache(), Jobs: jobs, Workloads: known, Live: live, Events: recorder,
		Logs: logs, Heard: notify.ring,
		Runners: o.Providers.Runners, Inspect: inspector{}, MaxLoadTests: o.MaxLoadTests, OneNamespace: o.Scope.Namespace != "",
	})
	taker := measure.New(measure.Config{Readers: o.Providers.Readers, Secrets: secretsOf(world), Notify: notify.ring})
	if err := mgr.Add(atEnd(taker.Stop)); err != nil {
		return fmt.Errorf("adding the measurements: %w", err)
	}
	if err := mgr.Add(manager.RunnableFunc(recorder.Start)); err != nil {
		return fmt.Errorf("adding the recorder of events: %w", err)
	}
	p := passes{cluster: world, meters: meters, state: state}
	if err := addRollouts(mgr, &rollouts{passes: p}, known, o); err != nil {
		return err
	}
	if err := addExperiments(mgr, &experiments{passes: p}, o); err != nil {
		return err
	}
	if err := addRuns(mgr, &runs{passes: p, taker: taker}, runSources{jobs: jobs, bell: notify}, o); err != nil {
		return err
	}
	if err := addServices(mgr, &services{passes: p, cached: mgr.GetCache()}, o); err != nil {
		return err
	}
	return mgr.Add(&announcement{state: state, log: o.Log})
}

// newJobs is the cache of the Jobs that measure, which starts together with the manager's own.
func newJobs(mgr manager.Manager, scope cluster.Scope) (cache.Cache, error) {
	options, err := cluster.JobCaches(mgr.GetScheme(), scope)
	if err != nil {
		return nil, err
	}
	options.Mapper, options.HTTPClient = mgr.GetRESTMapper(), mgr.GetHTTPClient()
	jobs, err := cache.New(mgr.GetConfig(), options)
	if err != nil {
		return nil, fmt.Errorf("preparing the cache of Jobs: %w", err)
	}
	if err := mgr.Add(sideCache{jobs}); err != nil {
		return nil, fmt.Errorf("adding the cache of Jobs: %w", err)
	}
	return jobs, nil
}

// counting counts the events that people are told.
func counting(meters *telemetry.Meters) func(about corev1.ObjectReference, e decide.Event) {
	return func(about corev1.ObjectReference, e decide.Event) {
		kind := corev1.EventTypeNormal
		if e.Warning {
			kind = corev1.EventTypeWarning
		}
		meters.Told(about.Kind, types.NamespacedName{Namespace: about.Namespace, Name: about.Name}, kind, e.Reason)
	}
}

func secretsOf(world *cluster.Cluster) func(ctx context.Context, namespace, name, key string) (string, bool, error) {
	return func(ctx context.Context, namespace, name, key string) (string, bool, error) {
		data, _, err := world.Secret(ctx, types.NamespacedName{Namespace: namespace, Name: name})
		if err != nil {
			return "", false, err
		}
		value, found := data[key]
		return string(value), found, nil
	}
}

// atEnd runs stop, with a few seconds to do it, when the manager ends.
func atEnd(stop func(context.Context) error) manager.RunnableFunc {
	return func(ctx context.Context) error {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return stop(ctx)
	}
}

// announcement says that the caches are filled, on leaders and followers alike.
type announcement struct {
	state *health
	log   logr.Logger
}

// Start implements manager.Runnable.
func (a *announcement) Start(ctx context.Context) error {
	a.state.set("")
	a.log.Info("ready: the caches are filled")
	<-ctx.Done()
	a.state.set("shutting down")
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (a *announcement) NeedLeaderElection() bool { return false }
