package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

//go:embed react.yaml
var manifest []byte

// reactWithin is how long a reaction is waited for before the measurement is given up.
const reactWithin = 30 * time.Second

// bench is a cluster with a Rollout whose only measurement asks our metric server.
type bench struct {
	stage   *stage.Stage
	metrics *metrics
	watcher *watcher
	closing []func()
}

func (b *bench) close() {
	for _, end := range b.closing {
		end()
	}
}

// setUp brings everything up and waits for the first version to be stable.
func setUp(ctx context.Context, o stage.Options) (b *bench, err error) {
	b = &bench{metrics: &metrics{}, watcher: newWatcher()}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.stage, err = stage.Up(ctx, o); err != nil {
		return nil, err
	}
	if err := b.stage.Install(ctx); err != nil {
		return nil, err
	}
	// The monitoring of the demo is not asked here, and what it costs would be measured too.
	monitoring := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "monitoring"}}
	if err := client.IgnoreNotFound(b.stage.Client.Delete(ctx, monitoring)); err != nil {
		return nil, fmt.Errorf("removing the monitoring: %w", err)
	}
	host, err := hostAddress(ctx, b.stage.Client)
	if err != nil {
		return nil, err
	}
	url, closed, err := b.metrics.listen(host)
	if err != nil {
		return nil, err
	}
	b.closing = append(b.closing, closed)
	if err := b.stage.Reset(ctx); err != nil {
		return nil, err
	}
	if err := b.stage.Apply(ctx, bytes.ReplaceAll(manifest, []byte("METRICS"), []byte(url))); err != nil {
		return nil, err
	}
	if _, err := b.stage.Phase(ctx, time.Minute, api.RolloutPhaseHealthy); err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	b.closing = append(b.closing, stop)
	return b, b.watcher.follow(watching, b.stage.Client)
}

// hostAddress is this machine as the cluster's pods reach it: the address from which it talks to
// the node.
func hostAddress(ctx context.Context, c client.Client) (string, error) {
	var nodes corev1.NodeList
	if err := c.List(ctx, &nodes); err != nil {
		return "", fmt.Errorf("listing nodes: %w", err)
	}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type != corev1.NodeInternalIP {
				continue
			}
			// Nothing is sent: connecting UDP only picks the route.
			route, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(address.Address, "9"))
			if err != nil {
				return "", fmt.Errorf("finding the route to node %s: %w", node.Name, err)
			}
			host, _, err := net.SplitHostPort(route.LocalAddr().String())
			return host, errors.Join(err, route.Close())
		}
	}
	return "", errors.New("no node has an internal address")
}

// round lets an update run into a bad measurement and says how long each part of the reaction took.
func (b *bench) round(ctx context.Context, n int) (reaction, error) {
	b.metrics.turnGood()
	if err := b.start(ctx, n); err != nil {
		return reaction{}, err
	}
	err := stage.Await(ctx, time.Minute, func(context.Context) error {
		if answers := b.metrics.answers(); answers < 2 {
			return fmt.Errorf("the analysis has asked %d times", answers)
		}
		return nil
	})
	if err != nil {
		return reaction{}, err
	}
	r, err := b.react(ctx)
	if err != nil {
		return reaction{}, err
	}
	_, err = b.stage.Until(ctx, time.Minute, "the canary to be gone", func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhaseDegraded && ro.Status.UpdatedReplicas == 0 && ro.Status.AvailableReplicas == 5
	})
	return r, err
}

// start ships a new version, or starts the aborted one over.
func (b *bench) start(ctx context.Context, n int) error {
	if n == 1 {
		return b.stage.Ship(ctx, stage.Version{Name: "2"})
	}
	return b.stage.Patch(ctx, "status", `{"status":{"abort":false}}`)
}

// react turns the answers bad and waits until the canary is being scaled down.
func (b *bench) react(ctx context.Context) (reaction, error) {
	ctx, cancel := context.WithTimeout(ctx, reactWithin)
	defer cancel()
	done := b.watcher.begin()
	turned := b.metrics.turnBad()
	var answered time.Time
	select {
	case answered = <-turned:
	case <-ctx.Done():
		return reaction{}, errors.New("the analysis has stopped asking")
	}
	select {
	case <-done:
	case <-ctx.Done():
		seen, _ := b.watcher.seen()
		return reaction{}, fmt.Errorf("after %s not all was seen: %+v", reactWithin, seen)
	}
	seen, err := b.watcher.seen()
	if err != nil {
		return reaction{}, err
	}
	return reaction{
		judged:  seen.judged.Sub(answered),
		aborted: seen.aborted.Sub(answered),
		grown:   seen.grown.Sub(answered),
		scaled:  seen.scaled.Sub(answered),
	}, nil
}
