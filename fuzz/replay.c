/* replay.c - runs a fuzz harness over files and folders of files, without any fuzzer.
 *
 * The default test run replays every corpus this way under the sanitizers, and AFL++ can drive the
 * same binary through its file argument. Prints the number of inputs; exits 1 when there were none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static void replay_file(const char *path, size_t size)
{
    /* an exact heap block, so that the sanitizer sees a read one octet past the input */
    uint8_t *data = malloc(size ? size : 1);
    FILE *f = fopen(path, "rb");

    if (!data || !f || fread(data, 1, size, f) != size) {
        fprintf(stderr, "%s: cannot read\n", path);
        exit(2);
    }
    fclose(f);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    replayed++;
}

static void replay_path(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "%s: no such file or folder\n", path);
        exit(2);
    }
    if (!S_ISDIR(st.st_mode)) {
        replay_file(path, (size_t)st.st_size);
        return;
    }
    DIR *dir = opendir(path);
    struct dirent *e;
    while (dir && (e = readdir(dir))) {
        char sub[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
        replay_path(sub);
    }
    if (dir)
        closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay_path(argv[i]);
    printf("%zu inputs replayed\n", replayed);
    return replayed ? 0 : 1;
}
