// Package metrics judges predictions: classes, ordered levels, probabilities, with
// bootstrap intervals over groups (subjects or rooms: pictures of one person are
// not independent). Labels are 0..k-1; leave unlabelled samples out before calling.
package metrics
