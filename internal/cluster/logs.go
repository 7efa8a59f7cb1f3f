package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// +kubebuilder:rbac:groups="",resources=pods/log,verbs=get

// LogSource opens the last lines of a container's log.
type LogSource func(ctx context.Context, pod types.NamespacedName, container string, lines int64) (io.ReadCloser, error)

// ServerLogs asks the API server, which asks the pod's kubelet.
func ServerLogs(config *rest.Config, client *http.Client) (LogSource, error) {
	set, err := kubernetes.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("preparing the reading of logs: %w", err)
	}
	return func(ctx context.Context, pod types.NamespacedName, container string, lines int64) (io.ReadCloser, error) {
		options := &corev1.PodLogOptions{Container: container, TailLines: &lines}
		return set.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	}, nil
}

const (
	// logsAtOnce bounds the logs that are being read: each may be a MiB long.
	logsAtOnce = 8
	// maxLogRead is how much of one log is read to get to its end.
	maxLogRead = 16 << 20
)

// logBook reads logs outside the passes that need them. What was read is kept while passes go on asking for it: until the
// measurement it is for was saved.
type logBook struct {
	mu      sync.Mutex
	entries map[types.UID]map[logKey]*metric.Log // by run; nil while it is being read
	slots   chan struct{}
}

// logKey is a log as a Job's measurement asks for it.
type logKey struct {
	job  types.UID
	tail metric.LogTail
}

// log is the answer to what the reading of a Job asks for, nil while there is none. The run is passed again when there is.
func (c *Cluster) log(r reading, tail metric.LogTail) *metric.Log {
	if c.Logs == nil {
		return &metric.Log{Problem: "nobody here reads logs"}
	}
	book, key := &c.logs, logKey{r.job.UID, tail}
	book.mu.Lock()
	defer book.mu.Unlock()
	if book.entries == nil {
		book.entries, book.slots = map[types.UID]map[logKey]*metric.Log{}, make(chan struct{}, logsAtOnce)
	}
	of := book.entries[r.run.UID]
	if of == nil {
		of = map[logKey]*metric.Log{}
		book.entries[r.run.UID] = of
	}
	answer, asked := of[key]
	if asked {
		return answer
	}
	of[key] = nil
	run, slots := types.NamespacedName{Namespace: r.run.Namespace, Name: r.run.Name}, book.slots
	pod := types.NamespacedName{Namespace: r.job.Namespace, Name: tail.Pod}
	go func() {
		log := c.readLog(pod, tail, slots)
		if book.settle(r.run.UID, key, &log) && c.Heard != nil {
			c.Heard(run)
		}
	}()
	return nil
}

// settle keeps an answer, unless nobody asks for it any more.
func (b *logBook) settle(run types.UID, key logKey, log *metric.Log) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, wanted := b.entries[run][key]; !wanted {
		return false
	}
	b.entries[run][key] = log
	return true
}

// keep drops the answers for a run that nobody asked for in its last pass.
func (b *logBook) keep(run types.UID, asked map[logKey]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.entries[run] {
		if !asked[key] {
			delete(b.entries[run], key)
		}
	}
	if len(b.entries[run]) == 0 {
		delete(b.entries, run)
	}
}

// forget drops what is known about a run that is gone.
func (b *logBook) forget(run types.UID) { b.keep(run, nil) }

// readLog always comes to an answer within the time that the log may be waited for, whatever the source does.
func (c *Cluster) readLog(pod types.NamespacedName, tail metric.LogTail, slots chan struct{}) metric.Log {
	ctx, cancel := context.WithTimeout(context.Background(), tail.Within)
	defer cancel()
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return metric.Log{Problem: fmt.Sprintf("the log could not be read within %s: too many are being read", tail.Within)}
	}
	done := make(chan metric.Log, 1)
	go func() {
		defer func() { <-slots }()
		done <- c.openLog(ctx, pod, tail)
	}()
	select {
	case log := <-done:
		return log
	case <-ctx.Done():
		return metric.Log{Problem: fmt.Sprintf("the log could not be read within %s", tail.Within)}
	}
}

func (c *Cluster) openLog(ctx context.Context, pod types.NamespacedName, tail metric.LogTail) metric.Log {
	stream, err := c.Logs(ctx, pod, tail.Container, tail.Lines)
	if err != nil {
		return metric.Log{Problem: logProblem(err, tail.Within)}
	}
	defer stream.Close()
	text, err := endOf(stream, int(tail.Bytes))
	if err != nil {
		return metric.Log{Problem: logProblem(err, tail.Within)}
	}
	return metric.Log{Text: string(text)}
}

// logProblem says why a log cannot be read. What the server says of it names nodes and pods, nothing secret.
func logProblem(err error, within time.Duration) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("the log could not be read within %s", within)
	case apierrors.IsForbidden(err):
		return "the controller may not read logs: it needs the permission to get pods/log"
	case apierrors.IsNotFound(err):
		return "the pod is gone, and its log with it"
	}
	return "the log could not be read: " + judge.Trim(err.Error(), 200)
}

// endOf is the last bytes of a stream, in whole lines where it had to be cut; of a single line that is longer, its end.
func endOf(stream io.Reader, keep int) ([]byte, error) {
	held := make([]byte, 0, min(keep, 64<<10))
	chunk := make([]byte, 32<<10)
	for read := 0; ; {
		n, err := stream.Read(chunk)
		held = append(held, chunk[:n]...)
		if read += n; read > maxLogRead {
			return nil, fmt.Errorf("its last lines have more than %d MiB", maxLogRead>>20)
		}
		if len(held) > 2*keep+1 {
			held = append(held[:0], held[len(held)-keep-1:]...) // with the byte before, which says whether a line begins
		}
		switch {
		case errors.Is(err, io.EOF):
			return lastLines(held, keep), nil
		case err != nil:
			return nil, err
		}
	}
}

func lastLines(text []byte, keep int) []byte {
	if len(text) <= keep {
		return text
	}
	cut := len(text) - keep
	rest := text[cut:]
	if i := bytes.IndexByte(rest, '\n'); text[cut-1] != '\n' && i >= 0 && i+1 < len(rest) {
		return rest[i+1:]
	}
	return rest
}
