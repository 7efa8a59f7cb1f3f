package localkube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// apiClient reads from the API server; kubectl does the rest. A kubectl per
// question would cost more than the cluster itself while it starts.
type apiClient struct {
	server string
	token  string
	http   *http.Client
}

// connect makes a client from what the API server and writeCredentials left in dir.
func connect(server, dir string) (*apiClient, error) {
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's token: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "certs", "apiserver.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the API server's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("the API server's certificate is not complete")
	}
	return &apiClient{
		server: server,
		token:  strings.TrimSpace(string(token)),
		http: &http.Client{
			Timeout:   5 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
		},
	}, nil
}

// read gets a path and decodes the answer unless into is nil.
func (a *apiClient) read(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", path, resp.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decoding %s: %w", path, err)
	}
	return nil
}

// apiReady reports whether the API server of dir serves. Its certificate
// appears only once it runs, so the client is made anew each time.
func apiReady(server, dir string) func(context.Context) error {
	return func(ctx context.Context) error {
		a, err := connect(server, dir)
		if err != nil {
			return err
		}
		defer a.http.CloseIdleConnections()
		return a.read(ctx, "/readyz", nil)
	}
}

func (a *apiClient) nodeReady(ctx context.Context) error {
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := a.read(ctx, "/api/v1/nodes/"+nodeName, &node); err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == "Ready" {
			if c.Status == "True" {
				return nil
			}
			return fmt.Errorf("node is not ready: %s", c.Message)
		}
	}
	return fmt.Errorf("node has not reported yet")
}

func (a *apiClient) deploymentAvailable(ctx context.Context, namespace, name string) error {
	var d struct {
		Status struct{ AvailableReplicas int }
	}
	if err := a.read(ctx, "/apis/apps/v1/namespaces/"+namespace+"/deployments/"+name, &d); err != nil {
		return err
	}
	if d.Status.AvailableReplicas == 0 {
		return fmt.Errorf("deployment %s/%s has no available pod", namespace, name)
	}
	return nil
}
