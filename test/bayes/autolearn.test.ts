// Auto-learning decides as SpamAssassin 4.0.1 does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AutolearnHit, decideAutolearn } from '../../bayes/autolearn.js'

const settings = { hamBelow: 0.1, spamFrom: 12, onError: false }
const hit = (
  symbol: string,
  score: number,
  area: AutolearnHit['area'],
  tflags: string[] = [],
): AutolearnHit => ({
  symbol,
  score,
  scoreInForce: score,
  tflags,
  area,
})

test('spam needs the threshold and three points each from header and body', () => {
  const head = hit('H', 9, 'head')
  assert.equal(decideAutolearn({ hits: [head, hit('B', 3, 'body')], isSpam: true, settings }).class, 'spam')
  const few = decideAutolearn({ hits: [hit('H', 10, 'head'), hit('B', 2.9, 'body')], isSpam: true, settings })
  assert.equal(few.class, undefined)
  assert.match('reason' in few ? few.reason : '', /body points/)
  assert.equal(decideAutolearn({ hits: [hit('H', 11.99, 'head')], isSpam: true, settings }).class, undefined)
})

test('a rule with autolearn_force lifts the points needed of header and body', () => {
  const hits = [hit('H', 12, 'head', ['autolearn_force'])]
  assert.deepEqual(decideAutolearn({ hits, isSpam: true, settings }), {
    class: 'spam',
    points: 12,
    forced: true,
  })
})

test('noautolearn and userconf rules do not count, the learner only vetoes', () => {
  const hits = [hit('WELCOME', -100, 'head', ['userconf']), hit('H', 6, 'head'), hit('B', 6, 'body')]
  assert.equal(decideAutolearn({ hits, isSpam: true, settings }).class, 'spam')
  const contradicted = [...hits, { ...hit('BAYES_00', 0, 'body', ['learn']), scoreInForce: -1.9 }]
  assert.equal(decideAutolearn({ hits: contradicted, isSpam: true, settings }).class, undefined)
  const agreed = [{ ...hit('BAYES_99', 0, 'body', ['learn']), scoreInForce: 3.5 }]
  assert.equal(decideAutolearn({ hits: agreed, isSpam: false, settings }).class, undefined)
})

test('a meta gives its points by the areas of its parts', () => {
  const meta: AutolearnHit = { ...hit('M', 12, 'meta'), parts: { head: 1, body: 1 } }
  assert.equal(decideAutolearn({ hits: [meta], isSpam: true, settings }).class, 'spam')
  const headOnly: AutolearnHit = { ...hit('M', 12, 'meta'), parts: { head: 2, body: 0 } }
  assert.equal(decideAutolearn({ hits: [headOnly], isSpam: true, settings }).class, undefined)
})

test('ham is learned below the threshold, not against the verdict, and not when one class is far ahead', () => {
  assert.equal(decideAutolearn({ hits: [], isSpam: false, settings }).class, 'ham')
  assert.equal(decideAutolearn({ hits: [], isSpam: true, settings }).class, undefined)
  const learned = { spam: 10, ham: 500 }
  assert.equal(decideAutolearn({ hits: [], isSpam: false, settings, learned }).class, undefined)
})
