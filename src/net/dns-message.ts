// DNS messages on the wire (RFC 1035, RFC 6891): a question to bytes, bytes to an answer. In comes what the network sent, so every
// read is checked; what can't be read is undefined and counts as not received. Own code instead of node:dns, because c-ares gives no
// TTL for TXT, MX, PTR and negative answers, and the cache lives on those.
import type { DnsType } from '../types.js'

const typeNumbers: Readonly<Record<DnsType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
}

/** UDP payload we offer by EDNS: fits one Ethernet frame, so no fragments (DNS flag day 2020). */
const payloadBytes = 1232
/** Compression pointers followed in one name; a loop ends here. */
const pointersMax = 64

export interface DnsReply {
  readonly id: number
  readonly name: string
  readonly truncated: boolean
  readonly rcode: number
  /** Records of the asked type, wherever a CNAME chain led. */
  readonly records: readonly string[]
  /** Of TXT records: the strings each is made of, if one is made of several. */
  readonly strings?: readonly (readonly string[])[]
  /** Smallest TTL of the answer section; undefined when it is empty. */
  readonly ttlSeconds: number | undefined
  /** RFC 2308: smaller of the SOA's TTL and its minimum field. */
  readonly negativeTtlSeconds: number | undefined
  /** First name server of the SOA in the authority section. */
  readonly soaServer: string | undefined
}

/** Labels as bytes, undefined for a name that no server can hold (RFC 1035 2.3.4). */
function encodeName(name: string): Buffer | undefined {
  const pieces: Buffer[] = []
  let length = 1
  for (const label of name.replace(/\.$/, '').split('.')) {
    const bytes = Buffer.from(label, 'latin1')
    if (bytes.length === 0 || bytes.length > 63) return undefined
    length += bytes.length + 1
    pieces.push(Buffer.of(bytes.length), bytes)
  }
  if (length > 255) return undefined
  pieces.push(Buffer.of(0))
  return Buffer.concat(pieces)
}

/** Recursive query with an EDNS offer. */
export function encodeQuery(id: number, name: string, type: DnsType): Buffer | undefined {
  const encoded = encodeName(name)
  if (encoded === undefined) return undefined
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(0x0100, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(1, 10)
  const tail = Buffer.alloc(15)
  tail.writeUInt16BE(typeNumbers[type], 0)
  tail.writeUInt16BE(1, 2)
  tail.writeUInt16BE(41, 5)
  tail.writeUInt16BE(payloadBytes, 7)
  return Buffer.concat([head, encoded, tail])
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

function readName(cursor: Cursor): string {
  const labels: string[] = []
  let { at } = cursor
  let jumps = 0
  for (;;) {
    const length = cursor.bytes.readUInt8(at)
    if (length >= 0xc0) {
      const target = cursor.bytes.readUInt16BE(at) & 0x3fff
      if (jumps === 0) cursor.at = at + 2
      if (++jumps > pointersMax) throw new RangeError('pointer loop')
      at = target
      continue
    }
    if (length > 63) throw new RangeError('label length')
    at += 1
    if (length === 0) break
    if (at + length > cursor.bytes.length || labels.length > 127) throw new RangeError('name length')
    labels.push(cursor.bytes.toString('latin1', at, at + length))
    at += length
  }
  if (jumps === 0) cursor.at = at
  return labels.join('.')
}

function readStrings(bytes: Buffer, start: number, end: number): string[] {
  const strings: string[] = []
  for (let at = start; at < end; ) {
    const length = bytes.readUInt8(at)
    strings.push(bytes.toString('latin1', at + 1, Math.min(at + 1 + length, end)))
    at += 1 + length
  }
  return strings
}

/** Shortest form of RFC 5952 is not needed: rules compare IPv4, look-ups use all 8 groups. */
function readAddress6(bytes: Buffer, start: number): string {
  const groups: string[] = []
  for (let at = start; at < start + 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  return groups.join(':')
}

function readData(bytes: Buffer, type: number, start: number, end: number): string {
  switch (type) {
    case typeNumbers.A:
      return `${bytes.readUInt8(start)}.${bytes.readUInt8(start + 1)}.${bytes.readUInt8(start + 2)}.${bytes.readUInt8(start + 3)}`
    case typeNumbers.AAAA:
      return readAddress6(bytes, start)
    case typeNumbers.TXT:
      return readStrings(bytes, start, end).join('')
    case typeNumbers.MX:
      return `${bytes.readUInt16BE(start)} ${readName({ bytes, at: start + 2 })}`
    case typeNumbers.SOA: {
      const cursor = { bytes, at: start }
      const server = readName(cursor)
      const mailbox = readName(cursor)
      const numbers = [0, 4, 8, 12, 16].map((offset) => bytes.readUInt32BE(cursor.at + offset))
      return [server, mailbox, ...numbers].join(' ')
    }
    default:
      return readName({ bytes, at: start })
  }
}

interface DnsRecord {
  readonly type: number
  readonly ttlSeconds: number
  readonly data: string
  /** Of a TXT record. */
  readonly strings: readonly string[]
}

function readRecord(cursor: Cursor): DnsRecord {
  readName(cursor)
  const { bytes, at } = cursor
  const type = bytes.readUInt16BE(at)
  const ttlSeconds = bytes.readUInt32BE(at + 4)
  const start = at + 10
  const end = start + bytes.readUInt16BE(at + 8)
  if (end > bytes.length) throw new RangeError('record length')
  cursor.at = end
  const known = Object.values(typeNumbers).includes(type)
  const strings = type === typeNumbers.TXT ? readStrings(bytes, start, end) : []
  return { type, ttlSeconds, data: known ? readData(bytes, type, start, end) : '', strings }
}

/** Undefined for anything that is not a whole answer to a question of this type. */
export function decodeReply(bytes: Buffer, type: DnsType): DnsReply | undefined {
  try {
    const flags = bytes.readUInt16BE(2)
    const isAnswer = (flags & 0x8000) !== 0 && bytes.readUInt16BE(4) === 1
    if (!isAnswer) return undefined
    const cursor: Cursor = { bytes, at: 12 }
    const name = readName(cursor)
    if (bytes.readUInt16BE(cursor.at) !== typeNumbers[type]) return undefined
    cursor.at += 4
    const head = { id: bytes.readUInt16BE(0), name, rcode: flags & 0xf, truncated: (flags & 0x0200) !== 0 }
    const none = { records: [], ttlSeconds: undefined, negativeTtlSeconds: undefined, soaServer: undefined }
    if (head.truncated) return { ...head, ...none }
    const answers = Array.from({ length: bytes.readUInt16BE(6) }, () => readRecord(cursor))
    const authority = Array.from({ length: bytes.readUInt16BE(8) }, () => readRecord(cursor))
    const soa = authority.find((record) => record.type === typeNumbers.SOA)
    const soaFields = soa?.data.split(' ')
    const asked = answers.filter((record) => record.type === typeNumbers[type])
    return {
      ...head,
      records: asked.map((record) => record.data),
      ...(asked.some((record) => record.strings.length > 1)
        ? { strings: asked.map((record) => record.strings) }
        : {}),
      ttlSeconds: answers.length === 0 ? undefined : Math.min(...answers.map((record) => record.ttlSeconds)),
      negativeTtlSeconds: soa && Math.min(soa.ttlSeconds, Number(soaFields?.[6] ?? 0)),
      soaServer: soaFields?.[0],
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
