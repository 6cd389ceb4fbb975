// Pairs: the same bytes to a real rspamd and to our ports; what comes back must be equal (requests.ts says in what).
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createController } from '../../../server/controller/index.js'
import { rspamdOptions } from '../../../server/rspamd/options.js'
import { needs } from '../../support/peers.js'
import { testCore } from './core.js'
import { type RspamdPeer, startRspamd } from './peer.js'
import { compare, controllerRequests, post, scanRequests } from './requests.js'
import { exchange, gtube, ham, type ScanServer, scanServer, scored } from './wire.js'

describe('beside a real rspamd', needs('rspamd'), () => {
  let peer: RspamdPeer
  let ours: ScanServer
  let controller: ReturnType<typeof createController>
  let controllerPort: number

  before(async () => {
    const core = testCore()
    peer = await startRspamd()
    ours = await scanServer(core, { errorDomain: true, scanIds: false })
    controller = createController(core, {
      password: 'readpw',
      enablePassword: 'enablepw',
      scan: rspamdOptions({ scanIds: false }),
    })
    const bound = await controller.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    controllerPort = Number(bound.split(':')[1])
  })
  after(async () => {
    await ours.close()
    await controller.close()
    await peer.stop()
  })

  for (const [name, bytes] of Object.entries(scanRequests)) {
    test(`scan port: ${name}`, async () => {
      const [theirs, mine] = await Promise.all([
        exchange(peer.scanPort, { send: [bytes] }),
        exchange(ours.port, { send: [bytes] }),
      ])
      compare(mine!, theirs!)
    })
  }

  for (const [name, bytes] of Object.entries(controllerRequests)) {
    test(`controller: ${name}`, async () => {
      const [theirs, mine] = await Promise.all([
        exchange(peer.controllerPort, { send: [bytes] }),
        exchange(controllerPort, { send: [bytes] }),
      ])
      compare(mine!, theirs!)
    })
  }

  test('task lines of the log are equal (51)', async (t) => {
    const lines: string[] = []
    const logging = await scanServer(testCore(), { line: (line) => lines.push(line) })
    t.after(() => logging.close())
    const envelope = [
      'From: <alice@example.com>',
      'IP: 192.0.2.7',
      'User: joe',
      'Queue-ID: ABC123',
      'Rcpt: a@x,b@x',
    ]
    const noTo = 'To: bob@example.net\r\n'
    const mails: [string, string[]][] = [
      [ham.replace(noTo, ''), envelope],
      [scored(7.25).replace(noTo, ''), []],
      [gtube, ['From: <>', 'Rcpt: <bob@example.net>']],
    ]
    for (const [body, headers] of mails) {
      const bytes = [post('/checkv2', body, ...headers)]
      await exchange(logging.port, { send: bytes })
      await exchange(peer.scanPort, { send: bytes })
    }
    await exchange(logging.port, { send: [post('/checkv2', ham, 'Log: no')] })
    // Without mime_rcpts rspamd leaves a comma at the end.
    const comparable = (line: string) =>
      line
        .slice(line.indexOf('; task; '))
        .replace(/time: [\d.]+ms/, 'time')
        .replace(/digest: <[0-9a-f]{32}>,?/, 'digest')
        .replace(/, $/, '')
    const taskLines = () =>
      peer
        .log()
        .split('\n')
        .filter((line) => line.includes('rspamd_task_write_log'))
    const started = Date.now()
    while (!taskLines().at(-1)?.includes('rcpts: <bob') && Date.now() - started < 3000) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.deepEqual(lines.map(comparable), taskLines().slice(-3).map(comparable))
    assert.match(lines[0]!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d #\d+\(hamd\) <[0-9a-f]{6}>; /)
  })
})
