/* Ersatz from C: opens model files and predicts. C99; link with libersatz_c (docs/c.md).
 *
 * Every function that can fail returns a status, ERSATZ_OK or one of those listed below, and leaves a
 * sentence about what went wrong to ersatz_message(). Nothing exits, nothing prints. After a failure the
 * results hold nothing of use.
 *
 * Arrays are row major doubles, a row per point. A row of X holds the d parameters in their own units; a row
 * of results holds all outputs side by side, ersatz_row_size() doubles: output o begins at its `offset` and
 * has one double per bin, or two (real and imaginary part) where it is complex. Sizes are counts of elements:
 * that of X must be what the points need, buffers for results may be larger than needed. A result has the
 * same bits alone and in a batch of any size.
 *
 * Everything may be called from many threads, each with a workspace of its own or without one. A handle is a
 * number in the guise of a pointer: one that was closed, or never came from here, is recognised
 * (ERSATZ_BAD_HANDLE). */
#ifndef ERSATZ_H
#define ERSATZ_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of statuses: name, number, text. Numbers never change. */
#define ERSATZ_STATUSES(X)                                                            \
  X(ERSATZ_OK, 0, "done")                                                             \
  X(ERSATZ_BAD_POINTER, 1, "a pointer is null or misaligned, or two buffers overlap") \
  X(ERSATZ_BAD_HANDLE, 2, "not a handle that is open")                                \
  X(ERSATZ_BAD_SIZE, 3, "a count does not fit")                                       \
  X(ERSATZ_BAD_NAME, 4, "the model has nothing of that name or number")               \
  X(ERSATZ_BAD_INPUT, 5, "a parameter's value is not finite, or not allowed")         \
  X(ERSATZ_BAD_FILE, 6, "not a model file that can be read")                          \
  X(ERSATZ_NOT_AVAILABLE, 7, "this model cannot give that")                           \
  X(ERSATZ_NOT_COMPATIBLE, 8, "the model cannot take the place of the other")         \
  X(ERSATZ_NOT_FINITE, 9, "a result is not finite")                                   \
  X(ERSATZ_BUSY, 10, "the workspace is in use by another call")                       \
  X(ERSATZ_NO_MEMORY, 11, "there is not enough memory")                               \
  X(ERSATZ_FAILURE, 12, "an unexpected failure, please report it")

#define ERSATZ_ENUMERATOR(name, number, text) name = number,
enum { ERSATZ_STATUSES(ERSATZ_ENUMERATOR) };
#undef ERSATZ_ENUMERATOR
typedef int ersatz_status;

typedef struct ersatz_emulator ersatz_emulator;
typedef struct ersatz_workspace ersatz_workspace;

/* ---- the library and its errors ---- */

/* "major.minor.patch". */
const char* ersatz_version(void);
/* Counts up when this interface changes such that compiled programs break; so does the library's soname. */
int ersatz_abi_version(void);
/* What a status means in general; never null. */
const char* ersatz_status_text(ersatz_status status);
/* What went wrong in this thread's last call that failed; empty before the first. Valid until the next call
 * fails. */
const char* ersatz_message(void);

/* ---- opening and closing ---- */

/* Opens a model file, or the bytes of one (they are copied); checks format, version and checksum. *emulator
 * is null after a failure. Costs the reading of the file. Opening takes turns: HDF5 is not thread safe. */
ersatz_status ersatz_open(const char* path, ersatz_emulator** emulator);
ersatz_status ersatz_open_memory(const void* bytes, int64_t size, ersatz_emulator** emulator);
/* Another handle of the same model, which needs no more memory and is closed by itself. */
ersatz_status ersatz_copy(const ersatz_emulator* emulator, ersatz_emulator** copy);
/* The model for these bins of an axis alone, in this order: the other bins are never computed.
 * ERSATZ_NOT_AVAILABLE where a transform mixes bins. */
ersatz_status ersatz_restrict(const ersatz_emulator* emulator, const char* axis, const int64_t* bins,
                              int64_t count, ersatz_emulator** restricted);
/* Calls that run in other threads are not disturbed. Closing NULL does nothing; closing twice is
 * ERSATZ_BAD_HANDLE. */
ersatz_status ersatz_close(ersatz_emulator* emulator);

/* May `replacement` take the place of `current`? Parameters (names, order, units, scales) and outputs (names,
 * units, bins) must agree, the domain may only grow. ERSATZ_NOT_COMPATIBLE with all that differs in the
 * message. */
ersatz_status ersatz_check_replacement(const ersatz_emulator* current, const ersatz_emulator* replacement);

