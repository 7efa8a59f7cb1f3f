package stats

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Encode writes the histogram in HdrHistogram's compressed V2 form, base64,
// at two digits, for other programs to read. Pack is smaller.
func (h *Histogram) Encode() (string, error) {
	hdr := hdrhistogram.New(1, highest, 2)
	var err error
	h.each(func(bucket int, n int64) bool {
		err = hdr.RecordValues(min(h.precision.value(bucket), highest), n)
		return err == nil
	})
	if err != nil {
		return "", fmt.Errorf("encoding the histogram: %w", err)
	}
	encoded, err := hdr.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encoding the histogram: %w", err)
	}
	return string(encoded), nil
}
