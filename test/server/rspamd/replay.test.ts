// The replies of a real rspamd as they were captured (capture.ts), against ours to the same requests: the pair tests for machines without rspamd.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { createController } from '../../../server/controller/index.js'
import { rspamdOptions } from '../../../server/rspamd/options.js'
import { packageRoot } from '../../../src/root.js'
import { testCore } from './core.js'
import { compare, controllerRequests, scanRequests } from './requests.js'
import { exchange, type ScanServer, scanServer } from './wire.js'

interface Captured {
  readonly port: 'scan' | 'controller'
  readonly name: string
  readonly request: string
  readonly reply: string
}

describe('captured replies of rspamd', () => {
  const [head, ...lines] = gunzipSync(readFileSync(join(packageRoot, 'fixtures/wire/rspamd-3.4.jsonl.gz')))
    .toString()
    .trimEnd()
    .split('\n')
  const captured = lines.map((line) => JSON.parse(line) as Captured)
  let scan: ScanServer
  let controller: ReturnType<typeof createController>
  let controllerPort: number

  before(async () => {
    const core = testCore()
    scan = await scanServer(core, { errorDomain: true, scanIds: false })
    controller = createController(core, {
      password: 'readpw',
      enablePassword: 'enablepw',
      scan: rspamdOptions({ scanIds: false }),
    })
    const bound = await controller.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    controllerPort = Number(bound.split(':')[1])
  })
  after(async () => {
    await scan.close()
    await controller.close()
  })

  test('the fixture names its program and holds every request of the pair tests', () => {
    assert.match(head!, /^# Rspamd daemon version 3\.4, /)
    assert.deepEqual(
      captured.map(({ port, name, request }) => [port, name, request]),
      [
        ...Object.entries(scanRequests).map(([name, request]) => ['scan', name, request]),
        ...Object.entries(controllerRequests).map(([name, request]) => ['controller', name, request]),
      ],
      'run capture.js again',
    )
  })

  for (const { port, name, request, reply } of captured) {
    test(`${port}: ${name}`, async () => {
      const mine = await exchange(port === 'scan' ? scan.port : controllerPort, { send: [request] })
      compare(mine!, Buffer.from(reply, 'latin1'))
    })
  }
})
