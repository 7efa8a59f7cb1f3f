package amp

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Admin serves what a test or a demonstration needs to know and to change. It has no authentication: listen on loopback only.
//
//	GET    /healthz  200 once the server answers
//	GET    /stats    the counts, as Stats
//	GET    /faults   the current Fault
//	POST   /faults   replaces it: {"status":403}, {"empty":true}, {"delay":"2s"}, {"status":503,"for":"30s"}
//	DELETE /faults   ends it
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Stats()) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Fault()) })
	mux.HandleFunc("POST /faults", s.postFault)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) { s.replaceFault(w, Fault{}) })
	return mux
}

func (s *Server) postFault(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	decoder.DisallowUnknownFields()
	var fault Fault
	if err := decoder.Decode(&fault); err != nil {
		http.Error(w, fmt.Sprintf("reading a fault: %v", err), http.StatusBadRequest)
		return
	}
	s.replaceFault(w, fault)
}

func (s *Server) replaceFault(w http.ResponseWriter, fault Fault) {
	if err := s.SetFault(fault); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, s.Fault())
}
