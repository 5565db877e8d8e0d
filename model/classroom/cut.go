package classroom

import (
	"errors"

	"classlens/model"
)

// framesBytes is the device's memory for frames: some forty of 1280 x 720 with their flow, more than
// two batches of pictures come from.
const framesBytes = 128 << 20

// NewFrames allocates memory on the network's device, on which it then crops its pictures from whole
// frames. The error wraps model.ErrNotOnDevice if the network runs on the CPU.
func (n *Network) NewFrames() (*model.Frames, error) {
	if n.encoder == nil {
		return nil, model.ErrNotOnDevice
	}
	return n.encoder.cutter().NewFrames(framesBytes)
}

func (e *pictureEncoder) cutter() *model.Net { return e.nets[0] }
func (e *poseEncoder) cutter() *model.Net    { return e.pose }

func (e *pictureEncoder) embeddings(out []model.Tensor) (model.Tensor, error) { return out[0], nil }
func (e *poseEncoder) embeddings(out []model.Tensor) (model.Tensor, error) {
	rows := out[0].Shape[0]
	features := model.Tensor{Shape: []int{rows, len(regions) * deepPlanes}, Data: out[1].Data}
	out, err := e.head.Run(out[0], features)
	if err != nil {
		return model.Tensor{}, err
	}
	return out[0], nil
}

// Embedding is a run of the encoder that was started by StartCut.
type Embedding struct {
	encoder encoder
	run     *model.ClipRun
	n       int
	beside  *Embedding // of the network beside; nil: there is none
}

// StartCut begins to embed squares of frames in f, one embedding per square.
// Finish must be called before the next StartCut. model.ErrNotOnDevice, here or from Finish, means that the network has moved
// to the CPU: the caller must crop the pictures and use Embed.
func (n *Network) StartCut(f *model.Frames, squares []model.Crop) (*Embedding, error) {
	if len(squares) == 0 {
		return &Embedding{}, nil
	}
	run, err := n.encoder.cutter().StartClips(f, squares, n.batch(len(squares)))
	if err != nil {
		return nil, err
	}
	e := &Embedding{encoder: n.encoder, run: run, n: len(squares)}
	if n.beside != nil { // it cuts its own, smaller pictures out of the same frames
		if e.beside, err = n.beside.StartCut(f, squares); err != nil {
			_, other := run.Finish()
			return nil, errors.Join(err, other)
		}
	}
	return e, nil
}

// Finish waits and gives the embeddings.
func (e *Embedding) Finish() ([][]float32, error) {
	if e.run == nil {
		return nil, nil
	}
	out, err := e.run.Finish()
	var other [][]float32
	if e.beside != nil { // also after an error, so that no run is left under way
		var failed error
		other, failed = e.beside.Finish()
		err = errors.Join(err, failed)
	}
	if err != nil {
		return nil, err
	}
	all, err := e.encoder.embeddings(out)
	if err != nil {
		return nil, err
	}
	if e.beside != nil {
		return joined(rowsOf(all, e.n), other), nil
	}
	return rowsOf(all, e.n), nil
}

// rowsOf are a tensor's first n rows, without the padding of the batch.
func rowsOf(t model.Tensor, n int) [][]float32 {
	dim, rows := t.Shape[1], make([][]float32, n)
	for i := range rows {
		rows[i] = t.Data[i*dim : (i+1)*dim : (i+1)*dim]
	}
	return rows
}
