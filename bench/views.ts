// What relays, header values and URIs cost: CPU milliseconds a message over the public corpus, first round cold, later ones warm.
//   node dist/bench/views.js [--every N] [--rounds N] [--rules DIR]
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadPlan } from '../rules/engine/load.js'
import { parseMessage } from '../src/message/parse.js'
import {
  domainLists,
  networkSettings,
  textOptions,
  uriSettings,
  viewDirectives,
} from '../src/views/directives.js'
import { createDomains } from '../src/views/domains.js'
import { createHeaderView } from '../src/views/headers.js'
import { parseRelays } from '../src/views/relays.js'
import { renderText } from '../src/views/text/index.js'
import { findUris } from '../src/views/uris.js'
import { corpus } from './corpus.js'

const { values: args } = parseArgs({
  options: {
    every: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    rules: { type: 'string', default: '/usr/share/spamassassin' },
  },
})

/** The header requests that rules make most often (sa-rules.md 3.1). */
const requests = [
  'Subject',
  'X-Spam-Relays-External',
  'X-Mailer',
  'Received',
  'ALL',
  'From',
  'From:addr',
  'Content-Type',
  'MESSAGEID',
  'Message-ID',
  'Reply-To:addr',
  'From:name',
  'User-Agent',
  'ToCc:addr',
  'EnvelopeFrom',
]

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const { settings } = loadPlan({
  sources: readdirSync(args.rules)
    .filter((name) => name.endsWith('.cf'))
    .sort()
    .map((name) => join(args.rules, name)),
  plugins: [],
  directives: viewDirectives,
  local: true,
})
const domains = createDomains(domainLists(settings))
const messages = corpus(Number(args.every)).map((message) => parseMessage(message.read()))

for (let round = 1; round <= Number(args.rounds); round++) {
  let start = cpuMs()
  const spent = (): string => {
    const used = (cpuMs() - start) / messages.length
    start = cpuMs()
    return used.toFixed(3)
  }
  const relays = messages.map((message) => parseRelays(message, networkSettings(settings)))
  const relaysMs = spent()
  const headers = messages.map((message, index) => createHeaderView(message, () => relays[index]!, domains))
  for (const view of headers) for (const request of requests) view.get(request)
  const headersMs = spent()
  const texts = messages.map((message, index) =>
    renderText(message, textOptions(settings, headers[index]!.get('Subject'))),
  )
  const textsMs = spent()
  for (const [index, message] of messages.entries()) {
    findUris(message, texts[index]!, domains, uriSettings(settings))
  }
  console.log(
    `round ${round}, ${messages.length} messages, CPU ms each: relays ${relaysMs}, headers ${headersMs}, ` +
      `URIs ${spent()} (texts ${textsMs})`,
  )
}
