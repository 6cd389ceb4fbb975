// Our spamd front on a free loopback port for tests, before any core; and a core that judges by Debian's stock rules, as the real spamd.
import { hostname } from 'node:os'
import { type ListenTo, listen } from '../../../server/listen.js'
import { type SpamdOptions, serveSpamd } from '../../../server/spamd/index.js'
import { loadRules } from '../../../src/ruling.js'
import type { Core } from '../../../src/types.js'
import { smallCore } from '../../support/core.js'
import { offlineScanner } from '../../support/offline.js'

const quiet = { debug() {}, info() {}, warn() {} }

export interface SpamdUnderTest {
  readonly address: string
  close(): Promise<void>
}

export async function serveCore(
  core: Core,
  options: Partial<SpamdOptions> = {},
  to: Partial<ListenTo> = {},
): Promise<SpamdUnderTest> {
  const all: SpamdOptions = {
    allowTell: true,
    firstLineMs: 1000,
    requestMs: 10_000,
    messageBytesMax: 2_000_000,
    log: quiet,
    ...options,
  }
  const listening = await listen([{ address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, ...to }], {
    fronts: {
      spamd: (socket, first, opening) => serveSpamd(socket, first, opening, core, all),
      rspamc: (socket) => socket.end('rspamc'),
      http: (socket) => socket.end('http'),
    },
    limits: { firstLineBytesMax: 16_384, firstLineMs: all.firstLineMs, connectionsMax: 200 },
    log: quiet,
  })
  const [address] = listening.addresses
  if (address === undefined) throw listening.failed[0]!.error
  return { address, close: () => listening.close(100) }
}

/** Scans in this thread with the rules a real spamd -L reads; learning is the small core's. */
export function stockCore(): Core {
  const plan = loadRules({
    builtin: false,
    paths: ['/usr/share/spamassassin', '/etc/spamassassin'],
    local: true,
    cfLines: [
      'report_hostname host.example.net',
      'bayes_auto_learn_threshold_nonspam -1000',
      'bayes_auto_learn_threshold_spam 1000\n',
    ].join('\n'),
  })
  const scanner = offlineScanner({ plan, policy: { hostname: hostname(), autolearn: true } })
  return { ...smallCore(), scan: async (request) => (await scanner.scan(request)).scanned }
}
