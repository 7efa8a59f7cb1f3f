package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/test/prom"
)

func TestScrapes(t *testing.T) {
	got, err := scrapes(options{
		kubelets: list{"n1=10.0.0.1:10250", "n2=10.0.0.2:10250"}, controllers: list{"a:8080", "b:8080"},
		controllerScheme: "https", controllerInsecureCert: true, controllerTokenFile: "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	controllers := prom.Controllers("a:8080", "b:8080")
	controllers.Scheme, controllers.Insecure, controllers.TokenFile = "https", true, "/token"
	want := []prom.Scrape{prom.Kubelet("10.0.0.1:10250", "n1"), prom.Kubelet("10.0.0.2:10250", "n2"), controllers}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scrapes (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"10.0.0.1:10250", "=10.0.0.1:10250", "n1="} {
		if _, err := scrapes(options{kubelets: list{bad}}); err == nil || !strings.Contains(err.Error(), "is not NODE=HOST:PORT") {
			t.Errorf("--kubelet %s: %v", bad, err)
		}
	}
}

func TestRunSaysWhenPrometheusCannotStart(t *testing.T) {
	err := run(t.Context(), options{binary: "/nonexistent/prometheus"})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("run says %v", err)
	}
}
