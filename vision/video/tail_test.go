package video

import (
	"strings"
	"testing"
)

// A line says the same in whatever pieces it comes: Go's runtime writes a panic's words one by one, and a busy machine
// hands them over so.
func TestTailInPieces(t *testing.T) {
	for said, want := range map[string]string{
		"":             "",
		"one\ntwo\n\n": "two",
		"not ended":    "not ended",
		"panic: runtime: cannot allocate memory\n\ngoroutine 1 [running]:\nexit status 2\n": "panic: runtime: cannot allocate memory",
		"panic: one\npanic: two\n": "panic: one",
		"panic: one\nfatal error: runtime: out of memory\nfatal error: again\n\ngoroutine 1 [running]:\n": "fatal error: runtime: out of memory",
		"terminate called after throwing\n  what():  std::bad_alloc\nAborted":                             "what():  std::bad_alloc",
		strings.Repeat("x", 5000) + "\nend":                                                               "end",
		strings.Repeat("y", 5000):                                                                         strings.Repeat("y", longestLine),
	} {
		for size := 1; size <= len(said)+1; size++ {
			var whole tail
			for rest := []byte(said); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				if n, err := whole.Write(rest[:min(size, len(rest))]); n != min(size, len(rest)) || err != nil {
					t.Fatal(n, err)
				}
			}
			if got := whole.last(); got != want {
				t.Errorf("%.60q in pieces of %d: %.60q, want %.60q", said, size, got, want)
			}
			if got := whole.count(); got != strings.Count(said, "\n") {
				t.Errorf("%.60q in pieces of %d: %d lines", said, size, got)
			}
		}
	}
}
