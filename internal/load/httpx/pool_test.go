package httpx

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestUsersShareAPool(t *testing.T) {
	var flying, most, connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n := flying.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(60 * time.Millisecond)
		flying.Add(-1)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	f := NewFactory(Options{Timeout: 300 * time.Millisecond, Pool: 2}) // less than the last one waits for its turn
	defer f.Close()
	var users sync.WaitGroup
	for range 20 {
		users.Go(func() {
			c := f.NewClient()
			defer c.Close()
			if _, err := do(t, c, Request{Method: "GET", URL: server.URL}); err != nil {
				t.Error(err)
			}
		})
	}
	users.Wait()
	if most.Load() > 2 || connections.Load() > 2 {
		t.Errorf("a pool of 2 made %d connections and sent %d requests at once", connections.Load(), most.Load())
	}
}

// certificate makes a self-signed certificate and its key.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "user"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})
}

func TestTLSAsTheScriptSays(t *testing.T) {
	var who, protocol string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, protocol = r.TLS.PeerCertificates[0].Subject.CommonName, r.Proto
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} //nolint:gosec // a test's server
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	cert, key := certificate(t)
	for want, protocols := range map[string][]string{"HTTP/1.1": nil, "HTTP/2.0": {"h2", "http/1.1"}} {
		config, err := NewTLS(TLSOptions{Authority: authority, Certificate: cert, Key: key, Protocols: protocols})
		if err != nil {
			t.Fatal(err)
		}
		c := NewFactory(Options{Timeout: 5 * time.Second, TLS: config}).NewClient()
		for range 2 {
			if _, err := do(t, c, Request{Method: "GET", URL: server.URL}); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
		if who != "user" || protocol != want {
			t.Errorf("offering %v: %q came by %s, want user by %s", protocols, who, protocol, want)
		}
	}
}

func TestTLSThatCannotBe(t *testing.T) {
	cert, key := certificate(t)
	_, other := certificate(t)
	tests := []struct {
		name    string
		options TLSOptions
		want    string
	}{
		{"an authority that is no PEM", TLSOptions{Authority: []byte("x")}, "no PEM certificate"},
		{"a certificate without a key", TLSOptions{Certificate: cert}, "needs both"},
		{"a key that is no PEM", TLSOptions{Certificate: cert, Key: []byte("x")}, "no PEM block"},
		{"the key of another", TLSOptions{Certificate: cert, Key: other}, "reading the client certificate"},
		{"a key that needs another tool", TLSOptions{Certificate: cert, Key: []byte(strings.ReplaceAll(string(key), "EC PRIVATE", "ENCRYPTED PRIVATE"))}, "PKCS #8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewTLS(tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestConnectingIsTimedWhenAsked(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for _, extended := range []bool{false, true} {
		f := NewFactory(Options{Timeout: 5 * time.Second, Insecure: true, Extended: extended})
		c := f.NewClient()
		first, err := do(t, c, Request{Method: "GET", URL: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)})
		if err != nil {
			t.Fatal(err)
		}
		second, err := do(t, c, Request{Method: "GET", URL: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if timed := first[0].TCP > 0 && first[0].TLS > 0; timed != extended {
			t.Errorf("extended %t: the first hop took %+v", extended, first[0])
		}
		if second[0].DNS+second[0].TCP+second[0].TLS != 0 {
			t.Errorf("extended %t: a kept connection took %+v", extended, second[0])
		}
	}
}
