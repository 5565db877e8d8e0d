// Package tfjs turns a TensorFlow.js graph model (a JSON graph and raw weights)
// into an ONNX file.
//
// It knows the ops of the convolutional people detectors that classlens uses and
// no others; an op it does not know is an error that names it. TensorFlow lays
// pictures out as (batch, height, width, channels), ONNX as (batch, channels,
// height, width): every map is kept in the second layout throughout, and only
// constants are turned, so the result holds no transposes.
//
// The graph is cut at named nodes and only what they need is converted. Height
// and width of the result are free, as long as both are multiples of the
// product of the net's strides: SAME padding is asymmetric and depends on the
// size, and on such sizes it is the same for every one of them.
package tfjs
