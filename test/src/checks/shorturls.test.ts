// Short links: which are some, where they lead, and that nobody can send us to addresses inside a network.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import type { EvalContext } from '../../../rules/engine/types.js'
import { follow, methodFor } from '../../../src/checks/decodeshorturls.js'
import { type Ask, asker, isPublicAddress, type Step } from '../../../src/checks/shortlinks.js'
import { uriLocalBl } from '../../../src/checks/urilocalbl.js'
import type { Dns, DnsAnswer } from '../../../src/types.js'
import { loadEngine, makeScan, runRules } from './support.js'

const methods = new Map([
  ['sho.rt', 'HEAD'],
  ['get.example', 'GET'],
  ['.many.example', 'HEAD'],
] as const)

const mail = (body: string): string => `From: a@b.example\nSubject: s\n\n${body}\n`

test('which links are short ones', () => {
  assert.equal(methodFor('http://sho.rt/abc', methods), 'HEAD')
  assert.equal(methodFor('https://www.sho.rt/abc', methods), 'HEAD')
  assert.equal(methodFor('http://user@get.example:80/x', methods), 'GET')
  assert.equal(methodFor('http://a.many.example/x', methods), 'HEAD')
  assert.equal(methodFor('http://sho.rt/', methods), undefined)
  assert.equal(methodFor('http://long.example/abc', methods), undefined)
  assert.equal(methodFor('ftp://sho.rt/abc', methods), undefined)
})

describe('following', () => {
  const askFrom =
    (answers: Readonly<Record<string, Step>>): Ask =>
    async (uri) =>
      answers[uri] ?? { kind: 'failed', reason: 'no such answer' }
  const to = (location: string): Step => ({ kind: 'redirect', location })
  const run = (answers: Readonly<Record<string, Step>>, steps = 10) =>
    follow(['http://sho.rt/a'], methods, askFrom(answers), steps, Date.now() + 1000)

  test('a redirection, a chain, a dead link', async () => {
    const single = await run({ 'http://sho.rt/a': to('http://long.example/') })
    assert.deepEqual([single.redirected, single.chained], [true, false])
    const chain = await run({ 'http://sho.rt/a': to('/b'), 'http://sho.rt/b': to('http://long.example/') })
    assert.deepEqual([chain.redirected, chain.chained], [true, true])
    const dead = await run({ 'http://sho.rt/a': { kind: 'status', code: 404 } })
    assert.deepEqual([...dead.codes], [404])
    assert.equal(dead.redirected, false)
  })

  test('loops and long chains end', async () => {
    const loop = await run({
      'http://sho.rt/a': to('/b'),
      'http://sho.rt/b': to('/c'),
      'http://sho.rt/c': to('/b'),
    })
    assert.equal(loop.loop, true)
    const endless: Ask = async (uri) => to(`${uri}x`)
    const trail = await follow(['http://sho.rt/a'], methods, endless, 3, Date.now() + 1000)
    assert.equal(trail.tooLong, true)
  })
})

test('addresses that may be asked', () => {
  for (const ip of ['8.8.8.8', '2606:4700::1111', '172.32.0.1', '100.128.0.1'])
    assert.ok(isPublicAddress(ip), ip)
  const closed =
    '127.0.0.1 10.1.2.3 0.0.0.0 100.64.0.1 169.254.169.254 172.16.0.1 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255 ' +
    '::1 :: fe80::1 fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:7f00:1 2002:7f00:1:: 64:ff9b::7f00:1 2001:db8::1 nonsense'
  for (const ip of closed.split(' ')) assert.equal(isPublicAddress(ip), false, ip)
})

const dnsOf = (answers: Readonly<Record<string, DnsAnswer>>): Dns => ({
  enabled: true,
  query: async (name, type) => answers[`${name} ${type}`] ?? { status: 'nxdomain' },
})

test('a name that points inside is not asked', async (t) => {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.end()
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => server.close())
  const found: DnsAnswer = { status: 'found', records: ['127.0.0.1'], ttlSeconds: 60 }
  const ask = asker(
    dnsOf({ 'inside.example A': found, 'wide.example AAAA': { ...found, records: ['::1'] } }),
    'test',
    500,
  )
  const reason = async (uri: string): Promise<string> => {
    const step = await ask(uri, 'HEAD', Date.now() + 500)
    return step.kind === 'failed' ? step.reason : step.kind
  }
  assert.equal(await reason('http://inside.example/'), 'private address')
  assert.equal(await reason('http://wide.example/'), 'private address')
  assert.equal(await reason('http://127.0.0.1/'), 'private address')
  assert.equal(await reason('http://[::1]/'), 'private address')
  const { port } = server.address() as { port: number }
  assert.equal(await reason(`http://inside.example:${port}/`), 'unusual port')
  assert.equal(await reason('http://nowhere.example/'), 'no address')
  assert.equal(await reason('file:///etc/passwd'), 'no http link')
  assert.equal(asked, 0)
})

test('without network only their presence is told', async () => {
  const engine = loadEngine({
    pre: 'loadplugin Mail::SpamAssassin::Plugin::DecodeShortURLs\n',
    cf: `util_rb_tld rt example
url_shortener sho.rt gone.example
clear_url_shortener gone.example
body HIT eval:short_url()
body HIT_REDIR eval:short_url_redir()
`,
  })
  const hits = async (body: string) => [...(await runRules(engine, makeScan(engine, mail(body)))).hits.keys()]
  assert.deepEqual(await hits('http://sho.rt/abc'), ['HIT'])
  assert.deepEqual(await hits('http://gone.example/abc'), [])
})

test('URILocalBL: hosts in named networks', async () => {
  const engine = loadEngine({
    pre: 'loadplugin Mail::SpamAssassin::Plugin::URILocalBL\n',
    cf: `util_rb_tld example
uri_block_cidr HIT 192.0.2.0/24 203.0.113.7
uri_block_exclude HIT 192.0.2.9
uri_block_cc NEVER ru
`,
  })
  assert.deepEqual(engine.plan.problems, [])
  const rules = new Map(engine.plan.rules.map((rule) => [rule.name, rule.kind]))
  assert.deepEqual(
    [...rules],
    [
      ['HIT', 'eval'],
      ['NEVER', 'eval'],
    ],
  )
  const run = async (body: string, dns: Dns): Promise<boolean> => {
    const context: EvalContext = {
      scan: { ...makeScan(engine, mail(body)), net: { dns } },
      rule: 'HIT',
      area: 'body',
      tflags: ['net'],
      settings: engine.plan.settings,
      detail: () => {},
      hit: () => {},
      tag: () => {},
      whenTag: async () => undefined,
      note: () => {},
    }
    return (await uriLocalBl.evals?.['check_uri_local_bl']?.(context)) === true
  }
  const dns = dnsOf({ 'a.example A': { status: 'found', records: ['203.0.113.7'], ttlSeconds: 60 } })
  assert.equal(await run('http://192.0.2.4/x', dns), true)
  assert.equal(await run('http://192.0.2.9/x', dns), false)
  assert.equal(await run('http://a.example/x', dns), true)
  assert.equal(await run('http://b.example/x', dns), false)
  assert.equal(await run('http://a.example/x', { ...dns, enabled: false }), false)
})
