/* A make-believe NVIDIA management library for tests.
 *
 * The machine it plays is a text file named by FAKE_NVML, read again at every call, so that a test changes the GPUs
 * under a running program. Lines are "key value"; the last one that matches counts.
 *   init 18            nvmlInit fails with this code         count 2        number of GPUs
 *   0.name X  0.uuid U  0.total N  0.used N  0.util N  0.temp N  0.power N  0.limit N  0.clock N  0.reasons N
 *   0.pids 10,11       0.fail 15   every call about GPU 0 fails with 15     0.fail.temp 3   only this one
 *   sleep_ms 3000      every call about a GPU takes that long      0.crash.power 1   this call is a segmentation fault
 *   0.hang.power 1     this call never comes back                  us.power 4500     this call takes so many microseconds
 *   0.mig 1  0.instances 2  0.0.uuid U ...   MIG instances of GPU 0 ("0.0" is the first one)
 *   0.xid 79           the driver reports this fatal error (once for each new number)
 *   odd_lists 1        version 3 of the process lists has the larger entries of drivers 535.43 to 535.86
 * -DOLD_DRIVER leaves out what came after driver 470, -DNEW_DRIVER what CUDA 14 is to remove.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>

typedef struct { int index, instance; } Gpu; /* instance: -1 for a whole card */
typedef unsigned long long u64;

static Gpu gpus[16], parts[16][8];
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

static void name_of(const Gpu *gpu, const char *kind, const char *what, char *key, size_t size) {
    char place[24];
    if (gpu->instance < 0) snprintf(place, sizeof place, "%d", gpu->index);
    else snprintf(place, sizeof place, "%d.%d", gpu->index, gpu->instance);
    if (kind) snprintf(key, size, "%s.%s.%s", place, kind, what);
    else snprintf(key, size, "%s.%s", place, what);
}

