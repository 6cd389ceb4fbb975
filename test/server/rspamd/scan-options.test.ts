// What a configuration switches on for the HTTP scan API: metrics, local files, rewritten messages, rspamd's names. Each beside a server
// without it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { scanText, type TestCore, testCore } from './core.js'
import { ask, exchange, ham, type ScanServer, scanServer } from './wire.js'

describe('scan port with options', () => {
  let core: TestCore
  let server: ScanServer

  before(async () => {
    core = testCore()
    server = await scanServer(core, {})
  })
  after(() => server.close())
  beforeEach(() => {
    core.onScan = undefined
  })

  test('metrics on the scan port where they are wired, else unknown', async () => {
    const scraped = await scanServer(core, { metricsText: async () => 'hamd_x 1\n# EOF\n' })
    const reply = await ask(scraped.port, '/metrics', { method: 'GET' })
    assert.equal(reply.body.toString(), 'hamd_x 1\n# EOF\n')
    assert.equal(
      reply.headers.get('content-type'),
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    assert.equal((await ask(server.port, '/metrics')).status, 500)
    await scraped.close()
  })

  test('local files and shared memory are refused over TCP, and on a unix socket unless allowed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hamd-sock-'))
    const file = join(folder, 'my mail')
    writeFileSync(file, ham)
    const quoted = `File: "${encodeURI(file)}"`
    for (const header of [`File: ${file}`, `Path: ${file}`, quoted, 'Shm: /x']) {
      const reply = await ask(server.port, '/checkv2', { body: ham, headers: [header] })
      assert.equal(reply.status, 503)
      assert.match(reply.phrase, /Not permitted/)
    }
    const [closedPath, openPath] = [join(folder, 'closed'), join(folder, 'open')]
    const closed = await scanServer(core, {}, closedPath)
    const open = await scanServer(core, { localFiles: true }, openPath)
    assert.equal((await ask(closedPath, '/checkv2', { headers: [quoted] })).status, 503)
    assert.equal((await ask(openPath, '/checkv2', { headers: [quoted] })).json.score, 1.5)
    const absent = await ask(openPath, '/checkv2', { headers: ['File: /nonexistent'] })
    assert.equal(
      `${absent.status} ${absent.phrase}`,
      '503 Invalid file (/nonexistent): No such file or directory',
    )
    assert.equal(
      (await ask(server.port, '/checkv2', { body: ham, headers: ['Message-Length: 9999'] })).status,
      503,
    )
    await closed.close()
    await open.close()
    rmSync(folder, { recursive: true })
  })

  test('the rewritten message follows the JSON where that is switched on', async () => {
    const rewriting = await scanServer(core, { rewriteMessage: true })
    core.onScan = (request) => {
      const rewritten = Buffer.from('X-Spam: yes\r\n\r\nnew body')
      return Promise.resolve({ ...scanText(request), ...(request.wants.rewritten && { rewritten }) })
    }
    const scan = (flags: string) =>
      ask(rewriting.port, '/checkv2', { body: ham, headers: [`Flags: ${flags}`] }).catch(() => undefined)
    assert.equal((await scan('groups'))!.headers.has('message-offset'), false)
    for (const [flags, expected] of [
      ['body_block', 'X-Spam: yes\r\n\r\nnew body'],
      ['body_block,milter', 'new body'],
    ] as const) {
      const bytes = await exchange(rewriting.port, {
        send: [`POST /checkv2 HTTP/1.1\r\nFlags: ${flags}\r\nContent-Length: ${ham.length}\r\n\r\n${ham}`],
      })
      const end = bytes!.indexOf('\r\n\r\n')
      const offset = Number(/Message-Offset: (\d+)/.exec(bytes!.toString('latin1', 0, end))![1])
      const body = bytes!.subarray(end + 4)
      assert.equal(JSON.parse(body.toString('utf8', 0, offset)).score, 1.5)
      assert.equal(body.toString('utf8', offset), expected)
    }
    await rewriting.close()
  })

  test("rspamd's names for findings, merged where several of ours are one of theirs", async () => {
    const translating = await scanServer(core, { vocabulary: 'rspamd' })
    const body = ham.replace(
      'X-Test-Hit: TEST_HIT 1.5 one two',
      'X-Test-Hit: BAYES_99 3.5 99%\r\nX-Test-Hit: BAYES_999 0.2\r\nX-Test-Hit: SPF_PASS -0.1',
    )
    const { json } = await ask(translating.port, '/checkv2', { body })
    assert.deepEqual(Object.keys(json.symbols), ['BAYES_SPAM', 'R_SPF_ALLOW'])
    assert.equal(json.symbols.BAYES_SPAM.score, 3.7)
    const untouched = await ask(server.port, '/checkv2', { body })
    assert.deepEqual(Object.keys(untouched.json.symbols), ['BAYES_99', 'BAYES_999', 'SPF_PASS'])
    await translating.close()
  })
})
