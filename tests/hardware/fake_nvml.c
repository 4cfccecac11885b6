/* A make-believe NVIDIA management library for tests.
 *
 * The machine it plays is a text file named by FAKE_NVML, read again at every call, so that a test changes the GPUs
 * under a running program. Lines are "key value"; the last one that matches counts.
 *   init 18            nvmlInit fails with this code         count 2        number of GPUs
 *   0.name X  0.uuid U  0.total N  0.used N  0.util N  0.temp N  0.power N  0.limit N  0.clock N  0.reasons N
 *   0.pids 10,11       0.fail 15   every call about GPU 0 fails with 15     0.fail.temp 3   only this one
 *   sleep_ms 3000      every call about a GPU takes that long
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { int index; } Gpu;
typedef unsigned long long u64;

static Gpu gpus[16];
static int started;

static int look(const char *key, char *value, size_t size) {
    char line[400];
    int found = 0;
    size_t length = strlen(key);
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            snprintf(value, size, "%s", line + length + 1);
            found = 1;
        }
    }
    fclose(file);
    return found;
}

static long long number(const char *key, long long otherwise) {
    char value[400];
    return look(key, value, sizeof value) ? strtoll(value, NULL, 0) : otherwise;
}

static int about(const Gpu *gpu, const char *what, char *value, size_t size) {
    char key[80];
    int code;
    if (!started) return 1;
    usleep((useconds_t)(1000 * number("sleep_ms", 0)));
    snprintf(key, sizeof key, "%d.fail", gpu->index);
    if ((code = (int)number(key, 0))) return code;
    snprintf(key, sizeof key, "%d.fail.%s", gpu->index, what);
    if ((code = (int)number(key, 0))) return code;
    snprintf(key, sizeof key, "%d.%s", gpu->index, what);
    return look(key, value, size) ? 0 : 3; /* not supported */
}

static int about_number(const Gpu *gpu, const char *what, u64 *value) {
    char text[400];
    int code = about(gpu, what, text, sizeof text);
    if (code == 0) *value = strtoull(text, NULL, 0);
    return code;
}

static int about_int(const Gpu *gpu, const char *what, unsigned *value) {
    u64 wide = 0;
    int code = about_number(gpu, what, &wide);
    if (code == 0) *value = (unsigned)wide;
    return code;
}

static int put(const char *value, char *out, unsigned size) {
    if (strlen(value) + 1 > size) return 7;
    strcpy(out, value);
    return 0;
}

int nvmlInitWithFlags(unsigned flags) {
    int code = (int)number("init", 0);
    (void)flags;
    if (code) return code;
    for (int i = 0; i < 16; i++) gpus[i].index = i;
    started = 1;
    return 0;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { started = 0; return 0; }
const char *nvmlErrorString(int code) { static char text[40]; snprintf(text, sizeof text, "error %d", code); return text; }

int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    char value[80] = "580.95.05";
    look("driver", value, sizeof value);
    return put(value, out, size);
}
int nvmlDeviceGetCount_v2(unsigned *count) {
    int code = (int)number("fail.count", 0);
    if (code) return code;
    *count = (unsigned)number("count", 1);
    return started ? 0 : 1;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Gpu **gpu) {
    char key[80];
    int code;
    if (index >= 16) return 2;
    snprintf(key, sizeof key, "%u.fail.handle", index);
    if ((code = (int)number(key, 0))) return code;
    *gpu = &gpus[index];
    return 0;
}
static int about_text(const Gpu *gpu, const char *what, char *out, unsigned size) {
    char value[400];
    int code = about(gpu, what, value, sizeof value);
    return code ? code : put(value, out, size);
}
int nvmlDeviceGetName(Gpu *gpu, char *out, unsigned size) { return about_text(gpu, "name", out, size); }
int nvmlDeviceGetUUID(Gpu *gpu, char *out, unsigned size) { return about_text(gpu, "uuid", out, size); }

typedef struct { u64 total, free, used; } Memory1;
typedef struct { unsigned version; u64 total, reserved, free, used; } Memory2;

int nvmlDeviceGetMemoryInfo(Gpu *gpu, Memory1 *memory) {
    u64 total = 0, used = 0, reserved = 0;
    int code = about_number(gpu, "total", &total);
    if (code) return code;
    about_number(gpu, "used", &used);
    about_number(gpu, "reserved", &reserved);
    *memory = (Memory1){total, total - used - reserved, used + reserved};
    return 0;
}
#ifndef OLD_DRIVER
int nvmlDeviceGetMemoryInfo_v2(Gpu *gpu, Memory2 *memory) {
    Memory1 first;
    u64 reserved = 0;
    int code = nvmlDeviceGetMemoryInfo(gpu, &first);
    if (code) return code;
    about_number(gpu, "reserved", &reserved);
    memory->total = first.total;
    memory->reserved = reserved;
    memory->used = first.used - reserved;
    memory->free = first.free;
    return 0;
}
int nvmlDeviceGetCurrentClocksEventReasons(Gpu *gpu, u64 *bits) { return about_number(gpu, "reasons", bits); }
#endif
int nvmlDeviceGetCurrentClocksThrottleReasons(Gpu *gpu, u64 *bits) { return about_number(gpu, "reasons", bits); }

int nvmlDeviceGetUtilizationRates(Gpu *gpu, unsigned *rates) {
    rates[1] = 0;
    return about_int(gpu, "util", &rates[0]);
}
int nvmlDeviceGetTemperature(Gpu *gpu, unsigned sensor, unsigned *value) {
    (void)sensor;
    return about_int(gpu, "temp", value);
}
int nvmlDeviceGetPowerUsage(Gpu *gpu, unsigned *value) { return about_int(gpu, "power", value); }
int nvmlDeviceGetEnforcedPowerLimit(Gpu *gpu, unsigned *value) { return about_int(gpu, "limit", value); }
int nvmlDeviceGetClockInfo(Gpu *gpu, unsigned kind, unsigned *value) {
    (void)kind;
    return about_int(gpu, "clock", value);
}

typedef struct { unsigned pid; u64 memory; unsigned instance, compute; } Process;

static int processes(const Gpu *gpu, const char *what, unsigned *count, Process *out) {
    char text[400] = "", *rest, *part;
    unsigned seen = 0;
    int code = about(gpu, what, text, sizeof text);
    if (code == 3) text[0] = 0;
    else if (code) return code;
    for (part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest), seen++)
        if (out && seen < *count) out[seen] = (Process){(unsigned)atoi(part), ~0ULL, ~0u, ~0u};
    code = seen > *count || (seen && !out) ? 7 : 0;
    *count = seen;
    return code;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Gpu *gpu, unsigned *n, Process *out) { return processes(gpu, "pids", n, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(Gpu *gpu, unsigned *n, Process *out) { return processes(gpu, "screens", n, out); }