static int about(const Gpu *gpu, const char *what, char *value, size_t size) {
    char key[80];
    int code;
    if (!started) return 1;
    usleep((useconds_t)(1000 * number("sleep_ms", 0)));
    snprintf(key, sizeof key, "us.%s", what);
    usleep((useconds_t)number(key, 0));
    name_of(gpu, "crash", what, key, sizeof key);
    if (number(key, 0)) raise(SIGSEGV);
    name_of(gpu, "hang", what, key, sizeof key);
    if (number(key, 0)) for (;;) pause();
    snprintf(key, sizeof key, "%d.fail", gpu->index);
    if ((code = (int)number(key, 0))) return code;
    name_of(gpu, "fail", what, key, sizeof key);
    if ((code = (int)number(key, 0))) return code;
    name_of(gpu, NULL, what, key, sizeof key);
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
    for (int i = 0; i < 16; i++) {
        gpus[i] = (Gpu){i, -1};
        for (int part = 0; part < 8; part++) parts[i][part] = (Gpu){i, part};
    }
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
    snprintf(key, sizeof key, "%u.crash.handle", index);
    if (number(key, 0)) raise(SIGSEGV);
    snprintf(key, sizeof key, "%u.fail.handle", index);
    if ((code = (int)number(key, 0))) return code;
    *gpu = &gpus[index];
    return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *address, Gpu **gpu) {
    unsigned domain, bus;
    if (sscanf(address, "%x:%x", &domain, &bus) != 2 || bus < 1) return 2;
    return nvmlDeviceGetHandleByIndex_v2(bus - 1, gpu);
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
#ifndef NEW_DRIVER
int nvmlDeviceGetCurrentClocksThrottleReasons(Gpu *gpu, u64 *bits) { return about_number(gpu, "reasons", bits); }
#endif

int nvmlDeviceGetUtilizationRates(Gpu *gpu, unsigned *rates) {
    rates[1] = 0;
    about_int(gpu, "memutil", &rates[1]);
    return about_int(gpu, "util", &rates[0]);
}
#ifndef NEW_DRIVER
int nvmlDeviceGetTemperature(Gpu *gpu, unsigned sensor, unsigned *value) {
    (void)sensor;
    return about_int(gpu, "temp", value);
}
#endif
typedef struct { unsigned version, sensor; int temperature; } Temperature;
int nvmlDeviceGetTemperatureV(Gpu *gpu, Temperature *out) {
    unsigned value = 0;
    int code = out->version == (sizeof *out | 1 << 24) ? about_int(gpu, "temp", &value) : 25;
    out->temperature = (int)value;
    return code;
}
int nvmlDeviceGetPowerUsage(Gpu *gpu, unsigned *value) { return about_int(gpu, "power", value); }
int nvmlDeviceGetEnforcedPowerLimit(Gpu *gpu, unsigned *value) { return about_int(gpu, "limit", value); }
int nvmlDeviceGetClockInfo(Gpu *gpu, unsigned kind, unsigned *value) {
    return about_int(gpu, kind == 2 ? "memclock" : "clock", value);
}

typedef struct { unsigned pid; u64 memory; unsigned instance, compute; } Process;

static int processes(const Gpu *gpu, const char *what, unsigned *count, Process *out) {
    char text[400] = "", *rest, *part;
    unsigned seen = 0;
    int code = about(gpu, what, text, sizeof text);
    if (code == 3) text[0] = 0;
    else if (code) return code;
    for (part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest), seen++)
        if (out && seen < *count) out[seen] = (Process){(unsigned)atoi(part), strchr(part, ':') ? strtoull(strchr(part, ':') + 1, NULL, 0) : ~0ULL, ~0u, ~0u};
    code = seen > *count || (seen && !out) ? 7 : 0;
    *count = seen;
    return code;
}
int nvmlDeviceGetComputeRunningProcesses_v2(Gpu *gpu, unsigned *n, Process *out) { return processes(gpu, "pids", n, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v2(Gpu *gpu, unsigned *n, Process *out) { return processes(gpu, "screens", n, out); }
#ifndef OLD_DRIVER
typedef struct { Process process; u64 protected_memory; } Larger;
static int newer(const Gpu *gpu, const char *what, unsigned *count, Process *out) {
    int code = processes(gpu, what, count, out);
    if (code || !out || !number("odd_lists", 0)) return code;
    for (unsigned place = *count; place-- > 0;) { /* there is room: callers ask for twice as many */
        Larger larger = {out[place], 0};
        memcpy((char *)out + place * sizeof larger, &larger, sizeof larger);
    }
    return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Gpu *gpu, unsigned *n, Process *out) { return newer(gpu, "pids", n, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(Gpu *gpu, unsigned *n, Process *out) { return newer(gpu, "screens", n, out); }
#endif

#define ONE(function, what) int function(Gpu *gpu, unsigned *value) { return about_int(gpu, what, value); }
ONE(nvmlDeviceGetFanSpeed, "fan")
ONE(nvmlDeviceGetPerformanceState, "pstate")
ONE(nvmlDeviceGetCurrPcieLinkGeneration, "pcie")
ONE(nvmlDeviceGetCurrPcieLinkWidth, "lanes")
ONE(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_max")
ONE(nvmlDeviceGetMaxPcieLinkWidth, "lanes_max")
ONE(nvmlDeviceGetMemoryBusWidth, "bus_bits")
ONE(nvmlDeviceGetNumGpuCores, "cores")
ONE(nvmlDeviceGetArchitecture, "architecture")
ONE(nvmlDeviceGetPowerManagementDefaultLimit, "default_limit")
ONE(nvmlDeviceGetPowerManagementLimit, "limit")
int nvmlDeviceGetIndex(Gpu *gpu, unsigned *value) { *value = (unsigned)gpu->index; return gpu->instance < 0 ? 0 : 3; }

int nvmlDeviceGetMaxClockInfo(Gpu *gpu, unsigned kind, unsigned *value) {
    return about_int(gpu, kind == 2 ? "memclock_max" : "clock_max", value);
}
int nvmlDeviceGetTemperatureThreshold(Gpu *gpu, unsigned kind, unsigned *value) {
    return about_int(gpu, kind == 0 ? "shutdown" : "slowdown", value);
}
int nvmlDeviceGetTotalEnergyConsumption(Gpu *gpu, u64 *value) { return about_number(gpu, "energy", value); }
int nvmlDeviceGetTotalEccErrors(Gpu *gpu, unsigned kind, unsigned since, u64 *value) {
    (void)kind, (void)since;
    return about_number(gpu, "ecc", value);
}
int nvmlDeviceGetCudaComputeCapability(Gpu *gpu, int *major, int *minor) {
    unsigned both = 0;
    int code = about_int(gpu, "capability", &both); /* 89 for 8.9 */
    *major = (int)both / 10, *minor = (int)both % 10;
    return code;
}
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = (int)number("cuda", 13000); return 0; }
int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } Pci;
int nvmlDeviceGetPciInfo_v3(Gpu *gpu, Pci *pci) {
    if (!started) return 1;
    memset(pci, 0, sizeof *pci);
    pci->bus = (unsigned)gpu->index + 1;
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", pci->bus);
    snprintf(pci->legacy, sizeof pci->legacy, "0000:%02X:00.0", pci->bus);
    return 0;
}

int nvmlDeviceGetMigMode(Gpu *gpu, unsigned *now, unsigned *later) {
    int code = about_int(gpu, "mig", now);
    *later = code ? 0 : *now;
    return code;
}
int nvmlDeviceGetMaxMigDeviceCount(Gpu *gpu, unsigned *count) { (void)gpu; *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(Gpu *gpu, unsigned place, Gpu **part) {
    u64 count = 0;
    about_number(gpu, "instances", &count);
    if (place >= count) return 6;
    *part = &parts[gpu->index][place];
    return 0;
}
int nvmlDeviceIsMigDeviceHandle(Gpu *gpu, unsigned *is) { *is = gpu->instance >= 0; return 0; }

typedef struct { Gpu *device; u64 kind, data; unsigned instance, compute; } Event;
static long long told[16];
static int watched[16];
int nvmlEventSetCreate(void **set) { *set = told; return 0; }
int nvmlEventSetFree(void *set) { (void)set; return 0; }
int nvmlDeviceRegisterEvents(Gpu *gpu, u64 kinds, void *set) {
    (void)set;
    watched[gpu->index] = kinds & 8 ? 1 : 0;
    return 0;
}
int nvmlEventSetWait_v2(void *set, Event *event, unsigned wait_ms) {
    (void)set, (void)wait_ms;
    for (int i = 0; i < 16; i++) {
        char key[24];
        snprintf(key, sizeof key, "%d.xid", i);
        long long xid = number(key, 0);
        if (xid && watched[i] && xid != told[i]) {
            told[i] = xid;
            *event = (Event){&gpus[i], 8, (u64)xid, 0, 0};
            return 0;
        }
    }
    return 10;
}
