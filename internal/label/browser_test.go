package label

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// browser is a real Chromium, driven by its DevTools protocol over pipes: one JSON object a message, ended by a zero byte.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *os.File
	left    []byte
	last    int
	session string
	heard   []string // errors and warnings of the page
}

// newBrowser starts Chromium; set-up does not install it, so the test is skipped where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Skip("no Chromium here: apt-get install chromium brings it")
	}
	itsIn, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, itsOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "classlens-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", "--user-data-dir="+profile)
	cmd.ExtraFiles = []*os.File{itsIn, itsOut}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	itsIn.Close()
	itsOut.Close()
	b := &browser{t: t, to: to, from: from}
	t.Cleanup(func() {
		to.Close() // Chromium ends with its pipe
		_ = cmd.Wait()
		from.Close()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its helpers may outlive it and write into the profile a moment longer
		for range 100 {
			if os.RemoveAll(profile) == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	var target struct{ TargetID string }
	b.call(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var attached struct{ SessionID string }
	b.call(&attached, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
	b.session = attached.SessionID
	b.call(nil, "Runtime.enable", nil)
	b.call(nil, "Log.enable", nil)
	b.call(nil, "Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": false})
	return b
}

// call asks for something and waits for the answer.
func (b *browser) call(answer any, method string, params any) {
	b.t.Helper()
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	raw, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(raw, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		var m struct {
			ID     int
			Method string
			Params json.RawMessage
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(b.message(), &m); err != nil {
			b.t.Fatal(err)
		}
		switch {
		case m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded":
			b.heard = append(b.heard, string(m.Params))
		case m.ID == b.last && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error)
		case m.ID == b.last:
			if answer != nil {
				if err := json.Unmarshal(m.Result, answer); err != nil {
					b.t.Fatal(err)
				}
			}
			return
		}
	}
}

// message reads up to the next zero byte.
func (b *browser) message() []byte {
	b.t.Helper()
	for {
		if i := bytes.IndexByte(b.left, 0); i >= 0 {
			m := b.left[:i]
			b.left = b.left[i+1:]
			return m
		}
		if err := b.from.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
			b.t.Fatal(err)
		}
		chunk := make([]byte, 1<<16)
		n, err := b.from.Read(chunk)
		if err != nil {
			b.t.Fatalf("Chromium: %v", err)
		}
		b.left = append(b.left, chunk[:n]...)
	}
}

// js gives what an expression is in the page, as text.
func (b *browser) js(expression string) string {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call(&answer, "Runtime.evaluate", map[string]any{"expression": "String(" + expression + ")", "returnByValue": true})
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, answer.ExceptionDetails)
	}
	return fmt.Sprint(answer.Result.Value)
}

// await waits until an expression is what is wanted.
func (b *browser) await(expression, want string) {
	b.t.Helper()
	var got string
	for until := time.Now().Add(5 * time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if got = b.js(expression); got == want {
			return
		}
	}
	b.t.Fatalf("%s is %q, want %q; the page says %q", expression, got, want, b.js("document.getElementById('alarm').textContent"))
}

// down and up press a key and let it go; modifiers: 2 Ctrl, 8 Shift.
func (b *browser) down(key string, modifiers int) {
	b.t.Helper()
	params := map[string]any{"type": "keyDown", "key": key, "modifiers": modifiers}
	if len(key) == 1 && modifiers&2 == 0 {
		params["text"] = key
	}
	b.call(nil, "Input.dispatchKeyEvent", params)
}

func (b *browser) up(key string, modifiers int) {
	b.t.Helper()
	b.call(nil, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "modifiers": modifiers})
}

func (b *browser) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if len(k) == 1 { // in one go: a letter that is held a third of a second labels on, and a busy machine may take as long between two calls
			b.js(fmt.Sprintf("['keydown', 'keyup'].map((n) => (document.activeElement || document.body).dispatchEvent(new KeyboardEvent(n, { key: %q, bubbles: true, cancelable: true })))", k))
			continue
		}
		b.down(k, 0)
		b.up(k, 0)
	}
}

