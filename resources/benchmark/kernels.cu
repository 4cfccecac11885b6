// The device benchmark's kernels: memory reading and copying, fp32 arithmetic, and tensor-core instructions.
//
// They use no library and no header, and measure issue rates out of registers: a card's peak, not what a matrix
// library reaches. Every result is used in a way that the compiler cannot see through, so that no work is left out.
// How the PTX files are made from this: README.md beside it.

typedef unsigned int u32;
typedef unsigned long long u64;

static __device__ __forceinline__ u64 place() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
static __device__ __forceinline__ u64 stride() { return (u64)gridDim.x * blockDim.x; }

// Reads count 16-byte pieces, four at a time for each thread, so that enough of them are on their way to fill the
// widest memory. `to` is written only for a sum that the data cannot have.
extern "C" __global__ void ranvier_read(const uint4 *__restrict__ from, u32 *to, u64 count) {
    u32 sum = 0;
    u64 i = place();
    for (; i + 3 * stride() < count; i += 4 * stride()) {
        uint4 piece[4];
#pragma unroll
        for (int p = 0; p < 4; p++) piece[p] = from[i + p * stride()];
#pragma unroll
        for (int p = 0; p < 4; p++) sum ^= piece[p].x + piece[p].y + piece[p].z + piece[p].w;
    }
    for (; i < count; i += stride()) sum ^= from[i].x + from[i].y + from[i].z + from[i].w;
    if (sum == 0x9e3779b9u) to[0] = sum;
}

// Copies count 16-byte pieces: two bytes move for each byte of memory.
extern "C" __global__ void ranvier_copy(const uint4 *__restrict__ from, uint4 *__restrict__ to, u64 count) {
    u64 i = place();
    for (; i + 3 * stride() < count; i += 4 * stride()) {
        uint4 piece[4];
#pragma unroll
        for (int p = 0; p < 4; p++) piece[p] = from[i + p * stride()];
#pragma unroll
        for (int p = 0; p < 4; p++) to[i + p * stride()] = piece[p];
    }
    for (; i < count; i += stride()) to[i] = from[i];
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

// Operands with the bits of real data: zeros would cost no power, and a card that is at its limit would look faster
// than it is. Two sets of them take turns. Numbers are in +-[0.5, 1), so that no sum overflows.
#define F16_BITS(bits) (((bits) & 0x83ff83ffu) | 0x38003800u)
#define BF16_BITS(bits) (((bits) & 0x807f807fu) | 0x3f003f00u)
#define S8_BITS(bits) (bits)

static __device__ __forceinline__ u32 noise(u32 number) {
    u32 bits = (threadIdx.x * 16u + number + 1u) * 0x9e3779b9u;
    bits = (bits ^ (bits >> 15)) * 0x85ebca6bu;
    return bits ^ (bits >> 13);
}

#define OPERANDS(bits)                                                                                               \
    u32 a[2][4], b[2][2];                                                                                            \
    _Pragma("unroll") for (int s = 0; s < 2; s++) {                                                                  \
        _Pragma("unroll") for (int p = 0; p < 4; p++) a[s][p] = bits(noise(s * 4 + p));                              \
        _Pragma("unroll") for (int p = 0; p < 2; p++) b[s][p] = bits(noise(8 + s * 2 + p));                          \
    }

// One warp's instruction again and again: `shape` of PTX, on registers of kind `type` and constraint `letter`.
#define TILED(name, type, letter, bits, shape, operands, never)                                                      \
    extern "C" __global__ void name(type *to, int rounds) {                                                          \
        type sum[TILES][4] = {};                                                                                     \
        OPERANDS(bits)                                                                                               \
        for (int r = 0; r < rounds; r++) {                                                                           \
            _Pragma("unroll") for (int t = 0; t < TILES; t++)                                                        \
                asm volatile("mma.sync.aligned." shape " {%0,%1,%2,%3}, " operands ", {%0,%1,%2,%3};"                \
                             : "+" letter(sum[t][0]), "+" letter(sum[t][1]), "+" letter(sum[t][2]),                  \
                               "+" letter(sum[t][3])                                                                 \
                             : "r"(a[t & 1][0]), "r"(a[t & 1][1]), "r"(a[t & 1][2]), "r"(a[t & 1][3]),               \
                               "r"(b[t / 2 & 1][0]), "r"(b[t / 2 & 1][1]));                                          \
        }                                                                                                            \
        type all = 0;                                                                                                \
        _Pragma("unroll") for (int t = 0; t < TILES; t++) all += sum[t][0] + sum[t][1] + sum[t][2] + sum[t][3];      \
        if (all == never) to[0] = all;                                                                               \
    }

#if __CUDA_ARCH__ >= 800

// A warp multiplies 16x16 by 16x8 in one instruction: 4096 operations, TILES of them in each round.
TILED(ranvier_fp16, float, "f", F16_BITS, "m16n8k16.row.col.f32.f16.f16.f32", "{%4,%5,%6,%7}, {%8,%9}", 7.7e33f)
TILED(ranvier_bf16, float, "f", BF16_BITS, "m16n8k16.row.col.f32.bf16.bf16.f32", "{%4,%5,%6,%7}, {%8,%9}", 7.7e33f)
// 16x32 by 32x8 of signed bytes: 8192 operations.
TILED(ranvier_int8, int, "r", S8_BITS, "m16n8k32.row.col.s32.s8.s8.s32", "{%4,%5,%6,%7}, {%8,%9}", 0x7eadbeef)

#else

// Turing has half the depth in one instruction: 16x8 by 8x8, 2048 operations; no bf16.
TILED(ranvier_fp16, float, "f", F16_BITS, "m16n8k8.row.col.f32.f16.f16.f32", "{%4,%5}, {%8}", 7.7e33f)

#endif
