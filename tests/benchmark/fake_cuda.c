/* A make-believe CUDA driver for tests: one card whose every launch takes 0.5 ms of its own clock.
 * FAKE_CUDA_FAIL="cuMemAlloc_v2=2" makes that call fail; FAKE_CUDA_CAPABILITY=75 plays an older card.
 * Modules are checked for the PTX version that real old drivers would still take. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long launches;
static long held;

static int failing(const char *function) {
    const char *plan = getenv("FAKE_CUDA_FAIL");
    size_t length = strlen(function);
    return plan && !strncmp(plan, function, length) && plan[length] == '=' ? atoi(plan + length + 1) : 0;
}
#define CHECK if (failing(__func__)) return failing(__func__)

static int capability(void) { const char *c = getenv("FAKE_CUDA_CAPABILITY"); return c ? atoi(c) : 89; }

int cuInit(unsigned flags) { (void)flags; CHECK; return 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { CHECK; *count = 1; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetName(char *out, int size, int device) { (void)device; snprintf(out, (size_t)size, "Fake RTX"); return 0; }
int cuDeviceGetUuid(unsigned char *out, int device) { (void)device; memset(out, 0xab, 16); return 0; }
int cuDeviceGetPCIBusId(char *out, int size, int device) {
    (void)device;
    snprintf(out, (size_t)size, "0000:0A:00.0");
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == 16 ? 128 : attribute == 38 ? 72 << 20 : attribute == 75 ? capability() / 10
           : attribute == 76 ? capability() % 10 : 0;
    return 0;
}
int cuGetErrorName(int code, const char **name) {
    *name = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" : "CUDA_ERROR";
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; CHECK; held++; *context = &held; return 0; }
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; held--; return 0; }
int cuCtxSetCurrent(void *context) { (void)context; return 0; }
int cuModuleLoadData(void **module, const void *text) {
    const char *wanted = capability() >= 80 ? ".version 7.0" : ".version 6.5";
    CHECK;
    *module = (void *)text;
    return strstr(text, wanted) ? 0 : 222;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
    (void)module;
    CHECK;
    *function = strdup(name);
    return 0;
}
int cuMemGetInfo_v2(size_t *free, size_t *total) {
    const char *own = getenv("FAKE_CUDA_FREE");
    *total = (size_t)24 << 30;
    *free = own ? (size_t)strtoull(own, NULL, 0) : *total - ((size_t)1 << 30);
    return 0;
}
int cuMemAlloc_v2(uint64_t *place, size_t size) { (void)size; CHECK; *place = 4096; return 0; }
int cuMemFree_v2(uint64_t place) { (void)place; return 0; }
int cuMemsetD32_v2(uint64_t place, unsigned value, size_t count) { (void)place, (void)value, (void)count; return 0; }
int cuEventCreate(void **event, unsigned flags) { (void)flags; *event = calloc(1, sizeof(long)); return 0; }
int cuEventRecord(void *event, void *stream) { (void)stream; *(long *)event = launches; return 0; }
int cuEventSynchronize(void *event) {
    static long waited;
    long now = *(long *)event;
    usleep((useconds_t)((now - waited) * 5)); /* a hundredth of what it says, so that tests are quick */
    waited = now;
    return 0;
}
int cuEventElapsedTime(float *milliseconds, void *begin, void *end) {
    *milliseconds = 0.5f * (float)(*(long *)end - *(long *)begin);
    return 0;
}
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **arguments, void **extra) {
    (void)function, (void)gx, (void)gy, (void)gz, (void)bx, (void)by, (void)bz, (void)shared, (void)stream;
    (void)arguments, (void)extra;
    CHECK;
    launches++;
    return 0;
}
