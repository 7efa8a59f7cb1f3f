package script

import (
	"strings"
	"time"
)

// notSent is what is said of plugins that send results elsewhere.
const notSent = "accepted, but nothing is sent there: the result is in the report, on stdout and in the termination message"

var pluginKeys = keys{now: []string{
	"ensure", "apdex", "metrics-by-endpoint", "expect", "fake-data", "publish-metrics", "slack", "datadog", "cloudwatch", "statsd", "influxdb",
}}

func (c *compiler) plugins(v *value, s *Script, r *raw) {
	switch v.kind {
	case object:
		v = c.builtInOnly(v)
	case list:
		c.add(Problem{At: v.at, Path: "config.plugins", Code: CodeInvalid, Text: "must be a map, not a list", Instead: "write for example plugins: {ensure: {}, expect: {}}"})
		return
	case nothing, scalar:
	}
	for _, f := range c.fields(v, "config.plugins", pluginKeys) {
		path := "config.plugins." + f.key
		switch f.key {
		case "ensure":
			r.ensurePlugin = f.value
		case "apdex":
			c.apdex(f.value, s, path)
		case "metrics-by-endpoint":
			c.byEndpoint(f.value, s, r, path)
		case "expect":
			s.Expect = c.expectPlugin(f.value, path)
		case "fake-data":
			c.fakeData(f.value, path)
		default:
			c.warn(CodeNotSent, f.at, path, "%s", notSent)
		}
	}
}

// builtInOnly refuses plugins that are not Artillery's own, unless their name
// looks like a mistyped one.
func (c *compiler) builtInOnly(v *value) *value {
	out := *v
	out.fields = nil
	for _, f := range v.fields {
		if pluginKeys.has(f.key) || hint(f.key, pluginKeys.now) != "" {
			out.fields = append(out.fields, f)
			continue
		}
		c.refuse(f.at, "config.plugins."+f.key, "plugins of one's own: not supported",
			"there are "+strings.Join(pluginKeys.now, ", ")+"; a small one may be a function of config.processor")
	}
	return &out
}

const defaultApdex = 500 * time.Millisecond

var apdexKeys = keys{now: []string{"threshold"}}

func (c *compiler) apdex(v *value, s *Script, path string) {
	s.Apdex = defaultApdex
	for _, f := range c.fields(v, path, apdexKeys) {
		s.Apdex = time.Duration(c.whole(f.value, path+"."+f.key, 1, 3_600_000)) * time.Millisecond
	}
}

var endpointKeys = keys{now: []string{
	"useOnlyRequestNames", "stripQueryString", "ignoreUnnamedRequests", "metricsNamespace", "suppressOutput", "groupDynamicURLs",
}}

func (c *compiler) byEndpoint(v *value, s *Script, r *raw, path string) {
	s.HideEndpoints = false
	r.endpoints = endpoints{}
	for _, f := range c.fields(v, path, endpointKeys) {
		where := path + "." + f.key
		switch f.key {
		case "useOnlyRequestNames":
			r.endpoints.onlyNames = c.boolean(f.value, where)
		case "stripQueryString":
			r.endpoints.stripsQuery = c.boolean(f.value, where)
		case "ignoreUnnamedRequests":
			r.endpoints.ignoresUnnamed = c.boolean(f.value, where)
		case "metricsNamespace":
			s.Namespace = c.settled(f.value, where)
		case "suppressOutput":
			s.HideEndpoints = c.boolean(f.value, where)
		case "groupDynamicURLs":
			if !c.boolean(f.value, where) {
				c.warn(CodeIgnored, f.value.at, where, "false: requests are grouped by the url as the script writes it all the same, because a series for every rendered url has no bound")
			}
		}
	}
}

var expectPluginKeys = keys{now: []string{"outputFormat", "formatter", "reportFailuresAsErrors", "expectDefault200", "useOnlyRequestNames"}}

func (c *compiler) expectPlugin(v *value, path string) *ExpectPlugin {
	out := &ExpectPlugin{Format: "pretty"}
	for _, f := range c.fields(v, path, expectPluginKeys) {
		where := path + "." + f.key
		switch f.key {
		case "reportFailuresAsErrors":
			out.AsErrors = c.boolean(f.value, where)
		case "expectDefault200":
			out.Default200 = c.boolean(f.value, where)
		case "useOnlyRequestNames":
			out.OnlyNames = c.boolean(f.value, where)
		default:
			out.Format = c.oneOf(f.value, where, "pretty", "json", "prettyError", "silent")
		}
	}
	return out
}

// oneOf reads one of a few words.
func (c *compiler) oneOf(v *value, path string, words ...string) string {
	s := c.settled(v, path)
	for _, word := range words {
		if s == word {
			return s
		}
	}
	c.add(Problem{At: v.at, Path: path, Code: CodeInvalid, Text: "must be one of " + strings.Join(words, ", ") + ", not " + v.describe(), Instead: hint(s, words)})
	return words[0]
}

func (c *compiler) fakeData(v *value, path string) {
	c.fakes = true
	for _, f := range c.fields(v, path, keys{now: []string{"locale"}}) {
		if locale := c.settled(f.value, path+".locale"); !strings.HasPrefix(locale, "en") {
			c.refuse(f.value.at, path+".locale", locale+": not supported", "names are English here: write en or leave it out")
		}
	}
}
