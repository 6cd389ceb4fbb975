// The synthetic mails of fixtures/oracle under the stock rules: which share of each file has the hits SpamAssassin 4.0.1 recorded. What
// these files hold besides hits (texts, URIs, relays, header values) is compared case by case in the tests.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Engine } from '../rules/engine/run.js'
import { packageRoot } from '../src/root.js'
import type { Domains } from '../src/types.js'
import { offlineScan } from '../test/support/offline.js'
import { named, type StockFolders, stockEngine } from './oracle.js'

/** A line of fixtures/oracle/micro-*. */
export interface MicroCase {
  readonly id: string
  readonly message: string
  /** Lines of a .cf file after the stock rules. */
  readonly settings?: string
  /** Recorded on a system without one of SpamAssassin's optional modules. */
  readonly env?: readonly string[]
  readonly expect: {
    readonly rules?: readonly string[]
    readonly hits?: readonly string[]
    readonly subtests: readonly string[]
    readonly mime?: Readonly<Record<string, number | string>>
  }
}

/** The header file was recorded without counts. */
const files = { 'micro-html': true, 'micro-mime': true, 'micro-uri': true, 'micro-header': false }

function read(name: string): MicroCase[] {
  const path = join(packageRoot, 'fixtures', 'oracle', `${name}.jsonl.gz`)
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MicroCase)
}

export async function compareMicro(folders: StockFolders, every: number): Promise<void> {
  const engines = new Map<string, { engine: Engine; domains: Domains }>()
  for (const [file, counts] of Object.entries(files)) {
    const cases = read(file).filter(({ env }, index) => !env && index % every === 0)
    const differing: string[] = []
    for (const { id, message, settings = '', expect } of cases) {
      const { engine, domains } = engines.get(settings) ?? stockEngine(folders, settings)
      engines.set(settings, { engine, domains })
      const scan = offlineScan(Buffer.from(message, 'latin1'), engine.plan.settings, domains)
      const run = await engine.run(scan, { scoreSet: 0, subtests: true })
      const plain = (names: readonly string[]) =>
        counts ? names : names.map((name) => name.replace(/\(\d+\)$/, ''))
      const wanted = new Set([...(expect.rules ?? expect.hits ?? []), ...expect.subtests])
      const got = new Set(
        plain(
          named([
            ...run.hits.map((hit) => [hit.symbol, hit.count] as const),
            ...Object.entries(run.subtests),
          ]),
        ),
      )
      const missing = [...wanted].filter((name) => !got.has(name))
      const more = [...got].filter((name) => !wanted.has(name))
      if (missing.length + more.length > 0)
        differing.push(`  ${id}: missing ${missing.join(' ') || '-'}; unexpected ${more.join(' ') || '-'}`)
    }
    const share = (100 * (cases.length - differing.length)) / cases.length
    console.log(
      `${file}: ${cases.length} cases, ${share.toFixed(2)} % with every hit and subtest as recorded`,
    )
    for (const line of differing) console.log(line)
  }
}
