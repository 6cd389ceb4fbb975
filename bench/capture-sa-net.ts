// Writes fixtures/oracle/sa-net.json: what the installed SpamAssassin's network rules say about the mails of test/support/netcases.ts.
// Run: node dist/bench/capture-sa-net.js (needs spamassassin with Mail::SPF, and rbldnsd).
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/root.js'
import { allCases, attachmentMail, buildMail, formCases } from '../test/support/netcases.js'
import { createNetScanner, isNetRule } from '../test/support/netscan.js'
import { startNetWorld, worldLines } from '../test/support/networld.js'
import { hasPerlModule, scanWithSpamAssassin, stockSources } from '../test/support/spamassassin.js'

if (!hasPerlModule('Mail::SPF')) throw new Error('apt-get install libmail-spf-perl')
const world = await startNetWorld()
const { plan } = createNetScanner({ sources: stockSources, cfLines: worldLines, net: { dns: world.dns } })
const isNet = new Set(plan.rules.filter(isNetRule).map((rule) => rule.name))
async function capture(
  cases: readonly { name: string; mail: string }[],
  cfLines: string,
  isWanted: (rule: string) => boolean,
) {
  const found = await scanWithSpamAssassin(
    cases.map(({ mail }) => mail),
    { dnsPort: world.server.port, cfLines },
  )
  return Object.fromEntries(
    cases.map(({ name }, index) => [name, [...found[index]!].filter(isWanted).sort()]),
  )
}

const formLines = worldLines + readFileSync(join(packageRoot, 'fixtures', 'zones', 'forms.cf'), 'utf8')
const captured = {
  peer: 'SpamAssassin 4.0.1, Debian 12 rules, Mail::SPF 2.9.0',
  hits: await capture(
    allCases.map((one) => ({ name: one.name, mail: buildMail(one) })),
    worldLines,
    (rule) => isNet.has(rule),
  ),
  forms: await capture(
    [
      ...formCases.map((one) => ({ name: one.name, mail: buildMail(one) })),
      { name: 'forms: attachment', mail: attachmentMail },
    ],
    formLines,
    (rule) => rule.startsWith('FORM_'),
  ),
}
writeFileSync(
  join(packageRoot, 'fixtures', 'oracle', 'sa-net.json'),
  `${JSON.stringify(captured, undefined, 1)}\n`,
)
await world.close()
