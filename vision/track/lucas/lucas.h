/* Pyramidal Lucas-Kanade over 8-bit grey pictures; package lucas has the words. */
#ifndef CLASSLENS_LUCAS_H
#define CLASSLENS_LUCAS_H

/* One level of a pyramid: (h, w) bytes, no padding. */
typedef struct {
    const unsigned char *pix;
    int w, h;
} cl_lucas_plane;

/* Halves a picture: each pixel of the (h/2, w/2) result is the mean of four. */
void cl_lucas_halve(const unsigned char *in, int w, int h, unsigned char *out);

/* Moves n points (x, y) from picture a to b, both with that many levels, the finest first. ok[i] is 1 where the way back from moved[i]
 * ends within `back` pixels of where it began. */
void cl_lucas_follow(const cl_lucas_plane *a, const cl_lucas_plane *b, int levels, const float *points, int n, float back, float *moved, unsigned char *ok);

/* 1: the kernels that every machine has. For tests. */
extern int cl_lucas_plain;
#endif
