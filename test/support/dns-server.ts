// A small authoritative DNS server for tests: zones from JSON, UDP and TCP on one loopback port, every question recorded. It can be
// told to misbehave per zone: silent, slow, SERVFAIL, REFUSED, a lie (an answer to another question), garbage. Own encoder on purpose:
// src/net/dns-message.ts must not be tested against itself.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

export type ZoneRecord = readonly [type: string, value: string, ttlSeconds?: number]
/** name -> records; '*.zone' answers any name below that has no own entry. */
export type Zone = Readonly<Record<string, readonly ZoneRecord[]>>
export type Behaviour = 'silent' | 'slow' | 'servfail' | 'refuse' | 'lie' | 'garbage' | 'truncate'

const typeNames: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  99: 'SPF',
  255: 'ANY',
}

function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.')
  const pieces = labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]))
  return Buffer.concat([...pieces, Buffer.of(0)])
}

function number16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

function number32(value: number): Buffer {
  return Buffer.concat([number16(value >>> 16), number16(value & 0xffff)])
}

function address6(text: string): Buffer {
  const [head = '', tail = ''] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const middle = text.includes('::') ? new Array<string>(8 - left.length - right.length).fill('0') : []
  return Buffer.concat([...left, ...middle, ...right].map((group) => number16(Number.parseInt(group, 16))))
}

function dataBytes(type: string, value: string): Buffer {
  const words = value.split(' ')
  switch (type) {
    case 'A':
      return Buffer.from(value.split('.').map(Number))
    case 'AAAA':
      return address6(value)
    case 'MX':
      return Buffer.concat([number16(Number(words[0])), nameBytes(words[1] ?? '')])
    case 'TXT': {
      const pieces = value.match(/[\s\S]{1,255}/g) ?? ['']
      return Buffer.concat(
        pieces.map((piece) => Buffer.concat([Buffer.of(piece.length), Buffer.from(piece, 'latin1')])),
      )
    }
    case 'SOA':
      return Buffer.concat([
        nameBytes(words[0] ?? ''),
        nameBytes(words[1] ?? ''),
        ...words.slice(2).map((word) => number32(Number(word))),
      ])
    default:
      return nameBytes(value)
  }
}

interface Question {
  readonly id: number
  readonly name: string
  readonly typeNumber: number
  readonly section: Buffer
}

function readQuestion(query: Buffer): Question {
  const labels: string[] = []
  let at = 12
  while (query[at]! > 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!))
    at += 1 + query[at]!
  }
  return {
    id: query.readUInt16BE(0),
    name: labels.join('.'),
    typeNumber: query.readUInt16BE(at + 1),
    section: query.subarray(12, at + 5),
  }
}

function recordBytes(name: string, [type, value, ttlSeconds = 60]: ZoneRecord): Buffer {
  const typeNumber = Number(Object.entries(typeNames).find(([, known]) => known === type)?.[0])
  const data = dataBytes(type, value)
  return Buffer.concat([
    nameBytes(name),
    number16(typeNumber),
    number16(1),
    number32(ttlSeconds),
    number16(data.length),
    data,
  ])
}

function reply(
  question: Question,
  rcode: number,
  answers: readonly Buffer[],
  authority: readonly Buffer[],
  flags = 0,
) {
  return Buffer.concat([
    number16(question.id),
    number16(0x8580 | rcode | flags),
    number16(1),
    number16(answers.length),
    number16(authority.length),
    number16(0),
    question.section,
    ...answers,
    ...authority,
  ])
}

export interface TestDns {
  readonly port: number
  /** '127.0.0.1:port' */
  readonly address: string
  /** Questions in order, 'TYPE name'. */
  readonly asked: string[]
  /** Names at or below the key behave so; '' is every name. */
  readonly behaviours: Map<string, Behaviour>
  /** May be added to while the server runs. */
  readonly zone: Map<string, readonly ZoneRecord[]>
  /** Sends questions at or below these zones on to another server (rbldnsd), over UDP. */
  forward(zones: readonly string[], port: number): void
  close(): Promise<void>
}

const slowMs = 400

