package stats

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// mostPacked bounds the samples of a packed histogram, so that many can be added.
const mostPacked = 1 << 40

// packedForm is a packed histogram's first byte: the form's version, and with it the geometry.
const packedForm = 1

var errPacked = errors.New("the text is not a packed histogram")

// Pack writes the histogram as a text of a few hundred bytes that keeps every
// value within 0.8 %, and the count, the sum, the least and the greatest exactly.
// What was packed apart adds up to what packing the whole gives. Without samples
// the text is empty.
//
// The counts of neighbouring buckets are alike, so each is written as its
// difference from the one before, in Rice's code: small differences take few
// bits, and how many follows from the differences so far.
func (h *Histogram) Pack() string {
	if h == nil || h.n == 0 {
		return ""
	}
	small := newHistogram(packed)
	small.merge(h)
	head := []byte{packedForm}
	for _, v := range []int64{small.least, small.greatest - small.least, small.sum} {
		head = binary.AppendUvarint(head, uint64(v))
	}
	w := riceWriter{bytes: head}
	for i := packed.bucket(small.least); i <= packed.bucket(small.greatest); i++ {
		w.write(small.count(i))
	}
	return base64.RawStdEncoding.EncodeToString(w.bytes)
}

// Unpack reads what Pack wrote.
func Unpack(text string) (*Histogram, error) {
	h := newHistogram(packed)
	if text == "" {
		return h, nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return nil, fmt.Errorf("reading a histogram: %w", errPacked)
	}
	if raw[0] != packedForm {
		return nil, fmt.Errorf("reading a histogram: form %d is not known, only %d is", raw[0], packedForm)
	}
	if !h.unpack(raw[1:]) {
		return nil, fmt.Errorf("reading a histogram: %w", errPacked)
	}
	return h, nil
}

// unpack fills an empty histogram, and says whether the text made sense.
func (h *Histogram) unpack(raw []byte) bool {
	raw, ok := h.unpackHead(raw)
	if !ok {
		return false
	}
	low, high := packed.bucket(h.least), packed.bucket(h.greatest)
	r := riceReader{bytes: raw}
	for i := low; i <= high; i++ {
		n, ok := r.next()
		if !ok || n > mostPacked-h.n {
			return false
		}
		if n > 0 {
			h.add(i, n)
			h.n += n
		}
	}
	sum, n := float64(h.sum), float64(h.n)
	return r.ended() && h.count(low) > 0 && h.count(high) > 0 &&
		sum >= n*float64(h.least)*(1-1e-9) && sum <= n*float64(h.greatest)*(1+1e-9)
}

// unpackHead reads the least value, how much more the greatest is, and the sum.
func (h *Histogram) unpackHead(raw []byte) (rest []byte, ok bool) {
	var head [3]int64
	for i := range head {
		v, n := binary.Uvarint(raw)
		if n <= 0 || v > math.MaxInt64 {
			return nil, false
		}
		head[i], raw = int64(v), raw[n:]
	}
	h.least, h.greatest, h.sum = head[0], head[0]+head[1], head[2]
	return raw, head[0] <= highest && head[1] <= highest-head[0]
}

// rice predicts how many low bits of a difference are noise, from the sizes of
// those before: a running mean, in sixteenths.
type rice struct {
	before int64
	mean   uint64
}

// longest is the most high bits a difference has before it is written in full instead.
const longest = 24

func (r *rice) bits() uint { return uint(bits.Len64(r.mean >> 5)) }

// learn takes in a count whose difference from the last was written as size.
func (r *rice) learn(n int64, size uint64) {
	r.before = n
	r.mean += min(size, 1<<40) - r.mean/16
}

type riceWriter struct {
	rice
	bytes []byte
	// free is how many bits of the last byte are not used yet.
	free uint
}

func (w *riceWriter) write(n int64) {
	difference := n - w.before
	size := uint64(difference)<<1 ^ uint64(difference>>63)
	k := w.bits()
	if ones := size >> k; ones < longest {
		w.put(1<<ones-1, uint(ones))
		w.put(0, 1)
		w.put(size, k)
	} else {
		w.put(1<<longest-1, longest)
		w.put(size, 64)
	}
	w.learn(n, size)
}

// put writes the n lowest bits of v, the lowest first.
func (w *riceWriter) put(v uint64, n uint) {
	for ; n > 0; n-- {
		if w.free == 0 {
			w.bytes = append(w.bytes, 0)
			w.free = 8
		}
		w.bytes[len(w.bytes)-1] |= byte(v&1) << (8 - w.free)
		w.free--
		v >>= 1
	}
}

type riceReader struct {
	rice
	bytes []byte
	at    uint
}

// next reads a count; it is not negative.
func (r *riceReader) next() (int64, bool) {
	k := r.bits()
	ones := uint64(0)
	for ones < longest {
		bit, ok := r.take(1)
		if !ok {
			return 0, false
		}
		if bit == 0 {
			break
		}
		ones++
	}
	width := k
	if ones == longest {
		width = 64
	}
	size, ok := r.take(width)
	if !ok {
		return 0, false
	}
	if ones < longest {
		size |= ones << k
	}
	n := r.before + (int64(size>>1) ^ -int64(size&1))
	r.learn(n, size)
	return n, n >= 0
}

func (r *riceReader) take(n uint) (v uint64, ok bool) {
	if r.at+n > uint(len(r.bytes))*8 {
		return 0, false
	}
	for i := range n {
		v |= uint64(r.bytes[r.at/8]>>(r.at%8)&1) << i
		r.at++
	}
	return v, true
}

// ended says whether all was read; the bits that fill the last byte are 0.
func (r *riceReader) ended() bool {
	rest := uint(len(r.bytes))*8 - r.at
	v, _ := r.take(rest % 8)
	return rest < 8 && v == 0
}
