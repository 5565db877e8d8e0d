package label

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

//go:embed assets/page.html
var pageHTML []byte

//go:embed assets/page.css
var pageCSS []byte

//go:embed assets/page.js
var pageJS []byte

// policy lets the page load its own script, style and pictures, and nothing else from anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mostBody bounds what is read of a request.
const mostBody = 1 << 16

// site handles the page's requests. Everything is below a secret path, and only requests addressed to this machine by its own name are answered.
type site struct {
	session *Session
	hosts   []string // with port
	token   string
	once    string // a second secret that works once, for the browser's command line, which other users of the machine can read
	used    atomic.Bool
	pages   *http.ServeMux
}

func newSite(s *Session, port int) *site {
	w := &site{session: s, token: rand.Text(), once: rand.Text(), pages: http.NewServeMux()}
	for _, h := range []string{"127.0.0.1", "localhost"} {
		w.hosts = append(w.hosts, net.JoinHostPort(h, strconv.Itoa(port)))
	}
	file := func(kind string, content []byte) http.HandlerFunc {
		return func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", kind)
			_, _ = out.Write(content) // the browser may have gone away
		}
	}
	w.pages.HandleFunc("GET /{$}", file("text/html; charset=utf-8", pageHTML))
	w.pages.HandleFunc("GET /page.css", file("text/css; charset=utf-8", pageCSS))
	w.pages.HandleFunc("GET /page.js", file("text/javascript; charset=utf-8", pageJS))
	w.pages.HandleFunc("GET /icon", func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusNoContent) })
	w.pages.HandleFunc("GET /lesson", w.lesson)
	w.pages.HandleFunc("GET /labels", func(out http.ResponseWriter, _ *http.Request) { reply(out, http.StatusOK, s.labels.state()) })
	w.pages.HandleFunc("GET /progress", func(out http.ResponseWriter, _ *http.Request) { reply(out, http.StatusOK, s.pictures.progress()) })
	w.pages.HandleFunc("GET /proposals", w.proposals)
	w.pages.HandleFunc("GET /picture/{step}", w.picture)
	w.pages.HandleFunc("POST /change", w.change)
	return w
}

