package httpx

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// bounds limit what is under way in time.
type bounds interface {
	// bound ends it at a time, for a reason.
	bound(until time.Time, reason error)
	// giveUp ends it now.
	giveUp(reason error)
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// drain reads a body to its end; keep takes it if anybody looks at it. Each pause may last
// stall, the whole maxBody.
func drain(body io.ReadCloser, b bounds, stall time.Duration, keep *Answer) (int64, error) {
	if body == http.NoBody {
		return 0, nil
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	started := time.Now()
	var total int64
	for now := started; ; now = time.Now() {
		if now.Sub(started) > maxBody {
			b.giveUp(errBodyTooLong)
			_ = body.Close() // the reason says more
			return total, errBodyTooLong
		}
		b.bound(now.Add(stall), errBodyStalled)
		n, err := body.Read(*buffer)
		total += int64(n)
		if keep != nil {
			keep.add((*buffer)[:n])
		}
		if err == io.EOF {
			if keep != nil {
				keep.finish()
			}
			return total, body.Close()
		}
		if err != nil {
			_ = body.Close() // the error that ended the reading says more
			return total, err
		}
	}
}