/* Scratch memory for one thread. Calls that are given one allocate nothing, once one like them was made with
 * it (a covariance does). It keeps the model alive that it was last used with, and fits any. */
ersatz_status ersatz_workspace_open(ersatz_workspace** workspace);
/* ERSATZ_BUSY while another thread uses it. Closing NULL does nothing. */
ersatz_status ersatz_workspace_close(ersatz_workspace* workspace);

/* ---- what is in a model ---- */

/* Numbers of parameters, outputs and axes count from 0. Texts are UTF-8 and live as long as the handle;
 * of several results a call gives those whose pointers are not null. */

enum { ERSATZ_LINEAR = 0, ERSATZ_LOG = 1, ERSATZ_PERIODIC = 2 };

ersatz_status ersatz_parameter_count(const ersatz_emulator* emulator, int64_t* count);
ersatz_status ersatz_parameter(const ersatz_emulator* emulator, int64_t parameter, const char** name,
                               const char** unit, double* lower, double* upper, int* scale);
ersatz_status ersatz_parameter_number(const ersatz_emulator* emulator, const char* name, int64_t* parameter);

ersatz_status ersatz_output_count(const ersatz_emulator* emulator, int64_t* count);
/* axis: its number; bins: values along it; is_complex: 0 or 1; offset: its first double in a row of results.
 */
ersatz_status ersatz_output(const ersatz_emulator* emulator, int64_t output, const char** name,
                            const char** unit, int64_t* axis, int64_t* bins, int* is_complex,
                            int64_t* offset);
ersatz_status ersatz_output_number(const ersatz_emulator* emulator, const char* name, int64_t* output);
/* Doubles in a row of results: of all outputs together. */
ersatz_status ersatz_row_size(const ersatz_emulator* emulator, int64_t* size);

ersatz_status ersatz_axis_count(const ersatz_emulator* emulator, int64_t* count);
ersatz_status ersatz_axis(const ersatz_emulator* emulator, int64_t axis, const char** name, const char** unit,
                          int64_t* bins);
/* values: the coordinates of the axis' bins, as many as it has. */
ersatz_status ersatz_axis_values(const ersatz_emulator* emulator, int64_t axis, double* values, int64_t size);

/* 0 or 1: whether standard deviations (and covariances), or derivatives, can be had. */
ersatz_status ersatz_has_std(const ersatz_emulator* emulator, int* has_std);
ersatz_status ersatz_has_jacobian(const ersatz_emulator* emulator, int* has_jacobian);

/* ---- evaluation ---- */

/* x: points × parameters. `workspace` may be NULL: then memory is allocated for the one call. No
 * points are none too few. A point outside of the domain is no error: ask ersatz_domain_score. */

/* mean: points × row. */
ersatz_status ersatz_mean(const ersatz_emulator* emulator, ersatz_workspace* workspace, int64_t points,
                          const double* x, int64_t x_size, double* mean, int64_t mean_size);
/* Also the standard deviation of the emulator's own error, points × row; of real and imaginary parts each. */
ersatz_status ersatz_mean_and_std(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                  int64_t points, const double* x, int64_t x_size, double* mean,
                                  int64_t mean_size, double* std, int64_t std_size);
/* Also the derivatives of the means by the parameters in their own units, points × row × parameters. */
ersatz_status ersatz_mean_and_jacobian(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                       int64_t points, const double* x, int64_t x_size, double* mean,
                                       int64_t mean_size, double* jacobian, int64_t jacobian_size);
/* score: one per point. Up to 1: inside of the domain; above: farther from the training set than its points
 * are from each other; infinite: outside of the bounds. */
ersatz_status ersatz_domain_score(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                  int64_t points, const double* x, int64_t x_size, double* score,
                                  int64_t score_size);

/* The covariance of the emulator's own error at one point, of a whole row: factorsᵀ factors + diag(diagonal),
 * with factors rank × row and diagonal row: what a likelihood wants (Woodbury). */
ersatz_status ersatz_covariance_rank(const ersatz_emulator* emulator, int64_t* rank);
ersatz_status ersatz_covariance_factors(const ersatz_emulator* emulator, ersatz_workspace* workspace,
                                        const double* x, int64_t x_size, double* factors,
                                        int64_t factors_size, double* diagonal, int64_t diagonal_size);
/* The same multiplied out for one output, width × width with its doubles in a row as width. */
ersatz_status ersatz_covariance(const ersatz_emulator* emulator, ersatz_workspace* workspace, int64_t output,
                                const double* x, int64_t x_size, double* covariance, int64_t covariance_size);

#ifdef __cplusplus
}
#endif

#endif
