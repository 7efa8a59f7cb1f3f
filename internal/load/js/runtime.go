package js

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"runtime/metrics"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// The limits of one runtime.
const (
	defaultLimit = time.Second
	maxStack     = 1000
	maxLine      = 8 << 10
	maxLines     = 10000
	// maxGrowth is how much the process's memory may grow during one call; it is looked
	// at every few milliseconds, so a single operation may go beyond.
	maxGrowth = 256 << 20
	lookEvery = 5 * time.Millisecond
)

// Runtime is a program that has run: its functions can be called, one at a time.
// It is safe for concurrent use; calls wait for each other, so that variables of
// the files are shared by all users as they are in Artillery's worker.
type Runtime struct {
	mu        sync.Mutex
	program   *Program
	options   Options
	vm        *goja.Runtime
	hidden    *goja.Object
	modules   map[string]*goja.Object
	functions map[string]goja.Callable
	lengths   map[string]int64
	// call is the call that is running.
	call  *Call
	lines int
	limit time.Duration
	dead  bool
}

// Runtime runs the program's files and returns what can be called.
func (p *Program) Runtime(o Options) (*Runtime, error) { return p.start(o) }

func (p *Program) start(o Options) (*Runtime, error) {
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(1, 2))
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	r := &Runtime{
		program: p, options: o, vm: goja.New(), limit: max(o.Limit, loadLimit),
		modules: map[string]*goja.Object{}, functions: map[string]goja.Callable{}, lengths: map[string]int64{},
	}
	r.vm.SetMaxCallStackSize(maxStack)
	r.vm.SetParserOptions(parser.WithDisableSourceMaps)
	r.vm.SetRandSource(func() float64 { return r.rand().Float64() })
	r.hidden = r.native()
	err := r.bounded(func() error {
		if err := r.prelude(); err != nil {
			return err
		}
		main, err := r.require(p.main)
		if err != nil {
			return err
		}
		return r.inside(func() error { r.collect(main); return nil })
	})
	r.limit = o.Limit
	if err != nil {
		return nil, p.blame(err)
	}
	return r, nil
}

// prelude gives the files what they expect around them.
func (r *Runtime) prelude() error {
	_, err := r.shim("prelude", r.vm.GlobalObject(), r.hidden)
	return err
}

func (r *Runtime) shim(name string, args ...goja.Value) (goja.Value, error) {
	v, err := r.vm.RunProgram(compiled()[name])
	if err != nil {
		return nil, err
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		return nil, fmt.Errorf("%s is not a function", name)
	}
	return f(goja.Undefined(), args...)
}

// require returns what a file or a stand-in exports, running it the first time.
func (r *Runtime) require(name string) (goja.Value, error) {
	if m, ok := r.modules[name]; ok {
		return m.Get("exports"), nil
	}
	module := r.vm.NewObject()
	exports := r.vm.NewObject()
	r.set(module, "exports", exports)
	r.set(module, "id", name)
	r.modules[name] = module
	u := r.program.units[name]
	if u == nil || u.code == nil {
		return nil, fmt.Errorf("%s is not one of the processor's files", name)
	}
	v, err := r.vm.RunProgram(u.code)
	if err != nil {
		return nil, err
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		return nil, fmt.Errorf("%s is not a module", name)
	}
	require := func(wanted string) goja.Value { return r.required(u, wanted) }
	_, err = f(exports, exports, r.vm.ToValue(require), module, r.vm.ToValue("/"+name), r.vm.ToValue("/"+path.Dir(name)))
	return module.Get("exports"), err
}

// required is what require returns inside a file.
func (r *Runtime) required(u *unit, wanted string) goja.Value {
	var v goja.Value
	var err error
	if file, ok := u.paths[wanted]; ok {
		v, err = r.require(file)
	} else if name := shim(wanted); name != "" {
		v, err = r.standIn(name, wanted)
	} else {
		err = errors.New(notThere(wanted))
	}
	var exception *goja.Exception
	switch {
	case errors.As(err, &exception):
		panic(exception.Value())
	case err != nil:
		panic(r.vm.NewGoError(err))
	}
	return v
}

// standIn returns what a stand-in exports.
func (r *Runtime) standIn(name, wanted string) (goja.Value, error) {
	key := "sluice:" + wanted
	if m, ok := r.modules[key]; ok {
		return m.Get("exports"), nil
	}
	module := r.vm.NewObject()
	exports := r.vm.NewObject()
	r.set(module, "exports", exports)
	r.modules[key] = module
	global := r.vm.GlobalObject()
	switch name {
	case "buffer":
		r.set(exports, "Buffer", global.Get("Buffer"))
	case "perf_hooks":
		r.set(exports, "performance", global.Get("performance"))
	case "process", "console":
		r.set(module, "exports", global.Get(name))
	default:
		v, err := r.shim(name, exports, r.hidden, module)
		if err != nil {
			return nil, err
		}
		if name == "faker" {
			r.set(module, "exports", v)
		}
		if wanted == "uuid/v4" {
			r.set(module, "exports", exports.Get("v4"))
		}
	}
	return module.Get("exports"), nil
}

