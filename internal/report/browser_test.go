package report

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// browser finds Chromium; set-up does not install it (300 MB for one test), so
// the test is skipped where there is none.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: apt-get install chromium brings it")
	return ""
}

// loaded opens a page in the browser and gives the document after its scripts
// have run.
func loaded(t *testing.T, chromium, page string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	profile, err := os.MkdirTemp("", "classlens-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir="+profile,
		"--virtual-time-budget=4000", "--dump-dom", "file://"+page)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	defer func() { // its helpers may outlive it and write into the profile a moment longer
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		for range 100 {
			if os.RemoveAll(profile) == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	cmd.WaitDelay = 10 * time.Second // they hold its output, too
	out, err := cmd.Output()
	if err != nil && !(errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil) {
		t.Fatalf("%v: %v", cmd, err)
	}
	return string(out)
}

// A report of hostile names, opened in a real browser, runs no script but its
// own and asks for nothing; its own does run.
func TestHostileReportInABrowser(t *testing.T) {
	chromium := browser(t)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	own := "document.documentElement.dataset.owned=1;fetch('" + server.URL + "')"
	texts := []string{
		"<script>" + own + "</script>",
		"</script></title></style></svg><script src=" + server.URL + "></script><script>" + own + "</script>",
		`"><img src="` + server.URL + `" onerror="` + own + `" onload="` + own + `">`,
		`javascript:` + own,
		"<style>@import '" + server.URL + "';</style><link rel=stylesheet href='" + server.URL + "'><iframe src='" + server.URL + "'></iframe>",
		`<meta http-equiv="refresh" content="0;url=` + server.URL + `"><base href="` + server.URL + `"><svg onload="` + own + `">`,
	}
	all := strings.Join(texts, " ")
	p := page(t)
	p.Name, p.Device, p.Version, p.Gaps = all, all, all, nil
	for i, text := range texts {
		p.Gaps = append(p.Gaps, Gap{float64(i), float64(i) + 1, text})
		p.Timeline.Students[i].ID = text
	}
	for k := range p.Timeline.Intervals {
		if k%7 == 0 {
			p.Timeline.Intervals[k].Label = texts[k%len(texts)]
		}
	}
	name := filepath.Join(t.TempDir(), "report.html")
	if err := Write(name, p); err != nil {
		t.Fatal(err)
	}
	dom := loaded(t, chromium, name)
	if strings.Contains(dom, "data-owned") || asked.Load() > 0 {
		t.Errorf("the page obeyed hostile text (%d requests)", asked.Load())
	}
	if !strings.Contains(dom, ">on task</text>") {
		t.Error("the page's own script drew no chart")
	}
	// The trap works: a page that does obey is noticed.
	trap := filepath.Join(t.TempDir(), "trap.html")
	if err := os.WriteFile(trap, []byte(fmt.Sprintf(`<!doctype html><img src=%q><script>%s</script>`, server.URL, own)), 0o600); err != nil {
		t.Fatal(err)
	}
	if dom := loaded(t, chromium, trap); !strings.Contains(dom, "data-owned") || asked.Load() == 0 {
		t.Error("a hostile page is not noticed: this test tests nothing")
	}
}
