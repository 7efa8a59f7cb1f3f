package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// stuckAfter is far beyond the deadline of a pass: one that runs longer will not end by itself.
const stuckAfter = time.Minute

// health is what the probes report. The zero value is alive and not ready.
type health struct {
	mu      sync.Mutex
	ready   bool
	unready string
	began   map[int]time.Time
	serial  int
}

// set says why the controller is not ready; "" = it is.
func (h *health) set(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready, h.unready = why == "", why
}

// begin notes that a pass began; the returned function notes its end.
func (h *health) begin() (end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.began == nil {
		h.began = map[int]time.Time{}
	}
	h.serial++
	id := h.serial
	h.began[id] = time.Now()
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.began, id)
	}
}

func (h *health) alive() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, at := range h.began {
		if took := time.Since(at); took > stuckAfter {
			return fmt.Errorf("a pass has been running for %s", took.Round(time.Second))
		}
	}
	return nil
}

func (h *health) readiness() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ready:
		return nil
	case h.unready == "":
		return errors.New("starting")
	}
	return errors.New(h.unready)
}

func (h *health) handler() http.Handler {
	mux := http.NewServeMux()
	for path, check := range map[string]func() error{"/healthz": h.alive, "/readyz": h.readiness} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			if err := check(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write([]byte("ok\n"))
		})
	}
	return mux
}

// metricsHandler serves our metrics beside those of the libraries: work queues, requests, the process.
func metricsHandler(ours prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	all := prometheus.Gatherers{metrics.Registry, ours}
	mux.Handle("GET /metrics", promhttp.HandlerFor(all, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return mux
}

// serve answers on a listener until ctx ends.
func serve(ctx context.Context, on net.Listener, handler http.Handler, log logr.Logger) {
	if on == nil {
		return
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	go func() {
		if err := server.Serve(on); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error(err, "serving", "address", on.Addr().String())
		}
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
}
