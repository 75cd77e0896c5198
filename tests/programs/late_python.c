/* A C program that becomes Python late: late_python LIBPYTHON SECONDS SCRIPT [ARGUMENTS]
 *
 * It computes in C for SECONDS, then loads LIBPYTHON with dlopen and runs SCRIPT with Py_BytesMain, which is exported
 * by every CPython from 3.8 on. Its exit code is the script's; 90 and 91 say that the library would not do.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: late_python LIBPYTHON SECONDS SCRIPT [ARGUMENTS]\n");
        return 90;
    }
    double until = now() + atof(argv[2]);
    while (now() < until) {
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "late_python: %s\n", dlerror());
        return 91;
    }
    int (*py_main)(int, char **) = (int (*)(int, char **))dlsym(library, "Py_BytesMain");
    if (!py_main) {
        fprintf(stderr, "late_python: %s\n", dlerror());
        return 91;
    }
    argv[2] = argv[0];
    return py_main(argc - 2, argv + 2);
}
