package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/metric"
)

// library is a source of logs, and what was asked of it.
type library struct {
	*Cluster
	opened, heard atomic.Int32
}

func newLibrary(source LogSource) *library {
	l := &library{}
	l.Cluster = New(Options{
		Logs: func(ctx context.Context, pod types.NamespacedName, container string, lines int64) (io.ReadCloser, error) {
			l.opened.Add(1)
			return source(ctx, pod, container, lines)
		},
		Heard: func(types.NamespacedName) { l.heard.Add(1) },
	})
	return l
}

func says(text string) LogSource {
	return func(context.Context, types.NamespacedName, string, int64) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

func fails(err error) LogSource {
	return func(context.Context, types.NamespacedName, string, int64) (io.ReadCloser, error) { return nil, err }
}

// deaf does not even listen to its context.
func deaf(context.Context, types.NamespacedName, string, int64) (io.ReadCloser, error) {
	time.Sleep(time.Hour)
	return nil, errors.New("too late")
}

func readingOf(job string) reading {
	return reading{
		run: &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "r", UID: "r"}},
		job: &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: job, UID: types.UID(job)}},
	}
}

var words = metric.LogTail{Pod: "p", Container: "c", Lines: 40, Bytes: 16, Within: 1500 * time.Millisecond}

func TestALogIsReadOnceOutsideThePassAndRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(says("hello"))
		r := readingOf("j")
		if got := l.log(r, words); got != nil {
			t.Fatalf("the first pass was told %+v, want nothing yet", got)
		}
		synctest.Wait()
		if l.heard.Load() != 1 {
			t.Errorf("the run was rung for %d times, want once", l.heard.Load())
		}
		for range 3 {
			if got := l.log(r, words); got == nil || got.Text != "hello" || got.Problem != "" {
				t.Errorf("a later pass was told %+v, want hello", got)
			}
			l.logs.keep("r", map[logKey]bool{{r.job.UID, words}: true})
		}
		if l.opened.Load() != 1 {
			t.Errorf("the log was opened %d times, want once", l.opened.Load())
		}
		l.logs.keep("r", nil) // the measurement was saved
		if len(l.logs.entries) != 0 {
			t.Errorf("%v is kept, want nothing", l.logs.entries)
		}
	})
}

func TestALogThatCannotBeReadSaysWhyInTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		source LogSource
		want   string
		within time.Duration
	}{
		{"the kubelet does not answer", deaf, "the log could not be read within 1.5s", words.Within},
		{"no permission", fails(apierrors.NewForbidden(schema.GroupResource{Resource: "pods/log"}, "p", nil)), "the controller may not read logs: it needs the permission to get pods/log", 0},
		{"no pod", fails(apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "p")), "the pod is gone, and its log with it", 0},
		{"anything else", fails(fmt.Errorf("no %s", strings.Repeat("o", 500))), "the log could not be read: no oooo", 0},
		{"a log without end", func(context.Context, types.NamespacedName, string, int64) (io.ReadCloser, error) {
			return io.NopCloser(forever{}), nil
		}, "the log could not be read: its last lines have more than 16 MiB", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, began := newLibrary(c.source), time.Now()
				r := readingOf("j")
				l.log(r, words)
				time.Sleep(words.Within)
				synctest.Wait()
				got := l.log(r, words)
				if got == nil || !strings.HasPrefix(got.Problem, c.want) || len(got.Problem) > 300 {
					t.Fatalf("%+v, want the problem %q", got, c.want)
				}
				if took := time.Since(began); took > words.Within {
					t.Errorf("it took %s", took)
				}
				time.Sleep(2 * time.Hour) // the deaf one ends
			})
		})
	}
}

// forever has no end.
type forever struct{}

func (forever) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

func TestOnlySoManyLogsAreReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(deaf)
		for i := range logsAtOnce + 3 {
			l.log(readingOf(fmt.Sprint(i)), words)
		}
		synctest.Wait()
		if n := l.opened.Load(); n != logsAtOnce {
			t.Errorf("%d logs are being read, want %d", n, logsAtOnce)
		}
		time.Sleep(words.Within)
		synctest.Wait()
		got := l.log(readingOf(fmt.Sprint(logsAtOnce+2)), words)
		crowded := 0
		for i := range logsAtOnce + 3 {
			if answer := l.log(readingOf(fmt.Sprint(i)), words); answer != nil && strings.HasSuffix(answer.Problem, "too many are being read") {
				crowded++
			}
		}
		if got == nil || crowded != 3 {
			t.Errorf("%d of the readings say that there are too many, want 3", crowded)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestARunThatIsGoneIsNotRungFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(func(context.Context, types.NamespacedName, string, int64) (io.ReadCloser, error) {
			time.Sleep(time.Second)
			return io.NopCloser(strings.NewReader("late")), nil
		})
		l.log(readingOf("j"), words)
		l.Forget("r")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if l.heard.Load() != 0 || len(l.logs.entries) != 0 {
			t.Errorf("rung for %d times, with %v kept", l.heard.Load(), l.logs.entries)
		}
	})
}

func TestTheEndOfAStreamIsKept(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 1000, 200_000} {
		all := make([]byte, n)
		for i := range all {
			all[i] = byte('a' + i%26)
		}
		got, err := endOf(iotestHalf{bytes.NewReader(all)}, 16)
		if want := all[max(0, n-16):]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d bytes: %q, %v; want %q", n, got, err, want)
		}
	}
}

func TestALogIsCutBetweenLines(t *testing.T) {
	for text, want := range map[string]string{
		"first\nsecond line\nthird\n":              "third\n",
		"token=hunter2secret\nthe end\n":           "the end\n",
		"0123456\n12345678\n123456\n":              "12345678\n123456\n", // begins where it is cut
		"0123456789abcdefghij":                     "456789abcdefghij",
		"0123456789abcdefghij\n":                   "56789abcdefghij\n", // one line, and longer
		"short\n":                                  "short\n",
		strings.Repeat("x", 70_000) + "\nlast one": "last one",
	} {
		got, err := endOf(iotestHalf{strings.NewReader(text)}, 16)
		if want == "12345678\n123456\n" {
			got, err = endOf(iotestHalf{strings.NewReader(text)}, len(want))
		}
		if err != nil || string(got) != want {
			t.Errorf("of %.40q: %q, %v; want %q", text, got, err, want)
		}
	}
}

// iotestHalf reads a few bytes at a time.
type iotestHalf struct{ io.Reader }

func (h iotestHalf) Read(p []byte) (int, error) { return h.Reader.Read(p[:min(len(p), 1234)]) }
