/* What gocv v0.31 lacks, or lets throw: everything here catches C++ exceptions and gives -1, with the reason from cl_cv_error. */
#ifndef CLASSLENS_VIDEO_SHIM_H
#define CLASSLENS_VIDEO_SHIM_H
#ifdef __cplusplus
extern "C" {
#endif
typedef struct cl_capture cl_capture;
const char *cl_cv_error(void); /* of this thread's last failure */
cl_capture *cl_capture_open(const char *path, int turn); /* degrees clockwise that pictures are turned by: 0, 90, 180, 270; -1 leaves it to OpenCV */
void cl_capture_close(cl_capture *);
double cl_capture_get(cl_capture *, int property);
int cl_capture_grab(cl_capture *);                             /* 1 a frame, 0 none */
int cl_capture_retrieve(cl_capture *);                         /* 1 a picture, 0 none; the grabbed frame is then current */
int cl_capture_size(cl_capture *, int *width, int *height);    /* of the current picture */
int cl_capture_rgb(cl_capture *, unsigned char *rgb, int w, int h);   /* the current picture, resized where its size differs */
int cl_capture_gray(cl_capture *, unsigned char *gray, int w, int h);
/* Dense flow from a to b by DIS, both (h, w); uv is (h, w, 2). preset 0 ultrafast, 1 fast, 2 medium. */
int cl_dis_flow(const unsigned char *a, const unsigned char *b, int w, int h, int preset, float *uv);
/* The similarity that maps most of a onto b: m = [a b; c d; tx ty] as a, b, c, d, tx, ty. share: of points that agree. */
int cl_camera(const unsigned char *a, const unsigned char *b, int w, int h, double *m, double *share);
int cl_resize_gray(const unsigned char *in, int w, int h, unsigned char *out, int ow, int oh);
int cl_jpeg_encode(const unsigned char *rgb, int w, int h, int quality, unsigned char **out, int *size); /* free with cl_free_bytes */
int cl_jpeg_decode(const unsigned char *jpeg, int size, void **picture, int *w, int *h);
int cl_jpeg_take(void *picture, unsigned char *rgb); /* what was decoded, which is gone then */
void cl_free_bytes(unsigned char *);
void cl_cv_threads(int n);
void cl_decoder_threads(int most); /* of captures opened from now on; OpenCV takes one a processor */
typedef struct cl_writer cl_writer;
cl_writer *cl_writer_open(const char *path, double fps, int w, int h);
int cl_writer_write(cl_writer *, const unsigned char *rgb);
void cl_writer_close(cl_writer *);
const char *cl_cv_build(void);
#ifdef __cplusplus
}
#endif
#endif
