package video

import (
	"bytes"
	"strings"
	"sync"
)

// longestLine is how much of a line of stderr is read, in bytes; a decoder that writes more without an end of line says nothing more with it.
const longestLine = 1024

// tail reads what the child writes to stderr, in whatever pieces it comes (Go's runtime writes a panic's words one by one): it
// counts the lines, and keeps the last one and the first that tells why the child died.
type tail struct {
	mu    sync.Mutex
	line  []byte // begun, not ended
	said  string // the last that was not empty
	why   string
	lines int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		t.line = append(t.line, piece[:min(len(piece), longestLine-len(t.line))]...)
		if ended {
			t.said, t.why = t.read()
			t.line = t.line[:0]
			t.lines++
		}
		rest = after
	}
	return len(p), nil
}

// read gives said and why with the line that is not ended.
func (t *tail) read() (said, why string) {
	said, why = t.said, t.why
	l := strings.TrimSpace(string(t.line))
	if l == "" {
		return said, why
	}
	fatal := strings.HasPrefix(l, "fatal error:") // says more than a panic that ended in it
	if fatal && !strings.HasPrefix(why, "fatal") || why == "" && (strings.HasPrefix(l, "panic: ") || strings.Contains(l, "what():")) {
		why = l
	}
	return l, why
}

func (t *tail) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines
}

// last is the most telling line: the one that says why, or the last one.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said, why := t.read()
	if why != "" {
		return why
	}
	return said
}
