/* misuse FOLDER: does everything wrong that a caller can, and looks at the statuses and messages. Ends with
 * status 0 where each was as expected. FOLDER has the files of write_models. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ersatz.h"

#define A 2    /* parameters */
#define ROW 85 /* doubles in a row of gp.h5 */

static int failures = 0, checks = 0;

/* A status other than ERSATZ_OK comes with a message that says `words`. */
static void check(int line, const char* call, ersatz_status found, ersatz_status expected,
                  const char* words) {
  ++checks;
  if (found == expected && (found == ERSATZ_OK || strstr(ersatz_message(), words))) return;
  ++failures;
  printf("misuse.c:%d: %s\n  gave %d (%s), expected %d with '%s'\n  message: %s\n", line, call, found,
         ersatz_status_text(found), expected, words, ersatz_message());
}
#define EXPECT(call, status, words) check(__LINE__, #call, call, status, words)

static const char* in_folder(const char* folder, const char* name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* The bytes of a file, to be freed. */
static char* read_file(const char* path, long* size) {
  FILE* file = fopen(path, "rb");
  char* bytes;
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *size = ftell(file);
  rewind(file);
  bytes = malloc((size_t)*size);
  if (!bytes || fread(bytes, 1, (size_t)*size, file) != (size_t)*size) exit(2);
  fclose(file);
  return bytes;
}

static void write_file(const char* path, const char* bytes, size_t size) {
  FILE* file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(2);
}

static void files(const char* folder) {
  ersatz_emulator* e = (ersatz_emulator*)folder; /* becomes null in every failure */
  long size;
  char* bytes = read_file(in_folder(folder, "gp.h5"), &size);
  EXPECT(ersatz_open(in_folder(folder, "missing.h5"), &e), ERSATZ_BAD_FILE, "there is no file");
  if (e) ++failures;
  EXPECT(ersatz_open(folder, &e), ERSATZ_BAD_FILE, "folder");
  EXPECT(ersatz_open("", &e), ERSATZ_BAD_FILE, "there is no file");
  EXPECT(ersatz_open("/dev/null", &e), ERSATZ_BAD_FILE, "device");
  EXPECT(ersatz_open(in_folder(folder, "text.h5"), &e), ERSATZ_BAD_FILE, "not an HDF5 file");
  EXPECT(ersatz_open(NULL, &e), ERSATZ_BAD_POINTER, "'path' is null");
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), NULL), ERSATZ_BAD_POINTER, "'emulator' is null");

  write_file(in_folder(folder, "torn.h5"), bytes, (size_t)size / 2);
  EXPECT(ersatz_open(in_folder(folder, "torn.h5"), &e), ERSATZ_BAD_FILE, "truncated");
  write_file(in_folder(folder, "nothing.h5"), bytes, 0);
  EXPECT(ersatz_open(in_folder(folder, "nothing.h5"), &e), ERSATZ_BAD_FILE, "is empty");
  bytes[size / 3] ^= 4;
  write_file(in_folder(folder, "damaged.h5"), bytes, (size_t)size);
  EXPECT(ersatz_open(in_folder(folder, "damaged.h5"), &e), ERSATZ_BAD_FILE, "checksum");
  EXPECT(ersatz_open_memory(bytes, size, &e), ERSATZ_BAD_FILE, "checksum");
  bytes[size / 3] ^= 4;

  EXPECT(ersatz_open_memory(bytes, 0, &e), ERSATZ_BAD_SIZE, "0 bytes");
  EXPECT(ersatz_open_memory(bytes, -5, &e), ERSATZ_BAD_SIZE, "-5 bytes");
  EXPECT(ersatz_open_memory(NULL, size, &e), ERSATZ_BAD_POINTER, "'bytes' is null");
  EXPECT(ersatz_open_memory(bytes, size, NULL), ERSATZ_BAD_POINTER, "'emulator' is null");
  EXPECT(ersatz_open_memory(bytes, 1, &e), ERSATZ_BAD_FILE, "not an HDF5 file");
  EXPECT(ersatz_open_memory(bytes, 8, &e), ERSATZ_BAD_FILE, "truncated or damaged");
  EXPECT(ersatz_open_memory(bytes, size / 2, &e), ERSATZ_BAD_FILE, "truncated or damaged");
  EXPECT(ersatz_open_memory("This is no model.", 17, &e), ERSATZ_BAD_FILE, "not an HDF5 file");
  if (e) ++failures;
  EXPECT(ersatz_open_memory(bytes, size, &e), ERSATZ_OK, "");
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
  free(bytes);
}

