/* Runs a fuzz target once over each file named, and over each file directly in each directory
 * named: the corpus as an ordinary test. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay_file(const char *path, size_t size) {
  FILE *file = fopen(path, "rb");
  /* Exactly as large as the input, so that a sanitizer sees a read past its end. */
  uint8_t *data = malloc(size);
  size_t length = file && (data || !size) ? fread(data, 1, size, file) : 0;
  bool ok = file && length == size;
  if (ok)
    LLVMFuzzerTestOneInput(data, size);
  else
    perror(path);
  free(data);
  if (file)
    fclose(file);
  return ok;
}

/* How many files were replayed; -1: one could not be read. */
static int replay(const char *path, bool into_directories);

static int replay_directory(const char *path) {
  DIR *directory = opendir(path);
  int count = 0, more = directory ? 0 : -1;
  if (!directory)
    perror(path);
  for (struct dirent *entry; more >= 0 && (entry = readdir(directory));) {
    char inside[4096];
    if (entry->d_name[0] == '.')
      continue;
    int length = snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
    more = length < (int)sizeof inside ? replay(inside, false) : -1;
    count += more;
  }
  if (directory)
    closedir(directory);
  return more < 0 ? -1 : count;
}

static int replay(const char *path, bool into_directories) {
  struct stat status;
  if (stat(path, &status) != 0) {
    perror(path);
    return -1;
  }
  if (S_ISDIR(status.st_mode))
    return into_directories ? replay_directory(path) : 0;
  return replay_file(path, (size_t)status.st_size) ? 1 : -1;
}

int main(int argc, char **argv) {
  int total = 0;
  for (int i = 1; i < argc; i++) {
    int count = replay(argv[i], true);
    if (count < 0)
      return EXIT_FAILURE;
    total += count;
  }
  printf("%d inputs replayed\n", total);
  return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
