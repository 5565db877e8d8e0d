package label

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"

	"classlens/vision/video"
)

// pictures holds the lesson's steps as JPEG in a file that is unlinked as soon as it is created: whatever happens to the process, no picture stays behind. One
// goroutine fills it; get and progress may be called from any.
type pictures struct {
	file *os.File
	next int64 // end of the file; used by the filling goroutine only

	mu      sync.Mutex // guards what follows
	at      []span     // by step; zero where there is no picture, or not yet
	decoded float64    // seconds up to which the recording is decoded
	ended   bool
	problem string // why the rest could not be read
}

type span struct {
	at   int64
	size int
}

// pictureQuality of JPEG: a raised finger beside a head of twenty pixels must be visible.
const pictureQuality = 90

func newPictures(folder string, steps int) (*pictures, error) {
	f, err := os.CreateTemp(folder, ".pictures-*")
	if err != nil {
		return nil, fmt.Errorf("temporary file for pictures: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("temporary file for pictures: %w", err)
	}
	return &pictures{file: f, at: make([]span, steps)}, nil
}

// fill decodes the recording to its end, or until ctx ends.
func (p *pictures) fill(ctx context.Context, rec *video.Recording, l *lesson) {
	err := p.decode(rec, l)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if err != nil && ctx.Err() == nil {
		p.problem = err.Error()
	}
}

func (p *pictures) decode(rec *video.Recording, l *lesson) error {
	for {
		step, err := rec.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		i := l.from(step.Time)
		if i < len(l.times) && math.Abs(l.times[i]-step.Time) <= l.step/2 {
			jpeg, err := video.EncodeJPEG(step.Frame, pictureQuality)
			if err == nil {
				err = p.put(i, jpeg)
			}
			if err != nil {
				return err
			}
		}
		p.mu.Lock()
		p.decoded = step.Time
		p.mu.Unlock()
	}
}

// put stores a step's picture.
func (p *pictures) put(step int, jpeg []byte) error {
	if _, err := p.file.WriteAt(jpeg, p.next); err != nil {
		return fmt.Errorf("temporary file for pictures: %w (is the disk full?)", err)
	}
	s := span{p.next, len(jpeg)}
	p.next += int64(len(jpeg))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[step] = s
	return nil
}

// get gives a step's picture, nil if there is none (yet).
func (p *pictures) get(step int) ([]byte, error) {
	p.mu.Lock()
	if step < 0 || step >= len(p.at) || p.at[step].size == 0 {
		p.mu.Unlock()
		return nil, nil
	}
	s := p.at[step]
	p.mu.Unlock()
	jpeg := make([]byte, s.size)
	_, err := p.file.ReadAt(jpeg, s.at)
	return jpeg, err
}

// progress says how far the recording has been decoded.
type progress struct {
	Decoded float64 `json:"decoded_s"`
	Ended   bool    `json:"ended"`
	Problem string  `json:"problem,omitempty"`
}

func (p *pictures) progress() progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return progress{p.decoded, p.ended, p.problem}
}

func (p *pictures) close() error { return p.file.Close() }
