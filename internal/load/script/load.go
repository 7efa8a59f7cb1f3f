package script

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/js"
	"sluice.dev/sluice/internal/load/series"
)

// Load reads and compiles a script. The error, if any, is Problems: all that is wrong.
func Load(data []byte, o Options) (*Script, error) {
	c := newCompiler(o)
	s := c.load(data)
	if err := c.err(); err != nil {
		return nil, err
	}
	s.Warnings = c.warnings
	return s, nil
}

// Lint returns all there is to say about a script, in the order of its lines:
// what keeps it from running, what means something else than it seems to, and
// what its gates do not see.
func Lint(data []byte, o Options) Problems {
	_, all := Read(data, o)
	return all
}

// Read compiles a script and returns all there is to say about it, as Lint does.
// The script is nil when something keeps it from running.
func Read(data []byte, o Options) (*Script, Problems) {
	c := newCompiler(o)
	s := c.load(data)
	runs := len(c.problems) == 0
	if runs {
		c.advise(s)
	}
	all := slices.Concat(c.problems, c.warnings, c.advice)
	all.sort()
	if !runs {
		return nil, all
	}
	s.Warnings = c.warnings
	return s, all
}

// compiler turns values into a Script and collects what is wrong on the way.
type compiler struct {
	findings
	options   Options
	catalogue *series.Catalogue
	random    *rand.Rand
	// names are the variables that placeholders of requests may use.
	names map[string]any
	// open says that there is a processor, which may set variables nobody else names.
	open    bool
	program *js.Program
	// sources are the texts of the processor's files.
	sources []string
	// seed is the script's own: every share of a test draws the same arrivals from it.
	seed uint64
	// fakes says that placeholders may call the fake-data plugin's functions.
	fakes bool
	// lenient captures may find nothing, unless they say otherwise.
	lenient bool
	// expects are the expectations of all requests.
	expects []*value
	// length is how long the phases last together.
	length time.Duration
	// single says of variables why they are no lists; empty where they may be some.
	single map[string]string
	// ensured is where the gates are stated, errorRate where maxErrorRate is; nil for nowhere.
	ensured, errorRate *value
}

func newCompiler(o Options) *compiler {
	return &compiler{options: o, single: map[string]string{}, catalogue: series.NewCatalogue(), random: rand.New(rand.NewPCG(o.Seed, 0))}
}

// load compiles a script as far as it can be.
func (c *compiler) load(data []byte) *Script {
	s := &Script{Catalogue: c.catalogue}
	root := c.read(data, s)
	if root == nil {
		return s
	}
	root = c.prepare(root)
	if len(c.problems) == 0 {
		c.compile(root, s)
		s.Fakes = c.fakeFunctions()
	}
	return s
}

// read parses the script and lays its further files over it, in order.
func (c *compiler) read(data []byte, s *Script) *value {
	var root *value
	sum := sha256.New()
	for _, in := range append([]Input{{File: c.options.File, Data: data}}, c.options.Inputs...) {
		sum.Write(in.Data)
		if ext := strings.ToLower(filepath.Ext(in.File)); slices.Contains([]string{".js", ".ts", ".mjs", ".cjs", ".mts"}, ext) {
			c.refuse(Position{File: in.File}, "", "scripts written in JavaScript or TypeScript: not supported", "use YAML or JSON")
			continue
		}
		v, problem := read(in.File, in.Data)
		switch {
		case problem != nil:
			c.add(*problem)
		case v.kind != object:
			c.fail(v.at, "", "a script must be a map with config and scenarios, not %s", v.describe())
		default:
			root = merge(root, v)
		}
	}
	digest := sum.Sum(nil)
	s.Digest, c.seed = hex.EncodeToString(digest[:6]), binary.BigEndian.Uint64(digest)
	if len(c.problems) > 0 {
		return nil
	}
	return root
}

var rootKeys = keys{now: []string{"config", "scenarios", "before", "after"}}

func (c *compiler) compile(root *value, s *Script) {
	s.HideEndpoints = true
	s.Namespace = "plugins.metrics-by-endpoint"
	parts := map[string]*value{}
	for _, f := range c.fields(root, "", rootKeys) {
		parts[f.key] = f.value
	}
	r := c.config(parts["config"], s)
	s.Builtins = c.builtins()
	s.Builtins["target"] = s.Target
	c.names = map[string]any{"$uuid": ""}
	maps.Copy(c.names, s.Builtins)
	maps.Copy(c.names, s.Variables)
	for _, p := range s.Payloads {
		c.name(p.Name)
		if p.Name == "" {
			for _, field := range p.Fields {
				c.name(field)
				c.single[field] = "it is a column of config.payload"
			}
		}
	}
	for _, name := range captured(parts["before"]) {
		c.name(name)
	}
	c.within(captured(parts["scenarios"]), func() { c.defaults(r, s) })
	c.flows(parts, root, s, r.endpoints)
	c.unchecked(s)
	c.measured(s)
	c.ensure(r, s)
}

// name makes a variable known.
func (c *compiler) name(name string) {
	if _, known := c.names[name]; !known && name != "" {
		c.names[name] = ""
	}
}

// flows compiles everything that sends requests.
func (c *compiler) flows(parts map[string]*value, root *value, s *Script, naming endpoints) {
	f := c.newFlow(s, naming)
	if before := parts["before"]; before != nil && before.kind != nothing {
		s.Setup = f.once(before, "before")
	}
	scenarios := parts["scenarios"]
	if scenarios == nil || scenarios.kind != list || len(scenarios.items) == 0 {
		p := Problem{At: root.at, Path: "scenarios", Code: CodeInvalid, Text: "a script must have a list of at least one scenario"}
		if scenarios != nil {
			p.At, p.Instead = scenarios.at, dash(scenarios)
		}
		c.add(p)
	} else {
		f.scenarios(scenarios, s)
	}
	if after := parts["after"]; after != nil && after.kind != nothing {
		s.Teardown = f.once(after, "after")
	}
}
