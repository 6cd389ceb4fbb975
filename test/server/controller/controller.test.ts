// The controller's answers: points 34 to 37 and 39 of the conformance list.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ControllerOptions } from '../../../server/controller/context.js'
import { type Controller, createController } from '../../../server/controller/index.js'
import { storedFrame } from '../../../server/http-zstd.js'
import { rspamdOptions } from '../../../server/rspamd/options.js'
import { type History, openHistory } from '../../../src/history/index.js'
import { historyRow } from '../../../src/history/row.js'
import { createMetrics, type Metrics } from '../../../src/metrics.js'
import { startStores } from '../../../src/stores.js'
import type { Request } from '../../../src/types.js'
import { scanText, type TestCore, testCore } from '../rspamd/core.js'
import { ask, exchange, gtube, ham, parseReply, scored } from '../rspamd/wire.js'

describe('controller', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-control-'))
  const stores = startStores()
  let core: TestCore
  let controller: Controller
  let history: History
  let metrics: Metrics
  let port: number
  let ready: string | undefined

  before(async () => {
    core = testCore()
    history = openHistory({ path: join(folder, 'history.sqlite'), rowsMax: 100 }, stores.history)
    metrics = createMetrics()
    const options: Partial<ControllerOptions> = {
      secureIps: ['127.0.0.1'],
      history,
      metrics,
      scan: rspamdOptions({ messageBytesMax: 100_000 }),
      gauges: () => [
        { name: 'scan_queue', help: 'Scans waiting for a worker', value: 3 },
        { name: 'dns_queries', help: 'DNS queries sent', value: 9, counter: true, labels: { type: 'A' } },
      ],
      errors: () => [{ ts: 1795316385.5, type: 'scan', module: 'dns', message: 'no answer' }],
      notReady: () => ready,
      connections: () => 2,
    }
    controller = createController(core, options)
    const bound = await controller.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    port = Number(bound.split(':')[1])
  })
  after(async () => {
    await controller.close()
    await history.close()
    await stores.close()
    rmSync(folder, { recursive: true })
  })

  const get = (target: string, ...headers: string[]) => ask(port, target, { method: 'GET', headers })
  const post = (target: string, body: string | Buffer, ...headers: string[]) =>
    ask(port, target, { body, headers })

  /** A scan and what src/after.ts does with it. */
  async function scanned(body: string, envelope: Partial<Request['envelope']> = {}, unlogged = false) {
    const request: Request = {
      id: `id-${Math.abs(body.length)}`,
      raw: Buffer.from(body),
      envelope: { rcptTo: ['bob@example.net'], ...envelope },
      wants: {},
      front: 'spamd',
      unlogged,
    }
    const result = scanText(request)
    metrics.scanned(request.front, result)
    const row = historyRow(request, result, Date.now() / 1000)
    if (row) history.add(row)
  }

  test('learning moves the counters; twice is known, the other class switches (34)', async () => {
    const before = (await get('/stat')).json
    assert.deepEqual((await post('/learnspam', ham)).json, { success: true })
    const again = await post('/learnspam', ham)
    assert.equal(
      `${again.status} ${again.phrase}`,
      '208 <m1@example.com> has been already learned as spam, ignore it',
    )
    assert.deepEqual(again.json, { error: again.phrase })
    assert.deepEqual((await post('/learnham', ham, 'Classifier: bayes')).json, { success: true })
    assert.deepEqual((await post('/learnclass', scored(3), 'Class: spam')).json, { success: true })
    const now = (await get('/stat')).json
    assert.equal(now.learned - before.learned, 2)
    const revisions = Object.fromEntries(
      now.statfiles.map((file: { symbol: string; revision: number }) => [file.symbol, file.revision]),
    )
    assert.deepEqual(revisions, { BAYES_SPAM: 1, BAYES_HAM: 1 })
    assert.equal(now.total_learns, 2)
  })

  test('learning that cannot be: too short, unknown classifier, nothing, a store that fails (35)', async () => {
    const short = await post('/learnspam', 'hi')
    assert.equal(short.status, 204)
    assert.match(short.phrase, /^<undef> contains less tokens/)
    assert.deepEqual(short.json, { error: short.phrase })
    assert.equal(
      (await post('/learnspam', ham, 'Classifier: nosuch')).phrase,
      'cannot find classifier with name nosuch',
    )
    assert.equal((await post('/learnspam', '')).phrase, 'Empty body is not permitted')
    assert.equal((await post('/learnclass', ham)).status, 400)
    assert.equal((await post('/learnspam', `X-Test-Fail: 1\r\n${ham}`)).status, 500)
    const odd = ham.replace('m1@example.com', 'b\u00f6se\u2603\u0007@x').replace('TEST_HIT', 'ODD')
    await post('/learnspam', odd)
    const phrase = (await post('/learnspam', odd)).phrase
    assert.match(phrase, /^[\x20-\x7e]+ has been already learned as spam, ignore it$/)
  })

  test('a compressed message can be learned', async () => {
    const body = storedFrame(Buffer.from(scored(9))) as Buffer
    assert.deepEqual((await post('/learnspam', body, 'Compression: zstd')).json, { success: true })
    assert.equal(Buffer.from(core.learned.at(-1)!.raw).toString(), scored(9))
    assert.equal((await post('/learnspam', ham, 'File: /etc/passwd')).status, 503)
  })

  test('stat, auth and statreset (36)', async () => {
    const { json } = await get('/stat')
    assert.equal(json.scan_times.length, 31)
    assert.equal(json.connections, 2)
    assert.deepEqual(Object.keys(json.actions), [
      ...['reject', 'soft reject', 'rewrite subject', 'add header', 'greylist', 'no action'],
    ])
    await post('/checkv2', gtube)
    await post('/checkv2', ham)
    const auth = (await get('/auth')).json
    assert.equal(auth.auth, 'ok')
    assert.equal(auth.reject, 1)
    assert.equal(auth.clean, 1)
    const old = (await post('/statreset', '')).json
    assert.equal(old.scanned, 2)
    const fresh = (await get('/stat')).json
    assert.equal(fresh.scanned, 0)
    assert.equal(fresh.spam_count + fresh.ham_count, 0)
    assert.match((await get('/metrics')).body.toString(), /\nrspamd_scanned_total 2\n/)
  })

  test('lists: actions, symbols, counters, pie, maps, neighbours, plugins, errors (36)', async () => {
    assert.deepEqual((await get('/actions')).json, [
      { action: 'greylist', value: 4 },
      { action: 'add header', value: 6 },
      { action: 'reject', value: 15 },
      { action: 'soft reject', value: null },
      { action: 'rewrite subject', value: null },
      { action: 'no action', value: null },
    ])
    const groups = (await get('/symbols')).json
    assert.deepEqual(
      groups.map((group: { group: string }) => group.group),
      ['body', 'tests'],
    )
    assert.deepEqual(Object.keys(groups[1].rules[0]).sort(), [
      ...['description', 'frequency', 'frequency_stddev', 'symbol', 'time', 'weight'],
    ])
    const [counter] = (await get('/counters')).json
    assert.deepEqual(Object.keys(counter).sort(), ['frequency', 'hits', 'symbol', 'time', 'weight'])
    assert.deepEqual(
      (await get('/pie')).json.map((slice: { label: string }) => slice.label),
      ['Clean', 'Temporarily rejected', 'Probable spam', 'Greylisted', 'Rejected'],
    )
    assert.deepEqual((await get('/maps')).json, [])
    assert.deepEqual((await get('/neighbours')).json, {})
    assert.deepEqual((await get('/plugins')).json, {})
    const [error] = (await get('/errors')).json
    assert.deepEqual(error, {
      ts: 1795316385.5,
      type: 'scan',
      module: 'dns',
      message: 'no answer',
      pid: process.pid,
      id: '',
    })
  })

  test('what cannot be done here says so (36)', async () => {
    const phrases: [string, string, string[], string][] = [
      ['/getmap', '', [], '400 Id header missing'],
      ['/getmap', '', ['Map: x'], '400 Invalid map id'],
      ['/getmap', '', ['Map: 1'], '404 Map not found'],
      ['/savemap', '', ['Map: 1'], '400 Empty body is not permitted'],
      ['/savemap', 'x', [], '400 Map id not specified'],
      ['/savemap', 'x', ['Map: x'], '400 Map id is invalid'],
      ['/savemap', 'x', ['Map: 1'], '404 Map id not found'],
      ['/graph', '', [], '400 Absent graph type'],
      ['/graph?type=hourly', '', [], '400 Invalid graph type'],
      ['/graph?type=__proto__', '', [], '400 Invalid graph type'],
      ['/fuzzyadd', '', [], '400 Empty body is not permitted'],
      ['/fuzzyadd', 'x', ['Flag: 1'], '500 Module disabled'],
      ['/saveactions', '[]', [], '501 not changeable here: edit the configuration and reload'],
      ['/addsymbol', '', [], '404 Not found'],
      ['/process', ham, [], '404 Not found'],
      ['/stat/', '', [], '404 Not found'],
    ]
    for (const [target, body, headers, expected] of phrases) {
      const reply = await post(target, body, ...headers)
      assert.equal(`${reply.status} ${reply.phrase}`, expected, target)
    }
  })

  test('history: newest first, inclusive range, search, reset (36)', async () => {
    assert.deepEqual((await get('/history')).json, { version: 2, rows: [] })
    await scanned(ham, { ip: '192.0.2.7', mailFrom: 'alice@example.com', queueId: 'Q1' })
    await scanned(scored(7))
    await scanned(scored(8), {}, true)
    await scanned(scored(20, 'X-Long: 1\r\n'), { authUser: 'joe' })
    const all = (await get('/history')).json
    assert.equal(all.version, 2)
    assert.deepEqual(
      all.rows.map((row: { action: string }) => row.action),
      ['reject', 'add header', 'no action'],
    )
    const oldest = all.rows[2]
    assert.equal(typeof oldest.unix_time, 'number')
    assert.deepEqual(
      { ...oldest, unix_time: 0 },
      {
        id: `id-${ham.length}`,
        unix_time: 0,
        ip: '192.0.2.7',
        user: 'unknown',
        sender_smtp: 'alice@example.com',
        sender_mime: 'unknown',
        rcpt_smtp: ['bob@example.net'],
        rcpt_mime: ['unknown'],
        subject: 'Hello there',
        'message-id': 'm1@example.com',
        'queue-id': 'Q1',
        size: ham.length,
        score: 1.5,
        required_score: 15,
        action: 'no action',
        is_skipped: false,
        time_real: 0.002,
        symbols: {
          TEST_HIT: {
            name: 'TEST_HIT',
            score: 1.5,
            metric_score: 1.5,
            description: 'A hit of the tests',
            options: ['one', 'two'],
          },
        },
        front: 'spamd',
      },
    )
    assert.equal((await get('/history?from=0&to=1')).json.rows.length, 2)
    assert.equal((await get('/history?from=2&to=9')).json.rows.length, 1)
    assert.equal((await get('/history?from=5&to=2')).json.rows.length, 0)
    assert.equal((await get('/history?to=0')).json.rows[0].user, 'joe')
    assert.equal((await get('/history?search=ALICE+test_hit')).json.rows.length, 1)
    assert.equal((await get('/history?search=100%25')).json.rows.length, 0)
    assert.equal((await get('/history?action=reject')).json.rows.length, 1)
    assert.deepEqual((await post('/historyreset', '')).json, { success: true })
    assert.deepEqual((await get('/history')).json.rows, [])
  })

  test('graphs: six series, nulls before the first record (36)', async () => {
    await scanned(gtube)
    for (const type of ['day', 'week', 'month', 'year']) {
      const series = (await get(`/graph?type=${type}`)).json
      assert.equal(series.length, 6)
      assert.ok(series[0].length >= 300 && series[0].length <= 500)
      assert.equal(series[0][0].y, null)
      const sum = series[0].reduce((total: number, point: { y: number | null }) => total + (point.y ?? 0), 0)
      assert.ok(sum > 0, type)
      const steps = new Set(
        series[0].slice(1).map((point: { x: number }, i: number) => point.x - series[0][i].x),
      )
      assert.equal(steps.size, 1)
    }
  })

  test('ready and healthy tell why not (36)', async () => {
    assert.deepEqual((await get('/ready')).json, { success: true })
    ready = 'no healthy scanner workers are running'
    const reply = await get('/ready')
    assert.equal(`${reply.status} ${reply.phrase}`, `500 ${ready}`)
    ready = undefined
  })

  test('metrics: OpenMetrics with EOF, every family declared before its samples (37)', async () => {
    const reply = await get('/metrics')
    assert.equal(
      reply.headers.get('content-type'),
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    const text = reply.body.toString()
    assert.ok(text.endsWith('\n# EOF\n'))
    const types = new Map<string, string>()
    for (const line of text.trimEnd().split('\n')) {
      const type = /^# TYPE (\S+) (gauge|counter|histogram)$/.exec(line)
      if (type) {
        assert.equal(types.has(type[1]!), false, `${type[1]} twice`)
        types.set(type[1]!, type[2]!)
        continue
      }
      if (/^# (HELP \S+ .+|EOF)$/.test(line)) continue
      const sample = /^([a-z_]+)(\{(?:[a-z_]+="[^"]*",?)+\})? (-?[\d.e+-]+)$/.exec(line)
      assert.ok(sample, line)
      const base = sample[1]!.replace(/_(?:total|bucket|sum|count)$/, '')
      assert.ok(types.has(sample[1]!) || types.has(base), line)
    }
    assert.match(await controller.metricsText(), /\n# EOF\n$/)
    assert.match(text, /\nhamd_scan_queue 3\n/)
    assert.match(text, /\nhamd_dns_queries_total\{type="A"\} 9\n/)
    assert.match(text, /hamd_scan_seconds_bucket\{le="\+Inf"\} \d+\n/)
    assert.match(text, /hamd_scan_stage_seconds_count\{stage="rules"\} \d+\n/)
    assert.match(text, /rspamd_actions_total\{type="no action"\} \d+\n/)
  })

  test('scans with the legacy and the v2 shape; commands of scan ports only are unknown (39)', async () => {
    assert.equal((await post('/scan', ham)).json.default.required_score, 15)
    assert.equal((await post('/check', ham)).json.default.TEST_HIT.score, 1.5)
    assert.equal((await post('/CHECKV2?ip=192.0.2.1', ham)).json.symbols.TEST_HIT.score, 1.5)
    assert.equal(core.requests.at(-1)!.envelope.ip, '192.0.2.1')
    assert.equal(core.requests.at(-1)!.front, 'controller')
    const unknown = await post('/checkv2', ham, 'Compression: gzip')
    assert.deepEqual(unknown.json, { error: 'Invalid compression method' })
  })

  test('transport: methods, GET with a body, odd content types, LF only, two requests, size', async () => {
    for (const method of ['PUT', 'HEAD', 'DELETE', 'PATCH']) {
      const reply = await ask(port, '/stat', { method, body: 'x' })
      assert.equal(`${reply.status} ${reply.phrase}`, '500 Invalid method', method)
      assert.equal(reply.body.length, 0)
    }
    const options = await ask(port, '/anything', { method: 'OPTIONS' })
    assert.equal(options.headers.get('access-control-allow-methods'), 'POST, GET, OPTIONS')
    assert.equal((await ask(port, '/learnham', { method: 'GET', body: scored(2) })).status, 200)
    assert.equal((await post('/checkv2', ham, 'Content-Type: garbage;;')).status, 200)
    assert.equal((await post('/checkv2', ham, 'Content-Type: application/json')).status, 200)
    const lf = `POST //CheckV2 HTTP/1.0\nContent-Length: ${ham.length}\n\n${ham}`
    assert.equal(parseReply(await exchange(port, { send: [lf] })).json.score, 1.5)
    const one = `GET /ping HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n`
    const two = (await exchange(port, { send: [one + one] }))!.toString()
    assert.equal(two.split('pong').length, 2)
    const large = await post('/checkv2', Buffer.alloc(150_000, 'x'))
    assert.equal(large.status, 413)
    const chunked = await exchange(port, {
      send: [
        `POST /checkv2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${ham.length.toString(16)}\r\n`,
        `${ham}\r\n0\r\n\r\n`,
      ],
    })
    assert.equal(parseReply(chunked).json.score, 1.5)
    const many = Array.from({ length: 3000 }, (_, i) => `Rcpt: user${i}@example.com`)
    await post('/checkv2', ham, ...many)
    assert.equal(core.requests.at(-1)!.envelope.rcptTo.length, 3000)
    assert.match(
      (await exchange(port, { send: ['CHECK RSPAMC/1.3\r\n\r\n'] }))!.toString(),
      /^HTTP\/1.1 500 Invalid method\r\n/,
    )
    assert.match(
      (await exchange(port, { send: ['nonsense\r\n\r\n'] }))!.toString(),
      /^HTTP\/1.1 (400 Undefined Error|500 Invalid method)\r\n/,
    )
  })
})
