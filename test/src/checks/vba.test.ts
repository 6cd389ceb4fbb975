// Office files read by our own hands: the compression of VBA source, compound files, and macros found inside them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readCompoundFile } from '../../../src/checks/compoundfile.js'
import { decompressVba, vbaSource } from '../../../src/checks/vba.js'
import { loadEngine, makeScan, runRules } from './support.js'

const hex = (text: string): Buffer => Buffer.from(text.replace(/ /g, ''), 'hex')

/** Literal runs only: the packed form of a text of less than 4,096 bytes. */
function packLiterally(text: string): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < text.length; at += 8)
    pieces.push(Buffer.from(`\0${text.slice(at, at + 8)}`, 'latin1'))
  const chunk = Buffer.concat(pieces)
  const header = Buffer.alloc(3)
  header[0] = 1
  header.writeUInt16LE((chunk.length - 1) | 0xb000, 1)
  return Buffer.concat([header, chunk])
}

const sector = 512
const endOfChain = 0xfffffffe
const free = 0xffffffff

interface DirectoryEntry {
  readonly name: string
  readonly type: number
  readonly child?: number
  readonly right?: number
  readonly start?: number
  readonly size?: number
}

function directoryEntry({
  name,
  type,
  child = free,
  right = free,
  start = 0,
  size = 0,
}: DirectoryEntry): Buffer {
  const entry = Buffer.alloc(128)
  entry.write(name, 'utf16le')
  entry.writeUInt16LE((name.length + 1) * 2, 64)
  entry[66] = type
  entry.writeUInt32LE(free, 68)
  entry.writeUInt32LE(right, 72)
  entry.writeUInt32LE(child, 76)
  entry.writeUInt32LE(start, 116)
  entry.writeUInt32LE(size, 120)
  return entry
}

const numbers = (values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(sector, 0xff)
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value, index * 4)
  })
  return bytes
}

/** A compound file with a small stream (mini stream) and a large one below the storage VBA. */
function compoundFile(small: Buffer, large: Buffer): Buffer {
  const header = Buffer.alloc(sector)
  hex('d0cf11e0a1b11ae1').copy(header)
  header.writeUInt16LE(9, 30)
  header.writeUInt16LE(6, 32)
  header.writeUInt32LE(1, 44)
  header.writeUInt32LE(1, 48)
  header.writeUInt32LE(4096, 56)
  header.writeUInt32LE(3, 60)
  header.writeUInt32LE(1, 64)
  header.writeUInt32LE(endOfChain, 68)
  header.fill(0xff, 76)
  header.writeUInt32LE(0, 76)
  const largeSectors = Math.ceil(large.length / sector)
  const chain = Array.from({ length: largeSectors }, (_, index) =>
    index + 1 < largeSectors ? 5 + index : endOfChain,
  )
  const table = numbers([0xfffffffd, endOfChain, endOfChain, endOfChain, ...chain])
  const directory = Buffer.concat([
    directoryEntry({ name: 'Root Entry', type: 5, child: 1, start: 2, size: sector }),
    directoryEntry({ name: 'VBA', type: 1, child: 2 }),
    directoryEntry({ name: 'Small', type: 2, right: 3, start: 0, size: small.length }),
    directoryEntry({ name: 'Large', type: 2, start: 4, size: large.length }),
  ])
  const mini = Buffer.alloc(sector)
  small.copy(mini)
  const miniSectors = Math.ceil(small.length / 64)
  const miniTable = numbers(
    Array.from({ length: miniSectors }, (_, index) => (index + 1 < miniSectors ? index + 1 : endOfChain)),
  )
  const padded = Buffer.alloc(largeSectors * sector)
  large.copy(padded)
  return Buffer.concat([header, table, directory, mini, miniTable, padded])
}

const source = 'Attribute VB_Name = "M"\r\nSub Auto_Open()\r\nEnd Sub\r\n'

describe('VBA compression', () => {
  // The examples of [MS-OVBA] 3.2.
  const examples = {
    'no compression': [
      '01 19 B0 00 61 62 63 64 65 66 67 68 00 69 6A 6B 6C 6D 6E 6F 70 00 71 72 73 74 75 76 2E',
      'abcdefghijklmnopqrstuv.',
    ],
    'normal compression': [
      '01 2F B0 00 23 61 61 61 62 63 64 65 82 66 00 70 61 67 68 69 6A 01 38 08 61 6B 6C 00 30 6D 6E 6F 70 06 71 02 70 04 10 72 73 74 75 76 10 77 78 79 7A 00 3C',
      '#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa',
    ],
    'maximum compression': ['01 03 B0 02 61 45 00', 'a'.repeat(73)],
  } as const
  for (const [what, [packed, text]] of Object.entries(examples)) {
    test(what, () => assert.equal(decompressVba(hex(packed), 0), text))
  }

  test('damaged data ends', () => {
    assert.equal(decompressVba(hex('02 03 B0 02 61'), 0), '')
    assert.equal(decompressVba(hex('01 03 B0 03 FF FF FF FF'), 0), '')
  })
})

describe('compound files', () => {
  const large = Buffer.alloc(5000, 'x')
  const file = compoundFile(packLiterally(source), large).toString('latin1')

  test('small and large streams, by path', () => {
    const streams = new Map(readCompoundFile(file).map(({ path, data }) => [path, data]))
    assert.deepEqual([...streams.keys()], ['VBA/Small', 'VBA/Large'])
    assert.deepEqual(streams.get('VBA/Small'), packLiterally(source))
    assert.deepEqual(streams.get('VBA/Large'), large)
  })

  test('source of the macros', () => {
    assert.equal(vbaSource(file), source)
    assert.equal(vbaSource(file.slice(0, 700)), '')
  })

  test('a word that the compression took apart is found', async () => {
    const engine = loadEngine({
      pre: 'loadplugin Mail::SpamAssassin::Plugin::OLEVBMacro\n',
      cf: 'body HIT eval:check_olemacro()\nbody HIT_MALICE eval:check_olemacro_malice()\n',
    })
    const mail = (data: string): string =>
      `From: a@b.example\nContent-Type: application/msword; name="a.doc"\nContent-Transfer-Encoding: base64\n\n${Buffer.from(data, 'latin1').toString('base64')}\n`
    const hits = async (data: string) => [
      ...(await runRules(engine, makeScan(engine, mail(data)))).hits.keys(),
    ]
    // In the file the words stand in pieces of eight bytes.
    assert.equal(/auto_open/i.test(file), false)
    const marked = compoundFile(packLiterally(source), Buffer.from('\0Attribut\0'.padEnd(5000), 'latin1'))
    assert.deepEqual(await hits(marked.toString('latin1')), ['HIT', 'HIT_MALICE'])
    assert.deepEqual(await hits(compoundFile(Buffer.from('nothing'), large).toString('latin1')), [])
  })
})
