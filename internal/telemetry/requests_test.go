package telemetry_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/sluice/internal/telemetry"
)

type answering int

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(a), Body: io.NopCloser(strings.NewReader(""))}, nil
}

type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func send(t *testing.T, over http.RoundTripper, method, path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "https://server:6443"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := over.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

func TestRequestsAreCountedByWhatTheyAskFor(t *testing.T) {
	for _, test := range []struct {
		name, method, path string
		want               string
	}{
		{"a list of one namespace", "GET", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", "kind=rollouts,name=N/A,namespace=shop,status_code=200,verb=List"},
		{"a list of all namespaces", "GET", "/apis/apps/v1/replicasets?limit=500", "kind=replicasets,name=N/A,namespace=N/A,status_code=200,verb=List"},
		{"a watch", "GET", "/api/v1/pods?watch=true&resourceVersion=7", "kind=pods,name=N/A,namespace=N/A,status_code=200,verb=Watch"},
		{"one object", "GET", "/api/v1/namespaces/shop/secrets/address", "kind=secrets,name=N/A,namespace=shop,status_code=200,verb=Get"},
		{"one namespace", "GET", "/api/v1/namespaces/shop", "kind=namespaces,name=N/A,namespace=N/A,status_code=200,verb=Get"},
		{"a status", "PATCH", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/cart/status", "kind=rollouts,name=N/A,namespace=shop,status_code=200,verb=Patch"},
		{"a new object", "POST", "/apis/batch/v1/namespaces/shop/jobs", "kind=jobs,name=N/A,namespace=shop,status_code=200,verb=Create"},
		{"a lease", "PUT", "/apis/coordination.k8s.io/v1/namespaces/shop/leases/lock", "kind=leases,name=N/A,namespace=shop,status_code=200,verb=Update"},
		{"a deletion", "DELETE", "/apis/batch/v1/namespaces/shop/jobs/load", "kind=jobs,name=N/A,namespace=shop,status_code=200,verb=Delete"},
		{"something else", "GET", "/version", "kind=Unknown,name=N/A,namespace=Unknown,status_code=200,verb=Unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			send(t, telemetry.Requests(registry)(answering(200)), test.method, test.path)
			want := []string{"controller_clientset_k8s_request_total{" + test.want + "} 1"}
			if diff := cmp.Diff(want, scrape(t, registry, "controller_clientset_k8s_request_total")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARequestWithoutAnAnswerIsNotCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "https://server/api/v1/pods", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := telemetry.Requests(registry)(silent{}).RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
		t.Fatal("the error is lost")
	}
	if got := scrape(t, registry, "controller_clientset_k8s_request_total"); len(got) != 0 {
		t.Errorf("counted %v", got)
	}
}
