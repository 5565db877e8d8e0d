package label

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"classlens/internal/dataset"
)

// asked sends a request to a site and gives the status and what came.
func asked(w *site, method, path, body string, headers ...string) (int, string) {
	r := httptest.NewRequest(method, "http://"+w.hosts[0]+"/", strings.NewReader(body))
	if parsed, err := url.Parse("http://" + w.hosts[0] + path); err == nil {
		r.URL = parsed
	} else {
		r.URL.Path = path // as no client would send it
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out.Code, out.Body.String()
}

const asJSON = "application/json"

func TestServerLetsIn(t *testing.T) {
	o := options(t, results(t))
	s := session(t, o)
	defer s.Close()
	w := newSite(s, 4711)
	at := "/" + w.token
	for _, path := range []string{"/", "/page.css", "/page.js", "/lesson", "/labels", "/progress"} {
		if code, body := asked(w, "GET", at+path, ""); code != 200 || body == "" {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := asked(w, "GET", at+"/", "", "Host", "LOCALHOST:4711", "Sec-Fetch-Site", "none"); code != 200 {
		t.Errorf("by its other name: %d", code)
	}
	s.decoding.Wait()
	if code, body := asked(w, "GET", at+"/picture/3", ""); code != 200 || !strings.HasPrefix(body, "\xff\xd8") {
		t.Errorf("picture: %d, %d bytes", code, len(body))
	}
	if p := s.pictures.progress(); !p.Ended || p.Problem != "" {
		t.Errorf("%+v", p)
	}
	out := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "http://"+w.hosts[0]+at+"/picture/3", nil)
	w.ServeHTTP(out, r)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": policy, "Access-Control-Allow-Origin": ""} {
		if got := out.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var once = "/open/" + w.once
	if code, _ := asked(w, "GET", once, ""); code != http.StatusSeeOther {
		t.Errorf("the first time: %d", code)
	}
	if code, body := asked(w, "GET", once, ""); code != http.StatusForbidden || strings.Contains(body, w.token) {
		t.Errorf("the second time: %d", code)
	}
}

func TestServerKeepsOut(t *testing.T) {
	s := session(t, options(t, results(t)))
	defer s.Close()
	w := newSite(s, 4711)
	at := "/" + w.token
	good := `{"version":1,"do":"paint","student":"S01","kind":"behaviour","label":"read","first":2,"end":4}`
	type request struct {
		name, method, path, body string
		headers                  []string
		code                     int
	}
	all := []request{
		{"no token", "GET", "/", "", nil, 403},
		{"no token for the script", "GET", "/page.js", "", nil, 403},
		{"another token", "GET", "/AAAAAAAAAAAAAAAAAAAAAAAAAA/lesson", "", nil, 403},
		{"half a token", "GET", "/" + w.token[:13] + "/lesson", "", nil, 403},
		{"another case", "GET", "/" + strings.ToLower(w.token) + "/lesson", "", nil, 403},
		{"the wrong way in", "GET", "/open/" + w.token, "", nil, 403},
		{"another name", "GET", at + "/lesson", "", []string{"Host", "evil.example:4711"}, 403},
		{"another name, no port", "GET", at + "/lesson", "", []string{"Host", "evil.example"}, 403},
		{"a name that begins alike", "GET", at + "/lesson", "", []string{"Host", "127.0.0.1.evil.example:4711"}, 403},
		{"another port", "GET", at + "/lesson", "", []string{"Host", "127.0.0.1:80"}, 403},
		{"no name", "GET", at + "/lesson", "", []string{"Host", ""}, 403},
		{"another page", "GET", at + "/lesson", "", []string{"Origin", "http://evil.example"}, 403},
		{"a sandboxed page", "GET", at + "/lesson", "", []string{"Origin", "null"}, 403},
		{"the same host on another port", "GET", at + "/lesson", "", []string{"Origin", "http://127.0.0.1:80"}, 403},
		{"a picture on another page", "GET", at + "/picture/1", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another page of the site", "GET", at + "/picture/1", "", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a form of another page", "POST", at + "/change", good, []string{"Content-Type", "text/plain"}, 415},
		{"no kind of content", "POST", at + "/change", good, nil, 415},
		{"a page that asks first", "OPTIONS", at + "/change", "", []string{"Origin", "http://evil.example"}, 403},
		{"reading a change", "GET", at + "/change", "", nil, 405},
		{"no JSON", "POST", at + "/change", "{", []string{"Content-Type", asJSON}, 400},
		{"a field too many", "POST", at + "/change", `{"version":1,"do":"undo","admin":true}`, []string{"Content-Type", asJSON}, 400},
		{"two changes", "POST", at + "/change", good + good, []string{"Content-Type", asJSON}, 400},
		{"a long body", "POST", at + "/change", `{"student":"` + strings.Repeat("x", 2*mostBody) + `"}`, []string{"Content-Type", asJSON}, 400},
		{"no such label", "POST", at + "/change", strings.Replace(good, "read", "bored", 1), []string{"Content-Type", asJSON}, 422},
		{"a stale page", "POST", at + "/change", strings.Replace(good, `"version":1`, `"version":0`, 1), []string{"Content-Type", asJSON}, 409},
		{"another method", "DELETE", at + "/labels", "", nil, 405},
	}
	for _, path := range []string{"/picture/", "/picture/-1", "/picture/999999", "/picture/1e3", "/picture/99999999999999999999", "/picture/one", "/picture/1.jpg", "/picture/0x1", "/picture/1/2", "/nothing", "/page.html", "/labels/",
		"/intervals.csv", "/timeline.csv", "/labels.json", "/assets/page.js", "/..", "/../", "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/%252e%252e/etc/passwd", "/.%2e/labels.json", "/%2e", "/./labels",
		"//labels", "///etc/passwd", "/picture/..%2f..%2flabels.json", "/picture/../labels.json", `/picture/..\..\labels.json`, `/..\labels.json`, "/%5c..%5clabels.json", "/labels%00", "/picture/1%00.jpg", "/CON", "/NUL", "/aux.js",
		"/page.js::$DATA", "/~root", "/.lock", "/%c0%ae%c0%ae/etc/passwd", "/" + strings.Repeat("a", 5000)} {
		all = append(all, request{"path " + path, "GET", at + path, "", nil, 404})
	}
	for _, r := range all {
		code, body := asked(w, r.method, r.path, r.body, r.headers...)
		if code != r.code || strings.Contains(body, w.token) || strings.Contains(body, "root:") || strings.Contains(body, "recording_sha256") {
			t.Errorf("%s (%s %.60s): %d, want %d: %.80s", r.name, r.method, r.path, code, r.code, body)
		}
	}
	if n, _ := s.labels.count(); n != 0 {
		t.Errorf("%d labels", n)
	}
}

func TestServerSaves(t *testing.T) {
	o := options(t, results(t))
	s := session(t, o)
	defer s.Close()
	w := newSite(s, 4711)
	send := func(c change) (labelsNow, int) {
		t.Helper()
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		code, body := asked(w, "POST", "/"+w.token+"/change", string(raw), "Content-Type", asJSON, "Origin", "http://"+w.hosts[0], "Sec-Fetch-Site", "same-origin")
		var now labelsNow
		_ = json.Unmarshal([]byte(body), &now) // an error's text is none
		return now, code
	}
	file := filepath.Join(s.Path(), IntervalsName)
	now, code := send(change{Version: 1, Do: "paint", Student: "S03", Kind: "behaviour", Label: "write", First: 2, End: 6})
	if got := lines(t, file); code != 200 || now.Undo != 1 || !slices.Equal(got, []string{"2,6,S03,behaviour,write,"}) {
		t.Errorf("%d %+v %v", code, now, got)
	}
	// A second tab that has not seen it is told, and overwrites nothing.
	if now, code = send(change{Version: 1, Do: "erase", Student: "S03", Kind: "behaviour", First: 0, End: 70}); code != 409 || len(now.Labels) != 1 {
		t.Errorf("%d %+v", code, now)
	}
	if now, code = send(change{Version: now.Version, Do: "undo"}); code != 200 || len(lines(t, file)) != 0 || now.Redo != 1 {
		t.Errorf("%d %+v", code, now)
	}
	// What the network says is written down as shown before it is.
	if s.said().Proposals {
		t.Error("shown already")
	}
	if code, body := asked(w, "GET", "/"+w.token+"/proposals", ""); code != 200 || !strings.Contains(body, `"S01"`) {
		t.Errorf("proposals: %d", code)
	}
	if about, err := dataset.LoadLabels(s.Path()); err != nil || !about.Proposals {
		t.Errorf("%+v %v", about, err)
	}
}

// With windows drawn, nothing else can be labelled, and who is blind is shown nothing.
func TestServerBlind(t *testing.T) {
	o := options(t, results(t))
	o.Sample, o.Blind, o.Rater = 3, true, "blind"
	s := session(t, o)
	defer s.Close()
	w := newSite(s, 4711)
	if code, body := asked(w, "GET", "/"+w.token+"/proposals", ""); code != 403 || s.said().Proposals {
		t.Errorf("proposals: %d %s", code, body)
	}
	in := s.windows[1]
	for _, c := range []struct {
		first, end, code int
	}{{in.First - 1, in.End, 422}, {in.First, in.End + 1, 422}, {in.First, in.End, 200}} {
		raw, err := json.Marshal(change{Version: s.labels.state().Version, Do: "paint", Student: in.Student, Kind: "behaviour", Label: "read", First: max(c.first, 0), End: c.end})
		if err != nil {
			t.Fatal(err)
		}
		if in.First == 0 && c.first < 0 {
			continue // the window begins the lesson
		}
		if code, body := asked(w, "POST", "/"+w.token+"/change", string(raw), "Content-Type", asJSON); code != c.code {
			t.Errorf("%+v: %d %s", c, code, body)
		}
	}
}

// The real server listens on this machine alone and says so when its port is taken.
func TestListen(t *testing.T) {
	s := session(t, options(t, results(t)))
	defer s.Close()
	server, err := Listen(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(server.listen.Addr().String())
	if err != nil || host != "127.0.0.1" {
		t.Errorf("listens on %s (%v)", server.listen.Addr(), err)
	}
	if _, err := Listen(s, server.listen.Addr().(*net.TCPAddr).Port); err == nil || !strings.Contains(err.Error(), "port "+port) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a taken port: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	answer, err := http.Get(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || !bytes.Equal(body, pageHTML) {
		t.Errorf("%d bytes (%v)", len(body), err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("goes on")
	}
}
