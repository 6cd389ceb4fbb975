// Writes a MaxMind database for tests: the few parts of the format (version 2.0) that readers need, records of 32 bits, addresses of
// both families in one tree.
import { parseIp } from '../../src/views/ip.js'

type Value = string | number | { readonly [name: string]: Value }

const types = { text: 2, uint32: 6, map: 7 }

function head(type: number, size: number): Buffer {
  return size < 29 ? Buffer.of((type << 5) | size) : Buffer.of((type << 5) | 29, size - 29)
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'utf8')
    return Buffer.concat([head(types.text, bytes.length), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([head(types.uint32, 4), bytes])
  }
  const entries = Object.entries(value)
  return Buffer.concat([
    head(types.map, entries.length),
    ...entries.flatMap(([name, member]) => [encode(name), encode(member)]),
  ])
}

/** A child is a node, or the place of a record in the data section. */
type Child = Node | { readonly offset: number } | undefined

interface Node {
  children: [Child, Child]
}

const isNode = (child: Child): child is Node => child !== undefined && 'children' in child

function bitsOf(network: string): number[] {
  const [ip = '', length] = network.split('/')
  const v4 = !ip.includes(':')
  const words = [...(parseIp(ip) ?? [])]
  if (v4) words[5] = 0 // IPv4 lives at ::/96.
  const bits = words.flatMap((word) => Array.from({ length: 16 }, (_, index) => (word >> (15 - index)) & 1))
  const all = v4 ? 32 : 128
  return bits.slice(0, 128 - all + Number(length ?? all))
}

/** @param records network -> record; a narrower network must come after a wider one only if they do not overlap. */
export function mmdb(records: Readonly<Record<string, Value>>, kind: string): Buffer {
  const root: Node = { children: [undefined, undefined] }
  const nodes: Node[] = [root]
  const data: Buffer[] = []
  let offset = 0
  for (const [network, record] of Object.entries(records)) {
    const bits = bitsOf(network)
    let node = root
    for (const bit of bits.slice(0, -1)) {
      let child = node.children[bit]
      if (!isNode(child)) {
        child = { children: [undefined, undefined] }
        nodes.push(child)
        node.children[bit] = child
      }
      node = child
    }
    node.children[bits.at(-1)!] = { offset }
    const bytes = encode(record)
    data.push(bytes)
    offset += bytes.length
  }
  const numbers = new Map(nodes.map((node, index) => [node, index]))
  const tree = Buffer.alloc(nodes.length * 8)
  const place = (child: Child): number => {
    if (child === undefined) return nodes.length
    return isNode(child) ? numbers.get(child)! : nodes.length + 16 + child.offset
  }
  for (const [index, { children }] of nodes.entries())
    for (const side of [0, 1] as const) tree.writeUInt32BE(place(children[side]), index * 8 + side * 4)
  const metadata = encode({
    node_count: nodes.length,
    record_size: 32,
    ip_version: 6,
    database_type: kind,
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
  })
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata])
}
