/* Opens a model file and predicts at one point: a line per output, bin, mean and standard deviation. */
#include <stdio.h>
#include <stdlib.h>

#include "ersatz.h"

/* Ends the program where a call failed; a code of its own would go on. */
static void need(ersatz_status status) {
  if (status == ERSATZ_OK) return;
  fprintf(stderr, "predict: %s\n", ersatz_message());
  exit(2);
}

static void* room(int64_t doubles) {
  void* memory = malloc((size_t)doubles * sizeof(double));
  if (!memory) exit(1);
  return memory;
}

static double number(const char* word, const char* name) {
  char* end;
  const double value = strtod(word, &end);
  if (end == word || *end != '\0') {
    fprintf(stderr, "predict: parameter %s: '%s' is not a number\n", name, word);
    exit(2);
  }
  return value;
}

int main(int argc, char** argv) {
  ersatz_emulator* emulator;
  int64_t parameters, outputs, row, i, o;
  double *x, *mean, *std, score;
  const char *name, *unit;
  int has_std;
  if (argc < 3) {
    fprintf(stderr, "usage: predict model.h5 PARAMETER...\n");
    return 2;
  }
  need(ersatz_open(argv[1], &emulator));
  need(ersatz_parameter_count(emulator, &parameters));
  if (argc - 2 != parameters) {
    fprintf(stderr, "predict: expected %d parameters, got %d:\n", (int)parameters, argc - 2);
    for (i = 0; i < parameters; ++i) {
      double lower, upper;
      need(ersatz_parameter(emulator, i, &name, &unit, &lower, &upper, NULL));
      fprintf(stderr, "  %s %s from %g to %g\n", name, unit, lower, upper);
    }
    return 2;
  }
  x = room(parameters);
  for (i = 0; i < parameters; ++i) {
    need(ersatz_parameter(emulator, i, &name, NULL, NULL, NULL, NULL));
    x[i] = number(argv[i + 2], name);
  }

  /* A row holds all outputs side by side. In a loop, give a workspace in the place of NULL: then nothing is
   * allocated. */
  need(ersatz_row_size(emulator, &row));
  need(ersatz_has_std(emulator, &has_std));
  mean = room(row);
  std = room(row);
  for (i = 0; i < row; ++i) std[i] = 0.0;
  if (has_std)
    need(ersatz_mean_and_std(emulator, NULL, 1, x, parameters, mean, row, std, row));
  else
    need(ersatz_mean(emulator, NULL, 1, x, parameters, mean, row));

  need(ersatz_domain_score(emulator, NULL, 1, x, parameters, &score, 1));
  printf("# %s the domain that the emulator was trained on (score %.3g)\n",
         score <= 1 ? "inside" : "OUTSIDE of", score);
  need(ersatz_output_count(emulator, &outputs));
  for (o = 0; o < outputs; ++o) {
    int64_t axis, bins, offset, j;
    int is_complex, part;
    double* along;
    need(ersatz_output(emulator, o, &name, NULL, &axis, &bins, &is_complex, &offset));
    along = room(bins);
    need(ersatz_axis_values(emulator, axis, along, bins));
    for (j = 0; j < bins; ++j) {
      printf("%s %.17g", name, along[j]);
      for (part = 0; part <= is_complex; ++part) {
        const int64_t at = offset + (is_complex ? 2 * j + part : j);
        printf(" %.17g %.3g", mean[at], std[at]);
      }
      printf("\n");
    }
    free(along);
  }
  free(x);
  free(mean);
  free(std);
  need(ersatz_close(emulator));
  return 0;
}