static void handles(const char* folder) {
  ersatz_emulator *e, *closed, *copy;
  ersatz_workspace *w, *closed_w;
  int64_t n;
  double on_stack = 1.0, x[A] = {2.0, 0.5}, mean[ROW];
  ersatz_emulator* foreign = (ersatz_emulator*)&on_stack;
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &e), ERSATZ_OK, "");
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &closed), ERSATZ_OK, "");
  EXPECT(ersatz_workspace_open(&w), ERSATZ_OK, "");
  EXPECT(ersatz_workspace_open(&closed_w), ERSATZ_OK, "");
  EXPECT(ersatz_mean(closed, w, 1, x, A, mean, ROW), ERSATZ_OK, "");
  EXPECT(ersatz_close(closed), ERSATZ_OK, "");
  EXPECT(ersatz_workspace_close(closed_w), ERSATZ_OK, "");

  EXPECT(ersatz_close(closed), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_close(NULL), ERSATZ_OK, "");
  EXPECT(ersatz_close(foreign), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_close((ersatz_emulator*)(intptr_t)-1), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_close((ersatz_emulator*)w), ERSATZ_BAD_HANDLE, "that of a workspace");
  EXPECT(ersatz_workspace_close(closed_w), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_workspace_close(NULL), ERSATZ_OK, "");
  EXPECT(ersatz_workspace_close((ersatz_workspace*)e), ERSATZ_BAD_HANDLE, "that of an emulator");
  EXPECT(ersatz_workspace_open(NULL), ERSATZ_BAD_POINTER, "'workspace' is null");
  EXPECT(ersatz_copy(closed, &copy), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_copy(e, NULL), ERSATZ_BAD_POINTER, "'copy' is null");

  EXPECT(ersatz_mean(closed, w, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE,
         "not open"); /* w was last used with it */
  EXPECT(ersatz_mean(closed, NULL, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_mean(NULL, w, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE, "is null");
  EXPECT(ersatz_mean(foreign, w, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_mean(e, closed_w, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE, "workspace is not open");
  EXPECT(ersatz_mean(e, (ersatz_workspace*)foreign, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE,
         "workspace is not open");
  EXPECT(ersatz_mean((ersatz_emulator*)w, (ersatz_workspace*)e, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE,
         "is that of");
  EXPECT(ersatz_mean_and_std(closed, NULL, 1, x, A, mean, ROW, mean, ROW), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_mean_and_jacobian(closed, NULL, 1, x, A, mean, ROW, mean, ROW), ERSATZ_BAD_HANDLE,
         "not open");
  EXPECT(ersatz_domain_score(closed, NULL, 1, x, A, mean, ROW), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_covariance(closed, NULL, 0, x, A, mean, ROW), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_covariance_factors(closed, NULL, x, A, mean, ROW, mean, ROW), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_row_size(closed, &n), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_output(closed, 0, NULL, NULL, NULL, NULL, NULL, NULL), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_check_replacement(e, closed), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_check_replacement(NULL, e), ERSATZ_BAD_HANDLE, "is null");
  EXPECT(ersatz_restrict(closed, "lambda", &n, 1, &copy), ERSATZ_BAD_HANDLE, "not open");
  EXPECT(ersatz_mean(e, w, 1, x, A, mean, ROW), ERSATZ_OK, "");
  EXPECT(ersatz_workspace_close(w), ERSATZ_OK, "");
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
}

static void descriptions(const char* folder) {
  ersatz_emulator *e, *part;
  const char* text;
  double values[30];
  int64_t n, bins[2] = {0, 1}, wrong[2] = {0, 24}, negative[1] = {-1};
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &e), ERSATZ_OK, "");
  EXPECT(ersatz_parameter_count(e, NULL), ERSATZ_BAD_POINTER, "'count' is null");
  EXPECT(ersatz_parameter(e, A, &text, NULL, NULL, NULL, NULL), ERSATZ_BAD_NAME, "no parameter number 2");
  EXPECT(ersatz_parameter(e, -1, &text, NULL, NULL, NULL, NULL), ERSATZ_BAD_NAME, "no parameter number -1");
  EXPECT(ersatz_parameter_number(e, "mass", &n), ERSATZ_BAD_NAME, "'mass', the model has a, b");
  EXPECT(ersatz_parameter_number(e, NULL, &n), ERSATZ_BAD_POINTER, "'name' is null");
  EXPECT(ersatz_output(e, 3, &text, NULL, NULL, NULL, NULL, NULL), ERSATZ_BAD_NAME, "no output number 3");
  EXPECT(ersatz_output_number(e, "light", &n), ERSATZ_BAD_NAME, "'light', the model has y, flux, wave");
  EXPECT(ersatz_axis(e, INT64_MAX, &text, NULL, NULL), ERSATZ_BAD_NAME, "no axis number");
  EXPECT(ersatz_axis_values(e, 0, values, 23), ERSATZ_BAD_SIZE, "is 23, at least 24 is needed");
  EXPECT(ersatz_axis_values(e, 0, NULL, 24), ERSATZ_BAD_POINTER, "'values' is null");
  EXPECT(ersatz_has_std(e, NULL), ERSATZ_BAD_POINTER, "'has_std' is null");
  EXPECT(ersatz_row_size(e, NULL), ERSATZ_BAD_POINTER, "'size' is null");

  EXPECT(ersatz_restrict(e, "colour", bins, 2, &part), ERSATZ_BAD_NAME,
         "no axis 'colour', the model has lambda, one, time");
  EXPECT(ersatz_restrict(e, NULL, bins, 2, &part), ERSATZ_BAD_POINTER, "'axis' is null");
  EXPECT(ersatz_restrict(e, "lambda", NULL, 2, &part), ERSATZ_BAD_POINTER, "'bins' is null");
  EXPECT(ersatz_restrict(e, "lambda", bins, 0, &part), ERSATZ_BAD_SIZE, "0 bins");
  EXPECT(ersatz_restrict(e, "lambda", bins, -2, &part), ERSATZ_BAD_SIZE, "-2 bins");
  EXPECT(ersatz_restrict(e, "lambda", wrong, 2, &part), ERSATZ_BAD_NAME, "no bin number 24");
  EXPECT(ersatz_restrict(e, "lambda", negative, 1, &part), ERSATZ_BAD_NAME, "no bin number -1");
  EXPECT(ersatz_restrict(e, "lambda", bins, 2, NULL), ERSATZ_BAD_POINTER, "'restricted' is null");
  if (part) ++failures;
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
}

static void evaluations(const char* folder) {
  ersatz_emulator* e;
  double x[2 * A] = {2.0, 0.5, 3.0, -0.5}, bad[2 * A], *mean = malloc(4000 * 8), *std = mean + 1000;
  int64_t rank = 0;
  if (!mean) exit(2);
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &e), ERSATZ_OK, "");

  EXPECT(ersatz_mean(e, NULL, 1, NULL, A, mean, ROW), ERSATZ_BAD_POINTER, "'x' is null");
  EXPECT(ersatz_mean(e, NULL, 1, x, A, NULL, ROW), ERSATZ_BAD_POINTER, "'mean' is null");
  EXPECT(ersatz_mean(e, NULL, 1, x, 1, mean, ROW), ERSATZ_BAD_SIZE, "'x' is 1, 2 is expected");
  EXPECT(ersatz_mean(e, NULL, 1, x, 3, mean, ROW), ERSATZ_BAD_SIZE, "'x' is 3, 2 is expected");
  EXPECT(ersatz_mean(e, NULL, 2, x, 2 * A, mean, 2 * ROW - 1), ERSATZ_BAD_SIZE,
         "'mean' is 169, at least 170");
  EXPECT(ersatz_mean(e, NULL, 1, x, A, mean, -1), ERSATZ_BAD_SIZE, "'mean' is -1");
  EXPECT(ersatz_mean(e, NULL, -1, x, A, mean, ROW), ERSATZ_BAD_SIZE, "number of points is -1");
  EXPECT(ersatz_mean(e, NULL, INT64_MAX, x, A, mean, ROW), ERSATZ_BAD_SIZE, "more than any machine");
  EXPECT(ersatz_mean(e, NULL, INT64_MAX / 16, x, INT64_MAX / 8, mean, ROW), ERSATZ_BAD_SIZE,
         "more than any machine");
  EXPECT(ersatz_mean(e, NULL, 1, (const double*)((const char*)x + 4), A, mean, ROW), ERSATZ_BAD_POINTER,
         "multiple of 8");
  EXPECT(ersatz_mean(e, NULL, 1, x, A, (double*)((char*)mean + 1), ROW), ERSATZ_BAD_POINTER, "multiple of 8");
  mean[ROW - 2] = 2.0;
  mean[ROW - 1] = 0.5;
  EXPECT(ersatz_mean(e, NULL, 1, mean + ROW - 2, A, mean, ROW), ERSATZ_BAD_POINTER,
         "'x' and 'mean' share memory");
  mean[ROW] = 2.0; /* just beside it */
  mean[ROW + 1] = 0.5;
  EXPECT(ersatz_mean(e, NULL, 1, mean + ROW, A, mean, ROW), ERSATZ_OK, "");
  EXPECT(ersatz_mean_and_std(e, NULL, 1, x, A, mean, ROW, NULL, ROW), ERSATZ_BAD_POINTER, "'std' is null");
  EXPECT(ersatz_mean_and_std(e, NULL, 1, x, A, mean, ROW, std, ROW - 1), ERSATZ_BAD_SIZE, "'std' is 84");
  EXPECT(ersatz_mean_and_std(e, NULL, 1, x, A, mean, ROW, mean, ROW), ERSATZ_BAD_POINTER,
         "'mean' and 'std' share");
  EXPECT(ersatz_mean_and_jacobian(e, NULL, 1, x, A, mean, ROW, std, ROW), ERSATZ_BAD_SIZE,
         "'jacobian' is 85");
  EXPECT(ersatz_domain_score(e, NULL, 2, x, 2 * A, mean, 1), ERSATZ_BAD_SIZE, "'score' is 1");
  EXPECT(ersatz_covariance(e, NULL, 3, x, A, mean, 1), ERSATZ_BAD_NAME, "no output number 3");
  EXPECT(ersatz_covariance(e, NULL, 1, x, A, mean, 24), ERSATZ_BAD_SIZE, "at least 576");
  EXPECT(ersatz_covariance_rank(e, &rank), ERSATZ_OK, "");
  EXPECT(ersatz_covariance_factors(e, NULL, x, A, mean, rank * ROW - 1, std, ROW), ERSATZ_BAD_SIZE,
         "'factors' is");
  EXPECT(ersatz_covariance_factors(e, NULL, x, A, mean, 1000, NULL, ROW),
         rank * ROW > 1000 ? ERSATZ_BAD_SIZE : ERSATZ_BAD_POINTER,
         rank * ROW > 1000 ? "'factors'" : "'diagonal' is null");

  memcpy(bad, x, sizeof bad);
  bad[3] = NAN;
  EXPECT(ersatz_mean(e, NULL, 2, bad, 2 * A, mean, 2 * ROW), ERSATZ_BAD_INPUT, "point 1: b = nan");
  EXPECT(ersatz_mean_and_std(e, NULL, 2, bad, 2 * A, mean, 2 * ROW, std, 2 * ROW), ERSATZ_BAD_INPUT,
         "point 1: b = nan");
  EXPECT(ersatz_mean_and_jacobian(e, NULL, 2, bad, 2 * A, mean, 2 * ROW, std, 4 * ROW), ERSATZ_BAD_INPUT,
         "point 1: b = nan");
  EXPECT(ersatz_domain_score(e, NULL, 2, bad, 2 * A, mean, 2), ERSATZ_BAD_INPUT, "point 1: b = nan");
  EXPECT(ersatz_covariance(e, NULL, 0, bad + A, A, mean, 1), ERSATZ_BAD_INPUT, "b = nan");
  bad[3] = INFINITY;
  EXPECT(ersatz_mean(e, NULL, 2, bad, 2 * A, mean, 2 * ROW), ERSATZ_BAD_INPUT, "point 1: b = inf");
  bad[3] = 0.0;
  bad[2] = -1.0; /* on a logarithmic scale */
  EXPECT(ersatz_mean(e, NULL, 2, bad, 2 * A, mean, 2 * ROW), ERSATZ_BAD_INPUT,
         "point 1: a = -1 must be positive");

  /* Outside of the domain is no error, and no points are none too few. */
  bad[2] = 1e6;
  EXPECT(ersatz_mean(e, NULL, 2, bad, 2 * A, mean, 2 * ROW), ERSATZ_OK, "");
  EXPECT(ersatz_domain_score(e, NULL, 2, bad, 2 * A, mean, 2), ERSATZ_OK, "");
  if (!(mean[0] <= 1.0) || !isinf(mean[1])) ++failures;
  EXPECT(ersatz_mean(e, NULL, 0, NULL, 0, NULL, 0), ERSATZ_OK, "");
  EXPECT(ersatz_mean(e, NULL, 0, x, A, mean, ROW), ERSATZ_BAD_SIZE, "'x' is 2, 0 is expected");
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
  free(mean);
}

/* A point past the end of a large batch: the message has its number there. */
static void batches(const char* folder) {
  enum { q = 200 };
  ersatz_emulator* e;
  double* x = malloc(q * A * 8);
  double* mean = malloc(q * ROW * 8);
  int i;
  if (!x || !mean) exit(2);
  for (i = 0; i < q; ++i) {
    x[A * i] = 2.0;
    x[A * i + 1] = 0.25;
  }
  x[A * 150 + 1] = NAN;
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &e), ERSATZ_OK, "");
  EXPECT(ersatz_mean(e, NULL, q, x, q * A, mean, q * ROW), ERSATZ_BAD_INPUT, "point 150: b = nan");
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
  EXPECT(ersatz_open(in_folder(folder, "spectrum.h5"), &e), ERSATZ_OK, "");
  EXPECT(ersatz_mean(e, NULL, q, x, q * A, mean, q * 24), ERSATZ_BAD_INPUT, "point 150: b = nan");
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
  /* A prediction that overflows: the regressor of other.h5 is a polynomial. */
  x[A * 150 + 1] = 1e308;
  EXPECT(ersatz_open(in_folder(folder, "other.h5"), &e), ERSATZ_OK, "");
  EXPECT(ersatz_mean(e, NULL, q, x, q * A, mean, q * ROW), ERSATZ_NOT_FINITE, "point 150");
  EXPECT(ersatz_close(e), ERSATZ_OK, "");
  free(x);
  free(mean);
}

