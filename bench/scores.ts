// Fits the scores of our own rules on the SpamAssassin corpus and says what they are worth (npm run scores).
//   node dist/bench/scores.js            hit frequencies and five-fold figures
//   node dist/bench/scores.js --write    also writes rules/50_scores.cf
// Method: each rule has a prior, written down by hand in bench/score-priors.txt (what a mail admin would give it unseen); scores are
// those that part spam from ham at 5.0 with the least change from the priors. Bounds keep any one rule from deciding alone, so mail that
// the corpus does not know is judged by many small signs. Rules that never hit keep their prior.
// Scores of network and Bayes rules cannot come from a local run: they stand in bench/score-fixed.cf and are appended as they are.
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rule } from '../rules/engine/types.js'
import { packageRoot } from '../src/root.js'
import { builtinRules, loadRules } from '../src/ruling.js'
import { createScanner } from '../src/scanner.js'
import type { Net } from '../src/types.js'
import { corpus } from './corpus.js'

interface Sample {
  readonly path: string
  readonly spam: boolean
  /** Rule index -> times it counts. */
  readonly hits: readonly (readonly [number, number])[]
}

interface Fitted {
  readonly name: string
  readonly nice: boolean
  readonly prior: number
  readonly low: number
  readonly high: number
}

const offline: Net = {
  dns: { enabled: false, query: async () => ({ status: 'failed', reason: 'disabled' }) },
}
const threshold = 5
/** Margin on each side of the threshold that the fit aims at. */
const spamAim = 6.2
const hamAim = 3.2
/** A false positive weighs as much as so many missed spams. */
const hamWeight = 14
/** Pull towards the prior. */
const pull = 0.6
const rounds = 400
const rate = 0.05
const countedKinds = new Set(['header', 'body', 'rawbody', 'uri', 'full', 'mimeheader'])

function priors(): Map<string, readonly [number, number | undefined]> {
  const text = readFileSync(join(packageRoot, 'bench', 'score-priors.txt'), 'utf8')
  const rows = text.split('\n').filter((line) => /^\w/.test(line))
  return new Map(
    rows.map((line) => {
      const [name, prior, most] = line.split(/\s+/)
      return [name!, [Number(prior), most === undefined || most === '' ? undefined : Number(most)] as const]
    }),
  )
}

async function collect(rules: readonly Rule[]): Promise<Sample[]> {
  const plan = loadRules({ builtin: true, paths: [], local: true })
  const scanner = createScanner({
    plan: { ...plan, rules: plan.rules.map((rule) => ({ ...rule, scores: [1, 1, 1, 1] as const })) },
    policy: { thresholds: {}, lookupMs: 1000, unchecked: 'accept', hostname: 'localhost', autolearn: false },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
    net: offline,
  })
  const indexOf = new Map(rules.map((rule, index) => [rule.name, index]))
  const samples: Sample[] = []
  for (const message of corpus()) {
    const request = {
      id: randomUUID(),
      raw: message.read(),
      envelope: { rcptTo: [] },
      wants: {},
      front: 'bench',
    }
    const { scanned } = await scanner.scan(request)
    const hits = scanned.verdict.hits.flatMap(({ symbol, count }): (readonly [number, number])[] => {
      const index = indexOf.get(symbol)
      if (index === undefined) return []
      const rule = rules[index]!
      return [[index, countedKinds.has(rule.kind) && rule.tflags.includes('multiple') ? count : 1]]
    })
    samples.push({ path: message.path, spam: message.spam, hits })
  }
  return samples
}

const sum = (sample: Sample, scores: Float64Array): number =>
  sample.hits.reduce((total, [rule, times]) => total + scores[rule]! * times, 0)

