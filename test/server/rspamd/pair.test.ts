// Pairs: the same bytes to a real rspamd and to our ports; what comes back must be equal (requests.ts says in what).
import { after, before, describe, test } from 'node:test'
import { createController } from '../../../server/controller/index.js'
import { needs } from '../../support/peers.js'
import { testCore } from './core.js'
import { type RspamdPeer, startRspamd } from './peer.js'
import { compare, controllerRequests, scanRequests } from './requests.js'
import { exchange, type ScanServer, scanServer } from './wire.js'

describe('beside a real rspamd', needs('rspamd'), () => {
  let peer: RspamdPeer
  let ours: ScanServer
  let controller: ReturnType<typeof createController>
  let controllerPort: number

  before(async () => {
    const core = testCore()
    peer = await startRspamd()
    ours = await scanServer(core, { errorDomain: true })
    controller = createController(core, { password: 'readpw', enablePassword: 'enablepw' })
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
})