static void not_available(const char* folder) {
  ersatz_emulator *steps, *silent, *gp, *next, *other;
  double x[A] = {2.0, 0.5}, mean[ROW], more[ROW * A];
  int64_t rank;
  int has = -1;
  EXPECT(ersatz_open(in_folder(folder, "steps.h5"), &steps), ERSATZ_OK, "");
  EXPECT(ersatz_open(in_folder(folder, "silent.h5"), &silent), ERSATZ_OK, "");
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &gp), ERSATZ_OK, "");
  EXPECT(ersatz_open(in_folder(folder, "next.h5"), &next), ERSATZ_OK, "");
  EXPECT(ersatz_open(in_folder(folder, "other.h5"), &other), ERSATZ_OK, "");

  EXPECT(ersatz_has_jacobian(steps, &has), ERSATZ_OK, "");
  if (has != 0) ++failures;
  EXPECT(ersatz_mean_and_jacobian(steps, NULL, 1, x, A, mean, ROW, more, ROW * A), ERSATZ_NOT_AVAILABLE,
         "'knn' has none");
  EXPECT(ersatz_has_std(silent, &has), ERSATZ_OK, "");
  if (has != 0) ++failures;
  EXPECT(ersatz_mean(silent, NULL, 1, x, A, mean, ROW), ERSATZ_OK, "");
  EXPECT(ersatz_mean_and_std(silent, NULL, 1, x, A, mean, ROW, more, ROW), ERSATZ_NOT_AVAILABLE,
         "no standard deviations");
  EXPECT(ersatz_covariance_rank(silent, &rank), ERSATZ_NOT_AVAILABLE, "no covariance");
  EXPECT(ersatz_covariance(silent, NULL, 0, x, A, more, 1), ERSATZ_NOT_AVAILABLE, "no standard deviations");

  EXPECT(ersatz_check_replacement(gp, next), ERSATZ_OK, "");
  EXPECT(ersatz_check_replacement(gp, gp), ERSATZ_OK, "");
  EXPECT(ersatz_check_replacement(gp, other), ERSATZ_NOT_COMPATIBLE,
         "output 'flux' is in erg, not dimensionless");
  EXPECT(ersatz_check_replacement(gp, silent), ERSATZ_NOT_COMPATIBLE, "no standard deviations");
  EXPECT(ersatz_close(steps), ERSATZ_OK, "");
  EXPECT(ersatz_close(silent), ERSATZ_OK, "");
  EXPECT(ersatz_close(gp), ERSATZ_OK, "");
  EXPECT(ersatz_close(next), ERSATZ_OK, "");
  EXPECT(ersatz_close(other), ERSATZ_OK, "");
}