// ServeHTTP answers requests that know the secret and name this machine as their host; any other host means that a page elsewhere sent the browser here (DNS
// rebinding).
func (w *site) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	h := out.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // pictures of students must not stay in a browser's cache
	if !w.ownHost(r.Host) {
		http.Error(out, "this page is for the machine that it runs on", http.StatusForbidden)
		return
	}
	if p := r.URL.Path; r.URL.RawPath != "" || p != "/" && path.Clean(p) != strings.TrimSuffix(p, "/") || strings.ContainsAny(p, "\\\x00") {
		http.NotFound(out, r)
		return
	}
	if once, ok := strings.CutPrefix(r.URL.Path, "/open/"); ok && equal(once, w.once) && w.used.CompareAndSwap(false, true) {
		http.Redirect(out, r, "/"+w.token+"/", http.StatusSeeOther)
		return
	}
	token, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !equal(token, w.token) {
		http.Error(out, "open the address that classlens label printed", http.StatusForbidden)
		return
	}
	if !w.ownOrigin(r) {
		http.Error(out, "asked for by another page", http.StatusForbidden)
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path = "/" + rest
	r.Body = http.MaxBytesReader(out, r.Body, mostBody)
	inner.Body = r.Body
	w.pages.ServeHTTP(out, inner)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (w *site) ownHost(host string) bool {
	for _, h := range w.hosts {
		if strings.EqualFold(host, h) {
			return true
		}
	}
	return false
}

// ownOrigin tells whether the request comes from the page itself, as browsers say; a page of another origin is refused even if it knows the secret.
func (w *site) ownOrigin(r *http.Request) bool {
	if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host {
		return false
	}
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "" || from == "same-origin" || from == "none"
}

func reply(out http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(status)
	_, _ = out.Write(raw) // the browser may have gone away
}

// lessonSent is what the page loads once, at its start.
type lessonSent struct {
	Recording string              `json:"recording"`
	Rater     string              `json:"rater"`
	Folder    string              `json:"folder"`
	Times     []float64           `json:"times"`
	Step      float64             `json:"step_s"`
	Students  []studentSent       `json:"students"`
	Kinds     []string            `json:"kinds"`
	Values    map[string][]string `json:"values"`
	Windows   []window            `json:"windows"`
	Blind     bool                `json:"blind"`
}

type studentSent struct {
	ID      string      `json:"id"`
	Teacher bool        `json:"teacher"`
	Boxes   [][]float64 `json:"boxes"`
}

func (w *site) lesson(out http.ResponseWriter, _ *http.Request) {
	s := w.session
	about := s.said()
	l := lessonSent{Recording: about.Recording, Rater: about.Rater, Folder: s.folder, Times: s.lesson.times, Step: s.lesson.step, Kinds: s.options.Kinds, Values: Values, Windows: s.windows, Blind: s.blind}
	for _, v := range s.lesson.students {
		l.Students = append(l.Students, studentSent{v.ID, v.Teacher, v.Boxes})
	}
	reply(out, http.StatusOK, l)
}

// proposals sends the network's behaviours, after recording that the rater has seen them.
func (w *site) proposals(out http.ResponseWriter, _ *http.Request) {
	if w.session.blind {
		http.Error(out, "not in blind mode", http.StatusForbidden)
		return
	}
	if err := w.session.proposalsShown(); err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	all := map[string][]string{}
	for _, v := range w.session.lesson.students {
		all[v.ID] = v.Proposals
	}
	reply(out, http.StatusOK, all)
}

func (w *site) picture(out http.ResponseWriter, r *http.Request) {
	step, err := strconv.Atoi(r.PathValue("step"))
	if err != nil {
		http.NotFound(out, r)
		return
	}
	jpeg, err := w.session.pictures.get(step)
	switch {
	case err != nil:
		http.Error(out, err.Error(), http.StatusInternalServerError)
	case jpeg == nil:
		http.NotFound(out, r)
	default:
		out.Header().Set("Content-Type", "image/jpeg")
		_, _ = out.Write(jpeg) // the browser may have gone away
	}
}

func (w *site) change(out http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		http.Error(out, "want application/json", http.StatusUnsupportedMediaType)
		return
	}
	var c change
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&c)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one change")
		}
	}
	if err != nil {
		http.Error(out, "change: "+err.Error(), http.StatusBadRequest)
		return
	}
	now, err := w.session.labels.apply(c, w.session.allowed)
	switch {
	case err == nil:
		reply(out, http.StatusOK, now)
	case errors.Is(err, errStale):
		reply(out, http.StatusConflict, now)
	case errors.Is(err, errChange):
		http.Error(out, err.Error(), http.StatusUnprocessableEntity)
	default:
		http.Error(out, err.Error(), http.StatusInternalServerError)
	}
}

// Server shows a session's page on this machine.
type Server struct {
	site   *site
	listen net.Listener
	http   *http.Server
}

// Listen takes a port of 127.0.0.1; 0 is a free one.
func Listen(s *Session, port int) (*Server, error) {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("port %d: %w; without --port a free one is taken", port, err)
	}
	w := newSite(s, l.Addr().(*net.TCPAddr).Port)
	return &Server{site: w, listen: l, http: &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16,
		ErrorLog: log.New(io.Discard, "", 0)}}, nil
}

// URL is the page's address. It contains the secret: give it only to people who may see the recording.
func (s *Server) URL() string { return "http://" + s.site.hosts[0] + "/" + s.site.token + "/" }

// OnceURL is an address that leads to the page once.
func (s *Server) OnceURL() string { return "http://" + s.site.hosts[0] + "/open/" + s.site.once }

// Serve answers requests until Close.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listen); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends the server after a change that is being saved.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil { // such as a browser that never finishes reading a picture
		return s.http.Close()
	}
	return nil
}
