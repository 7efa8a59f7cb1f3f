package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sluice.dev/sluice/test/stage"
)

// longest is more than the stories take together. With less time `go test` would kill them half way
// and leave the cluster behind, and its default is less: so `go test ./...` passes them over.
const longest = 25 * time.Minute

// on is the cluster that all stories play on, one after another.
var on *stage.Stage

// TestMain puts the cluster up, and takes it down however the stories end. E2E_KEEP=1 keeps it, and
// the next run uses it again.
func TestMain(m *testing.M) {
	flag.Parse()
	if why := unable(); why != "" {
		fmt.Println("end-to-end tests skipped:", why)
		os.Exit(0)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		code = 1
	}
	os.Exit(code)
}

// unable says why the stories cannot be played here.
func unable() string {
	switch {
	case flag.Lookup("test.list").Value.String() != "":
		return "they are only listed"
	case runtime.GOOS != "linux":
		return "a real cluster needs Linux"
	case os.Geteuid() != 0:
		return "a real cluster needs root"
	}
	limit, err := time.ParseDuration(flag.Lookup("test.timeout").Value.String())
	if err == nil && limit > 0 && limit < longest {
		return fmt.Sprintf("they may take longer than -timeout %s; run `make e2e`", limit)
	}
	return ""
}

func run(m *testing.M) (int, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return 1, err
	}
	if _, err := os.Stat(filepath.Join(root, ".build", "images", "shop.tar")); err != nil {
		return 1, fmt.Errorf("the images are not built, run `make e2e`: %w", err)
	}
	o := stage.Options{Root: root, Name: "e2e", Log: os.Stdout, Extra: []string{"sluice-load-brief"}}
	keep := os.Getenv("E2E_KEEP") != ""
	down := func() error {
		if keep {
			fmt.Println("E2E_KEEP: the cluster stays up; `.build/localkube/bin/localkube down --name e2e --purge` removes it")
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		return stage.Down(ctx, o)
	}
	go interrupted(down)
	code, err := onCluster(m, o)
	if downErr := down(); err == nil {
		err = downErr
	}
	return code, err
}

// interrupted takes the cluster down when somebody presses Ctrl-C.
func interrupted(down func() error) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	<-c
	if err := down(); err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
	}
	os.Exit(130)
}

func onCluster(m *testing.M, o stage.Options) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	began := time.Now()
	s, err := stage.Up(ctx, o)
	if err != nil {
		return 1, err
	}
	if err := s.Install(ctx); err != nil {
		return 1, err
	}
	if os.Getenv("E2E_KEEP") != "" {
		if err := renew(ctx, s); err != nil {
			return 1, err
		}
	}
	fmt.Printf("the cluster is up after %s: export KUBECONFIG=%s\n", time.Since(began).Round(time.Second), s.Kubeconfig)
	on = s
	return m.Run(), nil
}

// renew lets a cluster that was kept run the controller that was just built.
func renew(ctx context.Context, s *stage.Stage) error {
	err := s.Client.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(stage.Namespace), controllerLabels)
	if err != nil {
		return fmt.Errorf("restarting the controller: %w", err)
	}
	return s.Install(ctx)
}
