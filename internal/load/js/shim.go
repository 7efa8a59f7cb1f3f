package js

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  // #nosec G501 -- processors hash with it, nothing here relies on it
	"crypto/sha1" // #nosec G505 -- the same
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/dop251/goja"

	"sluice.dev/sluice/internal/load/fake"
)

//go:embed shims/*.js
var shimFiles embed.FS

// shims are the modules that stand in for others, by the names they are required by.
var shims = map[string]string{
	"@faker-js/faker": "faker", "faker": "faker", "@faker-js/faker/locale/en": "faker", "faker/locale/en": "faker",
	"crypto": "crypto", "uuid": "uuid", "uuid/v4": "uuid", "util": "util", "querystring": "querystring",
	"url": "url", "path": "path", "events": "events",
	"buffer": "buffer", "process": "process", "console": "console", "perf_hooks": "perf_hooks",
}

// shim is the stand-in for a module, empty when there is none.
func shim(name string) string { return shims[strings.TrimPrefix(name, "node:")] }

// notThere says why a module cannot be required.
func notThere(name string) string {
	what := "packages are not supported"
	switch strings.TrimPrefix(name, "node:") {
	case "fs", "fs/promises", "fs-extra":
		what = "a processor reads and writes no files; give data as config.payload, or require a .json file"
	case "http", "https", "http2", "net", "tls", "dns", "dgram", "axios", "node-fetch", "got", "request", "undici", "superagent", "ws":
		what = "the network is not supported; send requests from the flow"
	case "child_process", "cluster", "worker_threads", "os", "vm":
		what = "processes and the machine are not within reach of a processor"
	case "timers", "timers/promises":
		what = "timers are not supported; pause with a think step"
	}
	return fmt.Sprintf("require(%q): %s (there are the script's own files, crypto, uuid, util, url, querystring, path, events and @faker-js/faker)", name, what)
}

// compiled are the shims' programs, made once.
var compiled = sync.OnceValue(func() map[string]*goja.Program {
	programs := map[string]*goja.Program{}
	entries, err := shimFiles.ReadDir("shims")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := shimFiles.ReadFile("shims/" + e.Name())
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(e.Name(), ".js")
		programs[name] = goja.MustCompile("sluice:"+name, string(text), true)
	}
	return programs
})

// native is what shims ask Go for.
func (r *Runtime) native() *goja.Object {
	o := r.vm.NewObject()
	environ := r.vm.NewObject()
	for _, pair := range r.options.Environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			r.set(environ, name, value)
		}
	}
	started := time.Now()
	r.set(o, "env", environ)
	r.set(o, "now", func() float64 { return float64(time.Since(started)) / float64(time.Millisecond) })
	r.set(o, "log", func(_, line string) { r.print(line) })
	r.set(o, "uuid", func() string {
		b := r.random(16)
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		text := hex.EncodeToString(b)
		return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
	})
	r.set(o, "bytes", func(n int) goja.ArrayBuffer { return r.vm.NewArrayBuffer(r.random(n)) })
	r.set(o, "hash", r.hash)
	r.set(o, "encode", r.encode)
	r.set(o, "decode", r.decode)
	r.set(o, "url", r.url)
	r.set(o, "faked", func(name string) bool { _, ok := fake.Lookup(name); return ok })
	r.set(o, "fake", func(name string, args []any) goja.Value {
		f, ok := fake.Lookup(name)
		if !ok {
			panic(r.vm.NewTypeError("%s is not there", name))
		}
		return r.value(f(r.rand(), args))
	})
	return o
}

// set sets a property of an object of ours, which cannot fail.
func (r *Runtime) set(o *goja.Object, name string, value any) {
	if err := o.Set(name, value); err != nil {
		panic(err)
	}
}

func (r *Runtime) random(n int) []byte {
	b := make([]byte, (n+7)/8*8)
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.rand().Uint64())
	}
	return b[:n]
}

