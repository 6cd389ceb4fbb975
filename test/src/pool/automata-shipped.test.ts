// The automata that come with the program: a first start with the built-in rules builds none; a list with rules of one's own is another
// list, and is built.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { shippedFile } from '../../../src/pool/automata-files.js'
import { shipAutomata } from '../../../src/pool/automata-shipped.js'
import { startHamd } from '../../support/hamd.js'
import { exchange } from '../../support/wire.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-shipped-'))
after(() => rmSync(folder, { recursive: true }))

test('a build makes them once, and again what is torn', async () => {
  const file = join(folder, 'automata.bin')
  const lists = await shipAutomata(file)
  assert.ok(lists > 0)
  assert.equal(await shipAutomata(file), 0)
  const whole = readFileSync(file)
  writeFileSync(file, whole.subarray(0, whole.length / 2))
  assert.equal(await shipAutomata(file), lists)
})

const text = 'From: a@example.org\nSubject: plants\n\nnothing but a quincunx\n'
const request = `SYMBOLS SPAMC/1.2\r\nContent-length: ${text.length}\r\n\r\n${text}`

interface FirstStart {
  readonly built: number
  readonly symbols: string
  /** Whether the data folder has automata of its own then. */
  readonly kept: boolean
}

async function firstStart(args: readonly string[]): Promise<FirstStart> {
  const hamd = await startHamd({ args })
  try {
    const { text: symbols } = await exchange(`unix:${hamd.socket}`, request, 'half-close')
    const built = Number(hamd.log.find((row) => row['msg'] === 'fast path ready')?.['built'])
    return { built, symbols, kept: existsSync(join(hamd.dataDir, 'cache', 'automata.bin')) }
  } finally {
    assert.equal(await hamd.stop(), 0)
  }
}

describe('a first start', {
  skip: existsSync(shippedFile) ? false : 'tsc alone made this folder, not the build',
}, () => {
  test('builds none with the built-in rules', async () => {
    const { built, symbols, kept } = await firstStart([])
    assert.deepEqual({ built, kept }, { built: 0, kept: false })
    assert.match(symbols, /MISSING_MID/)
  })

  test('builds the list that rules of its own are in', async () => {
    const own = join(folder, 'own.cf')
    writeFileSync(own, 'body OWN_QUINCUNX /quincunx/\nscore OWN_QUINCUNX 1\n')
    const { built, symbols, kept } = await firstStart(['--rules', own])
    assert.deepEqual({ built, kept }, { built: 1, kept: true })
    assert.match(symbols, /MISSING_MID.*OWN_QUINCUNX/)
  })
})
