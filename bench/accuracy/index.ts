// Reruns the table of docs/learning.md on the SpamAssassin corpus, beside bogofilter when it is installed, and says won, tied or lost.
// `node dist/bench/accuracy/index.js [--every N] [--no-peer] [--http]`; --http asks a server of its own instead, beside the same mail in
// process. Accuracy does not depend on the load of the machine, times do.
import { readFileSync } from 'node:fs'
import { evaluateFeatures, extractAll, type LabelledFeatures } from '../../bayes/evaluate.js'
import { createExtractor } from '../../bayes/features.js'
import type { Metrics } from '../../bayes/metrics.js'
import { createRandom } from '../../bayes/random.js'
import { parseMessage } from '../../src/message/parse.js'
import { hamWords, pad } from './attack.js'
import { hasBogofilter, runBogofilter } from './bogofilter.js'
import { readCorpus } from './corpus.js'
import { evaluateOverHttp } from './http.js'

const everyAt = process.argv.indexOf('--every')
const every = everyAt < 0 ? 1 : Number(process.argv[everyAt + 1])
const corpus = readCorpus().filter((_, index) => index % every === 0)
const mails = extractAll(corpus)

function line(
  name: string,
  { roca, fpr, falsePositives, fnr, lam, missedAt01, missedAt1, unsureHam, unsureSpam }: Metrics,
): void {
  const cells = [
    roca.toFixed(4),
    `${fpr.toFixed(2)} (${falsePositives})`,
    fnr.toFixed(2),
    lam.toFixed(3),
    missedAt01.toFixed(2),
    missedAt1.toFixed(2),
    `${unsureHam}/${unsureSpam}`,
  ]
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}

console.log(`${mails.length} mails\n`)
console.log(
  '| run | 1-ROCA % | FPR % (n) | FNR % | LAM % | missed at 0.1 % | missed at 1 % | unsure ham/spam |',
)
console.log('|---|---|---|---|---|---|---|---|')
if (process.argv.includes('--http')) {
  for (const mode of ['half', 'online'] as const) {
    line(`${mode}, in process`, evaluateFeatures(mails, { mode }).metrics)
    const { metrics, known, refused, seconds } = await evaluateOverHttp(corpus, mode)
    line(`${mode}, over HTTP`, metrics)
    console.log(`${known} known already, ${refused} refused, ${seconds.toFixed(0)} s`)
  }
  process.exit()
}
const online = evaluateFeatures(mails, { mode: 'online' }).metrics
line('online', online)
const half = evaluateFeatures(mails, { mode: 'half' }).metrics
line('half', half)
const spamFirst = (a: number, b: number): number =>
  Number(mails[b]!.isSpam) - Number(mails[a]!.isSpam) || a - b
line(
  'half, all spam then all ham',
  evaluateFeatures(mails, { mode: 'half', trainOrder: (p) => p.sort(spamFirst) }).metrics,
)
line(
  'half, all ham then all spam',
  evaluateFeatures(mails, { mode: 'half', trainOrder: (p) => p.sort((a, b) => -spamFirst(a, b)) }).metrics,
)
for (const share of [0.01, 0.05]) {
  const random = createRandom(99)
  const wrong = mails.map(() => random() < share)
  const taughtAs = (position: number, isSpam: boolean): boolean => (wrong[position] ? !isSpam : isSpam)
  line(`half, ${100 * share} % wrong labels`, evaluateFeatures(mails, { mode: 'half', taughtAs }).metrics)
}
const vocabulary = hamWords(corpus.filter((_, index) => index % 2 === 0))
const extractor = createExtractor(1)
const attacked = (position: number) =>
  mails[position]!.isSpam
    ? extractor.extract(parseMessage(pad(readFileSync(corpus[position]!.path), vocabulary, position)))
    : undefined
line('half, 200 ham words appended to spam', evaluateFeatures(mails, { mode: 'half', attacked }).metrics)
line('online, small profile', evaluateFeatures(mails, { mode: 'online', profile: 'small' }).metrics)
line('half, small profile', evaluateFeatures(mails, { mode: 'half', profile: 'small' }).metrics)

if (!process.argv.includes('--no-peer') && hasBogofilter()) {
  const peers = { online: runBogofilter(corpus, 'online'), half: runBogofilter(corpus, 'half') }
  line('bogofilter online', peers.online)
  line('bogofilter half', peers.half)
  for (const [name, ours, theirs] of [
    ['online', online, peers.online],
    ['half', half, peers.half],
  ] as const) {
    const verdict = (a: number, b: number): string => (a < b * 0.95 ? 'won' : a > b * 1.05 ? 'lost' : 'tied')
    console.log(
      `${name}: 1-ROCA ${verdict(ours.roca, theirs.roca)}, LAM ${verdict(ours.lam, theirs.lam)}, ` +
        `missed at 0.1 % ${verdict(ours.missedAt01, theirs.missedAt01)}, missed at 1 % ${verdict(ours.missedAt1, theirs.missedAt1)}`,
    )
  }
}
reportCost(mails)

/** CPU of features and of the models, beyond parsing. */
function reportCost(all: readonly LabelledFeatures[]): void {
  const raws = corpus.slice(0, 2000).map((mail) => readFileSync(mail.path))
  const parsed = raws.map((raw) => parseMessage(raw))
  for (const message of parsed) for (const part of message.parts) part.decoded()
  for (let round = 0; round < 2; round++) {
    const before = process.cpuUsage()
    for (const message of parsed) extractor.extract(message)
    const { user, system } = process.cpuUsage(before)
    if (round === 1)
      console.log(`features: ${((user + system) / 1000 / parsed.length).toFixed(3)} ms CPU a mail`)
  }
  console.log(
    `features of a mail: ${(all.reduce((sum, each) => sum + each.features.lo.length, 0) / all.length).toFixed(0)} tokens`,
  )
}
