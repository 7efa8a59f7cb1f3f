package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxProduct bounds the body of a new product.
const maxProduct = 64 << 10

const (
	frontPage = `{"collection":"FRONT_PAGE","products":[` +
		`{"id":1,"name":"Shirt","price":"19.90"},{"id":2,"name":"Mug","price":"9.50"},{"id":3,"name":"Cap","price":"14.00"}]}` + "\n"
	created = `{"status":"created"}` + "\n"
)

// shop is the target application. At rest it does nothing at all: no ticker, no log, and its metrics are collected only when they are asked for.
type shop struct {
	settings settings
	begun    time.Time
	draining atomic.Bool
	served   atomic.Uint64 // catalogue requests so far, for the error rate
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  prometheus.Observer
}

func newShop(s settings, begun time.Time) *shop {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_http_requests_total", Help: "Requests to the catalogue by status code.",
	}, []string{"code"})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "shop_http_request_duration_seconds", Help: "Time taken by requests to the catalogue.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "shop_build_info", Help: "The running version; always 1.", ConstLabels: prometheus.Labels{"version": s.version},
	})
	build.Set(1)
	// No collectors for the process and the Go runtime: they would cost more than all requests together.
	registry := prometheus.NewRegistry()
	registry.MustRegister(requests, seconds, build)
	return &shop{settings: s, begun: begun, registry: registry, requests: requests, seconds: seconds}
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showVersion)
	mux.HandleFunc("GET /collection/FRONT_PAGE", s.catalogue(s.showFrontPage))
	mux.HandleFunc("POST /products/", s.catalogue(s.addProduct))
	mux.HandleFunc("GET /healthz", s.showReadiness)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, `{"status":"alive"}`+"\n") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{DisableCompression: true}))
	return mux
}

func (s *shop) showVersion(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, `{"shop":"sluice example","version":`+quote(s.settings.version)+"}\n")
}

// showReadiness is for readiness probes. Liveness has its own path, since a pod that is never ready must not be restarted for it.
func (s *shop) showReadiness(w http.ResponseWriter, _ *http.Request) {
	if s.ready(time.Now()) {
		reply(w, http.StatusOK, `{"status":"ready"}`+"\n")
		return
	}
	reply(w, http.StatusServiceUnavailable, `{"status":"not ready"}`+"\n")
}

func (s *shop) ready(now time.Time) bool {
	r := s.settings.readiness
	return !r.never && !s.draining.Load() && now.Sub(s.begun) >= r.after
}

// catalogue serves what customers use: counted, timed and subject to the faults of the settings.
func (s *shop) catalogue(serve func(*http.Request) (status int, body string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		status, body := s.suffer(r.Context())
		if status == http.StatusOK {
			status, body = serve(r)
		}
		w.Header().Set("X-Shop-Version", s.settings.version)
		reply(w, status, body)
		s.seconds.Observe(time.Since(begun).Seconds())
		s.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	}
}

// suffer applies the faults and gives the status they leave.
func (s *shop) suffer(ctx context.Context) (status int, body string) {
	fails := s.failsNext()
	if err := errors.Join(burn(ctx, s.settings.cpuPerRequest), wait(ctx, s.settings.latency)); err != nil {
		return http.StatusServiceUnavailable, failure(err)
	}
	if fails {
		return http.StatusInternalServerError, failure(errors.New("this error is a fault that was asked for"))
	}
	return http.StatusOK, ""
}

// failsNext spreads errors evenly and without chance: with a rate of 0.25 every fourth request fails.
func (s *shop) failsNext() bool {
	if s.settings.errorRate == 0 {
		return false
	}
	n := float64(s.served.Add(1))
	return math.Floor(n*s.settings.errorRate+1e-9) > math.Floor((n-1)*s.settings.errorRate+1e-9)
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shop) showFrontPage(*http.Request) (status int, body string) {
	return http.StatusOK, frontPage
}

// addProduct takes a name as a JSON string or a product as a JSON object. Nothing is kept: the shop is there to be measured.
func (s *shop) addProduct(r *http.Request) (status int, body string) {
	content, err := io.ReadAll(io.LimitReader(r.Body, maxProduct+1))
	if err != nil {
		return http.StatusBadRequest, failure(fmt.Errorf("reading the product: %w", err))
	}
	if len(content) > maxProduct {
		return http.StatusRequestEntityTooLarge, failure(errors.New("a product has at most 64 KiB"))
	}
	if err := checkProduct(content); err != nil {
		return http.StatusBadRequest, failure(err)
	}
	return http.StatusCreated, created
}

func checkProduct(content []byte) error {
	var product any
	if err := json.Unmarshal(content, &product); err != nil {
		return fmt.Errorf("reading the product: %w", err)
	}
	switch p := product.(type) {
	case string:
		if p == "" {
			return errors.New("a product's name is not empty")
		}
	case map[string]any:
		if len(p) == 0 {
			return errors.New("a product has at least one property")
		}
	default:
		return errors.New("a product is a JSON string or a JSON object")
	}
	return nil
}

func failure(err error) string { return `{"error":` + quote(err.Error()) + "}\n" }

// quote writes text as a JSON string, which Go's own quoting is not for control characters.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil { // impossible: every string can be written
		return `""`
	}
	return string(quoted)
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // fails only when the client is gone
}
