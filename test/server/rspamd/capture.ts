// Captures the replies of the installed rspamd to the requests of the pair tests: `node dist/test/server/rspamd/capture.js`.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packageRoot } from '../../../src/root.js'
import { startRspamd } from './peer.js'
import { controllerRequests, scanRequests } from './requests.js'
import { exchange } from './wire.js'

const version = spawnSync('rspamd', ['--version'], { encoding: 'utf8' }).stdout.trim()
const peer = await startRspamd()
const lines = [
  `# ${version}, rspamd -f with the configuration of test/server/rspamd/peer.ts; one request and its reply a line, made by capture.ts`,
]
for (const [port, number, requests] of [
  ['scan', peer.scanPort, scanRequests],
  ['controller', peer.controllerPort, controllerRequests],
] as const) {
  for (const [name, request] of Object.entries(requests)) {
    const reply = (await exchange(number, { send: [request] }))?.toString('latin1')
    lines.push(JSON.stringify({ port, name, request, reply }))
  }
}
await peer.stop()
writeFileSync(join(packageRoot, 'fixtures/wire/rspamd-3.4.jsonl.gz'), gzipSync(`${lines.join('\n')}\n`))
