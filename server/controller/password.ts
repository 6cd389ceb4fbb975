// Stored controller passwords: clear text, rspamd's `$1$` (PBKDF2 over keyed BLAKE2b) and `$2$` (Catena), and our own `$scrypt$`. In: what the
// configuration holds and what a client sent. Out: yes or no, never in a time that tells how much was right. A hash that nobody can match
// is refused when the configuration is read, instead of answering 401 for ever (rspamd-protocol.md 3.2).
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { blake2b } from './blake2b.js'
import { catena } from './catena.js'

/** rspamd's base32: digits of z-base-32, groups of five bits taken from the least significant end. */
const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769'
const pbkdfRounds = 16_000
/** The event loop gets its turn so often during a PBKDF2 run of some 80 ms. */
const roundsPerTurn = 500
const keyBytes = 32
/** Associated data of rspamd's Catena. */
const catenaData = Buffer.from('rspamd')
const saltBytes = 20
/** scrypt: 2^15 * 8 * 128 bytes = 32 MiB and about 80 ms. */
const scryptCost = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const

/** Words nobody may use as a password: rspamd's sample configuration had them. */
const refusedPasswords: ReadonlySet<string> = new Set(['q1', 'q2'])

/** Undefined when `stored` can be verified, else a sentence that says what to do. For the start of the server. */
export function passwordProblem(stored: string): string | undefined {
  if (refusedPasswords.has(stored)) return 'this password is known from sample configurations: choose another'
  if (stored.startsWith('$') && !readHash(stored)) {
    return 'this looks like a password hash but cannot be read: make one with `hamd password`'
  }
  return undefined
}

export async function makePasswordHash(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await scryptKey(password, salt)
  return `$scrypt$${salt.toString('base64url')}$${key.toString('base64url')}`
}

/** A malformed hash matches nothing. */
export async function verifyPassword(given: string, stored: string): Promise<boolean> {
  if (refusedPasswords.has(given) || passwordProblem(stored)) return false
  if (!stored.startsWith('$')) return sameBytes(Buffer.from(given), Buffer.from(stored))
  const hash = readHash(stored)!
  return sameBytes(await kdfs[hash.kind](given, hash.salt), hash.key)
}

const kdfs = {
  scrypt: scryptKey,
  pbkdf,
  catena: (password: string, salt: Buffer) => catena(Buffer.from(password), salt, catenaData, keyBytes),
}

interface Hash {
  readonly kind: keyof typeof kdfs
  readonly salt: Buffer
  readonly key: Buffer
}

function readHash(stored: string): Hash | undefined {
  const ours = /^\$scrypt\$([\w-]+)\$([\w-]+)$/.exec(stored)
  if (ours) {
    const key = Buffer.from(ours[2]!, 'base64url')
    return key.length === keyBytes
      ? { kind: 'scrypt', salt: Buffer.from(ours[1]!, 'base64url'), key }
      : undefined
  }
  const theirs = /^\$([12])\$([a-z0-9]+)\$([a-z0-9]+)$/.exec(stored)
  const salt = theirs && decodeBase32(theirs[2]!)
  const key = theirs && decodeBase32(theirs[3]!)
  if (salt?.length !== saltBytes || key?.length !== keyBytes) return undefined
  return { kind: theirs![1] === '1' ? 'pbkdf' : 'catena', salt, key }
}

function scryptKey(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, scryptCost, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

/** PBKDF2, first block only, with keyed BLAKE2b in the place of HMAC: the recipe of `rspamadm pw -t pbkdf2`. */
async function pbkdf(password: string, salt: Buffer): Promise<Buffer> {
  const key = Buffer.from(password).subarray(0, 64)
  let present = blake2b(Buffer.concat([salt, Buffer.from([0, 0, 0, 1])]), key)
  const sum = Buffer.from(present)
  for (let round = 1; round < pbkdfRounds; round++) {
    present = blake2b(present, key)
    for (let i = 0; i < sum.length; i++) sum[i]! ^= present[i]!
    if (round % roundsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return sum.subarray(0, keyBytes)
}

function decodeBase32(text: string): Buffer | undefined {
  const bytes: number[] = []
  let bits = 0
  let count = 0
  for (const char of text) {
    const digit = alphabet.indexOf(char)
    if (digit < 0) return undefined
    bits |= digit << count
    count += 5
    if (count >= 8) {
      bytes.push(bits & 0xff)
      bits >>>= 8
      count -= 8
    }
  }
  return Buffer.from(bytes)
}

/** Constant time for equal lengths; unequal ones are compared with themselves first so that they take as long. */
function sameBytes(a: Buffer, b: Buffer): boolean {
  if (a.length === b.length) return timingSafeEqual(a, b)
  timingSafeEqual(b, b)
  return false
}
