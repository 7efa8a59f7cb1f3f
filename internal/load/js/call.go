package js

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// outcome is how a call came to its end.
type outcome struct {
	// called says that done was called, with these arguments.
	called bool
	args   []goja.Value
}

// doneAt is where each kind of function has its done.
var doneAt = map[Kind]int64{Step: 2, BeforeRequest: 3, AfterResponse: 4, OnError: 4, While: 1}

// Call calls one function to its end. What it throws or gives to done is a *Thrown.
func (r *Runtime) Call(c *Call) (Answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.functions[c.Function]
	if !ok {
		return Answer{}, &Thrown{Name: "Undefined function \"" + c.Function + "\"", Text: "the processor exports no function " + c.Function}
	}
	r.call = c
	defer func() { r.call = nil }()
	vars := &variables{r: r, vars: c.Vars, touched: map[string]goja.Value{}}
	if vars.vars == nil {
		vars.vars = map[string]any{}
	}
	before := maps.Clone(vars.vars)
	var answer Answer
	err := r.bounded(func() error {
		var err error
		if answer, err = r.run(f, c, vars); err != nil {
			return err
		}
		return r.inside(vars.back)
	})
	if err == nil {
		return answer, nil
	}
	// What a function set before it failed stays, but only if all of it can cross.
	if r.bounded(func() error { return r.inside(vars.back) }) != nil {
		clear(vars.vars)
		maps.Copy(vars.vars, before)
	}
	return Answer{}, r.thrown(c, err)
}

// run calls the function and judges how it ended.
func (r *Runtime) run(f goja.Callable, c *Call, vars *variables) (Answer, error) {
	end := &outcome{}
	done := r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		if !end.called {
			end.called, end.args = true, call.Arguments
		}
		return goja.Undefined()
	})
	request := r.request(c.Request)
	returned, err := f(goja.Undefined(), r.arguments(c, vars, request, done)...)
	if err != nil {
		return Answer{}, err
	}
	answer, err := r.judge(c, end, returned)
	if err == nil && c.Kind == BeforeRequest && c.Request != nil {
		err = r.inside(func() error { return r.changed(c.Request, request) })
	}
	return answer, err
}

// arguments are what a function of this kind gets.
func (r *Runtime) arguments(c *Call, vars *variables, request *goja.Object, done goja.Value) []goja.Value {
	variables := r.vm.NewDynamicObject(vars)
	if c.Kind == If {
		return []goja.Value{variables}
	}
	ctx, events := r.context(c, variables), r.events()
	switch c.Kind {
	case While:
		return []goja.Value{ctx, done}
	case BeforeRequest:
		return []goja.Value{request, ctx, events, done}
	case AfterResponse:
		return []goja.Value{request, r.response(c.Response), ctx, events, done}
	case OnError:
		failure := r.vm.NewGoError(errors.New(c.Error))
		r.set(failure, "message", c.Error)
		if nodeCode.MatchString(c.Error) {
			r.set(failure, "code", c.Error)
		}
		return []goja.Value{failure, request, ctx, events, done}
	case Step, If:
	}
	return []goja.Value{ctx, events, done}
}

var nodeCode = regexp.MustCompile(`^E[A-Z_]+$`)

// errPending is a call that nothing can bring to its end.
var errPending = errors.New("it has not ended, and nothing is left that could end it: " +
	"asynchronous work such as timers and network is not supported")

// judge decides how a function ended: by done, by its promise, or by returning.
func (r *Runtime) judge(c *Call, end *outcome, returned goja.Value) (Answer, error) {
	if p, ok := returned.Export().(*goja.Promise); ok && !end.called {
		switch p.State() {
		case goja.PromiseStateRejected:
			return Answer{}, thrownValue{p.Result()}
		case goja.PromiseStatePending:
			return Answer{}, errPending
		case goja.PromiseStateFulfilled:
		}
		return Answer{True: truth(p.Result())}, nil
	}
	at, takesDone := doneAt[c.Kind]
	if end.called {
		if len(end.args) == 0 {
			return Answer{}, nil
		}
		if c.Kind == While {
			return Answer{True: truth(end.args[0])}, nil
		}
		if truth(end.args[0]) {
			return Answer{}, thrownValue{end.args[0]}
		}
		return Answer{}, nil
	}
	if takesDone && r.lengths[c.Function] > at {
		return Answer{}, fmt.Errorf("it returned without calling done: %w", errPending)
	}
	return Answer{True: truth(returned)}, nil
}

func truth(v goja.Value) bool { return v != nil && v.ToBoolean() }

// thrownValue is a value that was thrown, or given to done.
type thrownValue struct{ v goja.Value }

func (t thrownValue) Error() string { return message(t.v) }

// thrown turns a failure into what users of the package see.
func (r *Runtime) thrown(c *Call, err error) *Thrown {
	if errors.Is(err, errTime) {
		text := fmt.Sprintf("it took longer than %s", r.limit.Round(time.Millisecond))
		return &Thrown{Name: c.Function + ": " + text, Text: c.Function + ": " + text}
	}
	if errors.Is(err, errMemory) {
		text := fmt.Sprintf("it took more than %d MiB of memory", maxGrowth>>20)
		return &Thrown{Name: c.Function + ": " + text, Text: c.Function + ": " + text}
	}
	var value thrownValue
	if errors.As(err, &value) {
		return &Thrown{Name: name(value.v), Text: c.Function + ": " + message(value.v)}
	}
	var exception *goja.Exception
	if errors.As(err, &exception) {
		text := c.Function + ": " + message(exception.Value())
		if at := r.program.frame(exception); at != nil {
			line, column := r.program.units[at.SrcName()].place(at.Position())
			text = fmt.Sprintf("%s (%s:%d:%d)", text, at.SrcName(), line, column)
		}
		return &Thrown{Name: name(exception.Value()), Text: text}
	}
	text := short(strings.TrimSpace(err.Error()))
	if strings.HasPrefix(text, "RangeError") || errors.As(err, new(*goja.StackOverflowError)) {
		text = "functions call each other too deeply"
	}
	return &Thrown{Name: c.Function + ": " + text, Text: c.Function + ": " + text}
}

// maxText bounds the name and the text of an error.
const maxText = 200

func short(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// name is what an error is counted by: its code, or its message.
func name(v goja.Value) string {
	if o, ok := v.(*goja.Object); ok {
		if code, ok := member(o, "code"); ok {
			return short(code)
		}
	}
	return message(v)
}

// message is an error's message, or the value as a text.
func message(v goja.Value) (text string) {
	if v == nil {
		return "undefined"
	}
	defer func() {
		// A value may refuse to be a text.
		if recover() != nil {
			text = "an error that cannot be shown"
		}
	}()
	if o, ok := v.(*goja.Object); ok {
		if text, ok := member(o, "message"); ok {
			return short(text)
		}
	}
	return short(v.String())
}

// member is an object's own or inherited text, false when there is none.
func member(o *goja.Object, name string) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	v := o.Get(name)
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return "", false
	}
	text = v.String()
	return text, text != ""
}
