// A mail means the same with either line end: the stock rules over the corpus with LF and with CRLF, and whatever differs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { offlineScan } from '../test/support/offline.js'
import { corpus, named, type StockFolders, stockEngine } from './oracle.js'

export interface LineEndDifference {
  readonly path: string
  readonly onlyLf: readonly string[]
  readonly onlyCrlf: readonly string[]
}

/**
 * What the rules say of each message with both line ends, where it is not the same. Left out: check_body_length counts bytes as they
 * came, in SpamAssassin too, so a line end of two bytes takes a mail over a bound.
 */
export async function lineEndDifferences(
  folders: StockFolders,
  paths: readonly string[],
): Promise<LineEndDifference[]> {
  const { engine, domains } = stockEngine(folders)
  const skip = new Set(
    engine.plan.rules
      .filter((rule) => rule.kind === 'eval' && rule.eval === 'check_body_length')
      .map(({ name }) => name),
  )
  const hitsOf = async (text: string): Promise<string[]> => {
    const scan = offlineScan(Buffer.from(text, 'latin1'), engine.plan.settings, domains)
    const run = await engine.run(scan, { scoreSet: 0, subtests: true, skip })
    return named([
      ...run.hits.map(({ symbol, count }) => [symbol, count] as const),
      ...Object.entries(run.subtests),
    ])
  }
  const differences: LineEndDifference[] = []
  for (const path of paths) {
    const lf = readFileSync(join(corpus, path), 'latin1').replace(/\r+\n/g, '\n')
    const [first, second] = [await hitsOf(lf), await hitsOf(lf.replace(/\n/g, '\r\n'))]
    const onlyLf = first.filter((name) => !second.includes(name))
    const onlyCrlf = second.filter((name) => !first.includes(name))
    if (onlyLf.length + onlyCrlf.length > 0) differences.push({ path, onlyLf, onlyCrlf })
  }
  return differences
}

export async function compareLineEnds(folders: StockFolders, paths: readonly string[]): Promise<void> {
  const differences = await lineEndDifferences(folders, paths)
  console.log(`${paths.length} messages, ${differences.length} differ between LF and CRLF`)
  for (const { path, onlyLf, onlyCrlf } of differences)
    console.log(`  ${path}: LF alone ${onlyLf.join(' ') || '-'}; CRLF alone ${onlyCrlf.join(' ') || '-'}`)
}
