package video

import (
	"bufio"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"classlens/vision/scene"
)

// The child writes messages to a pipe: one byte of kind, four of length, then
// the body. Bodies of steps are gob-free binary, since they are large.
const (
	msgInfo  = 'I' // Info: the recording is open
	msgStep  = 'S'
	msgAlive = 'A' // nothing new, but working
	msgGap   = 'G' // scene.Gap
	msgEnd   = 'E' // Info: final counts
	msgFail  = 'X' // failure
)

// failure is the child's own account of why it stops.
type failure struct{ Class, Text string }

// maxMessage bounds a message: a 16384 x 16384 picture is 805 MB; nothing that
// passes the limits comes near.
const maxMessage = 1 << 30

// maxSide of a picture in a message, in pixels.
const maxSide = 1 << 15

func writeMessage(w *bufio.Writer, kind byte, body []byte) error {
	var head [5]byte
	head[0] = kind
	binary.LittleEndian.PutUint32(head[1:], uint32(len(body)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Flush()
}

func writeGob(w *bufio.Writer, kind byte, v any) error {
	var b byteBuffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return err
	}
	return writeMessage(w, kind, b)
}

// byteBuffer is an io.Writer and io.Reader over a slice.
type byteBuffer []byte

func (b *byteBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

func (b *byteBuffer) Read(p []byte) (int, error) {
	if len(*b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, *b)
	*b = (*b)[n:]
	return n, nil
}

func readGob(body []byte, v any) error {
	b := byteBuffer(body)
	return gob.NewDecoder(&b).Decode(v)
}

func readMessage(r io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxMessage {
		return 0, nil, fmt.Errorf("a message of %d bytes from the decoder", n)
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return head[0], body, nil
}

// stepHead is all of a step but its pixels.
type stepHead struct {
	Index, Shot   int
	Time          float64
	KeyFrame      bool
	Camera        scene.Camera
	Width, Height int
	Flow          *scene.Flow  // without UV, and its pair without pictures
	Between       []scene.Gray // without Pix
}

// packStep writes a step as the gob of its head, length first, and then the
// picture, the flow and the grey frames as they are.
func packStep(s *scene.Step) ([]byte, error) {
	head := stepHead{Index: s.Index, Shot: s.Shot, Time: s.Time, KeyFrame: s.KeyFrame, Camera: s.Camera, Width: s.Frame.Width, Height: s.Frame.Height}
	if s.Flow != nil {
		f := *s.Flow
		f.UV = nil
		if f.Pair != nil {
			f.Pair = &scene.FlowPair{Camera: f.Pair.Camera}
		}
		head.Flow = &f
	}
	for _, g := range s.Between {
		g.Pix = nil
		head.Between = append(head.Between, g)
	}
	var h byteBuffer
	if err := gob.NewEncoder(&h).Encode(head); err != nil {
		return nil, err
	}
	size := 4 + len(h) + len(s.Frame.Pix)
	if s.Flow != nil {
		size += 4 * len(s.Flow.UV)
		if p := s.Flow.Pair; p != nil {
			size += len(p.From) + len(p.To)
		}
	}
	for _, g := range s.Between {
		size += len(g.Pix)
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(h)))
	b = append(append(b, h...), s.Frame.Pix...)
	if s.Flow != nil {
		for _, v := range s.Flow.UV {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		if p := s.Flow.Pair; p != nil {
			b = append(append(b, p.From...), p.To...)
		}
	}
	for _, g := range s.Between {
		b = append(b, g.Pix...)
	}
	return b, nil
}

var errShort = errors.New("a step from the decoder is cut short")

func unpackStep(b []byte) (*scene.Step, error) {
	take := func(n int) ([]byte, error) {
		if n < 0 || n > len(b) {
			return nil, errShort
		}
		part := b[:n:n]
		b = b[n:]
		return part, nil
	}
	size, err := take(4)
	if err != nil {
		return nil, err
	}
	raw, err := take(int(binary.LittleEndian.Uint32(size)))
	if err != nil {
		return nil, err
	}
	var h stepHead
	if err := readGob(raw, &h); err != nil {
		return nil, err
	}
	s := &scene.Step{Index: h.Index, Shot: h.Shot, Time: h.Time, KeyFrame: h.KeyFrame, Camera: h.Camera,
		Frame: scene.Frame{Time: h.Time, Width: h.Width, Height: h.Height}, Flow: h.Flow, Between: h.Between}
	picture := func(w, h, size int) ([]byte, error) { // the child has read a stranger's file: its sizes are checked
		if w < 0 || h < 0 || w > maxSide || h > maxSide {
			return nil, errShort
		}
		return take(size * w * h)
	}
	if s.Frame.Pix, err = picture(h.Width, h.Height, 3); err != nil {
		return nil, err
	}
	if f := s.Flow; f != nil && f.Pair != nil {
		for _, p := range []*[]byte{&f.Pair.From, &f.Pair.To} {
			if *p, err = picture(f.Width, f.Height, 1); err != nil {
				return nil, err
			}
		}
	} else if f != nil {
		if raw, err = picture(f.Width, f.Height, 8); err != nil {
			return nil, err
		}
		f.UV = make([]float32, 2*f.Width*f.Height)
		for i := range f.UV {
			f.UV[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	}
	for i := range s.Between {
		g := &s.Between[i]
		pix, err := picture(g.Width, g.Height, 1)
		if err != nil {
			return nil, err
		}
		g.Pix = slices.Clone(pix) // kept for many steps, and must not keep the picture beside it, ten times as large
	}
	return s, nil
}
