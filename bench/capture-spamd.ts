// Records what a real spamd answers to the requests of test/server/spamd/requests.ts into fixtures/wire/spamd.jsonl.gz. The first line names
// program, version and command; every other one is an exchange, its strings one char a byte.
//   node dist/bench/capture-spamd.js
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packageRoot } from '../src/root.js'
import { startSpamd } from '../test/server/spamd/peer.js'
import { exchanges } from '../test/server/spamd/requests.js'
import { exchange } from '../test/support/wire.js'

const version = spawnSync('/usr/sbin/spamd', ['--version'], { encoding: 'utf8' })
  .stdout.split('\n')[0]
  ?.trim()
const peer = await startSpamd()
const lines = [JSON.stringify({ program: version, rules: "Debian's stock rules", command: peer.command })]
try {
  for (const { name, request, manner } of exchanges) {
    const { text } = await exchange(peer.address, request, manner)
    lines.push(
      JSON.stringify({
        name,
        request,
        manner,
        reply: text.replaceAll(`by ${hostname()}`, 'by host.example.net'),
      }),
    )
    process.stdout.write(`${name}: ${JSON.stringify(text.slice(0, 60))}\n`)
  }
} finally {
  await peer.stop()
}
writeFileSync(
  join(packageRoot, 'fixtures', 'wire', 'spamd.jsonl.gz'),
  gzipSync(lines.join('\n') + '\n', { level: 9 }),
)
