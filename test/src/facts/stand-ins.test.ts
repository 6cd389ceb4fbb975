// What stands in the bundle for packages that mailauth's SPF asks one thing (scripts/stand-ins) says what they say.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { packageRoot } from '../../../src/root.js'

interface Joi {
  string(): {
    domain(options: { allowUnicode: boolean; tlds: false }): { validate(name: string): { error?: Error } }
  }
}

const require = createRequire(import.meta.url)
const [joi, standIn] = ['joi', join(packageRoot, 'scripts', 'stand-ins', 'joi.cjs')].map((name) =>
  (require(name) as Joi).string().domain({ allowUnicode: false, tlds: false }),
) as [ReturnType<ReturnType<Joi['string']>['domain']>, ReturnType<ReturnType<Joi['string']>['domain']>]

test('a domain name is one for joi and its stand-in', () => {
  const label = fc.oneof(
    fc.stringMatching(/^[a-zA-Z0-9-]{1,12}$/),
    fc.string({ maxLength: 5 }),
    fc.constantFrom('', '_dmarc', 'xn--bcher-kva', 'bücher', 'x'.repeat(63), 'x'.repeat(64)),
  )
  const usual = fc.stringMatching(/^[a-z][a-z0-9]{0,11}$/)
  const labels = fc.oneof(fc.array(label, { maxLength: 6 }), fc.array(usual, { minLength: 2, maxLength: 4 }))
  const name = labels.map((parts) => parts.join('.'))
  let valid = 0
  fc.assert(
    fc.property(name, (domain) => {
      const isValid = joi.validate(domain).error === undefined
      if (isValid) valid++
      assert.equal(standIn.validate(domain).error === undefined, isValid)
    }),
    { numRuns: 2000 },
  )
  assert.ok(valid > 50)
})
