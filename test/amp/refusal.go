package amp

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Error types as AWS names them in x-amzn-ErrorType.
const (
	missingToken        = "MissingAuthenticationTokenException"
	incompleteSignature = "IncompleteSignatureException"
	invalidSignature    = "InvalidSignatureException"
	unrecognizedClient  = "UnrecognizedClientException"
	accessDenied        = "AccessDeniedException"
	notFound            = "ResourceNotFoundException"
	tooLarge            = "RequestEntityTooLargeException"
	throttled           = "ThrottlingException"
	internalFailure     = "InternalServerException"
	unavailable         = "ServiceUnavailableException"
)

// refusal is an answer in AWS's error shape: a type in a header, a message in the body.
type refusal struct {
	status        int
	kind, message string
}

// refuse makes the 403 that every doubt about a signature ends in.
func refuse(kind, format string, args ...any) *refusal {
	return &refusal{status: http.StatusForbidden, kind: kind, message: fmt.Sprintf(format, args...)}
}

func (r *refusal) writeTo(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", r.kind)
	w.WriteHeader(r.status)
	// The client is gone when this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(map[string]string{"message": r.message})
}

// errorType names the type AWS sends with a status.
func errorType(status int) string {
	switch status {
	case http.StatusForbidden:
		return accessDenied
	case http.StatusTooManyRequests:
		return throttled
	case http.StatusServiceUnavailable:
		return unavailable
	default:
		return internalFailure
	}
}