func (r *Runtime) hash(name string, data []byte, key goja.Value) goja.ArrayBuffer {
	makers := map[string]func() hash.Hash{
		"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	}
	maker, ok := makers[strings.ReplaceAll(strings.ToLower(name), "-", "")]
	if !ok {
		panic(r.vm.NewTypeError("crypto: there is no %s, but md5, sha1, sha256, sha384 and sha512", name))
	}
	h := maker()
	if key != nil && !goja.IsUndefined(key) {
		secret, ok := bytesOf(key)
		if !ok {
			panic(r.vm.NewTypeError("crypto: a key is a text or bytes"))
		}
		h = hmac.New(maker, secret)
	}
	h.Write(data)
	return r.vm.NewArrayBuffer(h.Sum(nil))
}

func bytesOf(v goja.Value) ([]byte, bool) {
	switch b := v.Export().(type) {
	case []byte:
		return b, true
	case goja.ArrayBuffer:
		return b.Bytes(), true
	}
	return nil, false
}

// encode makes bytes of a text.
func (r *Runtime) encode(text goja.Value, encoding string) goja.ArrayBuffer {
	s := text.String()
	var b []byte
	switch strings.ToLower(encoding) {
	case "hex":
		b = make([]byte, hex.DecodedLen(len(s)))
		n, err := hex.Decode(b, []byte(s))
		if err != nil {
			b = b[:n]
		}
	case "base64", "base64url":
		clean := strings.NewReplacer("-", "+", "_", "/", "=", "", "\n", "", "\r", "", " ", "").Replace(s)
		decoded, err := base64.RawStdEncoding.DecodeString(clean)
		if err != nil && len(clean) > 0 {
			decoded, _ = base64.RawStdEncoding.DecodeString(clean[:len(clean)/4*4])
		}
		b = decoded
	case "latin1", "binary", "ascii":
		for _, unit := range utf16.Encode([]rune(s)) {
			b = append(b, byte(unit))
		}
	case "utf16le", "ucs2", "utf-16le", "ucs-2":
		for _, unit := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
	case "utf8", "utf-8":
		b = []byte(s)
	default:
		panic(r.vm.NewTypeError("Unknown encoding: %s", encoding))
	}
	return r.vm.NewArrayBuffer(b)
}

// decode makes a text of bytes.
func (r *Runtime) decode(data goja.Value, encoding string) string {
	b, ok := bytesOf(data)
	if !ok {
		panic(r.vm.NewTypeError("bytes were expected"))
	}
	switch strings.ToLower(encoding) {
	case "hex":
		return hex.EncodeToString(b)
	case "base64":
		return base64.StdEncoding.EncodeToString(b)
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(b)
	case "latin1", "binary":
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes)
	case "ascii":
		out := bytes.Clone(b)
		for i := range out {
			out[i] &= 0x7f
		}
		return string(out)
	case "utf8", "utf-8":
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	panic(r.vm.NewTypeError("Unknown encoding: %s", encoding))
}

// url cuts an address into what URL shows.
func (r *Runtime) url(text, base string) goja.Value {
	u, err := url.Parse(text)
	if err == nil && base != "" {
		var b *url.URL
		if b, err = url.Parse(base); err == nil {
			u = b.ResolveReference(u)
		}
	}
	if err != nil || u.Scheme == "" {
		return goja.Null()
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	password, _ := u.User.Password()
	o := r.vm.NewObject()
	for name, value := range map[string]string{
		"protocol": u.Scheme + ":", "hostname": u.Hostname(), "port": u.Port(), "pathname": path,
		"username": u.User.Username(), "password": password, "search": "", "hash": "",
	} {
		r.set(o, name, value)
	}
	if u.RawQuery != "" {
		r.set(o, "search", "?"+u.RawQuery)
	}
	if u.Fragment != "" {
		r.set(o, "hash", "#"+u.EscapedFragment())
	}
	return o
}
