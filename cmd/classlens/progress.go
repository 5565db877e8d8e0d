package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"classlens/internal/analysis"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows the events of a run: a progress bar on a terminal, a plain line
// every plainEvery in a log, or JSON lines for programs.
type progress struct {
	out, log io.Writer
	json     bool
	terminal bool
	bar      *progressbar.ProgressBar
	counting bool // a line without a bar stands on the terminal
	stage    string
	lastLine time.Time
}

// eventLine is an event as JSON: of progress done_s is there from the first second on, when it is 0.
type eventLine struct {
	analysis.Event
	Done *float64 `json:"done_s,omitempty"` // hides Event's
}

// plainEvery is the least time between two progress lines in a log.
const plainEvery = 15 * time.Second

func newProgress(out, log io.Writer, asJSON bool) *progress {
	f, ok := log.(*os.File)
	return &progress{out: out, log: log, json: asJSON, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// Event shows one event. It must not be called concurrently; analysis.Analyzer sees to that.
func (p *progress) Event(e analysis.Event) {
	if p.json {
		line := eventLine{Event: e}
		if e.Kind == "progress" {
			line.Done = &e.Done
		}
		_ = json.NewEncoder(p.out).Encode(line) // a reader that went away must not stop the analysis
		return
	}
	switch e.Kind {
	case "progress":
		p.move(e)
	case "note":
		p.clear()
		fmt.Fprintln(p.log, oneLine(e.Recording+": "+e.Text))
	case "end":
		p.end(e)
	}
}

func (p *progress) move(e analysis.Event) {
	if !p.terminal {
		if time.Since(p.lastLine) < plainEvery {
			return
		}
		p.lastLine = time.Now()
		left := ""
		if e.ETA > 0 {
			left = fmt.Sprintf(", about %v left", time.Duration(e.ETA)*time.Second)
		}
		of := ""
		if e.Total > 0 {
			of = fmt.Sprintf(" of %.0f", e.Total)
		}
		fmt.Fprintf(p.log, "%s: %s %.0f%s s%s\n", oneLine(e.Recording), e.Stage, e.Done, of, left)
		return
	}
	if e.Total <= 0 { // a webcam's recording does not say how long it is: there is nothing to draw a bar against
		if p.bar != nil {
			p.clear()
		}
		fmt.Fprintf(p.log, "\r%s: %s %.0f s\x1b[K", shortened(oneLine(e.Recording), p.room()), e.Stage, e.Done)
		p.counting = true
		return
	}
	if p.bar == nil || p.stage != e.Stage {
		p.clear()
		p.stage = e.Stage
		p.bar = progressbar.NewOptions(max(1, int(e.Total)), progressbar.OptionSetWriter(p.log), progressbar.OptionSetDescription(shortened(oneLine(e.Recording), p.room())+": "+e.Stage),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(barWidth))
	}
	_ = p.bar.Set(min(int(e.Done), max(1, int(e.Total)))) // drawing only
}

// barWidth is the width of the bar in characters, aroundBar that of what surrounds it: the longest stage's name, per cent, time gone and left.
const (
	barWidth  = 16
	aroundBar = 36
)

// room is how many characters of a name fit beside the bar on one line of the terminal: a wrapped line would leave its first part behind at each redraw.
func (p *progress) room() int {
	columns := 80
	if f, ok := p.log.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			columns = w
		}
	}
	return max(8, columns-barWidth-aroundBar)
}

// shortened drops the middle of a long name: recordings are told apart by how their names begin or end.
func shortened(name string, most int) string {
	r := []rune(name)
	if len(r) <= most {
		return name
	}
	begin := (most - 1) / 2
	return string(r[:begin]) + "…" + string(r[len(r)-(most-1-begin):])
}

// clear removes the progress bar or line before something lasting is printed.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	if p.counting {
		fmt.Fprint(p.log, "\r\x1b[K")
		p.counting = false
	}
}

func (p *progress) end(e analysis.Event) {
	p.clear()
	switch e.State {
	case analysis.Pending:
		if e.Text != analysis.Interrupted { // which main says once for all recordings
			fmt.Fprintln(p.log, oneLine(e.Recording+": "+e.Text))
		}
	case analysis.Failed:
		fmt.Fprintln(p.log, oneLine(e.Recording+": failed: "+e.Text))
	default:
		fmt.Fprintln(p.out, oneLine(fmt.Sprintf("%s: %s: %s", e.Recording, e.State, e.Text)))
		fmt.Fprintln(p.out, oneLine("  report: "+filepath.Join(e.Folder, "report.html")))
	}
}

// plainLines is oneLine for a text of several lines.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = oneLine(lines[i])
	}
	return strings.Join(lines, "\n")
}

// oneLine escapes, as Go does in strings, what a terminal would act on, such as a newline or an escape sequence in a file's name.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != ' ' && !unicode.IsGraphic(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
