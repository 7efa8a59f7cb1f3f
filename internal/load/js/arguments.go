package js

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

// context is ctx: vars, scenario and funcs.
func (r *Runtime) context(c *Call, variables *goja.Object) *goja.Object {
	ctx := r.vm.NewObject()
	r.set(ctx, "vars", variables)
	scenario := r.vm.NewObject()
	if c.Scenario != "" {
		r.set(scenario, "name", c.Scenario)
	}
	r.set(ctx, "scenario", scenario)
	if id, ok := c.Vars["$uuid"].(string); ok {
		r.set(ctx, "_uid", id)
	}
	funcs := r.vm.NewObject()
	r.set(funcs, "$randomNumber", func(low, high float64) float64 {
		from, to := int64(min(low, high)), int64(max(low, high))
		if to-from < 0 || to-from >= 1<<53 {
			panic(r.vm.NewTypeError("$randomNumber: the numbers are too far apart"))
		}
		return float64(from + r.rand().Int64N(to-from+1))
	})
	r.set(funcs, "$randomString", func(call goja.FunctionCall) goja.Value {
		n := int64(10)
		if v := call.Argument(0); !goja.IsUndefined(v) {
			n = v.ToInteger()
		}
		if n > 1<<16 {
			panic(r.vm.NewTypeError("$randomString makes at most %d letters", 1<<16))
		}
		const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		var b strings.Builder
		for range max(n, 0) {
			b.WriteByte(letters[r.rand().IntN(len(letters))])
		}
		return r.vm.ToValue(b.String())
	})
	r.set(ctx, "funcs", funcs)
	return ctx
}

// events is what a function emits its own metrics with.
func (r *Runtime) events() *goja.Object {
	events := r.vm.NewObject()
	r.set(events, "emit", func(call goja.FunctionCall) goja.Value {
		r.emit(call.Argument(0).String(), call.Argument(1), call.Argument(2))
		return r.vm.ToValue(true)
	})
	for _, name := range []string{"on", "once", "off", "addListener", "removeListener"} {
		r.set(events, name, func(goja.FunctionCall) goja.Value { return events })
	}
	return events
}

// maxName bounds a metric's name.
const maxName = 256

func (r *Runtime) emit(kind string, name, value goja.Value) {
	emit := r.options.Emit
	if r.call != nil && r.call.Emit != nil {
		emit = r.call.Emit
	}
	if emit == nil {
		return
	}
	if kind == "error" {
		emit("counter", bounded("errors."+name.String()), 1)
		return
	}
	kind, name, number := measured(kind, name, value)
	if kind == "" || number != number || goja.IsUndefined(name) {
		return
	}
	emit(kind, bounded(name.String()), number)
}

// measured is an event as a kind of metric, its name and value; no kind when it is none.
func measured(kind string, name, value goja.Value) (string, goja.Value, float64) {
	switch kind {
	case "counter", "histogram":
		return kind, name, value.ToFloat()
	case "summary":
		return "histogram", name, value.ToFloat()
	case "customStat":
		if o, ok := name.(*goja.Object); ok && o.Get("stat") != nil && o.Get("value") != nil {
			return "histogram", o.Get("stat"), o.Get("value").ToFloat()
		}
	case "rate":
		return kind, name, 1
	}
	return "", name, 0
}

func bounded(name string) string {
	if len(name) > maxName {
		return strings.ToValidUTF8(name[:maxName], "")
	}
	return name
}

// request is a request as hooks see it, nil for none.
func (r *Runtime) request(q *Request) *goja.Object {
	o := r.vm.NewObject()
	if q == nil {
		return o
	}
	r.set(o, "method", q.Method)
	r.set(o, "url", q.URL)
	if q.Name != "" {
		r.set(o, "name", q.Name)
	}
	r.set(o, "headers", r.value(texts(q.Headers)))
	if len(q.Cookies) > 0 {
		r.set(o, "cookie", r.value(texts(q.Cookies)))
	}
	if q.Query != nil {
		r.set(o, "qs", r.value(q.Query))
	}
	if q.HasJSON {
		r.set(o, "json", r.value(q.JSON))
	}
	if q.HasBody {
		r.set(o, "body", q.Body)
	}
	if q.Form != nil {
		r.set(o, "form", r.value(q.Form))
	}
	return o
}

