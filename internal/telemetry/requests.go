package telemetry

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// anyName stands where the reference has the object's name. It is not told apart here, because the
// series of names that come and go would pile up for as long as the process lives.
const anyName = "N/A"

// Requests counts what is asked of the API server, by kind, namespace, verb and status code, under the
// reference's name. It returns what puts the counting into a client's transport.
func Requests(to prometheus.Registerer) func(http.RoundTripper) http.RoundTripper {
	counted := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "controller_clientset_k8s_request_total", Help: "Requests to the API server.",
	}, []string{"kind", "namespace", "name", "verb", "status_code"})
	to.MustRegister(counted)
	return func(next http.RoundTripper) http.RoundTripper {
		return &counting{next: next, counted: counted}
	}
}

type counting struct {
	next    http.RoundTripper
	counted *prometheus.CounterVec
}

// RoundTrip implements http.RoundTripper. A request without an answer is not counted: there is no
// status code to tell.
func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	if err == nil {
		kind, namespace, verb := asked(request.Method, request.URL)
		c.counted.WithLabelValues(kind, namespace, anyName, verb, strconv.Itoa(response.StatusCode)).Inc()
	}
	return response, err
}

// WrappedRoundTripper lets client-go reach through, for example to cancel requests.
func (c *counting) WrappedRoundTripper() http.RoundTripper { return c.next }

const unknown = "Unknown"

// asked reads kind, namespace and verb off a request: /api/v1/namespaces/NS/pods/NAME/SUB or
// /apis/GROUP/VERSION/namespaces/NS/KIND/NAME. Anything else, such as /version, is Unknown.
func asked(method string, address *url.URL) (kind, namespace, verb string) {
	parts := strings.Split(strings.Trim(address.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return unknown, unknown, unknown
	}
	namespace = anyName
	if len(parts) > 2 && parts[0] == "namespaces" {
		namespace, parts = parts[1], parts[2:]
	}
	return parts[0], namespace, verbOf(method, len(parts) > 1, address.Query().Get("watch"))
}

func verbOf(method string, named bool, watch string) string {
	switch method {
	case http.MethodGet:
		switch {
		case watch == "true" || watch == "1":
			return "Watch"
		case named:
			return "Get"
		}
		return "List"
	case http.MethodPost:
		return "Create"
	case http.MethodPut:
		return "Update"
	case http.MethodPatch:
		return "Patch"
	case http.MethodDelete:
		return "Delete"
	}
	return unknown
}
