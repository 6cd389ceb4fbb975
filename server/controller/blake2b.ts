// BLAKE2b (RFC 7693) with 64-byte output, for rspamd's password hashes: keyed under `$1$`, plain under `$2$`. node:crypto has no keyed mode, and
// its set-up costs more than the one block that Catena hashes 78,000 times. 64-bit words are pairs of 32-bit halves, low half first, in one Uint32Array: BigInt is some thirty times slower.

const iv = Uint32Array.of(
  0xf3bcc908,
  0x6a09e667,
  0x84caa73b,
  0xbb67ae85,
  0xfe94f82b,
  0x3c6ef372,
  0x5f1d36f1,
  0xa54ff53a,
  0xade682d1,
  0x510e527f,
  0x2b3e6c1f,
  0x9b05688c,
  0xfb41bd6b,
  0x1f83d9ab,
  0x137e2179,
  0x5be0cd19,
)

/** Message schedule of the ten rounds; rounds 11 and 12 repeat the first two. */
const sigma = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]
const rounds = 12
const blockBytes = 128
const outputBytes = 64

/** Hash of `data` under `key` (up to 64 bytes; none for the plain hash). */
export function blake2b(data: Uint8Array, key: Uint8Array = noKey): Uint8Array {
  const keyBlock = key.length > 0 ? blockBytes : 0
  const h = start(key.length)
  const blocks = Math.max(1, Math.ceil((keyBlock + data.length) / blockBytes))
  const input = new Uint8Array(blockBytes * blocks)
  input.set(key)
  input.set(data, keyBlock)
  const words = new Uint32Array(input.buffer)
  for (let at = 0; at < input.length; at += blockBytes) {
    const last = at + blockBytes >= input.length
    compress(h, words.subarray(at / 4, at / 4 + 32), last ? keyBlock + data.length : at + blockBytes, last)
  }
  return new Uint8Array(h.buffer)
}

/** Plain hash of exactly one full block of 32 words, into `out` (16 words): the inner loop of Catena. */
export function blake2bBlock(block: Uint32Array, out: Uint32Array): void {
  out.set(plainStart)
  compress(out, block, blockBytes, true)
}

const noKey = new Uint8Array(0)
const plainStart = start(0)

function start(keyLength: number): Uint32Array {
  const h = Uint32Array.from(iv)
  h[0]! ^= 0x01010000 ^ (keyLength << 8) ^ outputBytes
  return h
}

const v = new Uint32Array(32)

function compress(h: Uint32Array, m: Uint32Array, counter: number, last: boolean): void {
  v.set(h)
  v.set(iv, 16)
  v[24]! ^= counter
  if (last) {
    v[28]! = ~v[28]!
    v[29]! = ~v[29]!
  }
  for (let round = 0; round < rounds; round++) {
    const s = sigma[round % 10]!
    mix(m, 0, 8, 16, 24, s[0]!, s[1]!)
    mix(m, 2, 10, 18, 26, s[2]!, s[3]!)
    mix(m, 4, 12, 20, 28, s[4]!, s[5]!)
    mix(m, 6, 14, 22, 30, s[6]!, s[7]!)
    mix(m, 0, 10, 20, 30, s[8]!, s[9]!)
    mix(m, 2, 12, 22, 24, s[10]!, s[11]!)
    mix(m, 4, 14, 16, 26, s[12]!, s[13]!)
    mix(m, 6, 8, 18, 28, s[14]!, s[15]!)
  }
  for (let i = 0; i < 16; i++) h[i]! ^= v[i]! ^ v[i + 16]!
}

/** The G function on words a, b, c, d of the working vector with message words x and y. */
function mix(m: Uint32Array, a: number, b: number, c: number, d: number, x: number, y: number): void {
  addTwo(a, b, m[2 * x]!, m[2 * x + 1]!)
  let low = v[d]! ^ v[a]!
  let high = v[d + 1]! ^ v[a + 1]!
  // Rotation by 32 swaps the halves.
  v[d] = high
  v[d + 1] = low
  addTwo(c, d, 0, 0)
  low = v[b]! ^ v[c]!
  high = v[b + 1]! ^ v[c + 1]!
  v[b] = (low >>> 24) | (high << 8)
  v[b + 1] = (high >>> 24) | (low << 8)
  addTwo(a, b, m[2 * y]!, m[2 * y + 1]!)
  low = v[d]! ^ v[a]!
  high = v[d + 1]! ^ v[a + 1]!
  v[d] = (low >>> 16) | (high << 16)
  v[d + 1] = (high >>> 16) | (low << 16)
  addTwo(c, d, 0, 0)
  low = v[b]! ^ v[c]!
  high = v[b + 1]! ^ v[c + 1]!
  v[b] = (high >>> 31) | (low << 1)
  v[b + 1] = (low >>> 31) | (high << 1)
}

/** v[a] += v[b] + (high:low), in 64 bits. */
function addTwo(a: number, b: number, low: number, high: number): void {
  const sum = v[a]! + v[b]! + low
  v[a + 1] = v[a + 1]! + v[b + 1]! + high + Math.floor(sum / 0x1_0000_0000)
  v[a] = sum
}