// texts is m, never nil.
func texts(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// changed reads back what a hook made of a request.
func (r *Runtime) changed(q *Request, o *goja.Object) error {
	text := func(name, otherwise string) string {
		if v := o.Get(name); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
			return v.String()
		}
		return otherwise
	}
	next := *q
	next.Method = strings.ToUpper(text("method", q.Method))
	next.URL = text("url", text("uri", q.URL))
	next.Name = text("name", "")
	var err error
	if next.Headers, err = textFields(o, "headers"); err != nil {
		return err
	}
	if next.Cookies, err = textFields(o, "cookie"); err != nil {
		return err
	}
	if next.Query, err = anyFields(o, "qs"); err != nil {
		return err
	}
	if next.Form, err = anyFields(o, "form"); err != nil {
		return err
	}
	if err := r.body(&next, o); err != nil {
		return err
	}
	*q = next
	return nil
}

// body reads back a request's json and body. A body of fields is not one that can be sent.
func (r *Runtime) body(q *Request, o *goja.Object) error {
	var err error
	if q.JSON, q.HasJSON, err = plain(o.Get("json")); err != nil {
		return fmt.Errorf("req.json: %w", err)
	}
	body := o.Get("body")
	q.Body, q.HasBody = "", body != nil && !goja.IsUndefined(body) && !goja.IsNull(body)
	if !q.HasBody {
		return nil
	}
	if b, ok := bytesOf(body); ok {
		q.Body = string(b)
		return nil
	}
	if _, ok := body.(*goja.Object); ok && body.ExportType().Kind().String() != "string" {
		return errors.New("req.body must be a text; set req.json to send a value as JSON")
	}
	q.Body = body.String()
	return nil
}

func textFields(o *goja.Object, name string) (map[string]string, error) {
	fields, err := anyFields(o, name)
	if err != nil || fields == nil {
		return nil, err
	}
	all := make(map[string]string, len(fields))
	for key, v := range fields {
		if v == nil {
			continue
		}
		if list, ok := v.([]any); ok {
			parts := make([]string, len(list))
			for i, item := range list {
				parts[i] = fmt.Sprint(item)
			}
			all[key] = strings.Join(parts, ", ")
			continue
		}
		all[key] = fmt.Sprint(v)
	}
	return all, nil
}

func anyFields(o *goja.Object, name string) (map[string]any, error) {
	v, present, err := plain(o.Get(name))
	if err != nil {
		return nil, fmt.Errorf("req.%s: %w", name, err)
	}
	if !present || v == nil {
		return nil, nil
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("req.%s must be an object", name)
	}
	return fields, nil
}

// response is an answer as hooks see it.
func (r *Runtime) response(a *Response) *goja.Object {
	o := r.vm.NewObject()
	if a == nil {
		return o
	}
	r.set(o, "statusCode", a.Code)
	headers := map[string]any{}
	for name, value := range a.Headers {
		name = strings.ToLower(name)
		headers[name] = value
		if name == "set-cookie" {
			var cookies []any
			for line := range strings.SplitSeq(value, "\n") {
				cookies = append(cookies, line)
			}
			headers[name] = cookies
		}
	}
	r.set(o, "headers", r.value(headers))
	r.set(o, "body", a.Body)
	phases := r.vm.NewObject()
	r.set(phases, "firstByte", a.FirstByte.Milliseconds())
	r.set(phases, "total", a.Total.Milliseconds())
	timings := r.vm.NewObject()
	r.set(timings, "phases", phases)
	r.set(o, "timings", timings)
	return o
}
