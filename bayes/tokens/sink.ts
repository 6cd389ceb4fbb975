// Collects the tokens of one mail as a set of hashes, without making strings. A token is 53 bits: `lo`, 32 bits, and `hi`, 21 bits
// above three bits that say which members read it. Hashing happens where the characters are read (words.ts); this file holds the seeds,
// the last mixing step and the set.

/** The token belongs to the header and structure member. */
export const headBit = 1
/** The token belongs to the body member. */
export const bodyBit = 2
/** The token belongs to the sender member, besides the header's. Never together with bodyBit: both keep their weight in the same place. */
export const senderBit = 4
export const memberBits = 3

/** Kinds of tokens: each hashes in a space of its own, so `From` the field and `from` the word never meet. */
export const kinds = {
  bodyWord: 1, bodyMark: 2, subjectWord: 3, subjectLower: 4, subjectMark: 5, address: 6, addressDomain: 7, addressLocal: 8, addressName: 9,
  fieldWord: 10, fieldName: 11, fieldPair: 12, messageIdShape: 13, messageIdDomain: 14, dateZone: 15, dateShape: 16, referenceDomain: 17,
  agent: 18, relayIp: 19, relayHost: 20, relayWord: 21, relayCount: 22, uriScheme: 23, uriHost: 24, uriPort: 25, uriWord: 26, tag: 27,
  partType: 28, partEncoding: 29, partCharset: 30, partExtension: 31, partName: 32, partSize: 33, boundaryShape: 34, disposition: 35,
  partCount: 36, wordPiece: 37, gramHead: 38, gramUri: 39, gramText: 40, alignment: 41,
} as const // biome-ignore format: a table
export type Kind = keyof typeof kinds

/** Tokens of one mail that are kept; a mail with more is decided by its first ones. Stops memory exhaustion by one mail. */
export const tokensPerMailMax = 20_000

/** One step of both hashes over one UTF-16 unit, written out by hand in the scanners that need it fast. */
export const stepA = 0x01000193
export const stepB = 0x5bd1e995

/** Seeds of one kind under the salt of a database. */
export interface Seed {
  readonly a: number
  readonly b: number
  readonly bits: number
  readonly kind: Kind
}

