// Writes fixtures/oracle/sa-net.json: what the installed SpamAssassin's network rules say about the mails of test/support/netcases.ts.
// Run: node dist/bench/capture-sa-net.js (needs spamassassin with Mail::SPF, and rbldnsd).
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/root.js'
import { allCases, buildMail } from '../test/support/netcases.js'
import { createNetScanner } from '../test/support/netscan.js'
import { startNetWorld, worldLines } from '../test/support/networld.js'
import { hasPerlModule, scanWithSpamAssassin, stockSources } from '../test/support/spamassassin.js'

if (!hasPerlModule('Mail::SPF')) throw new Error('apt-get install libmail-spf-perl')
const world = await startNetWorld()
const { plan } = createNetScanner({ sources: stockSources, cfLines: worldLines, net: { dns: world.dns } })
const isNet = new Set(
  plan.rules
    .filter((rule) => rule.kind === 'eval' && (rule.area === 'rbl' || rule.tflags.includes('net')))
    .map((rule) => rule.name),
)
const found = await scanWithSpamAssassin(allCases.map(buildMail), {
  dnsPort: world.server.port,
  cfLines: worldLines,
})
const hits = Object.fromEntries(
  allCases.map(({ name }, index) => [name, [...found[index]!].filter((rule) => isNet.has(rule)).sort()]),
)
const captured = { peer: 'SpamAssassin 4.0.1, Debian 12 rules, Mail::SPF 2.9.0', hits }
writeFileSync(
  join(packageRoot, 'fixtures', 'oracle', 'sa-net.json'),
  `${JSON.stringify(captured, undefined, 1)}\n`,
)
await world.close()
