// Command probe runs in a pod of the end-to-end test. It burns half a core and
// says over HTTP whether names resolve and the API server can be trusted.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

const mounted = "/var/run/secrets/kubernetes.io/serviceaccount/"

func main() {
	go burn()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	http.HandleFunc("/api", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, version()) })
	http.HandleFunc("/lookup", func(w http.ResponseWriter, r *http.Request) {
		addresses, err := net.LookupHost(r.URL.Query().Get("name"))
		fmt.Fprint(w, addresses, err)
	})
	http.HandleFunc("/user", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getuid()) })
	log.Print("serving")
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func burn() {
	for {
		for start := time.Now(); time.Since(start) < 10*time.Millisecond; {
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// version asks the API server with what every pod gets: a name, a token and a
// certificate authority.
func version() string {
	ca, err := os.ReadFile(mounted + "ca.crt")
	if err != nil {
		return err.Error()
	}
	token, err := os.ReadFile(mounted + "token")
	if err != nil {
		return err.Error()
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	req, err := http.NewRequest(http.MethodGet, "https://kubernetes.default.svc/version", nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+string(token))
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return resp.Status
}
