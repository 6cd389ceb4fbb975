// Stored passwords: rspamd's PBKDF2 form against hashes of its own tool, ours, clear text; malformed ones match nothing.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { blake2b } from '../../../server/controller/blake2b.js'
import { makePasswordHash, passwordProblem, verifyPassword } from '../../../server/controller/password.js'
import { needs } from '../../support/peers.js'
import { run } from '../rspamd/peer.js'

const pbkdf = '$1$84tr4x74kokgda3g1porsqj5ks4nt5ni$q9stmszqwtdpux9anfw6stqtm631gmpqbkywt313pux3kkfbae6y'
const catena = '$2$cknammq961rzarwq6dkmznz3z3agd3tb$5wrat9gs8xo3o4kdktapdddbqfiimc8c7dtxutey433r6wcyb14y'

describe('passwords', () => {
  test('the PBKDF2 hash of rspamadm 3.4 for `secretpw`', async () => {
    assert.equal(await verifyPassword('secretpw', pbkdf), true)
    assert.equal(await verifyPassword('secretpx', pbkdf), false)
    assert.equal(await verifyPassword('', pbkdf), false)
  })

  test('the Catena hash of rspamadm 3.4 for `secretpw`', async () => {
    assert.equal(await verifyPassword('secretpw', catena), true)
    assert.equal(await verifyPassword('secretpx', catena), false)
  })

  test('a hash made now by rspamadm', needs('rspamd'), async () => {
    for (const [type, start] of [
      ['pbkdf2', '$1$'],
      ['catena', '$2$'],
    ] as const) {
      const { out } = await run('rspamadm', ['pw', '-e', '-q', '-t', type, '-p', 'n\u00e4chste Woche'])
      const stored = out.trim()
      assert.ok(stored.startsWith(start), out)
      assert.equal(await verifyPassword('n\u00e4chste Woche', stored), true)
      assert.equal(await verifyPassword('n\u00e4chste woche', stored), false)
    }
  })

  test('our own hash, salted', async () => {
    const [first, second] = [await makePasswordHash('pass word'), await makePasswordHash('pass word')]
    assert.notEqual(first, second)
    assert.match(first, /^\$scrypt\$/)
    assert.equal(await verifyPassword('pass word', first), true)
    assert.equal(await verifyPassword('pass words', first), false)
  })

  test('clear text, and the two words nobody may use', async () => {
    assert.equal(await verifyPassword('abc', 'abc'), true)
    assert.equal(await verifyPassword('abd', 'abc'), false)
    assert.equal(await verifyPassword('abcd', 'abc'), false)
    for (const word of ['q1', 'q2']) {
      assert.equal(await verifyPassword(word, word), false)
      assert.match(passwordProblem(word)!, /choose another/)
    }
  })

  test('hashes that nobody could match are told at the start', async () => {
    for (const broken of [
      '$1$',
      '$1$a$b',
      '$1$!!$??',
      pbkdf.slice(0, -3),
      '$3$x$y',
      catena.replace('$2$', '$3$'),
      '$scrypt$x$y',
      '$',
    ]) {
      assert.ok(passwordProblem(broken), broken)
      assert.equal(await verifyPassword('secretpw', broken), false)
      assert.equal(await verifyPassword(broken, broken), false)
    }
    for (const good of [pbkdf, catena]) assert.equal(passwordProblem(good), undefined)
    assert.equal(passwordProblem('plain'), undefined)
  })

  test('keyed BLAKE2b of RFC 7693 and the reference vectors', () => {
    const key = Uint8Array.from({ length: 64 }, (_, i) => i)
    const hash = (data: Uint8Array) => Buffer.from(blake2b(data, key)).toString('hex')
    assert.equal(
      hash(new Uint8Array(0)),
      '10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568',
    )
    assert.equal(
      hash(Uint8Array.of(0)),
      '961f6dd1e4dd30f63901690c512e78e4b45e4742ed197c3c5e45c549fd25f2e4187b0bc9fe30492b16b0d0bc4ef9b0f34c7003fac09a5ef1532e69430234cebd',
    )
    for (const length of [0, 1, 127, 128, 129, 1000]) {
      const data = Buffer.alloc(length, 'abc')
      const expected = createHash('blake2b512').update(data).digest()
      assert.deepEqual(Buffer.from(blake2b(data)), expected)
    }
  })
})
