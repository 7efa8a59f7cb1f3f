// Command sluice-controller moves new versions into production step by step.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/controller"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/aws"
	"sluice.dev/sluice/internal/metric/providers"
)

// Set when linking: -ldflags "-X main.version=… -X main.commit=…".
var (
	version = "dev"
	commit  = "unknown"
)

type settings struct {
	namespaced            bool
	namespace             string
	instanceID            string
	leaderElect           bool
	leaseNamespace        string
	metrics, probes       string
	logLevel              string
	prometheus            string
	loadImage             string
	workers, maxLoadTests int
}

func parse() (settings, error) {
	var s settings
	flag.BoolVar(&s.namespaced, "namespaced", false, "work in one namespace only; ClusterAnalysisTemplates are then not read")
	flag.StringVar(&s.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "the namespace for --namespaced; POD_NAMESPACE by default")
	flag.StringVar(&s.instanceID, "instance-id", "", "work on objects labelled argo-rollouts.argoproj.io/controller-instance-id with this value, instead of on those without the label")
	flag.BoolVar(&s.leaderElect, "leader-elect", true, "let one of several replicas work at a time")
	flag.StringVar(&s.leaseNamespace, "leader-election-namespace", os.Getenv("POD_NAMESPACE"), "the namespace of the lease; POD_NAMESPACE by default, else argo-rollouts")
	flag.StringVar(&s.metrics, "metrics-bind-address", ":8090", `where /metrics is served; "0" to serve none`)
	flag.StringVar(&s.probes, "health-probe-bind-address", ":8080", `where /healthz and /readyz are served; "0" to serve none`)
	flag.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	flag.StringVar(&s.prometheus, "prometheus-address", os.Getenv("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"), "the Prometheus that metrics without an address ask; ARGO_ROLLOUTS_PROMETHEUS_ADDRESS by default")
	flag.IntVar(&s.workers, "workers", 10, "how many rollouts, and how many analysis runs, are looked at side by side")
	flag.StringVar(&s.loadImage, "load-image", os.Getenv("SLUICE_LOAD_IMAGE"), "the image of sluice-load for load tests that name none; SLUICE_LOAD_IMAGE by default")
	flag.IntVar(&s.maxLoadTests, "max-load-tests", 10, "how many load tests may run at once, each with all its pods; 0 or less for any number")
	flag.Parse()
	if flag.NArg() > 0 {
		return s, fmt.Errorf("unexpected arguments: %s", strings.Join(flag.Args(), " "))
	}
	if s.leaseNamespace == "" {
		s.leaseNamespace = "argo-rollouts"
	}
	if s.namespaced && s.namespace == "" {
		return s, errors.New("--namespaced needs --namespace or POD_NAMESPACE")
	}
	return s, nil
}

func (s settings) scope() cluster.Scope {
	scope := cluster.Scope{InstanceID: s.instanceID}
	if s.namespaced {
		scope.Namespace = s.namespace
	}
	return scope
}

func main() {
	s, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	log, err := logger(s.logLevel)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, log); err != nil && ctx.Err() == nil {
		log.Error(err, "ending")
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, log logr.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	metrics, err := listen(s.metrics)
	if err != nil {
		return err
	}
	probes, err := listen(s.probes)
	if err != nil {
		return err
	}
	client := metric.NewClient(metric.ClientConfig{Signer: aws.New(time.Now)})
	defer client.Close()
	o := controller.Options{
		Config: config, Scope: s.scope(), Workers: s.workers, Metrics: metrics, Probes: probes,
		Providers:    providers.New(providers.Config{Client: client, PrometheusAddress: s.prometheus, LoadImage: s.loadImage}),
		MaxLoadTests: s.maxLoadTests,
		Version:      version, Commit: commit, Log: log,
	}
	if s.leaderElect {
		o.LeaseNamespace = s.leaseNamespace
	}
	log.Info("starting", "version", version, "commit", commit)
	return controller.Run(ctx, o)
}

func logger(level string) (logr.Logger, error) {
	var at slog.Level
	if err := at.UnmarshalText([]byte(level)); err != nil {
		return logr.Logger{}, fmt.Errorf("--log-level: %w", err)
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: at}))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	return log, nil
}

// listen opens an address; "0" and "" mean none.
func listen(address string) (net.Listener, error) {
	if address == "" || address == "0" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return listener, nil
}