/* Closed by one thread, or two, while others use it: whoever comes late is told. */
struct shared {
  ersatz_emulator* emulator;
  int calls, good, late, strange;
};

static void* uses(void* argument) {
  struct shared* s = argument;
  double x[A] = {2.0, 0.5}, mean[ROW];
  int i;
  for (i = 0; i < s->calls; ++i) {
    const int status = ersatz_mean(s->emulator, NULL, 1, x, A, mean, ROW);
    s->good += status == ERSATZ_OK;
    s->late += status == ERSATZ_BAD_HANDLE;
  }
  s->strange = s->calls - s->good - s->late;
  return NULL;
}

static void* closes(void* argument) {
  struct shared* s = argument;
  const int status = ersatz_close(s->emulator);
  s->good = status == ERSATZ_OK;
  s->late = status == ERSATZ_BAD_HANDLE && strstr(ersatz_message(), "not open");
  return NULL;
}

static void threads(const char* folder) {
  int repeat, i;
  ersatz_emulator* model;
  EXPECT(ersatz_open(in_folder(folder, "gp.h5"), &model), ERSATZ_OK, "");
  for (repeat = 0; repeat < 20; ++repeat) {
    pthread_t thread[4];
    struct shared s[4] = {{NULL, 20, 0, 0, 0}, {NULL, 20, 0, 0, 0}, {NULL, 0, 0, 0, 0}, {NULL, 0, 0, 0, 0}};
    ersatz_emulator* e;
    EXPECT(ersatz_copy(model, &e), ERSATZ_OK, "");
    for (i = 0; i < 4; ++i) s[i].emulator = e;
    for (i = 0; i < 4; ++i)
      if (pthread_create(&thread[i], NULL, i < 2 ? uses : closes, &s[i]) != 0) exit(2);
    for (i = 0; i < 4; ++i) pthread_join(thread[i], NULL);
    ++checks;
    if (s[0].strange || s[1].strange || s[2].good + s[3].good != 1 || s[2].late + s[3].late != 1) {
      ++failures;
      printf("two threads closed: %d and %d, %d and %d were refused; %d and %d strange statuses\n", s[2].good,
             s[3].good, s[2].late, s[3].late, s[0].strange, s[1].strange);
    }
  }
  EXPECT(ersatz_close(model), ERSATZ_OK, "");
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  files(argv[1]);
  handles(argv[1]);
  descriptions(argv[1]);
  evaluations(argv[1]);
  batches(argv[1]);
  not_available(argv[1]);
  threads(argv[1]);
  printf("%d calls, %d of them not as expected\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
