package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Series is one series of a query's result.
type Series struct {
	Labels map[string]string
	Value  string
}

// Prometheus answers an instant query without the AMP stand-in before it.
func (s *Stage) Prometheus(ctx context.Context, query string) ([]Series, error) {
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	err := s.forward(ctx, "monitoring", "prometheus", 9090, func(address string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v1/query?query="+url.QueryEscape(query), nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		return json.NewDecoder(response.Body).Decode(&answer)
	})
	if err == nil && answer.Error != "" {
		err = fmt.Errorf("%s", answer.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus: %w", err)
	}
	var all []Series
	for _, r := range answer.Data.Result {
		all = append(all, Series{Labels: r.Metric, Value: fmt.Sprint(r.Value[1])})
	}
	return all, nil
}
