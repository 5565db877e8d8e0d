package video

import (
	"bufio"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"classlens/vision/scene"
)

// The child writes messages to a pipe: one byte for the kind, four for the length, then
// the body: gob, except for the pixels of steps, which are raw because they are large.
const (
	msgInfo  = 'I' // Info: the recording is open
	msgStep  = 'S'
	msgAlive = 'A' // no result, but the child is working
	msgGap   = 'G' // scene.Gap
	msgEnd   = 'E' // Info: final counts
	msgFail  = 'X' // failure
)

// failure is the child's reason for giving up.
type failure struct{ Class, Text string }

// maxMessage bounds a message: a 16384 x 16384 picture would be 805 MB, and nothing within the
// usual limits comes near that.
const maxMessage = 1 << 30

// maxSmall bounds a message without pictures.
const maxSmall = 1 << 20

// maxSide of a picture in a message, in pixels.
const maxSide = 1 << 15

func writeMessage(w *bufio.Writer, kind byte, parts ...[]byte) error {
	var head [5]byte
	head[0] = kind
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	binary.LittleEndian.PutUint32(head[1:], uint32(size))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
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

// The pipe between the two processes holds about one picture. bufio passes what is larger than its buffer, the pictures, through without another copy.
const (
	pipeSize   = 1 << 20
	pipeBuffer = 1 << 14
)

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

// message is one message from the child: a step, or something small.
type message struct {
	kind byte
	body []byte
	step *scene.Step // of msgStep
}

func readMessage(r io.Reader) (m message, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return m, err
	}
	m.kind = head[0]
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxMessage {
		return m, fmt.Errorf("a message of %d bytes from the decoder", n)
	}
	switch {
	case m.kind == msgStep:
		m.step, err = readStep(r, int(n))
	case n > maxSmall:
		err = fmt.Errorf("a message of kind %q of %d bytes from the decoder", m.kind, n)
	default:
		m.body, err = readPart(r, int(n))
	}
	return m, err
}

// readPart reads n bytes. The memory for many is taken when the first of them have come, not because the child says that they will.
func readPart(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, min(n, maxSmall))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if n == len(b) {
		return b, nil
	}
	whole := make([]byte, n)
	if _, err := io.ReadFull(r, whole[copy(whole, b):]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return whole, nil
}

// stepHead is a step without its pixels.
type stepHead struct {
	Index, Shot   int
	Time          float64
	KeyFrame      bool
	Half          bool
	Camera        scene.Camera
	Width, Height int
	Flow          *scene.Flow  // without UV, and its pair without pictures
	Between       []scene.Gray // without Pix
}

// writeStep sends the length and the gob of a step's head, then the picture, the flow and the grey frames
// as they are in memory (both ends run on one machine and share its byte order).
func writeStep(w *bufio.Writer, s *scene.Step) error {
	head := stepHead{Index: s.Index, Shot: s.Shot, Time: s.Time, KeyFrame: s.KeyFrame, Half: s.Half, Camera: s.Camera, Width: s.Frame.Width, Height: s.Frame.Height}
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
		return err
	}
	parts := [][]byte{binary.LittleEndian.AppendUint32(nil, uint32(len(h))), h, s.Frame.Pix}
	if s.Flow != nil {
		parts = append(parts, bytesOf(s.Flow.UV))
		if p := s.Flow.Pair; p != nil {
			parts = append(parts, p.From, p.To)
		}
	}
	for _, g := range s.Between {
		parts = append(parts, g.Pix)
	}
	return writeMessage(w, msgStep, parts...)
}

// bytesOf gives v's memory as bytes, without a copy.
func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

var errShort = errors.New("a step from the decoder is cut short")

// stepReader reads the parts of a step, each picture into memory of its own: grey frames are kept for many steps, and
// must not keep alive the picture that came with them, which is ten times as large. The child has read an untrusted file, so
// the sizes it states are checked against the message's length.
type stepReader struct {
	from io.Reader
	left int // bytes of the message
}

func (r *stepReader) bytes(n int) ([]byte, error) {
	if n < 0 || n > r.left {
		return nil, errShort
	}
	r.left -= n
	return readPart(r.from, n)
}

// picture reads w x h pixels of size bytes each.
func (r *stepReader) picture(w, h, size int) ([]byte, error) {
	if w < 0 || h < 0 || w > maxSide || h > maxSide {
		return nil, errShort
	}
	return r.bytes(size * w * h)
}

// flow reads the vectors of dense flow, or the two pictures from which a GPU is to compute it.
func (r *stepReader) flow(f *scene.Flow) (err error) {
	if f.Pair != nil {
		if f.Pair.From, err = r.picture(f.Width, f.Height, 1); err == nil {
			f.Pair.To, err = r.picture(f.Width, f.Height, 1)
		}
		return err
	}
	if f.Width < 0 || f.Height < 0 || f.Width > maxSide || f.Height > maxSide || 8*f.Width*f.Height > r.left {
		return errShort
	}
	r.left -= 8 * f.Width * f.Height
	f.UV = make([]float32, 2*f.Width*f.Height)
	if _, err := io.ReadFull(r.from, bytesOf(f.UV)); err != nil {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// readStep reads a step of n bytes.
func readStep(from io.Reader, n int) (*scene.Step, error) {
	r := &stepReader{from, n}
	size, err := r.bytes(4)
	if err != nil {
		return nil, err
	}
	raw, err := r.bytes(int(binary.LittleEndian.Uint32(size)))
	if err != nil {
		return nil, err
	}
	var h stepHead
	if err := readGob(raw, &h); err != nil {
		return nil, err
	}
	s := &scene.Step{Index: h.Index, Shot: h.Shot, Time: h.Time, KeyFrame: h.KeyFrame, Half: h.Half, Camera: h.Camera,
		Frame: scene.Frame{Time: h.Time, Width: h.Width, Height: h.Height}, Flow: h.Flow, Between: h.Between}
	if s.Frame.Pix, err = r.picture(h.Width, h.Height, 3); err != nil {
		return nil, err
	}
	if s.Flow != nil {
		if err := r.flow(s.Flow); err != nil {
			return nil, err
		}
	}
	for i := range s.Between {
		g := &s.Between[i]
		if g.Pix, err = r.picture(g.Width, g.Height, 1); err != nil {
			return nil, err
		}
	}
	if r.left != 0 {
		return nil, fmt.Errorf("a step from the decoder has %d bytes too many", r.left)
	}
	return s, nil
}
