package amp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const maxFaultDelay = 5 * time.Minute

// Fault is what goes wrong with queries whose signature was good. The zero value is no fault. Faults come after verification, so that a fault never
// makes a wrong signature look accepted.
type Fault struct {
	// Status, when set, is answered in place of the upstream's answer, 400 to 599, in AWS's error shape.
	Status int `json:"status,omitempty"`
	// Empty answers every query with success and no series.
	Empty bool `json:"empty,omitempty"`
	// Delay is waited before anything is answered, at most five minutes.
	Delay Duration `json:"delay,omitempty"`
	// For ends the fault by itself after this time; zero keeps it until it is changed.
	For Duration `json:"for,omitempty"`
}

// Duration is a time.Duration that reads and writes as "1m30s" in JSON.
type Duration time.Duration

// MarshalText writes the duration as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func (f Fault) validate() error {
	switch {
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status %d is not an error status (400 to 599)", f.Status)
	case f.Status != 0 && f.Empty:
		return errors.New("status and empty exclude each other")
	case f.Delay < 0 || time.Duration(f.Delay) > maxFaultDelay:
		return fmt.Errorf("delay %s is not between 0 and %s", time.Duration(f.Delay), maxFaultDelay)
	case f.For < 0:
		return fmt.Errorf("for %s is negative", time.Duration(f.For))
	}
	return nil
}

// apply answers the request in the fault's way and says whether it did.
func (f Fault) apply(w http.ResponseWriter, r *http.Request, ranged bool) (answered bool) {
	if f.Delay > 0 {
		timer := time.NewTimer(time.Duration(f.Delay))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return true
		}
	}
	switch {
	case f.Status != 0:
		(&refusal{f.Status, errorType(f.Status), "This answer is a fault that was asked for."}).writeTo(w)
		return true
	case f.Empty:
		writeEmpty(w, ranged)
		return true
	default:
		return false
	}
}

func writeEmpty(w http.ResponseWriter, ranged bool) {
	resultType := "vector"
	if ranged {
		resultType = "matrix"
	}
	writeJSON(w, map[string]any{
		"status": "success",
		"data":   map[string]any{"resultType": resultType, "result": []any{}},
	})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // fails only when the client is gone
}
