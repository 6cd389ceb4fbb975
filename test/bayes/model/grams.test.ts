// Weights of 4-grams: the table, growing, and the array that follows it say the same; a rebuild leaves no memory behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createExtractor } from '../../../bayes/index.js'
import { GramTable } from '../../../bayes/model/grams.js'
import { Model } from '../../../bayes/model/model.js'
import { createRandom } from '../../../bayes/random.js'
import { gramBits } from '../../../bayes/tokens/grams.js'
import { parseMessage } from '../../../src/message/parse.js'
import { ham, spam } from '../mails.js'

/** Mails of 500 grams each, half of which other mails have too. */
function randomMails(count: number): Uint32Array[] {
  const random = createRandom(7)
  const mails: Uint32Array[] = []
  for (let n = 0; n < count; n++) {
    const ids = new Set<number>()
    while (ids.size < 500) ids.add(Math.floor(random() * (ids.size % 2 === 0 ? 4000 : 2 ** gramBits)))
    mails.push(Uint32Array.from(ids))
  }
  return mails
}

for (const [bits, count, isArray] of [
  [gramBits, 200, false],
  [18, 200, true],
] as const)
  test(`weights of ${count} mails told apart by ${bits} bits are those of a plain array, ${isArray ? 'kept as one' : 'kept in a table'}`, () => {
    const mails = randomMails(count)
    const plain = new Float32Array(2 ** bits)
    const plainSums = new Float32Array(2 ** bits)
    let table = GramTable.create(bits)
    let sums: Float32Array = new Float32Array(table.slots)
    const slots = new Int32Array(500)
    mails.forEach((grams, n) => {
      const placed = table.place(grams, slots)
      if (placed !== table) sums = table.moved(sums, placed)
      table = placed
      for (const [i, gram] of grams.entries()) {
        const id = gram >>> (gramBits - bits)
        plain[id] = plain[id]! + n / 3
        plainSums[id] = plainSums[id]! + n / 7
        const at = slots[i]! * table.stride + table.offset
        table.floats[at] = table.floats[at]! + n / 3
        sums[slots[i]!] = sums[slots[i]!]! + n / 7
      }
    })
    assert.equal(table.stride, isArray ? 1 : 2)
    const expected = (grams: Uint32Array) =>
      grams.reduce((sum, gram) => sum + plain[gram >>> (gramBits - bits)]!, 0)
    const read = new GramTable(table.shared)
    const kept = GramTable.of(bits, table.content)
    for (const grams of [...mails, ...randomMails(400).slice(200)]) {
      assert.equal(read.sumOf(grams), expected(grams))
      assert.equal(kept.sumOf(grams), expected(grams))
    }
    assert.equal(kept.used, table.used)
    for (const grams of mails) {
      assert.equal(table.place(grams, slots), table)
      for (const [i, gram] of grams.entries())
        assert.equal(sums[slots[i]!], plainSums[gram >>> (gramBits - bits)])
    }
  })

test('a table that holds all grams of a mail does not grow for it, however full it is', () => {
  const slots = new Int32Array(500)
  const mails = randomMails(200)
  let table = GramTable.create(gramBits)
  for (const grams of mails) {
    const before = table
    table = table.place(grams, slots)
    if (table === before) continue
    for (const known of mails.slice(0, mails.indexOf(grams) + 1))
      assert.equal(table.place(known, slots), table)
  }
  // Filled to the last slot that may be used.
  let next = 0
  const one = new Uint32Array(1)
  for (let last = table; last === table; next++) {
    one[0] = next * 7
    last = table.place(one, slots)
  }
  for (const grams of mails) assert.equal(table.place(grams, slots), table)
})

test('a rebuild gives its memory back without waiting for a garbage collection', async () => {
  const extractor = createExtractor(1)
  const examples = Array.from({ length: 40 }, (_, i) => ({
    features: extractor.extract(parseMessage(i % 2 === 0 ? spam(i) : ham(i))),
    isSpam: i % 2 === 0,
  }))
  const model = new Model('small')
  for (const { features, isSpam } of examples) model.count(features, isSpam, 1)
  // As large as after ten thousand mails.
  const many = randomMails(500)
  for (const grams of many) model.count({ ...examples[0]!.features, grams }, true, 1)
  const before = process.memoryUsage().arrayBuffers
  const steps = model.rebuild([() => examples], examples.length)
  while (!steps.next().done);
  await setImmediate()
  await setImmediate()
  const left = process.memoryUsage().arrayBuffers - before
  assert.ok(left < 2 ** 19, `${left} bytes are left`)
})
