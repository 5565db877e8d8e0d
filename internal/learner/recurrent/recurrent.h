/* Recurrent layers and small dense layers over float32. A matrix of K inputs and N outputs lies in panels of up to four blocks of 16 outputs:
 * [panel][K][blocks of the panel][16]. The gates of a recurrent layer make one panel for each 16 units: (i,f,g,o) of an LSTM, (r,z,nx,nh)
 * of a GRU. All sequences are time-major: [step][row][...]. A row of states h is `units` wide and one block longer: the first float after the
 * units is 1, so that a bias is one more row of the weights. */
#ifndef CLASSLENS_RECURRENT_H
#define CLASSLENS_RECURRENT_H

enum { RNN_LSTM = 0, RNN_GRU = 1 };

struct rnn_kernels {
    const char *name;
    /* x [steps][rows] of ldx floats, `in` of them used; h [steps+1][rows][units+16] with h[0] filled by the caller; c [steps+1][rows][units]
     * likewise (LSTM only); gates [steps][rows][4*units] and tanhc [steps][rows][units] are kept for backward; mask [steps][rows] or NULL. */
    void (*forward)(int cell, int steps, int rows, int in, int units, const float *x, long ldx, const float *mask, const float *w, float *h,
                    float *c, float *gates, float *tanhc);
    /* Overwrites gates by their gradients. dout [steps][rows][units] is valid from step `from` on; wt is the transpose of the states' part of w, then that of
     * x's; dx [steps][rows][lddx] or NULL; dw is added to; dh and dc are [rows][units] of scratch. */
    void (*backward)(int cell, int steps, int rows, int in, int units, const float *x, long ldx, const float *mask, const float *wt, const float *h,
                     const float *c, float *gates, const float *tanhc, const float *dout, int from, float *dx, long lddx, float *dw, float *dh,
                     float *dc);
    /* out [rows][ldo] (+)= a [rows][lda] times w of k inputs and n outputs (n a multiple of 16). */
    void (*multiply)(int rows, int k, int n, const float *a, long lda, const float *w, float *out, long ldo, int add);
    /* dw += a' g: the gradient of the weights of multiply. */
    void (*outer)(int rows, int k, int n, const float *a, long lda, const float *g, long ldg, float *dw);
    void (*tanh)(long n, float *x); /* in place; n a multiple of 16 */
    /* One step of AdamW; g is scaled first and zeroed after. n a multiple of 16. */
    void (*adam)(long n, float *p, float *g, float *m, float *v, float scale, float rate, float b1, float b2, float eps, float decay);
};
const struct rnn_kernels *rnn_kernels_for(const char *isa); /* "" the best of this machine; NULL: it lacks that set */
/* The transpose of the inputs i0 up to i1 of w (k inputs, n outputs): n inputs, i1-i0 outputs rounded up to whole blocks. */
void rnn_transpose(int k, int n, int i0, int i1, const float *w, float *wt);
#endif
