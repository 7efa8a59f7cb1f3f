package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadSettings(t *testing.T) {
	plain := settings{listen: ":8080", version: "v1", drain: 2 * time.Second}
	with := func(change func(*settings)) settings {
		s := plain
		change(&s)
		return s
	}
	cases := map[string]struct {
		environment []string
		want        settings
	}{
		"nothing set is a good version":     {nil, plain},
		"an empty value is as not set":      {[]string{"SHOP_CPU_PER_REQUEST=", "SHOP_READY="}, plain},
		"other variables are not ours":      {[]string{"PATH=/bin", "SHOPPING=1"}, plain},
		"variables of a Service named shop": {[]string{"SHOP_PORT=tcp://10.0.0.1:80", "SHOP_PORT_80_TCP_ADDR=10.0.0.1", "SHOP_SERVICE_HOST=10.0.0.1", "SHOP_CANARY_SERVICE_PORT_HTTP=80", "SHOP_CANARY_PORT_80_TCP=tcp://10.0.0.1:80"}, plain},
		"every fault": {
			[]string{"SHOP_LISTEN=127.0.0.1:1", "SHOP_VERSION=v2", "SHOP_CPU_PER_REQUEST=2ms", "SHOP_LATENCY=10ms", "SHOP_ERROR_RATE=0.25", "SHOP_READY=never", "SHOP_DRAIN=0s"},
			settings{
				listen: "127.0.0.1:1", version: "v2", cpuPerRequest: 2 * time.Millisecond, latency: 10 * time.Millisecond, errorRate: 0.25,
				readiness: readiness{never: true},
			},
		},
		"ready after a while": {[]string{"SHOP_READY=after:30s"}, with(func(s *settings) { s.readiness.after = 30 * time.Second })},
		"always ready":        {[]string{"SHOP_READY=always"}, plain},
		"all requests fail":   {[]string{"SHOP_ERROR_RATE=1"}, with(func(s *settings) { s.errorRate = 1 })},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := readSettings(c.environment)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(settings{}, readiness{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadSettingsRefusesWhatItDoesNotUnderstand(t *testing.T) {
	const duration, share, ready = "a duration from 0s to 1h, such as 2ms", "a number from 0 to 1, such as 0.05", "always, never or after:DURATION, such as after:30s"
	for entry, want := range map[string]string{
		"SHOP_CPU_PER_REQUEST=2":     `SHOP_CPU_PER_REQUEST="2": want ` + duration,
		"SHOP_CPU_PER_REQUEST=-2ms":  `SHOP_CPU_PER_REQUEST="-2ms": want ` + duration,
		"SHOP_LATENCY=2h":            `SHOP_LATENCY="2h": want ` + duration,
		"SHOP_DRAIN=soon":            `SHOP_DRAIN="soon": want ` + duration,
		"SHOP_ERROR_RATE=5%":         `SHOP_ERROR_RATE="5%": want ` + share,
		"SHOP_ERROR_RATE=1.1":        `SHOP_ERROR_RATE="1.1": want ` + share,
		"SHOP_ERROR_RATE=NaN":        `SHOP_ERROR_RATE="NaN": want ` + share,
		"SHOP_READY=later":           `SHOP_READY="later": want ` + ready,
		"SHOP_READY=after:":          `SHOP_READY="after:": want ` + ready,
		"SHOP_READY=30s":             `SHOP_READY="30s": want ` + ready,
		"SHOP_CPU_PER_REQUESTS=2ms":  "SHOP_CPU_PER_REQUESTS is unknown; known are " + strings.Join(variables, ", "),
		"SHOP_CPU_PER_REQUEST =10ms": "SHOP_CPU_PER_REQUEST  is unknown; known are " + strings.Join(variables, ", "),
	} {
		_, err := readSettings([]string{entry})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", entry, err, want)
		}
	}
}

func TestReadSettingsReportsEveryProblem(t *testing.T) {
	_, err := readSettings([]string{"SHOP_LATENCY=x", "SHOP_ERROR_RATE=x", "SHOP_COLOUR=red"})
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("three mistakes give %v", err)
	}
}

func FuzzReadSettings(f *testing.F) {
	f.Add("SHOP_READY=after:30s", "SHOP_ERROR_RATE=0.5")
	f.Add("SHOP_CPU_PER_REQUEST=1e3ms", "SHOP_")
	f.Fuzz(func(t *testing.T, first, second string) {
		s, err := readSettings([]string{first, second})
		if err != nil {
			return
		}
		if !(s.errorRate >= 0 && s.errorRate <= 1) || s.cpuPerRequest < 0 || s.latency < 0 || s.drain < 0 || s.readiness.after < 0 {
			t.Fatalf("%q and %q were accepted as %+v", first, second, s)
		}
	})
}