// Two students are labelled in a real browser, by the keyboard alone, and the labels are in the file.
func TestLabelInABrowser(t *testing.T) {
	b := newBrowser(t)
	s := session(t, options(t, results(t)))
	defer s.Close()
	server, err := Listen(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve()
	defer server.Close()
	b.call(nil, "Page.navigate", map[string]any{"url": server.OnceURL()})
	b.await("document.body && document.body.dataset.ready", "1")
	b.await("document.getElementById('waiting').textContent", "")
	b.await("document.getElementById('picture').dataset.step", "0")
	if alpha := b.js("document.getElementById('picture').getContext('2d').getImageData(300, 300, 1, 1).data[3]"); alpha != "255" {
		t.Errorf("no picture is drawn: %s", alpha)
	}
	saved := func(want ...string) {
		t.Helper()
		b.await("document.getElementById('saved').textContent", "saved")
		file := filepath.Join(s.Path(), IntervalsName)
		if got := lines(t, file); !slices.Equal(got, want) {
			t.Errorf("saved %q, want %q", got, want)
		}
	}
	changed := func(n int) { // so many changes are saved, and shown
		t.Helper()
		b.await("document.body.dataset.version", fmt.Sprint(n+1))
	}
	b.keys("Home", "w", "w", "w") // taps go on by themselves
	changed(3)
	saved("0,3,S01,behaviour,write,")
	b.keys("Enter", "ArrowRight", "ArrowRight", "ArrowRight", "h") // from the mark to here
	changed(4)
	saved("0,3,S01,behaviour,write,", "3,7,S01,behaviour,raise_hand,")
	b.keys("ArrowDown", "r") // the next student, at the step that the first was left at
	changed(5)
	b.keys("ArrowRight", "ArrowRight", "e") // extended to here
	changed(6)
	saved("0,3,S01,behaviour,write,", "3,7,S01,behaviour,raise_hand,", "6,10,S02,behaviour,read,")
	b.keys("ArrowLeft", "x", "Delete") // split, and the second part deleted
	changed(8)
	saved("0,3,S01,behaviour,write,", "3,7,S01,behaviour,raise_hand,", "6,8,S02,behaviour,read,")
	b.down("z", 2)
	b.up("z", 2)
	changed(9)
	saved("0,3,S01,behaviour,write,", "3,7,S01,behaviour,raise_hand,", "6,8,S02,behaviour,read,", "8,10,S02,behaviour,read,")

	// Held, a letter labels on until it is let go.
	b.keys("End", "ArrowUp")
	for range 12 {
		b.keys("ArrowLeft")
	}
	b.await("document.getElementById('clock').textContent.slice(0, 4)", "1:05")
	b.down("t", 0)
	b.await("document.getElementById('said').textContent.includes('turned away …')", "true")
	b.await("document.getElementById('clock').textContent >= '1:07'", "true")
	b.up("t", 0)
	changed(10)
	got := lines(t, filepath.Join(s.Path(), IntervalsName))
	if i := slices.IndexFunc(got, func(l string) bool { return strings.Contains(l, "turn") }); i < 0 {
		t.Errorf("held: %q", got)
	} else {
		var first, end float64
		if _, err := fmt.Sscanf(got[i], "%g,%g", &first, &end); err != nil || end-first < 2 {
			t.Errorf("held: %q (%v)", got[i], err)
		}
	}

	// Proposals are off, and ask before they come; leaving them off shows and notes nothing.
	if s.said().Proposals || b.js("document.getElementById('proposals').getAttribute('aria-pressed')") != "false" {
		t.Error("proposals are on")
	}
	b.keys("v")
	b.await("document.getElementById('warn').open", "true")
	b.js("document.querySelector('#warn button').click()")
	b.await("document.getElementById('warn').open", "false")
	if s.said().Proposals {
		t.Error("proposals were noted as shown")
	}
	for _, h := range b.heard {
		t.Errorf("the page says: %s", h)
	}
	if wide := b.js("document.documentElement.scrollWidth <= document.documentElement.clientWidth"); wide != "true" {
		t.Error("wider than the window")
	}
}
