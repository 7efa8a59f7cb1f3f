// Command prom runs a real Prometheus with the rules that give the seed's series.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"sluice.dev/sluice/test/prom"
)

type options struct {
	config                 prom.Config
	binary, build          string
	kubelets, controllers  list
	controllerTokenFile    string
	controllerScheme       string
	controllerInsecureCert bool
	findOnly               bool
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func main() {
	var o options
	flag.StringVar(&o.config.Listen, "listen", "127.0.0.1:9090", "address of its web server")
	flag.StringVar(&o.config.Dir, "dir", "", "directory for configuration, data and log; empty: a temporary one")
	flag.StringVar(&o.config.Cluster, "cluster", "demo", `value of the label "cluster"`)
	flag.DurationVar(&o.config.Interval, "interval", time.Second, "time between scrapes and between evaluations")
	flag.Var(&o.kubelets, "kubelet", "NODE=HOST:PORT to scrape cAdvisor from; may be given several times")
	flag.Var(&o.controllers, "controller", "HOST:PORT of a Sluice controller's metrics; may be given several times")
	flag.StringVar(&o.controllerScheme, "controller-scheme", "http", "http or https")
	flag.BoolVar(&o.controllerInsecureCert, "controller-insecure", false, "accept any certificate of the controllers")
	flag.StringVar(&o.controllerTokenFile, "controller-token-file", "", "bearer token for the controllers' metrics")
	flag.StringVar(&o.binary, "prometheus", "", "binary to run; empty: from PATH, the build directory or Debian's package")
	flag.StringVar(&o.build, "build-dir", "", "where packages are unpacked; empty: .build of this repository")
	flag.BoolVar(&o.findOnly, "find", false, "print the path of the binary, fetching it if need be, and end")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "prom:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	binary, err := findBinary(ctx, o)
	if err != nil {
		return err
	}
	if o.findOnly {
		fmt.Println(binary)
		return nil
	}
	config := o.config
	config.Binary = binary
	if config.Scrapes, err = scrapes(o); err != nil {
		return err
	}
	server, err := prom.Start(ctx, config)
	if err != nil {
		return err
	}
	fmt.Printf("prom: serving %s\n", server.URL())
	select {
	case <-ctx.Done():
		return server.Stop()
	case <-server.Done():
		return errors.Join(fmt.Errorf("prometheus ended by itself: %w", server.Err()), server.Stop())
	}
}

func findBinary(ctx context.Context, o options) (string, error) {
	if o.binary != "" {
		return o.binary, nil
	}
	build := o.build
	if build == "" {
		var err error
		if build, err = prom.BuildDir(); err != nil {
			return "", err
		}
	}
	binaries, err := prom.Find(ctx, build)
	return binaries.Prometheus, err
}

func scrapes(o options) ([]prom.Scrape, error) {
	var all []prom.Scrape
	for _, kubelet := range o.kubelets {
		node, target, found := strings.Cut(kubelet, "=")
		if !found || node == "" || target == "" {
			return nil, fmt.Errorf("--kubelet %q is not NODE=HOST:PORT", kubelet)
		}
		all = append(all, prom.Kubelet(target, node))
	}
	if len(o.controllers) > 0 {
		scrape := prom.Controllers(o.controllers...)
		scrape.Scheme, scrape.Insecure, scrape.TokenFile = o.controllerScheme, o.controllerInsecureCert, o.controllerTokenFile
		all = append(all, scrape)
	}
	return all, nil
}
