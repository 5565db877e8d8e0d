package classroom

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"classlens/model"
	"classlens/model/pretrained"
	"classlens/vision/scene"
)

// Where somebody has boxed the students by hand, as in labelled data sets, the boxes say
// where each student ends and how they sit. The box network looks at the boxed students
// through two pose nets, in the crop and in its mirror image, and at how each differs from
// the others of the picture and of the room. It is for judging and labelling stills; at
// run time there are no such boxes.

// Names of the box network's tensors beside pose, features and behaviour.
const (
	portAround  = "around"
	portHead    = "head"
	portNumbers = "numbers"
	portSecond  = "second_" // before pose and around, of the second pose net
)

// boxNets are the pose nets that the box network looks through. Of what the second sees only head and shoulders count: it hardly finds wrists.
var boxNets = [...]string{PoseNet, SecondPoseNet}

// BoxSize is how the box network is called among the sizes.
const BoxSize = "box"

// BoxPicture is the side of what the box network sees of a box, in pixels.
const BoxPicture = poseSide

const (
	directionNumbers = 9
	shapeNumbers     = 5
	outlineValues    = 1764 // vision/clip.HOGValues
	aroundNumbers    = 3*directionNumbers + shapeNumbers
	nearInPicture    = 12 // neighbours that a student is compared with, the student among them
	nearInRoom       = 60
	rowsApart        = 1.5 // how much farther apart rows are than they look
	sideInBoxes      = 1.6 // vision/clip.Labelled
	headCoverWide    = 0.62
	headCoverHigh    = 0.75
)

// Boxed is a labelled box of a picture.
type Boxed struct {
	Picture []byte // (256, 256, 3), cut as vision/clip.Labelled tells
	Box     scene.Box
	Head    bool // the box is a head, not head and upper body

	Outlines [2][]float32 // of a head: vision/clip.Outlines of the picture
}

// Glimpse is what the pose nets saw of a labelled box.
type Glimpse struct {
	Box  scene.Box
	Head bool

	by       [len(boxNets)]sighting
	features [2][]float32 // the first pose net's last, averaged over the box
	outlines [2][]float32 // of a head
}

// sighting is what one pose net saw of the crop and of its mirror image.
type sighting struct {
	pose               [2][]float32
	numbers, direction [2][]float32 // what the pose tells, and where the head points
}

// Boxes is the box network. Its methods take turns.
type Boxes struct {
	pose                 [len(boxNets)]*poseEncoder
	direction, behaviour *model.Net
}

// BoxesCanRun tells whether the pose nets that the box network looks through are here; else the error wraps pretrained.ErrMissing.
func BoxesCanRun() error {
	for _, name := range boxNets {
		if _, err := pretrained.Path(name); err != nil {
			return err
		}
	}
	return nil
}

// LoadBoxes reads the box network that ships; threads 0 takes all cores. Without the pose
// nets the error wraps pretrained.ErrMissing.
func LoadBoxes(threads int) (*Boxes, error) {
	b := &Boxes{}
	for i, name := range boxNets {
		pose, err := loadPose(name, model.Options{Threads: threads}, nil)
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		b.pose[i] = pose
	}
	if err := b.loadLayers(); err != nil {
		return nil, errors.Join(fmt.Errorf("box network: %w", err), b.Close())
	}
	return b, nil
}

// loadLayers loads what comes after the pose net.
func (b *Boxes) loadLayers() error {
	onnx, err := weights.ReadFile("weights/classroom-" + BoxSize + ".onnx")
	if err != nil {
		return err
	}
	b.direction, err = model.Load(onnx, model.Options{Threads: 1, Device: model.CPU, Inputs: []string{portPose}, Outputs: []string{portDirection, portNumbers}})
	if err == nil {
		inputs := []string{portPose, portAround, portFeatures, portSecond + portPose, portSecond + portAround, portHead}
		b.behaviour, err = model.Load(onnx, model.Options{Threads: 1, Device: model.CPU, Inputs: inputs, Outputs: []string{portBehaviour}})
	}
	return err
}