function mix(h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const both = headBit | bodyBit
const senderKinds: ReadonlySet<Kind> = new Set([
  'address', 'addressDomain', 'addressLocal', 'addressName', 'messageIdShape', 'messageIdDomain', 'referenceDomain', 'alignment',
]) // biome-ignore format: a list
const bodyKinds: ReadonlySet<Kind> = new Set(['bodyWord', 'bodyMark', 'wordPiece'])
const sharedKinds: ReadonlySet<Kind> = new Set([
  'subjectWord', 'subjectLower', 'subjectMark', 'uriScheme', 'uriHost', 'uriPort', 'uriWord', 'tag',
]) // biome-ignore format: a list

function bitsOf(kind: Kind): number {
  if (bodyKinds.has(kind)) return bodyBit
  if (sharedKinds.has(kind)) return both
  return senderKinds.has(kind) ? headBit | senderBit : headBit
}

export type Seeds = Readonly<Record<Kind, Seed>>

/** Seeds under a salt: each database has its own, so that stored hashes say nothing about words to who does not know it. */
export function createSeeds(salt: number): Seeds {
  // A copy of a literal: from a dozen members on V8 looks up by name what was added one by one, which was 15 µs of a scan.
  const seeds = { ...kinds } as unknown as Record<Kind, Seed>
  for (const [kind, number] of Object.entries(kinds) as [Kind, number][]) {
    const bits = bitsOf(kind)
    const base = Math.imul(number, 0x9e3779b1) ^ salt
    // As signed numbers: they are hashed on as such.
    seeds[kind] = { a: mix(base) | 0, b: mix(base ^ 0x27d4eb2f) | 0, bits, kind }
  }
  return seeds
}

export class Sink {
  lo = new Uint32Array(1024)
  hi = new Uint32Array(1024)
  count = 0
  headCount = 0
  bodyCount = 0
  senderCount = 0
  /** Text of each token by its number, when the caller wants to show clues. */
  names: string[] | undefined
  private slots = new Int32Array(4096)
  /** The token that is open: its seed, its running hashes and, when names are wanted, its text so far. */
  private seed: Seed
  private a = 0
  private b = 0
  private label = ''

  constructor(readonly seeds: Seeds) {
    this.seed = seeds.bodyWord
  }

  reset(withNames: boolean): void {
    this.count = 0
    this.headCount = 0
    this.bodyCount = 0
    this.senderCount = 0
    this.names = withNames ? [] : undefined
    if (this.slots.length > 16384) this.slots = new Int32Array(4096)
    else this.slots.fill(0)
  }

  /** Adds a token from the two running hashes; returns false when it was there or the mail is full. */
  add(seed: Seed, a: number, b: number): boolean {
    const lo = mix(a)
    const hi = (mix(b ^ lo) & 0xfffff8) | seed.bits
    let slots = this.slots
    let at = lo & (slots.length - 1)
    for (let index = slots[at]!; index !== 0; index = slots[at]!) {
      if (this.lo[index - 1] === lo && this.hi[index - 1] === hi) return false
      at = (at + 1) & (slots.length - 1)
    }
    if (this.count >= tokensPerMailMax) return false
    if (this.count === this.lo.length) this.widen()
    this.lo[this.count] = lo
    this.hi[this.count] = hi
    slots[at] = ++this.count
    if (seed.bits & headBit) this.headCount++
    if (seed.bits & bodyBit) this.bodyCount++
    if (seed.bits & senderBit) this.senderCount++
    if (this.count * 2 > slots.length) {
      slots = this.slots = new Int32Array(slots.length * 4)
      for (let index = 0; index < this.count; index++) {
        let place = this.lo[index]! & (slots.length - 1)
        while (slots[place] !== 0) place = (place + 1) & (slots.length - 1)
        slots[place] = index + 1
      }
    }
    return true
  }

  /** Begins a token that is given in pieces: put, putRange, putLower, putUnit; close adds it. */
  open(seed: Seed): void {
    this.seed = seed
    this.a = seed.a
    this.b = seed.b
    this.label = ''
  }

  put(text: string): void {
    this.putRange(text, 0, text.length)
  }

  putRange(text: string, from: number, to: number): void {
    let { a, b } = this
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i)
      a = Math.imul(a ^ unit, stepA)
      b = Math.imul(b ^ unit, stepB)
      b ^= b >>> 15
    }
    this.a = a
    this.b = b
    if (this.names) this.label += text.slice(from, to)
  }

  /** Like putRange with the letters A to Z in lower case. */
  putLower(text: string, from: number, to: number): void {
    let { a, b } = this
    for (let i = from; i < to; i++) {
      let unit = text.charCodeAt(i)
      if (unit >= 0x41 && unit <= 0x5a) unit |= 32
      a = Math.imul(a ^ unit, stepA)
      b = Math.imul(b ^ unit, stepB)
      b ^= b >>> 15
    }
    this.a = a
    this.b = b
    if (this.names)
      this.label += text.slice(from, to).replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
  }

  putUnit(unit: number): void {
    this.a = Math.imul(this.a ^ unit, stepA)
    const b = Math.imul(this.b ^ unit, stepB)
    this.b = b ^ (b >>> 15)
    if (this.names) this.label += String.fromCharCode(unit)
  }

  close(): void {
    if (this.add(this.seed, this.a, this.b) && this.names)
      this.names[this.count - 1] = `${this.seed.kind}:${this.label}`
  }

  /** Adds a token given as one string. */
  addText(seed: Seed, text: string): void {
    let { a, b } = seed
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      a = Math.imul(a ^ unit, stepA)
      b = Math.imul(b ^ unit, stepB)
      b ^= b >>> 15
    }
    if (this.add(seed, a, b) && this.names) this.names[this.count - 1] = `${seed.kind}:${text}`
  }

  /** Adds a token of two strings with a unit between them. */
  addPair(seed: Seed, first: string, between: number, second: string): void {
    this.open(seed)
    this.put(first)
    this.putUnit(between)
    this.put(second)
    this.close()
  }

  private widen(): void {
    const lo = new Uint32Array(this.lo.length * 2)
    const hi = new Uint32Array(this.hi.length * 2)
    lo.set(this.lo)
    hi.set(this.hi)
    this.lo = lo
    this.hi = hi
  }
}
