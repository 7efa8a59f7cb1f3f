package series

import (
	"testing"

	"pgregory.net/rapid"
)

func catalogue() *Catalogue {
	c := NewCatalogue()
	c.AddScenario("Browse and buy")
	c.AddEndpoint(NewEndpoint("plugins.metrics-by-endpoint", "/products/"))
	return c
}

func TestLongest(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a name alone", "http.requests", "http.requests"},
		{"a name before an operator", "http.requests<5", "http.requests"},
		{"the longer of two", "http.response_time.2xx.p99 < 5", "http.response_time.2xx.p99"},
		{"a code of any number", "http.codes.200 > 1", "http.codes.200"},
		{"a name with dashes and slashes", "plugins.metrics-by-endpoint./products/.codes.201+1", "plugins.metrics-by-endpoint./products/.codes.201"},
		{"a name with blanks", "vusers.created_by_name.Browse and buy and apdex > 1", "vusers.created_by_name.Browse and buy"},
		{"no name that goes on", "http.requestsPerSecond", ""},
		{"no family without a member", "http.codes. > 1", ""},
		{"no unknown name", "http.nothing", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := catalogue().Longest(tt.text); got != tt.want {
				t.Errorf("Longest(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestKind(t *testing.T) {
	tests := []struct {
		name  string
		kind  Kind
		known bool
	}{
		{"http.requests", Counter, true},
		{"errors.ECONNRESET", Counter, true},
		{"http.response_time.p999", Histogram, true},
		{"plugins.metrics-by-endpoint.response_time./products/.median", Histogram, true},
		{"http.request_rate", Rate, true},
		{"apdex", Score, true},
		{"http.response_time", Counter, false},
		{"http.response_time.p42", Counter, false},
		{"http.codes.503", Counter, true},
		{"http.codes.5xx", Counter, true},
		{"plugins.metrics-by-endpoint./products/.codes.4xx", Counter, true},
		{"http.codes.2O0", Counter, false},
		{"http.codes.20", Counter, false},
		{"http.codes.0xx", Counter, false},
		{"plugins.metrics-by-endpoint./products/.codes.ok", Counter, false},
		{"errors.a.b", Counter, false},
		{"errors.", Counter, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if kind, known := catalogue().Kind(tt.name); kind != tt.kind || known != tt.known {
				t.Errorf("Kind(%q) = %v, %t, want %v, %t", tt.name, kind, known, tt.kind, tt.known)
			}
		})
	}
}

// Whatever follows a known name, what Longest finds is a known name that the text begins with.
func TestLongestFindsKnownNamesOnly(t *testing.T) {
	c := catalogue()
	names := c.Names()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		rest := rapid.SampledFrom([]string{"", " < 1", "<1", ")", "-http.requests", "."}).Draw(t, "rest")
		got := c.Longest(name + rest)
		if got == "" && rest == "." {
			return
		}
		if _, known := c.Kind(got); !known || len(got) < len(name) {
			t.Fatalf("Longest(%q) = %q", name+rest, got)
		}
	})
}
