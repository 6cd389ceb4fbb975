// Haraka's own plugins, unchanged, against our real listener and our own rules: transaction and connection objects are faked, sockets and bytes are not.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { type Listening, listen } from '../../server/listen.js'
import { createHttpFront } from '../../server/rspamd/front.js'
import { rspamdOptions } from '../../server/rspamd/options.js'
import { serveSpamd } from '../../server/spamd/index.js'
import { CoreError } from '../../src/errors.js'
import type { Request } from '../../src/types.js'
import { ownCore } from './rspamd/own-core.js'
import { gtube, ham } from './rspamd/wire.js'

const require = createRequire(import.meta.url)
const deny = 902
const denySoft = 903
Object.assign(globalThis, { DENY: deny, DENYSOFT: denySoft })

const quiet = { debug() {}, info() {}, warn() {} }

// biome-ignore lint/suspicious/noExplicitAny: the plugins are plain untyped JavaScript
type Plugin = any

describe('Haraka plugins', () => {
  const requests: Request[] = []
  let failing: CoreError | undefined
  let listening: Listening
  let port: number

  before(async () => {
    const core = ownCore((request) => {
      requests.push(request)
      if (failing) throw failing
    })
    const http = createHttpFront(core, rspamdOptions())
    const spamd = {
      allowTell: false,
      firstLineMs: 1000,
      requestMs: 10_000,
      messageBytesMax: 2_000_000,
      log: quiet,
    }
    listening = await listen([{ address: { kind: 'tcp', host: '127.0.0.1', port: 0 } }], {
      fronts: {
        spamd: (socket, first, opening) => serveSpamd(socket, first, opening, core, spamd),
        rspamc: (socket) => socket.destroy(),
        http: (socket, first) => http.serve(socket, first),
      },
      limits: { firstLineBytesMax: 16_384, firstLineMs: 1000, connectionsMax: 100 },
      log: quiet,
    })
    port = Number(listening.addresses[0]!.split(':')[1])
  })
  after(() => listening.close(100))

  function plugin(name: 'rspamd' | 'spamassassin', settings: (cfg: Plugin) => void = () => {}): Plugin {
    const folder = dirname(require.resolve(`haraka-plugin-${name}/package.json`))
    const made = Object.create(require(`haraka-plugin-${name}`))
    const log = { loginfo() {}, logerror() {}, logwarn() {}, logdebug() {}, logprotocol() {} }
    Object.assign(made, log, { name, timeout: 30, config: require('haraka-config').module_config(folder) })
    made.register_hook = () => {}
    made.register()
    settings(made.cfg)
    return made
  }

  function dial(body: string, remote = '192.0.2.7') {
    const added: [string, string][] = []
    const removed: string[] = []
    const results: Record<string, unknown>[] = []
    const store = {
      get: () => undefined,
      add: (_: unknown, entry: Record<string, unknown>) => results.push(entry),
    }
    const transaction = {
      mail_from: { address: 'alice@example.com' },
      rcpt_to: [{ address: 'bob@example.net' }, { address: 'carol@example.net' }],
      uuid: 'UUID-1.1',
      notes: {} as Record<string, unknown>,
      results: store,
      header: { get: (field: string) => (field === 'Subject' ? 'Hello there\n' : '') },
      add_header: (field: string, value: string) => added.push([field, value]),
      remove_header: (field: string) => removed.push(field),
      data_bytes: body.length,
      message_stream: Readable.from([Buffer.from(body.slice(0, 40)), Buffer.from(body.slice(40))]),
    }
    const connection = {
      transaction,
      notes: { auth_user: undefined },
      results: { get: () => ({ result: 'Pass' }), add: store.add },
      remote: { ip: remote, host: 'mail.example.org', is_private: false, is_local: false },
      hello: { host: 'client.example.com' },
      tls: { enabled: true, cipher: { name: 'TLS_AES_256', version: 'TLSv1.3' } },
      relaying: false,
      loginfo() {},
      logerror() {},
      logwarn() {},
      logdebug() {},
      logprotocol() {},
    }
    return { connection, transaction, added, removed, results }
  }

  const rspamd = (cfg: Plugin) => {
    cfg.main.host = '127.0.0.1'
    cfg.main.port = port
    cfg.main.add_headers = 'always'
    cfg.defer = { error: true, timeout: true }
  }

  function post(made: Plugin, method: string, connection: unknown): Promise<unknown[]> {
    return new Promise((resolve) =>
      made[method](
        (...answer: unknown[]) => resolve(answer.filter((word) => word !== undefined)),
        connection,
      ),
    )
  }

  test('rspamd: a harmless mail passes with symbols, score and headers', async () => {
    requests.length = 0
    const dialled = dial(ham)
    assert.deepEqual(await post(plugin('rspamd', rspamd), 'rspamd_data_post', dialled.connection), [])
    assert.deepEqual(
      dialled.results.filter((entry) => 'err' in entry),
      [],
    )
    const logged = dialled.results.find((entry) => 'score' in entry)!
    assert.equal(logged['action'], 'no action')
    assert.equal(typeof logged['score'], 'number')
    assert.ok(dialled.removed.includes('X-Spam'))
    assert.ok(dialled.added.some(([name]) => name === 'X-Rspamd-Score'))
    const [request] = requests
    assert.equal(Buffer.from(request!.raw).toString(), ham)
    assert.deepEqual(request!.envelope, {
      ip: '192.0.2.7',
      helo: 'client.example.com',
      hostname: 'mail.example.org',
      mailFrom: 'alice@example.com',
      queueId: 'UUID-1.1',
      tls: true,
      rcptTo: ['bob@example.net', 'carol@example.net'],
    })
  })

  test('rspamd: GTUBE is denied with our text', async () => {
    const { connection } = dial(gtube)
    assert.deepEqual(await post(plugin('rspamd', rspamd), 'rspamd_data_post', connection), [
      deny,
      'Gtube pattern',
    ])
  })

  test('rspamd: subject rewriting and milter headers by settings', async () => {
    const dialled = dial(ham)
    const made = plugin('rspamd', (cfg) => {
      rspamd(cfg)
      cfg.request = {
        settings: '{"actions":{"rewrite subject":-50,"add header":200,"reject":300,"greylist":-60}}',
      }
    })
    assert.deepEqual(await post(made, 'rspamd_data_post', dialled.connection), [])
    assert.deepEqual(
      dialled.added.find(([name]) => name === 'Subject'),
      ['Subject', '***SPAM*** Hello there'],
    )
  })

  test('rspamd: a failing or full server is an error, never a verdict', async () => {
    for (const code of ['scan-failed', 'overloaded'] as const) {
      failing = new CoreError(code, 'not now')
      const { connection, results } = dial(ham)
      const answer = await post(plugin('rspamd', rspamd), 'rspamd_data_post', connection)
      failing = undefined
      assert.deepEqual(answer, [denySoft, 'Rspamd scan error'])
      assert.ok(results.some((entry) => entry['err'] === 'not now'))
    }
  })

  const spamassassin = (cfg: Plugin) => {
    cfg.main.spamd_socket = `127.0.0.1:${port}`
    cfg.main.reject_threshold = 100
    cfg.main.munge_subject_threshold = 100
    cfg.main.add_headers = true
    cfg.defer = { error: true }
  }

  test('spamassassin: a harmless mail is scored and marked', async () => {
    requests.length = 0
    const dialled = dial(ham)
    const made = plugin('spamassassin', spamassassin)
    assert.deepEqual(await post(made, 'spamassassin_data_post', dialled.connection), [])
    assert.deepEqual(
      dialled.results.filter((entry) => 'err' in entry),
      [],
    )
    const spamd = dialled.transaction.notes['spamassassin'] as Plugin
    assert.match(spamd.line0, /^SPAMD\/1\.\d 0 EX_OK$/)
    assert.equal(spamd.flag, false)
    assert.match(spamd.score, /^-?\d+\.\d$/)
    assert.equal(spamd.reqd, '5.0')
    assert.match(spamd.headers.Status, /^No, score=/)
    assert.ok(dialled.added.some(([name]) => name === 'X-Spam-Status'))
    assert.match(Buffer.from(requests[0]!.raw).toString(), /^X-Envelope-From: alice@example.com\r\n/)
  })

  test('spamassassin: GTUBE is over the reject threshold', async () => {
    const dialled = dial(gtube)
    const answer = await post(
      plugin('spamassassin', spamassassin),
      'spamassassin_data_post',
      dialled.connection,
    )
    assert.deepEqual(answer, [deny, 'spam score exceeded threshold'])
    const spamd = dialled.transaction.notes['spamassassin'] as Plugin
    assert.equal(spamd.flag, true)
    assert.match(spamd.tests, /GTUBE/)
  })
})
