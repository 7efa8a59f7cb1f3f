package judge

import "testing"

func BenchmarkJudge(b *testing.B) {
	criteria := success("result[0] <= 0.004")
	sample := vector(0.0123)
	b.ReportAllocs()
	for b.Loop() {
		Judge(criteria, sample, noon)
	}
}
