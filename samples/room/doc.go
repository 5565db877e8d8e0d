// Package room draws a made-up classroom lesson with exact truth: figures of
// the CC0 MakeHuman base mesh sit at desks, write, read, raise a hand, talk,
// look at a phone, sleep, walk out and return, under windows and lamps.
//
// Terms: a Figure is one shaped and dressed person; an Actor is a figure that
// plays a list of Events at a Seat; a Scene is a room with its actors, camera
// and light at one moment; Truth is what the scene knows of each actor there.
//
// Lengths are metres, y up, the class faces +z; angles are degrees unless a
// name says otherwise. Everything follows from seeds: a frame depends on the
// scene and its time only, so frames may be drawn in any order and by several
// goroutines, each with a Clone of the scene. Standard library only.
package room
