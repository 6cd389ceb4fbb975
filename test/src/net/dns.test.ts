// The resolver against a DNS server of the test: answers, negative answers, caching by TTL, sharing, caps, and every way to fail.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createDns, type DnsOptions, type ProcessDns } from '../../../src/net/dns.js'
import { parseServer } from '../../../src/net/dns-server.js'
import { startDns, type TestDns } from '../../support/dns-server.js'

const soa = ['SOA', 'ns1.example.test admin.example.test 1 2 3 4 30', 60] as const

describe('dns', () => {
  let server: TestDns
  const opened: ProcessDns[] = []

  before(async () => {
    server = await startDns(
      {
        'example.test': [
          soa,
          ['A', '192.0.2.1', 300],
          ['MX', '10 mx.example.test'],
          ['TXT', `v=spf1 ${'x'.repeat(300)} -all`],
          ['NS', 'ns1.example.test'],
        ],
        'six.example.test': [['AAAA', '2001:db8::1']],
        'alias.example.test': [['CNAME', 'example.test', 5]],
        '1.2.0.192.in-addr.arpa': [['PTR', 'host.example.test']],
        'zero.example.test': [['A', '192.0.2.2', 0]],
        '*.wild.test': [['A', '127.0.0.2']],
      },
      {
        'silent.test': 'silent',
        'slow.test': 'slow',
        'servfail.test': 'servfail',
        'refuse.test': 'refuse',
        'lie.test': 'lie',
        'garbage.test': 'garbage',
        'big.test': 'truncate',
      },
    )
    server.zone.set('big.test', [['TXT', 'b'.repeat(3000)]])
    server.zone.set('late.slow.test', [['A', '192.0.2.9']])
  })
  after(async () => {
    for (const dns of opened) dns.close()
    await server.close()
  })

  function open(options: Partial<DnsOptions> = {}): ProcessDns {
    const dns = createDns({ servers: [server.address], local: false, queryMs: 600, ...options })
    opened.push(dns)
    return dns
  }
  const soon = () => Date.now() + 2_000

  test('answers of every type', async () => {
    const dns = open()
    const ask = (name: string, type: Parameters<ProcessDns['query']>[1]) => dns.query(name, type, soon())
    assert.deepEqual(await ask('example.test', 'A'), {
      status: 'found',
      records: ['192.0.2.1'],
      ttlSeconds: 300,
    })
    assert.deepEqual((await ask('EXAMPLE.test.', 'MX')).status, 'found')
    const text = await ask('example.test', 'TXT')
    assert.equal(text.status === 'found' && text.records[0], `v=spf1 ${'x'.repeat(300)} -all`)
    const six = await ask('six.example.test', 'AAAA')
    assert.deepEqual(six.status === 'found' && six.records, ['2001:db8:0:0:0:0:0:1'])
    const pointer = await ask('1.2.0.192.in-addr.arpa', 'PTR')
    assert.deepEqual(pointer.status === 'found' && pointer.records, ['host.example.test'])
    assert.deepEqual(await ask('alias.example.test', 'A'), {
      status: 'found',
      records: ['192.0.2.1'],
      ttlSeconds: 5,
    })
  })

  test('no such name and no such record are two things, and neither is a failure', async () => {
    const dns = open()
    assert.deepEqual(await dns.query('nothing.example.test', 'A', soon()), {
      status: 'nxdomain',
      soaServer: 'ns1.example.test',
    })
    assert.deepEqual(await dns.query('six.example.test', 'A', soon()), {
      status: 'nodata',
      soaServer: 'ns1.example.test',
    })
    assert.deepEqual(await dns.query('two..dots.test', 'A', soon()), { status: 'nxdomain' })
    assert.deepEqual(await dns.query(`${'l'.repeat(64)}.test`, 'A', soon()), { status: 'nxdomain' })
  })

  test('answers and negative answers are cached, a TTL of 0 is not', async () => {
    const dns = open()
    const count = () => server.asked.length
    for (const [name, questions] of [
      ['example.test', 1],
      ['gone.example.test', 1],
      ['zero.example.test', 2],
    ] as const) {
      const start = count()
      await dns.query(name, 'A', soon())
      await dns.query(name.toUpperCase(), 'A', soon())
      assert.equal(count() - start, questions, name)
    }
  })

  test('equal questions under way travel once', async () => {
    const dns = open()
    const start = server.asked.length
    const answers = await Promise.all(Array.from({ length: 50 }, () => dns.query('a.wild.test', 'A', soon())))
    assert.equal(server.asked.length - start, 1)
    assert.ok(answers.every((answer) => answer.status === 'found'))
    assert.equal(dns.stats().shared, 49)
  })

  test('2,000 questions at once: never more than the cap in flight, none lost', async () => {
    const dns = open({ queryMs: 5_000 })
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => dns.query(`n${index}.wild.test`, 'A', Date.now() + 10_000)),
    )
    assert.equal(answers.filter((answer) => answer.status === 'found').length, 2_000)
    assert.equal(dns.stats().inFlightPeak, 64)
  })

  test('every failure has its reason', async () => {
    const dns = open()
    const reasonFor = async (name: string) => {
      const answer = await dns.query(name, 'A', soon())
      return answer.status === 'failed' ? answer.reason : answer.status
    }
    assert.equal(await reasonFor('x.servfail.test'), 'servfail')
    assert.equal(await reasonFor('x.refuse.test'), 'refused')
    assert.equal(await reasonFor('x.silent.test'), 'timeout')
    assert.equal(await reasonFor('x.lie.test'), 'timeout', 'an answer to another question is no answer')
    assert.equal(await reasonFor('x.garbage.test'), 'timeout')
    const nobody = open({ servers: ['127.0.0.1:1'] })
    assert.deepEqual(await nobody.query('example.test', 'A', soon()), {
      status: 'failed',
      reason: 'unreachable',
    })
    const local = open({ local: true })
    assert.equal(local.enabled, false)
    assert.deepEqual(await local.query('example.test', 'A', soon()), { status: 'failed', reason: 'disabled' })
  })

  test('a cut answer is fetched whole over TCP', async () => {
    const answer = await open().query('big.test', 'TXT', soon())
    assert.equal(answer.status === 'found' && answer.records[0]?.length, 3000)
  })

  test('a dead first server costs a try, not the answer', async () => {
    const dns = open({ servers: ['127.0.0.1:1', server.address] })
    assert.equal((await dns.query('example.test', 'A', soon())).status, 'found')
  })

  test('the deadline wins over the answer, and the late answer serves the next asker', async () => {
    const dns = open({ queryMs: 3_000 })
    const started = Date.now()
    const first = await dns.query('late.slow.test', 'A', started + 100)
    assert.deepEqual(first, { status: 'failed', reason: 'timeout' })
    assert.ok(Date.now() - started < 300)
    assert.equal((await dns.query('late.slow.test', 'A', soon())).status, 'found')
    const before = server.asked.length
    assert.equal((await dns.query('late.slow.test', 'A', soon())).status, 'found')
    assert.equal(server.asked.length, before)
  })

  test('an answer that waits in the socket while the thread computes is not late', async () => {
    const dns = open({ queryMs: 150 })
    const asked = dns.query('busy.wild.test', 'A', Date.now() + 150)
    await new Promise((resolve) => setTimeout(resolve, 20))
    // The server shares this thread, so its answer is put into the socket first.
    const late = dns.query('busy2.wild.test', 'A', Date.now() + 150)
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    for (const end = Date.now() + 300; Date.now() < end; );
    assert.equal((await asked).status, 'found')
    assert.equal((await late).status, 'found')
  })

  test('resolvers that answer nothing count as down: who waits is told, and later questions fail at once', async () => {
    const mute = await startDns({ 'a.test': [['A', '192.0.2.1']] }, { '': 'silent' })
    const said: string[] = []
    const dns = open({
      servers: [mute.address],
      queryMs: 5_000,
      silenceMs: 200,
      log: (text) => said.push(text),
    })
    const started = Date.now()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => dns.query(`n${index}.test`, 'A', Date.now() + 4_000)),
    )
    assert.ok(answers.every((answer) => answer.status === 'failed' && answer.reason === 'unreachable'))
    assert.ok(Date.now() - started < 2_000)
    assert.equal(dns.stats().isDown, true)
    assert.equal((await dns.query('a.test', 'A', soon())).status, 'failed')
    assert.match(said[0] ?? '', /no resolver answers/)
    mute.behaviours.clear()
    await new Promise((resolve) => setTimeout(resolve, 1_900))
    assert.equal(dns.stats().isDown, false, 'a question still in flight was asked again and heard')
    assert.equal((await dns.query('a.test', 'A', soon())).status, 'found')
    dns.close()
    await mute.close()
  })

  test('a slow zone among answers is no silence', async () => {
    const dns = open({ queryMs: 3_000, silenceMs: 200 })
    const silent = Array.from({ length: 12 }, (_, index) =>
      dns.query(`n${index}.silent.test`, 'A', Date.now() + 600),
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal((await dns.query('example.test', 'A', soon())).status, 'found')
    await Promise.all(silent)
    assert.equal(dns.stats().isDown, false)
  })

  test('a blocked zone is left alone', async () => {
    const dns = open()
    dns.block('wild.test', 60)
    const start = server.asked.length
    assert.deepEqual(await dns.query('q.wild.test', 'A', soon()), { status: 'failed', reason: 'blocked' })
    assert.equal((await dns.query('example.test', 'A', soon())).status, 'found')
    assert.deepEqual(server.asked.slice(start), ['A example.test'])
  })

  test('server addresses', () => {
    assert.deepEqual(parseServer('192.0.2.1'), { host: '192.0.2.1', port: 53 })
    assert.deepEqual(parseServer('192.0.2.1:5353'), { host: '192.0.2.1', port: 5353 })
    assert.deepEqual(parseServer('[::1]:5353'), { host: '::1', port: 5353 })
    assert.deepEqual(parseServer('::1'), { host: '::1', port: 53 })
  })
})
