// Rule sets of the size of KAM's: what 4,000 more patterns cost at the start, in memory and per message. The rules are random, in the style
// of rule files, the same for the same seed.
//   node dist/bench/many-rules.js [--rules N] [--seed N] [--every N]      --rules 0: the stock rules alone
import '../rules/regex/flags.js'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeAutomata } from '../src/pool/automata.js'
import { loadRules } from '../src/ruling.js'
import { createScanner } from '../src/scanner.js'
import { optimiseSoon } from '../src/tiering.js'
import { corpus } from './corpus.js'
import { stockRules } from './speed/servers.js'

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const common =
  'account bank click credit customer delivery discount doctor email free gift home invoice letter loan mail money news offer office online order package password pay people phone price program report sale security service state system time today trial update week winner work world'.split(
    ' ',
  )
const syllables =
  'ba be bo ca co cu da de di do fa fi ga go ha he ko la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa se si so ta te ti to va ve vi za zo'.split(
    ' ',
  )

/** Rule text of so many patterns, and a meta for every fourth. */
export function manyRules(count: number, seed: number): string {
  const random = randomOf(seed)
  const upTo = (most: number) => Math.floor(random() * most)
  const one = <T>(list: readonly T[]): T => list[upTo(list.length)]!
  const word = () =>
    random() < 0.4 ? one(common) : Array.from({ length: 2 + upTo(3) }, () => one(syllables)).join('')
  const words = (most: number) => Array.from({ length: 2 + upTo(most - 1) }, word).join('|')
  const domain = () => `${word()}\\.(?:com|net|${one(['info', 'biz', 'xyz', 'shop', 'ru'])})`
  const gap = () => one(['\\s', '\\s+', '[\\s\\W]{1,3}', '.{0,20}', '.{1,50}', '\\W{0,3}'])
  const phrase: readonly (() => string)[] = [
    () => `\\b${word()} ${word()}\\b`,
    () => `\\b${word()}${gap()}${word()}${gap()}${word()}\\b`,
    () => `\\b(?:${words(8)})${gap()}(?:${words(6)})`,
    () => `(?:${words(5)})(?:s|ed|ing)?\\s+(?:the|your|our|my)\\s+(?:${words(4)})`,
    () => `\\b(?:${words(12)})\\b`,
    () => `\\$\\s?\\d{1,3}(?:[,.]\\d{3})+\\s(?:${words(4)})`,
    () => `(?!${word()})${[...word()].map((letter) => `[${letter}${letter.toUpperCase()}]\\W?`).join('')}`,
    () => `\\b${word()}(?: \\w+){0,${1 + upTo(4)}} ${word()}\\b`,
  ]
  const uri: readonly (() => string)[] = [
    () => `^https?:\\/\\/(?:[\\w-]+\\.)*${domain()}\\b`,
    () => `\\/${word()}\\/[a-z0-9]{${3 + upTo(5)},${10 + upTo(20)}}\\.php$`,
    () => `${domain()}\\/.*(?:${words(4)})=`,
  ]
  const raw: readonly (() => string)[] = [
    () => `<img[^>]{1,${20 + upTo(100)}}${word()}`,
    () => `<a\\s[^>]*href=["']?https?:\\/\\/${domain()}`,
    () => `style=["'][^"']{0,80}${word()}`,
  ]
  const kinds: readonly (() => string)[] = [
    ...Array.from({ length: 11 }, () => () => `body NAME /${one(phrase)()}/i`),
    ...Array.from({ length: 2 }, () => () => `header NAME Subject =~ /${one(phrase)()}/i`),
    () => `header NAME From =~ /\\@(?:[\\w-]+\\.)*${domain()}/i`,
    () => `header NAME Received =~ /from \\S+\\.${domain()} \\(/i`,
    () => `header NAME ${one(['X-Mailer', 'Reply-To', 'Message-ID', 'List-Id'])} =~ /${word()}/i`,
    ...Array.from({ length: 2 }, () => () => `uri NAME /${one(uri)()}/i`),
    () => `rawbody NAME /${one(raw)()}/i`,
  ]
  const lines: string[] = []
  for (let number = 0; number < count; number++) {
    lines.push(one(kinds)().replace('NAME', `__MANY_${number}`))
    if (number % 4 === 3)
      lines.push(
        `meta MANY_${number} (__MANY_${number} + __MANY_${upTo(number)} + __MANY_${upTo(number)} > 1)`,
      )
  }
  return `${lines.join('\n')}\n`
}

async function measure(name: string, paths: readonly string[], every: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-many-'))
  const cacheFile = join(folder, 'automata.bin')
  const startedAt = performance.now()
  const plan = loadRules({ builtin: false, paths, local: true })
  const loadMs = performance.now() - startedAt
  const first = await makeAutomata({ plan, cacheFile })
  const again = await makeAutomata({ plan, cacheFile })
  const scanner = createScanner({
    plan,
    policy: { thresholds: {}, lookupMs: 1000, unchecked: 'accept', hostname: 'localhost', autolearn: false },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
    net: { dns: { enabled: false, query: async () => ({ status: 'failed', reason: 'disabled' }) } },
    classifier: undefined,
  })
  scanner.context.engine.adopt(first.sets)
  const mails = corpus(every).map((mail) => mail.read())
  const perMessage: number[] = []
  let hits = 0
  for (let pass = 0; pass < 4; pass++) {
    const passAt = performance.now()
    for (const raw of mails) {
      const { scanned } = await scanner.scan(
        { id: randomUUID(), raw, envelope: { rcptTo: [] }, wants: {}, front: 'bench' },
        undefined,
      )
      hits += scanned.verdict.hits.length
    }
    perMessage.push((performance.now() - passAt) / mails.length)
  }
  const patterns = plan.rules.filter((rule) => 'pattern' in rule).length
  console.log(
    `| ${name} | ${patterns} | ${(loadMs / 1000).toFixed(1)} | ${(first.tookMs / 1000).toFixed(1)} | ${(again.tookMs / 1000).toFixed(1)} | ` +
      `${(statSync(cacheFile).size / 2 ** 20).toFixed(0)} | ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} | ` +
      `${perMessage.map((ms) => ms.toFixed(2)).join(', ')} | ${(hits / mails.length / perMessage.length).toFixed(1)} |`,
  )
  rmSync(folder, { recursive: true, force: true })
}

async function main(): Promise<void> {
  optimiseSoon()
  const { values: args } = parseArgs({
    options: {
      rules: { type: 'string', default: '4000' },
      seed: { type: 'string', default: '1' },
      every: { type: 'string', default: '20' },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'hamd-many-'))
  const file = join(folder, 'many.cf')
  writeFileSync(file, manyRules(Number(args.rules), Number(args.seed)))
  console.log(
    '| rules | patterns | load s | automata s | from file s | file MB | memory MB | ms a message, passes | hits |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  await measure(`stock and ${args.rules}`, [...stockRules, file], Number(args.every))
  rmSync(folder, { recursive: true, force: true })
}

await main()