// Close frees the network.
func (b *Boxes) Close() error {
	var errs []error
	for _, p := range b.pose {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	for _, n := range []*model.Net{b.direction, b.behaviour} {
		if n != nil {
			errs = append(errs, n.Close())
		}
	}
	return errors.Join(errs...)
}

// Look runs the pose nets over the boxes of a picture: about 95 ms a box and core.
func (b *Boxes) Look(boxes []Boxed) ([]Glimpse, error) {
	out := make([]Glimpse, len(boxes))
	for from := 0; from < len(boxes); from += poseAtATime / 2 {
		some := boxes[from:min(from+poseAtATime/2, len(boxes))]
		var rgb [][]byte
		for i, x := range some {
			rgb = append(rgb, x.Picture, mirrored(x.Picture))
			out[from+i] = Glimpse{Box: x.Box, Head: x.Head, outlines: x.Outlines}
		}
		for n, net := range b.pose {
			seen, err := net.look(rgb)
			if err != nil {
				return nil, err
			}
			for i := range some {
				for v := range 2 {
					out[from+i].by[n].pose[v] = slices.Clone(seen[0].Data[(2*i+v)*poseValues:][:poseValues])
				}
			}
			if n == 0 {
				if err := b.average(out[from:from+len(some)], seen[1]); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, b.directions(out)
}

// average fills in the means over the boxes of the first pose net's last features, which hold each crop and its mirror image.
func (b *Boxes) average(some []Glimpse, features model.Tensor) error {
	const deep = deepPlanes * deepCells * deepCells
	if len(features.Data) != 2*len(some)*deep {
		return fmt.Errorf("%s: features of the shape %v", b.pose[0].name, features.Shape)
	}
	for i := range some {
		cover := coverOf(some[i].Box, some[i].Head)
		for v := range 2 {
			some[i].features[v] = make([]float32, deepPlanes)
			covered(features.Data[(2*i+v)*deep:][:deep], &cover, some[i].features[v])
		}
	}
	return nil
}

// mirrored is a square picture from right to left.
func mirrored(rgb []byte) []byte {
	out := make([]byte, len(rgb))
	for y := range poseSide {
		for x := range poseSide {
			copy(out[3*(y*poseSide+x):3*(y*poseSide+x)+3], rgb[3*(y*poseSide+poseSide-1-x):])
		}
	}
	return out
}

// coverOf is the share of the features' mean that each of their cells has: what the box
// covers of its square, in pairs of cells.
func coverOf(box scene.Box, head bool) (cover [deepCells * deepCells]float32) {
	side := sideInBoxes * math.Max(math.Max(box.W, box.H), 1)
	wide, high := box.W/side, box.H/side
	if head {
		wide, high = headCoverWide, headCoverHigh
	}
	along := func(share float64) (part [deepCells]float64) {
		const pairs = deepCells / 2
		sum := 0.0
		for p := range pairs {
			v := math.Max(math.Min(float64(p+1)/pairs, .5+share/2)-math.Max(float64(p)/pairs, .5-share/2), 0)
			part[2*p], part[2*p+1] = v, v
			sum += 2 * v
		}
		for i := range part {
			part[i] /= sum
		}
		return part
	}
	rows, columns := along(high), along(wide)
	for y, r := range rows {
		for x, c := range columns {
			cover[y*deepCells+x] = float32(r * c)
		}
	}
	return cover
}

// covered gives the weighted mean of a picture's last features.
func covered(features []float32, weight *[deepCells * deepCells]float32, to []float32) {
	for p := range deepPlanes {
		sum := float32(0)
		for i, v := range features[p*deepCells*deepCells : (p+1)*deepCells*deepCells] {
			sum += weight[i] * v
		}
		to[p] = sum
	}
}

// directions fills in where the heads point and the other numbers of the pose.
func (b *Boxes) directions(all []Glimpse) error {
	if len(all) == 0 {
		return nil
	}
	const each = 2 * len(boxNets)
	pose := model.NewTensor(each*len(all), poseValues)
	for i, g := range all {
		for n, by := range g.by {
			for v := range 2 {
				copy(pose.Data[(each*i+2*n+v)*poseValues:], by.pose[v])
			}
		}
	}
	out, err := b.direction.Run(pose)
	if err != nil {
		return err
	}
	rows, numbers := rowsOf(out[0], each*len(all)), rowsOf(out[1], each*len(all))
	for i := range all {
		for n := range all[i].by {
			at := each*i + 2*n
			all[i].by[n].direction, all[i].by[n].numbers = [2][]float32(rows[at:at+2]), [2][]float32(numbers[at:at+2])
		}
	}
	return nil
}

// Behaviours gives the probabilities of each glimpse, in the order of Behaviours. picture
// and camera number the picture and the camera that each was seen in: students are
// compared with those near them in both.
func (b *Boxes) Behaviours(all []Glimpse, picture, camera []int) ([][10]float32, error) {
	out := make([][10]float32, len(all))
	for v := range 2 {
		others, secondOthers := aroundOf(all, picture, camera, v), headsAmong(all, picture, camera, 1, v)
		const atATime = 256
		for from := 0; from < len(all); from += atATime {
			to := min(from+atATime, len(all))
			pose, around, features := model.NewTensor(to-from, poseValues), model.NewTensor(to-from, aroundNumbers), model.NewTensor(to-from, deepPlanes)
			second, secondAround := model.NewTensor(to-from, poseValues), model.NewTensor(to-from, 3*directionNumbers)
			head := model.NewTensor(to-from, outlineValues)
			for i := from; i < to; i++ {
				copy(pose.Data[(i-from)*poseValues:], all[i].by[0].pose[v])
				copy(around.Data[(i-from)*aroundNumbers:], others[i])
				copy(features.Data[(i-from)*deepPlanes:], all[i].features[v])
				copy(second.Data[(i-from)*poseValues:], all[i].by[1].pose[v])
				copy(secondAround.Data[(i-from)*3*directionNumbers:], secondOthers[i])
				copy(head.Data[(i-from)*outlineValues:], all[i].outlines[v])
			}
			said, err := b.behaviour.Run(pose, around, features, second, secondAround, head)
			if err != nil {
				return nil, err
			}
			for i := from; i < to; i++ {
				for k := range out[i] {
					out[i][k] += float32(math.Log(float64(said[0].Data[(i-from)*10+k])+viewFloor) / 2)
				}
			}
		}
	}
	for i := range out {
		sum := float32(0)
		for k, v := range out[i] {
			out[i][k] = float32(math.Exp(float64(v)))
			sum += out[i][k]
		}
		for k := range out[i] {
			out[i][k] /= sum
		}
	}
	return out, nil
}

// aroundOf tells how each box, or its mirror image (view 1), differs from the others of its
// picture and of its camera.
func aroundOf(all []Glimpse, picture, camera []int, view int) [][]float32 {
	shape, out := shapesOf(all, picture), headsAmong(all, picture, camera, 0, view)
	for i := range all {
		out[i] = slices.Insert(out[i], directionNumbers, shape[i][:]...)
	}
	return out
}

// headsAmong gives where each head points, as a pose net saw it, less the medians of its picture,
// of the nearest in it, and of the nearest that its camera ever showed.
func headsAmong(all []Glimpse, picture, camera []int, net, view int) [][]float32 {
	direction, out := make([][]float32, len(all)), make([][]float32, len(all))
	for i, g := range all {
		direction[i] = g.by[net].direction[view]
	}
	inPicture, near, inRoom := lessNear(all, direction, picture, math.MaxInt), lessNear(all, direction, picture, nearInPicture), lessNear(all, direction, camera, nearInRoom)
	for i := range all {
		out[i] = slices.Concat(inPicture[i], near[i], inRoom[i])
	}
	return out
}

// viewFloor is added to probabilities before a geometric mean.
const viewFloor = 1e-3

// shapesOf tells of each box how wide it is for its height, and how large beside the
// median of its picture. Heads have no shape.
func shapesOf(all []Glimpse, picture []int) [][shapeNumbers]float32 {
	values := make([][]float32, len(all))
	for i, g := range all {
		values[i] = []float32{float32(g.Box.W), float32(g.Box.H), float32(g.Box.W * g.Box.H)}
	}
	out := make([][shapeNumbers]float32, len(all))
	for _, members := range byNumber(picture) {
		m := medianOf(values, members)
		for _, i := range members {
			if w, h := all[i].Box.W, all[i].Box.H; !all[i].Head {
				log := func(a, b float64) float32 { return float32(math.Log(a / b)) }
				out[i] = [shapeNumbers]float32{log(w, h), float32(w / h), log(w*h, float64(m[2])), log(h, float64(m[1])), log(w, float64(m[0]))}
			}
		}
	}
	return out
}

// byNumber lists the indices that have each number.
func byNumber(numbers []int) map[int][]int {
	by := map[int][]int{}
	for i, n := range numbers {
		by[n] = append(by[n], i)
	}
	return by
}

// medianOf is the median of some rows, number by number.
func medianOf(rows [][]float32, members []int) []float32 {
	out := make([]float32, len(rows[members[0]]))
	values := make([]float32, len(members))
	for k := range out {
		for j, i := range members {
			values[j] = rows[i][k]
		}
		slices.Sort(values)
		h := len(values) / 2
		out[k] = (values[h] + values[(len(values)-1)/2]) / 2
	}
	return out
}

// lessNear gives each row less the median of the k rows of its group that are nearest in
// place, the row among them; of a group below three, nothing. All of a group, if k is
// larger than it.
func lessNear(all []Glimpse, rows [][]float32, group []int, k int) [][]float32 {
	out := make([][]float32, len(rows))
	less := func(i int, median []float32) []float32 {
		d := make([]float32, len(rows[i]))
		for j, v := range rows[i] {
			d[j] = v - median[j]
		}
		return d
	}
	for _, members := range byNumber(group) {
		if k == math.MaxInt { // one median for all
			median := medianOf(rows, members)
			for _, i := range members {
				out[i] = less(i, median)
			}
			continue
		}
		if len(members) < 3 {
			for _, i := range members {
				out[i] = make([]float32, len(rows[i]))
			}
			continue
		}
		near := make([]int, len(members))
		for _, i := range members {
			copy(near, members)
			x, y := all[i].Box.Center()
			apart := func(j int) float64 {
				u, v := all[j].Box.Center()
				return (u-x)*(u-x) + rowsApart*rowsApart*(v-y)*(v-y)
			}
			far := make(map[int]float64, len(near))
			for _, j := range near {
				far[j] = apart(j)
			}
			slices.SortFunc(near, func(a, b int) int {
				switch {
				case far[a] < far[b]:
					return -1
				case far[a] > far[b]:
					return 1
				}
				return a - b
			})
			out[i] = less(i, medianOf(rows, near[:min(k, len(near))]))
		}
	}
	return out
}
