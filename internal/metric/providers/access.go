package providers

import (
	"net/http"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

func badConfig(message string) *judge.Failure {
	return &judge.Failure{Class: judge.BadConfig, Message: message}
}

// access reads who the request is sent as. Basic authentication with neither name nor password is none.
func access(who string, a *api.Authentication, insecure bool) (metric.Access, *judge.Failure) {
	access := metric.Access{Insecure: insecure}
	if a == nil {
		return access, nil
	}
	access.Sigv4 = a.Sigv4
	if basic := a.BasicAuth; basic != nil && *basic != (api.BasicAuthConfig{}) {
		if basic.Username == "" || basic.Password == "" {
			return access, badConfig(who + ": basicAuth needs both username and password")
		}
		access.Basic = &metric.Basic{User: basic.Username, Password: basic.Password}
	}
	if oauth2 := a.OAuth2; oauth2 != nil {
		if oauth2.TokenURL == "" || oauth2.ClientID == "" || oauth2.ClientSecret == "" {
			return access, badConfig(who + ": oauth2 needs tokenUrl, clientId and clientSecret")
		}
		access.OAuth2 = oauth2
	}
	return access, nil
}

func headers(from []api.WebMetricHeader) http.Header {
	if len(from) == 0 {
		return nil
	}
	h := http.Header{}
	for _, header := range from {
		h.Set(header.Key, header.Value)
	}
	return h
}
