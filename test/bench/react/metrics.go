package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// metrics is a Prometheus of which one query can be asked. It answers 0, which is good, until it is
// told to answer 2, which is bad.
type metrics struct {
	mu       sync.Mutex
	bad      bool
	answered int            // since the last turn
	turned   chan time.Time // gets when the first bad answer left; nil while answers are good
}

// turnGood makes the next answers good.
func (m *metrics) turnGood() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bad, m.answered, m.turned = false, 0, nil
}

// turnBad makes the next answers bad; the channel gets when the first of them left.
func (m *metrics) turnBad() <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bad, m.answered, m.turned = true, 0, make(chan time.Time, 1)
	return m.turned
}

// answers counts the answers since the last turn.
func (m *metrics) answers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answered
}

// ServeHTTP implements http.Handler: Prometheus' API for instant queries, whatever is asked.
func (m *metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/query" {
		http.NotFound(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	m.mu.Lock()
	m.answered++
	value := 0
	turned := m.turned
	if m.bad {
		value, m.turned = 2, nil
	}
	m.mu.Unlock()

	body := fmt.Sprintf(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,"%d"]}]}}`, time.Now().Unix(), value)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = io.WriteString(w, body) // stays in the server's buffer
	// Taken before the bytes go out, so that a pause of this process after sending them cannot make
	// the reaction look quicker than it is.
	at := time.Now()
	_ = http.NewResponseController(w).Flush()
	if turned != nil {
		turned <- at
	}
}

// listen serves at an address that the cluster's pods reach.
func (m *metrics) listen(host string) (url string, closed func(), err error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", nil, fmt.Errorf("listening where the pods reach this machine: %w", err)
	}
	server := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}
