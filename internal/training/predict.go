package training

import (
	"context"
	"errors"

	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/model/classroom"
)

// Crops are a set's cached pictures, for programs that compare methods on the very
// pictures that the network sees. Samples whose pictures could not be read have none.
type Crops struct{ c *crops }

// OpenCrops opens the cache in dir, or cuts it, for a network whose pictures have the
// given side.
func OpenCrops(ctx context.Context, dir string, s *dataset.Set, size int, say func(string, ...any)) (Crops, error) {
	c, err := loadCrops(ctx, dir, s, size, say)
	return Crops{c}, err
}

// Close gives the memory map back.
func (c Crops) Close() error { return c.c.Close() }

// Predict gives what evaluate.Run would say of the samples, from the cached pictures.
func (c Crops) Predict(ctx context.Context, s *dataset.Set, o evaluate.Options, samples []int) ([]evaluate.Prediction, error) {
	net, err := classroom.Load(o.Weights, o.Threads)
	if err != nil {
		return nil, err
	}
	defer net.Close()
	r := &run{}
	r.Plan.Size, r.set, r.crops, r.takes = net.Size(), s, c.c, evaluate.Takes(s)
	if c.c.Side < net.Size() {
		return nil, errors.New("the cached pictures are smaller than the network's")
	}
	classes, err := evaluate.ClassesOf(s, o)
	if err != nil {
		return nil, err
	}
	var out []evaluate.Prediction
	for _, i := range samples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, err := r.decide(net, i)
		if err != nil {
			return nil, err
		}
		out = append(out, evaluate.PredictionOf(i, d, classes))
	}
	return out, nil
}
