package judge

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one condition. The API server refuses longer ones before they reach us.
const (
	maxConditionBytes = 4096
	maxNodes          = 500
	maxClauses        = 32   // beyond them an explanation names the condition only
	maxCached         = 1024 // conditions; a metric has at most two
)

// Condition is a compiled expression. It is immutable and safe for concurrent use.
type Condition struct {
	source  string
	program *vm.Program
	clauses *clause
	reads   reads
}

// String is the condition as written.
func (c *Condition) String() string { return c.source }

// HandlesEmpty says whether the condition deals with an empty result itself.
func (c *Condition) HandlesEmpty() bool { return c.reads.handlesEmpty }

// HandlesNaN says whether the condition deals with NaN itself.
func (c *Condition) HandlesNaN() bool { return c.reads.handlesNaN }

// SingleSeries says whether the condition looks at chosen series only (`result[0]`) and so ignores
// the others a query may return; lint warns about that.
func (c *Condition) SingleSeries() bool { return !c.reads.wholeResult && len(c.reads.indexes) > 0 }

// Indexes says whether the condition takes `result` for a list of series.
func (c *Condition) Indexes() bool { return len(c.reads.indexes) > 0 }

// ReportPaths lists what the condition needs of the report: `report.latency.p99` is latency, p99. It is
// empty when the condition asks itself what there is.
func (c *Condition) ReportPaths() [][]string {
	if c.reads.asks || c.reads.handlesEmpty {
		return nil
	}
	return c.reads.paths
}

// OptionalPaths lists what the condition names of the report and can do without.
func (c *Condition) OptionalPaths() [][]string {
	switch {
	case c.reads.asks:
		return nil
	case c.reads.handlesEmpty:
		return slices.Concat(c.reads.paths, c.reads.optional)
	}
	return c.reads.optional
}

// Compared lists the values of the report that the condition compares or calculates with.
func (c *Condition) Compared() []Comparison { return c.reads.compared }

// Fields says whether the condition takes `result` for an object: `result.name`.
func (c *Condition) Fields() bool { return c.reads.fields }

// Compile reads a condition: an expr-lang expression over `result` and `report` that is true or
// false. Unknown names and expressions that cannot be boolean are errors.
func Compile(source string) (*Condition, error) {
	return conditions.compile(source)
}

// conditions keeps what was compiled, because a metric is judged by the same text every time.
var conditions = &cache{entries: map[string]compiled{}}

type compiled struct {
	condition *Condition
	err       error
}

type cache struct {
	mu      sync.RWMutex
	entries map[string]compiled
}

func (c *cache) compile(source string) (*Condition, error) {
	c.mu.RLock()
	found, ok := c.entries[source]
	c.mu.RUnlock()
	if ok {
		return found.condition, found.err
	}
	condition, err := build(source)
	if len(source) > maxConditionBytes {
		return condition, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCached {
		clear(c.entries) // rare; compiling all again costs less than keeping an order
	}
	c.entries[source] = compiled{condition, err}
	return condition, err
}

func build(source string) (condition *Condition, err error) {
	defer func() {
		if r := recover(); r != nil {
			condition, err = nil, fmt.Errorf("reading the condition: %v", r)
		}
	}()
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("the condition is empty")
	}
	if len(source) > maxConditionBytes {
		return nil, fmt.Errorf("the condition has %d bytes, more than %d", len(source), maxConditionBytes)
	}
	tree, err := checkedTree(source)
	if err != nil {
		return nil, err
	}
	reads, err := survey(tree.Node)
	if err != nil {
		return nil, err
	}
	maker := &maker{source: tree.Source}
	watched := watch(tree.Node)
	program, err := maker.compile(watched)
	if err != nil {
		return nil, err
	}
	return &Condition{source: source, program: program, clauses: maker.clauses(tree.Node, source), reads: reads}, nil
}

// checkedTree parses the source and refuses what is not known or not boolean.
func checkedTree(source string) (*parser.Tree, error) {
	config := language()
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		return nil, plain(err)
	}
	kind, err := checker.Check(tree, config)
	if err != nil {
		return nil, plain(err)
	}
	if kind != nil && kind.Kind() != reflect.Interface && kind.Kind() != reflect.Bool {
		return nil, fmt.Errorf("expected bool, but got %s", kind)
	}
	if _, isNil := tree.Node.(*ast.NilNode); isNil {
		return nil, errors.New("expected bool, but got nil")
	}
	return tree, nil
}

// maker compiles parts of one condition.
type maker struct {
	source file.Source
	made   int
}

func (m *maker) compile(node ast.Node) (*vm.Program, error) {
	config := language()
	tree := &parser.Tree{Node: node, Source: m.source}
	if _, err := checker.Check(tree, config); err != nil {
		return nil, plain(err)
	}
	program, err := compiler.Compile(tree, config)
	if err != nil {
		// The compiler adds a stack trace to what it could not do; the first line is the reason.
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	return program, nil
}

// language is a fresh configuration: the checker writes into it.
func language() *conf.Config {
	config := conf.New(scope{})
	config.MaxNodes = maxNodes
	config.Optimize = false // what is watched must not be rearranged
	for _, name := range []string{"now", "replace", "repeat", "join"} {
		config.Disabled[name] = true
		delete(config.Builtins, name)
	}
	for name, function := range functions() {
		config.Functions[name] = function
	}
	return config
}

// plain is the reason of an expr-lang error on one line, with the place in the text.
func plain(err error) error {
	var positioned *file.Error
	if !errors.As(err, &positioned) {
		return err
	}
	if positioned.Line == 0 {
		return errors.New(positioned.Message)
	}
	return fmt.Errorf("%s (line %d, column %d)", positioned.Message, positioned.Line, positioned.Column+1)
}