export async function startDns(
  zone: Zone,
  behaviours: Readonly<Record<string, Behaviour>> = {},
): Promise<TestDns> {
  const records = new Map(Object.entries(zone).map(([name, list]) => [name.toLowerCase(), list]))
  const behaving = new Map(Object.entries(behaviours))
  const asked: string[] = []

  function lookUp(name: string): readonly ZoneRecord[] | undefined {
    const exact = records.get(name)
    if (exact !== undefined) return exact
    for (let rest = name; rest.includes('.'); ) {
      rest = rest.slice(rest.indexOf('.') + 1)
      const wild = records.get(`*.${rest}`)
      if (wild !== undefined) return wild
    }
    return [...records.keys()].some((known) => known.endsWith(`.${name}`)) ? [] : undefined
  }

  function soaOf(name: string): Buffer[] {
    for (let rest = name; rest !== ''; rest = rest.includes('.') ? rest.slice(rest.indexOf('.') + 1) : '') {
      const soa = records.get(rest)?.find(([type]) => type === 'SOA')
      if (soa !== undefined) return [recordBytes(rest, soa)]
    }
    return []
  }

  function answer(question: Question): Buffer {
    const type = typeNames[question.typeNumber] ?? ''
    const answers: Buffer[] = []
    let name = question.name.toLowerCase()
    let list = lookUp(name)
    for (let hops = 0; hops < 8; hops++) {
      const alias = list?.find(([known]) => known === 'CNAME')
      if (alias === undefined || type === 'CNAME') break
      answers.push(recordBytes(name, alias))
      name = alias[1].toLowerCase()
      list = lookUp(name)
    }
    const found = (list ?? []).filter(([known]) => known === type || type === 'ANY')
    answers.push(...found.map((record) => recordBytes(name, record)))
    return reply(question, list === undefined ? 3 : 0, answers, found.length === 0 ? soaOf(name) : [])
  }

  function behaviourOf(name: string): Behaviour | undefined {
    const key = [...behaving.keys()].find((zone) => zone === '' || name === zone || name.endsWith(`.${zone}`))
    return key === undefined ? undefined : behaving.get(key)
  }

  function respond(query: Buffer, isTcp: boolean): Buffer | undefined {
    const question = readQuestion(query)
    asked.push(`${typeNames[question.typeNumber] ?? question.typeNumber} ${question.name}`)
    switch (behaviourOf(question.name.toLowerCase())) {
      case 'silent':
        return undefined
      case 'servfail':
        return reply(question, 2, [], [])
      case 'refuse':
        return reply(question, 5, [], [])
      case 'lie': {
        const section = Buffer.concat([nameBytes('liar.test'), question.section.subarray(-4)])
        return answer({ ...question, name: 'liar.test', section })
      }
      case 'garbage':
        return Buffer.concat([
          query.subarray(0, 2),
          Buffer.from([0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xc0, 12]),
        ])
      case 'truncate':
        return isTcp ? answer(question) : reply(question, 0, [], [], 0x0200)
      default:
        return answer(question)
    }
  }

  function deliver(query: Buffer, isTcp: boolean, send: (bytes: Buffer) => void): void {
    const bytes = respond(query, isTcp)
    const isSlow = behaviourOf(readQuestion(query).name.toLowerCase()) === 'slow'
    if (bytes !== undefined) setTimeout(() => send(bytes), isSlow ? slowMs : 0)
  }

  const forwarded = new Map<string, number>()

  /** Passes one question on; false when the name belongs to no forwarded zone. */
  function passOn(query: Buffer, send: (bytes: Buffer) => void): boolean {
    const name = readQuestion(query).name.toLowerCase()
    const zone = [...forwarded.keys()].find((known) => name === known || name.endsWith(`.${known}`))
    if (zone === undefined) return false
    const socket = createSocket('udp4')
    const timer = setTimeout(() => socket.close(), 2_000)
    socket.once('message', (bytes) => {
      clearTimeout(timer)
      socket.close()
      send(bytes)
    })
    socket.send(query, forwarded.get(zone)!, '127.0.0.1')
    return true
  }

  const udp = createSocket('udp4')
  const tcp = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      deliver(bytes.subarray(2), true, (answered) =>
        socket.end(Buffer.concat([number16(answered.length), answered])),
      )
    })
  })
  udp.on('message', (query, from) => {
    const send = (bytes: Buffer) => udp.send(bytes, from.port, from.address, () => {})
    if (!passOn(query, send)) deliver(query, false, send)
  })
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as { port: number }
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))

  return {
    port,
    address: `127.0.0.1:${port}`,
    asked,
    behaviours: behaving,
    zone: records,
    forward(zones, to) {
      for (const zone of zones) forwarded.set(zone, to)
    },
    async close() {
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    },
  }
}
