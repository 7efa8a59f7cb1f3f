package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func workingOptions(t *testing.T) options {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return options{
		listen: "127.0.0.1:0", adminListen: "127.0.0.1:0", upstream: "http://127.0.0.1:1", workspace: "ws-demo", region: "us-west-2",
		accessKey: "AKIDEXAMPLE", secretKeyFile: secret,
	}
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	t.Setenv(secretVariable, "")
	cases := map[string]struct {
		change func(*options)
		want   string
	}{
		"an admin address open to everybody": {func(o *options) { o.adminListen = ":0" }, "is not on loopback"},
		"no access key":                      {func(o *options) { o.accessKey = "" }, "an access key or its secret is empty"},
		"no secret":                          {func(o *options) { o.secretKeyFile = "" }, "an access key or its secret is empty"},
		"a secret file that is not there":    {func(o *options) { o.secretKeyFile += "-gone" }, "reading --secret-key-file"},
		"an upstream without a host":         {func(o *options) { o.upstream = "/tmp" }, "upstream must be an http or https URL"},
		"an address that cannot be bound":    {func(o *options) { o.listen = "127.0.0.1:-1" }, "listening for queries"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := workingOptions(t)
			c.change(&o)
			err := run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("run says %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := run(ctx, workingOptions(t)); err != nil {
		t.Error(err)
	}
}