/** Projected gradient on a smooth hinge. Deterministic. */
function fit(samples: readonly Sample[], fitted: readonly Fitted[]): Float64Array {
  const scores = Float64Array.from(fitted, (rule) => rule.prior)
  const hits = new Float64Array(fitted.length)
  for (const sample of samples) for (const [rule] of sample.hits) hits[rule]!++
  const gradient = new Float64Array(fitted.length)
  for (let round = 0; round < rounds; round++) {
    gradient.fill(0)
    for (const sample of samples) {
      const score = sum(sample, scores)
      const over = sample.spam ? spamAim - score : score - hamAim
      if (over <= -3) continue
      const slope = (sample.spam ? -1 : hamWeight) / (1 + Math.exp(-2 * over))
      for (const [rule, times] of sample.hits) gradient[rule]! += slope * times
    }
    for (let rule = 0; rule < scores.length; rule++) {
      if (hits[rule] === 0) continue
      const { prior, low, high } = fitted[rule]!
      const step = (gradient[rule]! + pull * 10 * (scores[rule]! - prior)) / Math.sqrt(hits[rule]! * 60 + 400)
      scores[rule] = Math.min(high, Math.max(low, scores[rule]! - rate * step))
    }
  }
  return scores
}

function measure(samples: readonly Sample[], scores: Float64Array) {
  const spam = samples.filter((sample) => sample.spam)
  const ham = samples.filter((sample) => !sample.spam)
  const caught = spam.filter((sample) => sum(sample, scores) >= threshold).length
  const wrong = ham.filter((sample) => sum(sample, scores) >= threshold)
  return { caught, spam: spam.length, wrong, ham: ham.length }
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`

function line(name: string, { caught, spam, wrong, ham }: ReturnType<typeof measure>): string {
  return `${name}: spam caught ${percent(caught, spam)} (${caught}/${spam}), ham called spam ${percent(wrong.length, ham)} (${wrong.length}/${ham})`
}

const plan = loadRules({ builtin: true, paths: [], local: true })
const prior = priors()
const scored = plan.rules.filter(
  (rule) =>
    !rule.name.startsWith('__') &&
    rule.kind !== 'empty' &&
    !rule.tflags.includes('learn') &&
    !rule.tflags.includes('net'),
)
const fitted = scored.map((rule): Fitted => {
  const nice = rule.tflags.includes('nice')
  const [given, most] = prior.get(rule.name) ?? [nice ? -0.3 : 0.4, undefined]
  const bound = Math.abs(most ?? Math.max(2.4, Math.abs(given)))
  return { name: rule.name, nice, prior: given, low: nice ? -bound : 0, high: nice ? 0 : bound }
})
const samples = await collect(scored)
const scores = fit(samples, fitted)
const folds = 5
let caught = 0
let wrong = 0
for (let fold = 0; fold < folds; fold++) {
  const learned = fit(
    samples.filter((_, index) => index % folds !== fold),
    fitted,
  )
  const result = measure(
    samples.filter((_, index) => index % folds === fold),
    learned,
  )
  caught += result.caught
  wrong += result.wrong.length
}
const whole = measure(samples, scores)
console.log('rule                          score  prior   spam    ham')
for (const [index, rule] of fitted.entries()) {
  const spamHits = samples.filter(
    (sample) => sample.spam && sample.hits.some(([hit]) => hit === index),
  ).length
  const hamHits = samples.filter(
    (sample) => !sample.spam && sample.hits.some(([hit]) => hit === index),
  ).length
  console.log(
    `${rule.name.padEnd(28)} ${scores[index]!.toFixed(2).padStart(6)} ${rule.prior.toFixed(2).padStart(6)} ${String(spamHits).padStart(6)} ${String(hamHits).padStart(6)}`,
  )
}
console.log(line('whole corpus', whole))
console.log(
  `five folds: spam caught ${percent(caught, whole.spam)}, ham called spam ${percent(wrong, whole.ham)}`,
)
for (const sample of whole.wrong.slice(0, 40))
  console.log(
    `  ${sum(sample, scores).toFixed(1)} ${sample.path} ${sample.hits.map(([rule]) => fitted[rule]!.name).join(',')}`,
  )

if (process.argv.includes('--write')) {
  const head = `# Scores of our own local rules, fitted by bench/scores.ts from the priors in bench/score-priors.txt. Do not edit: change a prior and run it.
# SpamAssassin corpus, local, without Bayes, at 5.0: ${line('', whole).slice(2)}.
`
  const lines = fitted.map(
    (rule, index) =>
      `score ${rule.name.padEnd(28)} ${(Math.round(scores[index]! * 100) / 100 || 0.001).toString()}`,
  )
  const fixed = readFileSync(join(packageRoot, 'bench', 'score-fixed.cf'), 'utf8')
  writeFileSync(join(builtinRules, '50_scores.cf'), `${head}${lines.join('\n')}\n\n${fixed}`)
}
