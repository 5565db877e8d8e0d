// Package probe decides whether a file may be decoded, before any byte of it
// reaches a decoder: it must be a regular file in a known container format, and what the
// container says about its content (parsed here, in pure Go) must be within limits.
package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Limits on what is decoded; zero fields take the defaults.
type Limits struct {
	MaxWidth, MaxHeight int
	MaxFPS              float64
	MaxSeconds          float64
	MaxTracks           int
}

// WithDefaults fills the zero fields: 4096x2304, 240 fps, 12 hours, 32 tracks.
func (l Limits) WithDefaults() Limits {
	if l.MaxWidth == 0 {
		l.MaxWidth = 4096
	}
	if l.MaxHeight == 0 {
		l.MaxHeight = 2304
	}
	if l.MaxFPS == 0 {
		l.MaxFPS = 240
	}
	if l.MaxSeconds == 0 {
		l.MaxSeconds = 12 * 3600
	}
	if l.MaxTracks == 0 {
		l.MaxTracks = 32
	}
	return l
}

// Why a file is refused; errors of this package wrap one of these.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrFormat     = errors.New("not a video file of a known kind (MP4, MOV, MKV, WebM, AVI, MPEG-TS)")
	ErrLimits     = errors.New("beyond the limits")
	ErrNoVideo    = errors.New("it has no picture track")
	ErrTruncated  = errors.New("the file is incomplete")
	ErrEmpty      = errors.New("the file is empty")
)

// Result is what a container says about its content; zero values mean that it does not say.
type Result struct {
	Container     string // mp4, mkv, avi, ts: also the safe extension
	Codec         string
	Width, Height int
	FPS           float64
	Duration      float64 // seconds
	Frames        int     // declared
	Tracks        int
	VideoTracks   int
	Rotation      int    // degrees clockwise by which a picture must be turned to stand upright
	Damage        string // which part of the file is missing or unreadable; "" for none
}

// File checks the file's type, probes it, and checks the limits.
func File(path string, l Limits) (Result, error) {
	l = l.WithDefaults()
	if err := Regular(path); err != nil {
		return Result{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	if !info.Mode().IsRegular() { // it was replaced in between
		return Result{}, fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	r, err := Reader(f, info.Size())
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	if err := l.check(r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Regular accepts a plain file, or a symbolic link to one below the link's own folder, and reads nothing of it.
func Regular(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file", path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return linkInside(path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w (%s); give the video file itself", path, ErrNotRegular, kindOf(info.Mode()))
	}
	return nil
}

func linkInside(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file (a link to nothing)", path)
	}
	if err != nil {
		return fmt.Errorf("%s: a broken link: %w", path, withoutPath(err))
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	relative, err := filepath.Rel(folder, target)
	if err != nil || !filepath.IsLocal(relative) {
		return fmt.Errorf("%s: %w (a link out of its folder); give the video file itself", path, ErrNotRegular)
	}
	info, err := os.Stat(target)
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w (a link to %s); give the video file itself", path, ErrNotRegular, kindOf(info.Mode()))
	}
	return nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "special"
}

// withoutPath removes the path from an error, whose caller adds it.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Reader probes size bytes. It reads only structure, not media; it never panics, and never allocates
// more than maxPiece because of what the file claims.
func Reader(r io.ReaderAt, size int64) (Result, error) {
	if size == 0 {
		return Result{}, ErrEmpty
	}
	head := make([]byte, min(size, 4096))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return Result{}, withoutPath(err)
	}
	f := &file{r: r, size: size}
	switch {
	case len(head) >= 8 && bytes.Contains([]byte("ftyp moov mdat wide free skip pnot"), head[4:8]) && head[4] != ' ':
		return probeMP4(f)
	case bytes.HasPrefix(head, []byte{0x1A, 0x45, 0xDF, 0xA3}):
		return probeMatroska(f)
	case len(head) >= 12 && bytes.HasPrefix(head, []byte("RIFF")) && bytes.Equal(head[8:12], []byte("AVI ")):
		return probeAVI(f)
	case isTS(head):
		return probeTS(f)
	}
	return Result{}, ErrFormat
}

// Fits tells whether pictures of a size are accepted: landscape, like the limits, or portrait, as from a phone held upright.
func (l Limits) Fits(width, height int) bool {
	return width <= l.MaxWidth && height <= l.MaxHeight || width <= l.MaxHeight && height <= l.MaxWidth
}

// check compares what the container says with the limits.
func (l Limits) check(r Result) error {
	switch {
	case r.VideoTracks == 0 && r.Tracks > 0:
		return ErrNoVideo
	case !l.Fits(r.Width, r.Height):
		return fmt.Errorf("%w: its pictures are %dx%d, at most %dx%d are accepted (settings video.max_width, video.max_height)", ErrLimits, r.Width, r.Height, l.MaxWidth, l.MaxHeight)
	case r.FPS > l.MaxFPS:
		return fmt.Errorf("%w: it has %.0f frames per second, at most %.0f are accepted (setting video.max_fps)", ErrLimits, r.FPS, l.MaxFPS)
	case r.Duration > l.MaxSeconds:
		return fmt.Errorf("%w: it lasts %.1f hours, at most %.1f are accepted (setting video.max_hours)", ErrLimits, r.Duration/3600, l.MaxSeconds/3600)
	case r.Tracks > l.MaxTracks:
		return fmt.Errorf("%w: it has %d tracks, at most %d are accepted", ErrLimits, r.Tracks, l.MaxTracks)
	case float64(r.Frames) > l.MaxSeconds*l.MaxFPS:
		return fmt.Errorf("%w: it declares %d frames", ErrLimits, r.Frames)
	}
	return nil
}

// file reads pieces of a container, within bounds.
type file struct {
	r       io.ReaderAt
	size    int64
	pieces  int   // boxes, elements or chunks so far
	depth   int   // of the current box
	scanned int64 // bytes read in search of the next piece after damage
}

// maxPiece is the most that one read may ask for: the index tables of a 12-hour recording
// are smaller.
const maxPiece = 64 << 20

func (f *file) read(at, n int64) ([]byte, error) {
	if n < 0 || n > maxPiece || at < 0 || at > f.size || at+n > f.size {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err := f.r.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}
