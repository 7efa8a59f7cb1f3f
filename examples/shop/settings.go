package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings is what the environment says. A new "version" of the shop is the same image with another environment.
type settings struct {
	listen, version string
	// cpuPerRequest is the processor time burnt by each request to the catalogue.
	cpuPerRequest time.Duration
	// latency is waited by each such request, without using the processor.
	latency time.Duration
	// errorRate is the share of such requests answered with 500: of any n in a row, n·rate, rounded.
	errorRate float64
	readiness readiness
	// drain is how long the shop serves on after SIGTERM while it reports not ready, so that traffic finds another pod.
	drain time.Duration
}

// readiness says from when on the shop reports that it is ready.
type readiness struct {
	never bool
	after time.Duration
}

const longest = time.Hour

var variables = []string{
	"SHOP_LISTEN", "SHOP_VERSION", "SHOP_CPU_PER_REQUEST", "SHOP_LATENCY", "SHOP_ERROR_RATE", "SHOP_READY", "SHOP_DRAIN",
}

// readSettings reads environment, a list of NAME=value, and reports everything that is wrong with it: a fault that is silently not there would make
// a bad version look good.
func readSettings(environment []string) (settings, error) {
	values := map[string]string{}
	var problems []error
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case !strings.HasPrefix(name, "SHOP_") || setByKubernetes(name):
		case !slices.Contains(variables, name):
			problems = append(problems, fmt.Errorf("%s is unknown; known are %s", name, strings.Join(variables, ", ")))
		case value != "":
			values[name] = value
		}
	}
	r := reader{values: values, problems: problems}
	s := settings{
		listen:        r.text("SHOP_LISTEN", ":8080"),
		version:       r.text("SHOP_VERSION", "v1"),
		cpuPerRequest: r.duration("SHOP_CPU_PER_REQUEST", 0),
		latency:       r.duration("SHOP_LATENCY", 0),
		errorRate:     r.share("SHOP_ERROR_RATE"),
		readiness:     r.readiness("SHOP_READY"),
		drain:         r.duration("SHOP_DRAIN", 2*time.Second),
	}
	return s, errors.Join(r.problems...)
}

// setByKubernetes knows the variables every pod gets about Services called "shop", "shop-canary" and the like.
func setByKubernetes(name string) bool { return aboutService.MatchString(name) }

var aboutService = regexp.MustCompile(`^SHOP(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP)(_[A-Z]+)?)?)$`)

// reader takes values and remembers what is wrong with them.
type reader struct {
	values   map[string]string
	problems []error
}

func (r *reader) refuse(name, want string) {
	r.problems = append(r.problems, fmt.Errorf("%s=%q: want %s", name, r.values[name], want))
}

func (r *reader) text(name, fallback string) string {
	if value, set := r.values[name]; set {
		return value
	}
	return fallback
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value, set := r.values[name]
	if !set {
		return fallback
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > longest {
		r.refuse(name, "a duration from 0s to 1h, such as 2ms")
	}
	return d
}

func (r *reader) share(name string) float64 {
	value, set := r.values[name]
	if !set {
		return 0
	}
	share, err := strconv.ParseFloat(value, 64)
	if err != nil || !(share >= 0 && share <= 1) { // so written, NaN is refused too
		r.refuse(name, "a number from 0 to 1, such as 0.05")
	}
	return share
}

func (r *reader) readiness(name string) readiness {
	value := r.values[name]
	after, delayed := strings.CutPrefix(value, "after:")
	d, err := time.ParseDuration(after)
	switch {
	case value == "" || value == "always":
		return readiness{}
	case value == "never":
		return readiness{never: true}
	case delayed && err == nil && d >= 0 && d <= longest:
		return readiness{after: d}
	default:
		r.refuse(name, "always, never or after:DURATION, such as after:30s")
		return readiness{}
	}
}
