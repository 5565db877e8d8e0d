package analysis

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"classlens/vision/scene"
)

// spool keeps the pictures and flows of all steps between the two passes, in a
// file without a name: whatever happens to the process, no picture of the room
// stays behind.
type spool struct {
	file   *os.File
	write  *bufio.Writer
	codec  frameCodec
	offset int64
	steps  []spooled
	packed []byte // buffer for a step's flow
}

// frameCodec compresses pictures (as JPEG, except in tests).
type frameCodec interface {
	Encode(scene.Frame) ([]byte, error)
	Decode([]byte) (scene.Frame, error)
}

// spooled is one step's place in the file, and what is small enough to stay in memory.
type spooled struct {
	index    int
	time     float64
	at       int64
	picture  int // bytes
	flow     *scene.Flow
	flowAt   int64
	keyFrame bool
	shot     int
}

// flowUnit is the resolution in which flow is kept: 1/16 of a source pixel, up to
// ±2047 pixels, which is finer than the accuracy of DIS and further than anything moves.
const flowUnit = 1.0 / 16

// spoolPrefix begins the file's name, where it has one for an instant.
const spoolPrefix = ".spool-"

// newSpool creates the file in folder.
func newSpool(folder string, codec frameCodec) (*spool, error) {
	f, err := nameless(folder)
	if err != nil {
		return nil, fmt.Errorf("temporary file for pictures: %w", err)
	}
	return &spool{file: f, write: bufio.NewWriterSize(f, 1<<20), codec: codec}, nil
}

// nameless opens a file without a name, so that no end of the process, however sudden, leaves pictures behind. Where the file system cannot make one
// (NFS), the file loses its name at once.
func nameless(folder string) (*os.File, error) {
	if fd, err := unix.Open(folder, unix.O_TMPFILE|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o600); err == nil {
		return os.NewFile(uintptr(fd), filepath.Join(folder, spoolPrefix)), nil
	}
	f, err := os.CreateTemp(folder, spoolPrefix+"*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Add appends a step. The step's pixels are not kept.
func (s *spool) Add(step *scene.Step) error {
	picture, err := s.codec.Encode(step.Frame)
	if err != nil {
		return fmt.Errorf("step at %.1f s: %w", step.Time, err)
	}
	e := spooled{index: step.Index, time: step.Time, at: s.offset, picture: len(picture), keyFrame: step.KeyFrame, shot: step.Shot}
	if err := s.put(picture); err != nil {
		return err
	}
	if f := step.Flow; f != nil {
		s.packed = slices.Grow(s.packed[:0], 2*len(f.UV))[:2*len(f.UV)]
		for i, v := range f.UV {
			q := math.Round(float64(v) / flowUnit)
			binary.LittleEndian.PutUint16(s.packed[2*i:], uint16(int16(min(max(q, math.MinInt16), math.MaxInt16))))
		}
		shape := *f
		shape.UV = nil
		e.flow, e.flowAt = &shape, s.offset
		if err := s.put(s.packed); err != nil {
			return err
		}
	}
	s.steps = append(s.steps, e)
	return nil
}

func (s *spool) put(b []byte) error {
	n, err := s.write.Write(b)
	s.offset += int64(n)
	if err != nil {
		return fmt.Errorf("temporary file for pictures: %w (is the disk full?)", err)
	}
	return nil
}

// Len is the number of steps kept.
func (s *spool) Len() int { return len(s.steps) }

// Step reads the i-th step back: picture, flow, index, time, shot.
func (s *spool) Step(i int) (*scene.Step, error) {
	if err := s.write.Flush(); err != nil {
		return nil, fmt.Errorf("temporary file for pictures: %w (is the disk full?)", err)
	}
	e := s.steps[i]
	picture := make([]byte, e.picture)
	if err := s.get(picture, e.at); err != nil {
		return nil, err
	}
	frame, err := s.codec.Decode(picture)
	if err != nil {
		return nil, fmt.Errorf("step at %.1f s: %w", e.time, err)
	}
	frame.Time = e.time
	step := &scene.Step{Index: e.index, Time: e.time, Frame: frame, KeyFrame: e.keyFrame, Shot: e.shot}
	if e.flow != nil {
		flow := *e.flow
		packed := make([]byte, 2*2*flow.Width*flow.Height)
		if err := s.get(packed, e.flowAt); err != nil {
			return nil, err
		}
		flow.UV = make([]float32, 2*flow.Width*flow.Height)
		for j := range flow.UV {
			flow.UV[j] = float32(int16(binary.LittleEndian.Uint16(packed[2*j:]))) * flowUnit
		}
		step.Flow = &flow
	}
	return step, nil
}

func (s *spool) get(b []byte, at int64) error {
	if _, err := s.file.ReadAt(b, at); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("temporary file for pictures: %w", err)
	}
	return nil
}

// Close frees the file.
func (s *spool) Close() error { return s.file.Close() }