// collect finds the exported functions: those of the module, then those of its default.
func (r *Runtime) collect(exports goja.Value) {
	holders := []goja.Value{exports}
	if o, ok := exports.(*goja.Object); ok {
		holders = append(holders, o.Get("default"))
	}
	for _, holder := range holders {
		o, ok := holder.(*goja.Object)
		if !ok {
			continue
		}
		for _, name := range o.Keys() {
			member := o.Get(name)
			f, ok := goja.AssertFunction(member)
			if _, known := r.functions[name]; !ok || known {
				continue
			}
			r.functions[name] = f
			if length := member.ToObject(r.vm).Get("length"); length != nil {
				r.lengths[name] = length.ToInteger()
			}
		}
	}
}

// blame says where in the processor's files an error comes from.
func (p *Program) blame(err error) error {
	e := &Error{File: p.main, Text: err.Error()}
	var exception *goja.Exception
	if errors.As(err, &exception) {
		e.Text = message(exception.Value())
		if at := p.frame(exception); at != nil {
			e.File = at.SrcName()
			e.Line, e.Column = p.units[e.File].place(at.Position())
		}
	}
	return e
}

// frame is the innermost one of an error that is in the processor's files.
func (p *Program) frame(exception *goja.Exception) *goja.StackFrame {
	for _, frame := range exception.Stack() {
		if p.units[frame.SrcName()] != nil {
			return &frame
		}
	}
	return nil
}

func (r *Runtime) rand() *rand.Rand {
	if r.call != nil && r.call.Rand != nil {
		return r.call.Rand
	}
	return r.options.Rand
}

// print hands a line on, until there were too many.
func (r *Runtime) print(line string) {
	log := r.options.Log
	if r.call != nil && r.call.Log != nil {
		log = r.call.Log
	}
	if log == nil || r.lines > maxLines {
		return
	}
	if r.lines++; r.lines > maxLines {
		log(fmt.Sprintf("(the processor has printed %d lines; what else it prints is not shown)", maxLines))
		return
	}
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	log(line)
}

var (
	errTime   = errors.New("time")
	errMemory = errors.New("memory")
)

// bounded runs f, and stops it when it takes too long or too much memory.
func (r *Runtime) bounded(f func() error) error {
	done := make(chan struct{})
	ended := make(chan struct{})
	var once sync.Once
	var cause error
	watch := time.AfterFunc(lookEvery, func() {
		defer close(ended)
		cause = r.watch(done)
		if cause != nil {
			r.vm.Interrupt(cause)
		}
	})
	finish := func() {
		once.Do(func() {
			close(done)
			if !watch.Stop() {
				<-ended
			}
			r.vm.ClearInterrupt()
		})
	}
	defer finish()
	err := r.guarded(f)
	finish()
	if cause != nil && err != nil {
		var interrupted *goja.InterruptedError
		if errors.As(err, &interrupted) {
			return cause
		}
	}
	return err
}

// guarded makes an error of a panic: goja panics where Go refuses to make what a
// program asks for, and cannot be used after that.
func (r *Runtime) guarded(f func() error) (err error) {
	if r.dead {
		return errors.New("the engine gave up in an earlier call")
	}
	defer func() {
		if e := recover(); e != nil {
			r.dead = true
			err = fmt.Errorf("the engine gave up: %s", short(fmt.Sprint(e)))
		}
	}()
	return f()
}

// inside runs f as if JavaScript had called it, so that what values do when they
// are looked at (getters, proxies) fails as an error.
func (r *Runtime) inside(f func() error) error {
	var err error
	callable, ok := goja.AssertFunction(r.vm.ToValue(func(goja.FunctionCall) goja.Value {
		err = f()
		return goja.Undefined()
	}))
	if !ok {
		return errors.New("a function of ours is none")
	}
	if _, failed := callable(goja.Undefined()); failed != nil {
		return failed
	}
	return err
}

// watch waits for the end of a call, or for a reason to stop it.
func (r *Runtime) watch(done <-chan struct{}) error {
	deadline := time.NewTimer(r.limit - lookEvery)
	defer deadline.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	before := memory()
	for {
		select {
		case <-done:
			return nil
		case <-deadline.C:
			return errTime
		case <-look.C:
			if now := memory(); now > before+maxGrowth {
				return errMemory
			}
		}
	}
}

// memory is what objects take, garbage included.
func memory() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
