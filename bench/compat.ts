// How close to SpamAssassin are we? Runs the stock rules over the public corpus and compares every stage, every hit and every score
// with what SpamAssassin 4.0.1 recorded (fixtures/oracle). Prints shares of identical messages and what differs most.
//   npm run compat -- [--every N] [--only WORD] [--top N] [--show RULE] [--rules DIR] [--site DIR] [--first]
//   npm run compat -- --micro     the synthetic mails of fixtures/oracle/micro-*.jsonl.gz instead of the corpus
//   npm run compat -- --crlf      the corpus with CRLF line ends against itself with LF
// --first: the first recording alone, also where it was wrong (bench/oracle.ts).
import { parseArgs } from 'node:util'
import { compareLineEnds } from './crlf.js'
import { compareMicro } from './micro.js'
import { compareWithRecorded, readOracle, stockFolders, type Tally } from './oracle.js'

const { values: args } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    top: { type: 'string', default: '25' },
    show: { type: 'string' },
    rules: { type: 'string', default: stockFolders.rules },
    site: { type: 'string', default: stockFolders.site },
    first: { type: 'boolean', default: false },
    micro: { type: 'boolean', default: false },
    crlf: { type: 'boolean', default: false },
  },
})

function report(tally: Tally, milliseconds: number): void {
  const share = (count: number) => `${((100 * count) / tally.messages).toFixed(2)} %`
  console.log(
    `${tally.messages} messages, ${(milliseconds / tally.messages).toFixed(1)} ms each, ${tally.failed} failures`,
  )
  for (const [what, count] of tally.same)
    console.log(`${what.padEnd(20)} identical in ${share(count)} (${tally.messages - count} differ)`)
  for (const [stage, paths] of tally.stageFailures)
    console.log(`  ${stage}: ${paths.length}, e.g. ${paths.slice(0, 3).join(' ')}`)
  const list = [...tally.differences].sort(
    ([, a], [, b]) => b.missing + b.unexpected - a.missing - a.unexpected,
  )
  for (const [rule, { missing, unexpected, paths }] of list.slice(0, Number(args.top)))
    console.log(
      `  ${rule.padEnd(40)} missing ${missing}, unexpected ${unexpected}, e.g. ${paths.slice(0, 2).join(' ')}`,
    )
  if (args.show) console.log(tally.differences.get(args.show)?.paths.join('\n') ?? 'no difference')
}

const folders = { site: args.site, rules: args.rules }
const recorded = readOracle(!args.first)
const paths = [...recorded.keys()]
  .sort()
  .filter((path, index) => index % Number(args.every) === 0 && path.includes(args.only))
const started = performance.now()
if (args.micro) await compareMicro(folders, Number(args.every))
else if (args.crlf) await compareLineEnds(folders, paths)
else report(await compareWithRecorded(recorded, paths, folders), performance.now() - started)
