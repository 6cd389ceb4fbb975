// Catena-Butterfly as rspamd runs it (every hash a full BLAKE2b, lambda 4, garlic 10): the password hash that `rspamadm pw` makes by default.
// In: password, salt, associated data. Out: a key. The double butterfly graph of the Catena paper (Forler, Lucks, Wenzel) needs no more than two
// rows of memory here; hashes of rspamadm 3.4 are in the test. The event loop gets its turn after every row.
import { blake2b, blake2bBlock } from './blake2b.js'

const versionId = Buffer.from('Butterfly-Full')
/** Layers of the graph (lambda) and its size 2^garlic, as rspamd sets them. */
const layers = 4
const garlic = 10
/** Words of one vertex: a BLAKE2b output. */
const vertexWords = 16

export async function catena(
  password: Uint8Array,
  salt: Uint8Array,
  data: Uint8Array,
  keyBytes: number,
): Promise<Buffer> {
  // Tweak: mode 0 (password hashing), lambda, length of the key, length of the salt.
  const tweak = Uint8Array.of(0, layers, keyBytes, salt.length)
  let x = blake2b(Buffer.concat([blake2b(versionId), tweak, blake2b(data), password, salt]))
  x = await flap(x, Math.floor((garlic + 1) / 2), salt)
  x = await flap(x, garlic, salt)
  return Buffer.from(blake2b(Buffer.concat([Uint8Array.of(garlic), x]))).subarray(0, keyBytes)
}

/** One pass through the graph of 2^g columns; the last vertex of the last row is the result. */
async function flap(x: Uint8Array, g: number, salt: Uint8Array): Promise<Uint8Array> {
  const columns = 1 << g
  let above = topRow(x, columns)
  stir(above, g, salt)
  let row = new Uint32Array(above.length)
  const block = new Uint32Array(2 * vertexWords)
  for (let layer = 0; layer < layers; layer++) {
    for (let level = 0; level < 2 * g - 1; level++) {
      // Diagonals flip one bit of the column: from the highest bit down, then up again.
      const flip = 1 << (level < g ? g - 1 - level : level - (g - 1))
      for (let j = 0; j < columns; j++) {
        const left = j === 0 ? above : row
        const leftAt = (j === 0 ? columns - 1 : j - 1) * vertexWords
        const aboveAt = j * vertexWords
        const diagonalAt = (j ^ flip) * vertexWords
        for (let i = 0; i < vertexWords; i++) {
          block[i] = left[leftAt + i]! ^ above[aboveAt + i]!
          block[vertexWords + i] = above[diagonalAt + i]!
        }
        const vertex = vertexOf(row, j)
        blake2bBlock(block, vertex)
        if (j === 0) vertex.set(wordsOf(prefixed(0, bytesOf(vertex))))
      }
      const free = above
      above = row
      row = free
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return bytesOf(vertexOf(above, columns - 1)).slice()
}

/** First row: each vertex from the two before it, started from the input. */
function topRow(x: Uint8Array, columns: number): Uint32Array<ArrayBuffer> {
  const row = new Uint32Array(columns * vertexWords)
  let before = wordsOf(prefixed(1, x))
  let last = wordsOf(prefixed(0, x))
  const block = new Uint32Array(2 * vertexWords)
  for (let j = 0; j < columns; j++) {
    block.set(last)
    block.set(before, vertexWords)
    const vertex = vertexOf(row, j)
    blake2bBlock(block, vertex)
    before = last
    last = vertex
  }
  return row
}

/** Gamma: rewrites vertices chosen by a generator that is seeded with the salt, against precomputation. */
function stir(row: Uint32Array, g: number, salt: Uint8Array): void {
  const seed = blake2b(salt)
  const next = xorshift1024star(seed, blake2b(seed))
  const block = new Uint32Array(2 * vertexWords)
  const count = 1 << Math.floor((3 * g + 3) / 4)
  for (let i = 0; i < count; i++) {
    const target = vertexOf(row, Number(next() >> BigInt(64 - g)))
    block.set(target)
    block.set(vertexOf(row, Number(next() >> BigInt(64 - g))), vertexWords)
    blake2bBlock(block, target)
  }
}

/** Vigna's xorshift1024* with the shifts 31, 11, 30. */
function xorshift1024star(a: Uint8Array, b: Uint8Array): () => bigint {
  const state = new BigUint64Array(Uint8Array.from([...a, ...b]).buffer)
  let p = 0
  return () => {
    let s0 = state[p]!
    p = (p + 1) & 15
    let s1 = state[p]!
    s1 ^= BigInt.asUintN(64, s1 << 31n)
    s1 ^= s1 >> 11n
    s0 ^= s0 >> 30n
    state[p] = s0 ^ s1
    return BigInt.asUintN(64, state[p]! * 1181783497276652981n)
  }
}

function prefixed(byte: number, bytes: Uint8Array): Uint8Array {
  return blake2b(Buffer.concat([Uint8Array.of(byte), bytes]))
}

function vertexOf(row: Uint32Array, column: number): Uint32Array {
  return row.subarray(column * vertexWords, (column + 1) * vertexWords)
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, vertexWords)
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
