package video

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"classlens/vision/probe"
	"classlens/vision/scene"
)

// formatWhitelist keeps FFmpeg from opening playlists and other formats that
// refer to further files, whatever the content claims to be.
const formatWhitelist = "OPENCV_FFMPEG_CAPTURE_OPTIONS=format_whitelist;mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"

// Recording is a video file that a child process decodes. It is used by one goroutine; only Close may be called
// from another.
type Recording struct {
	ctx     context.Context // of Open: when it ends, the child is killed
	path    string
	o       Options
	info    Info
	gaps    []scene.Gap
	folder  string // private, holds the link with a safe name
	child   *Child
	release func() bool // the end of ctx no longer kills the child
	reader  *bufio.Reader
	silent  *silence
	hung    atomic.Bool // the child was killed because it hung
	ended   bool        // the child is done
	failed  error       // what Next returns from now on
	once    sync.Once   // of Close
	close   error       // what Close returns
}

// Open checks the file (regular, of a known container, within the limits) and
// starts the decoding child. Errors name the file and say what to do.
func Open(ctx context.Context, path string, o Options) (*Recording, error) {
	o = o.withDefaults()
	found, err := probe.File(path, o.Limits)
	if err != nil {
		return nil, err
	}
	r := &Recording{ctx: ctx, path: path, o: o}
	r.info = Info{Container: found.Container, Codec: found.Codec, Width: found.Width, Height: found.Height, Rotation: found.Rotation, FPS: found.FPS, Duration: found.Duration, Declared: found.Frames}
	if found.Damage != "" {
		r.gaps = append(r.gaps, scene.Gap{Start: found.Duration, End: found.Duration, Reason: found.Damage})
	}
	if err := r.start(ctx, found.Container, found.Damage != ""); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := r.awaitInfo(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// start runs the child on a link with a safe name.
func (r *Recording) start(ctx context.Context, container string, damaged bool) error {
	absolute, err := filepath.Abs(r.path)
	if err != nil {
		return err
	}
	if r.folder, err = os.MkdirTemp("", "classlens-"); err != nil {
		return fmt.Errorf("folder for temporary files (TMPDIR): %w", err)
	}
	link := filepath.Join(r.folder, "input."+container)
	if err := os.Symlink(absolute, link); err != nil {
		return err
	}
	if c := r.o.Child; r.o.Decoder == "" && c.take() {
		r.child = c
	} else if r.child, err = newChild(r.o.Decoder); err != nil {
		return err
	}
	r.release = context.AfterFunc(ctx, r.child.kill)
	r.reader = bufio.NewReaderSize(r.child.pipe, pipeBuffer)
	r.silent = newSilence(r.o.Hang, func() {
		r.hung.Store(true)
		r.child.kill()
	})
	return r.child.begin(job{Path: link, Options: r.o, Info: r.info, Damaged: damaged})
}

func (r *Recording) awaitInfo() error {
	for {
		m, err := r.message()
		if err != nil {
			return err
		}
		switch m.kind {
		case msgInfo:
			// The child has the file open, so the link can go already: a run that is killed later
			// leaves nothing in the temporary folder.
			r.close, r.folder = os.RemoveAll(r.folder), ""
			return readGob(m.body, &r.info)
		case msgAlive:
		default:
			return fmt.Errorf("%s: the decoder began with a message of kind %q", r.path, m.kind)
		}
	}
}

// message reads one message. It gives an error if the child has died, hangs or has given
// up.
func (r *Recording) message() (message, error) {
	if err := r.ctx.Err(); err != nil { // the child may not have died of it yet
		return message{}, r.died(err)
	}
	r.silent.heard() // silence counts only while we wait for the child
	m, err := readMessage(r.reader)
	r.silent.stop()
	if err != nil {
		return m, r.died(err)
	}
	if m.kind == msgFail {
		var f failure
		if err := readGob(m.body, &f); err != nil {
			return m, r.died(err)
		}
		switch f.Class {
		case "memory":
			return m, r.outOfMemory()
		case "novideo":
			return m, fmt.Errorf("%s: %w%s; try playing it, or convert it with ffmpeg", r.path, ErrNoVideo, strings.TrimPrefix(f.Text, ErrNoVideo.Error()))
		}
		return m, fmt.Errorf("%s: %s", r.path, f.Text)
	}
	return m, nil
}

func (r *Recording) outOfMemory() error {
	return fmt.Errorf("%s: %w (%d MiB; setting video.memory_mb)", r.path, ErrMemory, r.o.MemoryBytes>>20)
}

// died gives the reason why the child ended without saying so.
func (r *Recording) died(cause error) error {
	r.silent.stop()
	r.child.kill() // it may only have closed the pipe
	status := r.child.wait()
	r.ended = true
	last := r.child.stderr.last()
	switch {
	case r.ctx.Err() != nil: // stopped on purpose
		return fmt.Errorf("%s: %w", r.path, context.Cause(r.ctx))
	case r.hung.Load():
		return fmt.Errorf("%s: %w: nothing came for %v; the file may be damaged", r.path, ErrHung, r.o.Hang)
	case strings.Contains(last, "out of memory") || strings.Contains(last, "cannot allocate") || strings.Contains(last, "Insufficient memory"):
		return r.outOfMemory()
	case status != nil && last != "":
		return fmt.Errorf("%s: %w (%v: %s)", r.path, ErrCrashed, status, last)
	case errors.Is(cause, io.EOF) && status != nil:
		return fmt.Errorf("%s: %w (%v)", r.path, ErrCrashed, status)
	default:
		return fmt.Errorf("%s: %w (%v)", r.path, ErrCrashed, cause)
	}
}

// Next gives the next step, or io.EOF after the last. An error is final: later calls give it
// again. Steps given before remain valid.
func (r *Recording) Next() (*scene.Step, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	if r.ended {
		return nil, io.EOF
	}
	s, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return s, err
}

func (r *Recording) next() (*scene.Step, error) {
	for {
		m, err := r.message()
		if err != nil {
			return nil, err
		}
		switch m.kind {
		case msgStep:
			return m.step, nil
		case msgGap:
			var g scene.Gap
			if err := readGob(m.body, &g); err != nil {
				return nil, err
			}
			r.gaps = append(r.gaps, g)
		case msgEnd:
			if err := readGob(m.body, &r.info); err != nil {
				return nil, err
			}
			r.ended = true
			if err := r.child.wait(); err != nil { // it may have been stopped on its last steps
				return nil, r.died(err)
			}
			r.info.DecoderErrors = r.child.stderr.count()
			return nil, io.EOF
		}
	}
}

// Info is what is known so far; counts are final after the last step.
func (r *Recording) Info() Info { return r.info }

// Gaps are the spans without data so far, ordered by time. Damage in the container
// that costs no frame is a gap of no length at the end, given only if there is no other.
func (r *Recording) Gaps() []scene.Gap {
	var all []scene.Gap
	for _, g := range r.gaps {
		if g.End > g.Start || len(r.gaps) == 1 {
			all = append(all, g)
		}
	}
	slices.SortStableFunc(all, func(a, b scene.Gap) int { return cmp.Compare(a.Start, b.Start) })
	return all
}

// Close kills the child and removes its files. It may be called twice, and while
// another goroutine waits in Next, which then gets an error.
func (r *Recording) Close() error {
	r.once.Do(func() {
		if r.silent != nil {
			r.silent.stop()
		}
		if r.child != nil {
			r.release()
			r.child.Close()
		}
		if r.folder != "" {
			r.close = os.RemoveAll(r.folder)
		}
	})
	return r.close
}
