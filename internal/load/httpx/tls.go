package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// TLSOptions are how connections are made secure, all PEM texts.
type TLSOptions struct {
	// Insecure takes any certificate.
	Insecure bool
	// Authority signs the servers' certificates instead of the system's authorities.
	Authority []byte
	// Certificate and Key are the client's own; Passphrase opens the key.
	Certificate, Key []byte
	Passphrase       string
	// Protocols are offered by ALPN; with h2 among them HTTP/2 is spoken.
	Protocols []string
}

// NewTLS reads certificates and keys. The error says which of them is wrong.
func NewTLS(o TLSOptions) (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: o.Insecure, NextProtos: o.Protocols} //nolint:gosec // the script or -k asked for it
	if len(o.Authority) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(o.Authority) {
			return nil, errors.New("the certificate authority holds no PEM certificate")
		}
	}
	if len(o.Certificate) == 0 && len(o.Key) == 0 {
		return c, nil
	}
	if len(o.Certificate) == 0 || len(o.Key) == 0 {
		return nil, errors.New("a client certificate needs both certificate and key")
	}
	key, err := openKey(o.Key, o.Passphrase)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(o.Certificate, key)
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate and its key: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// openKey decrypts a key that is protected as OpenSSL once did it by default.
func openKey(text []byte, passphrase string) ([]byte, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the client's key holds no PEM block")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		return nil, errors.New("the client's key is encrypted by PKCS #8: not supported; write it without a passphrase, or with openssl rsa -traditional -aes256")
	}
	if !x509.IsEncryptedPEMBlock(block) { //nolint:staticcheck // insecure, and what people's keys have
		return text, nil
	}
	plain, err := x509.DecryptPEMBlock(block, []byte(passphrase)) //nolint:staticcheck // as above
	if err != nil {
		return nil, fmt.Errorf("opening the client's key with its passphrase: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: plain}), nil
}
