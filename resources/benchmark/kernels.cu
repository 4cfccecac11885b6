// The device benchmark's kernels: memory reading and copying, fp32 arithmetic, and tensor-core instructions.
//
// They use no library and no header, and measure issue rates out of registers: a card's peak, not what a matrix
// library reaches. Every result is used in a way that the compiler cannot see through, so that no work is left out.
// How the PTX files are made from this: README.md beside it.

typedef unsigned int u32;
typedef unsigned long long u64;

static __device__ __forceinline__ u64 place() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
static __device__ __forceinline__ u64 stride() { return (u64)gridDim.x * blockDim.x; }

// Reads count 16-byte pieces. `to` is written only for a sum that the data cannot have.
extern "C" __global__ void ranvier_read(const uint4 *__restrict__ from, u32 *to, u64 count) {
    u32 sum = 0;
    for (u64 i = place(); i < count; i += stride()) {
        uint4 piece = from[i];
        sum ^= piece.x + piece.y + piece.z + piece.w;
    }
    if (sum == 0x9e3779b9u) to[0] = sum;
}

// Copies count 16-byte pieces: two bytes move for each byte of memory.
extern "C" __global__ void ranvier_copy(const uint4 *__restrict__ from, uint4 *__restrict__ to, u64 count) {
    for (u64 i = place(); i < count; i += stride()) to[i] = from[i];
}

// Eight independent chains of fused multiply-adds: 16 operations for each thread and round.
extern "C" __global__ void ranvier_fp32(float *to, int rounds) {
    float chain[8];
    float factor = 0.9999f + 1e-9f * threadIdx.x, term = 1e-3f * (threadIdx.x & 7);
#pragma unroll
    for (int c = 0; c < 8; c++) chain[c] = (float)c;
    for (int r = 0; r < rounds; r++) {
#pragma unroll
        for (int c = 0; c < 8; c++)
            asm volatile("fma.rn.f32 %0, %0, %1, %2;" : "+f"(chain[c]) : "f"(factor), "f"(term));
    }
    float sum = 0;
#pragma unroll
    for (int c = 0; c < 8; c++) sum += chain[c];
    if (sum == 7.7e33f) to[0] = sum;
}

#define TILES 8 // independent accumulators of one warp, so that the next instruction need not wait for the last

#if __CUDA_ARCH__ >= 800

// A warp multiplies 16x16 by 16x8 in one instruction: 4096 operations, TILES of them in each round.
#define FLOAT_TILES(name, kind)                                                                                      \
    extern "C" __global__ void name(float *to, int rounds) {                                                         \
        float sum[TILES][4] = {};                                                                                    \
        u32 a = threadIdx.x & 1, b = (threadIdx.x >> 1) & 1;                                                         \
        for (int r = 0; r < rounds; r++) {                                                                           \
            _Pragma("unroll") for (int t = 0; t < TILES; t++)                                                        \
                asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." kind "." kind ".f32 "                          \
                             "{%0,%1,%2,%3}, {%4,%4,%4,%4}, {%5,%5}, {%0,%1,%2,%3};"                                 \
                             : "+f"(sum[t][0]), "+f"(sum[t][1]), "+f"(sum[t][2]), "+f"(sum[t][3])                    \
                             : "r"(a), "r"(b));                                                                      \
        }                                                                                                            \
        float all = 0;                                                                                               \
        _Pragma("unroll") for (int t = 0; t < TILES; t++) all += sum[t][0] + sum[t][3];                              \
        if (all == 7.7e33f) to[0] = all;                                                                             \
    }
FLOAT_TILES(ranvier_fp16, "f16")
FLOAT_TILES(ranvier_bf16, "bf16")

// 16x32 by 32x8 of signed bytes: 8192 operations.
extern "C" __global__ void ranvier_int8(int *to, int rounds) {
    int sum[TILES][4] = {};
    u32 a = threadIdx.x & 1, b = (threadIdx.x >> 1) & 1;
    for (int r = 0; r < rounds; r++) {
#pragma unroll
        for (int t = 0; t < TILES; t++)
            asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
                         "{%0,%1,%2,%3}, {%4,%4,%4,%4}, {%5,%5}, {%0,%1,%2,%3};"
                         : "+r"(sum[t][0]), "+r"(sum[t][1]), "+r"(sum[t][2]), "+r"(sum[t][3])
                         : "r"(a), "r"(b));
    }
    int all = 0;
#pragma unroll
    for (int t = 0; t < TILES; t++) all += sum[t][0] ^ sum[t][3];
    if (all == 0x7eadbeef) to[0] = all;
}

#else

// Turing has half the depth in one instruction: 16x8 by 8x8, 2048 operations; no bf16.
extern "C" __global__ void ranvier_fp16(float *to, int rounds) {
    float sum[TILES][4] = {};
    u32 a = threadIdx.x & 1, b = (threadIdx.x >> 1) & 1;
    for (int r = 0; r < rounds; r++) {
#pragma unroll
        for (int t = 0; t < TILES; t++)
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                         "{%0,%1,%2,%3}, {%4,%4}, {%5}, {%0,%1,%2,%3};"
                         : "+f"(sum[t][0]), "+f"(sum[t][1]), "+f"(sum[t][2]), "+f"(sum[t][3])
                         : "r"(a), "r"(b));
    }
    float all = 0;
#pragma unroll
    for (int t = 0; t < TILES; t++) all += sum[t][0] + sum[t][3];
    if (all == 7.7e33f) to[0] = all;
}

#endif
