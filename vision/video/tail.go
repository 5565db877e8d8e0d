package video

import (
	"bytes"
	"strings"
	"sync"
)

// longestLine is how much of a line of stderr is kept, in bytes.
const longestLine = 1024

// tail collects what the child writes to stderr: it counts the lines, and keeps the last one and the first that tells why the child
// died. Lines may come in any number of pieces (Go's runtime writes a panic's words one by one).
type tail struct {
	mu    sync.Mutex
	line  []byte // the unfinished last line
	said  string // the last line that was not empty
	why   string // the first line that tells why the child died
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

// read gives said and why, with the unfinished line taken into account.
func (t *tail) read() (said, why string) {
	said, why = t.said, t.why
	l := strings.TrimSpace(string(t.line))
	if l == "" {
		return said, why
	}
	fatal := strings.HasPrefix(l, "fatal error:") // tells more than a panic before it
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

// last is the most informative line: the one that tells why the child died, else the last one.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said, why := t.read()
	if why != "" {
		return why
	}
	return said
}
