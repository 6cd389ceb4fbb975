// Fits the scores of our own rules on the SpamAssassin corpus and says what they are worth (npm run scores).
//   node dist/bench/scores.js                  hit frequencies and figures, with and without the learner, also five-fold
//   node dist/bench/scores.js --write          also writes rules/50_scores.cf
//   node dist/bench/scores.js --samples FILE   keeps what the rules hit in FILE, or takes it from there: a second run needs no scans
//   node dist/bench/scores.js --show           also names the messages that are judged wrongly
// Method: docs/rules.md, "Where scores come from". Two fits: without the learner (score sets 0 and 1) from the priors in
// bench/score-priors.txt, and with it (sets 2 and 3), where every rule starts at its first score and may only weigh
// less: both see the same words.
// Scores of network and Bayes rules cannot come from a local run: they stand in bench/score-fixed.cf and are appended as they are.
import '../rules/regex/flags.js'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Rule } from '../rules/engine/types.js'
import { packageRoot } from '../src/root.js'
import { builtinRules, loadRules } from '../src/ruling.js'
import {
  type Aims,
  fit,
  foldedTally,
  type Prior,
  priorOf,
  type Row,
  readPriors,
  tally,
  tallyText,
  total,
} from './score-fit.js'
import { collectSamples, type Sample } from './score-samples.js'

const { values: args } = parseArgs({
  options: { write: { type: 'boolean' }, show: { type: 'boolean' }, samples: { type: 'string' } },
})
const aloneAims: Aims = { spam: 6.2, ham: 3.6, hamWeight: 8 }
const taughtAims: Aims = { spam: 5.6, ham: 4.4, hamWeight: 20 }

async function readSamples(): Promise<Sample[]> {
  if (args.samples && existsSync(args.samples)) return JSON.parse(readFileSync(args.samples, 'utf8'))
  const samples = await collectSamples()
  if (args.samples) writeFileSync(args.samples, JSON.stringify(samples))
  return samples
}

const isFitted = (rule: Rule): boolean =>
  !rule.name.startsWith('__') &&
  rule.kind !== 'empty' &&
  !/30_network\.cf$|40_bayes\.cf$/.test(rule.place.file)

/** `score NAME a b c d` of the fixed file: the value with the learner and without the network. */
function fixedScores(text: string): ReadonlyMap<string, number> {
  const rows = text.split('\n').map((line) => /^score\s+(\w+)\s+(.+)$/.exec(line))
  return new Map(
    rows.flatMap((row): [string, number][] => {
      if (!row) return []
      const numbers = row[2]!.trim().split(/\s+/).map(Number)
      return [[row[1]!, numbers[2] ?? numbers[0]!]]
    }),
  )
}

const rules = loadRules({ builtin: true, paths: [], local: true }).rules.filter(isFitted)
const indexOf = new Map(rules.map((rule, index) => [rule.name, index]))
const given = readPriors()
for (const name of given.keys()) if (!indexOf.has(name)) throw new Error(`prior of an unknown rule: ${name}`)
const priors = rules.map((rule) => priorOf(given.get(rule.name), rule.tflags.includes('nice')))
const fixedText = readFileSync(join(packageRoot, 'bench', 'score-fixed.cf'), 'utf8')
const fixed = fixedScores(fixedText)

const samples = await readSamples()
const rowsWith = (fixedOf: (sample: Sample) => number): Row[] =>
  samples.map((sample) => ({
    spam: sample.spam,
    fixed: fixedOf(sample),
    hits: sample.hits.flatMap(([name, times]): [number, number][] =>
      indexOf.has(name) ? [[indexOf.get(name)!, times]] : [],
    ),
  }))
const alone = rowsWith(() => 0)
const taught = rowsWith((sample) => sample.bayes.reduce((sum, name) => sum + (fixed.get(name) ?? 0), 0))

const aloneScores = fit(alone, priors, aloneAims)
const taughtPriors = priors.map((prior, index): Prior => {
  const score = aloneScores[index]!
  // Half of what was set by hand as the least stays: the learner of a new site knows as little of today's tricks as the corpus.
  const floor = (rules[index]!.tflags.includes('nice') ? prior.high : prior.low) / 2
  // What is 2 and more by hand is specific enough to count in full: programs, forged names, the test string.
  if (Math.abs(prior.given) >= 2)
    return { given: score, low: Math.min(score, prior.low), high: Math.max(score, 0) }
  return { given: score, low: Math.min(score, floor), high: Math.max(score, floor) }
})
const taughtScores = fit(taught, taughtPriors, taughtAims)

console.log('rule                          alone taught  prior   spam    ham')
for (const [index, rule] of rules.entries()) {
  const hit = alone.filter((row) => row.hits.some(([other]) => other === index))
  const spam = hit.filter((row) => row.spam).length
  const columns = [aloneScores[index]!, taughtScores[index]!, priors[index]!.given]
  console.log(
    `${rule.name.padEnd(28)} ${columns.map((column) => column.toFixed(2).padStart(6)).join(' ')} ${String(spam).padStart(6)} ${String(hit.length - spam).padStart(6)}`,
  )
}
const aloneTally = tally(alone, aloneScores)
const taughtTally = tally(taught, taughtScores)
console.log(`rules alone, whole corpus:        ${tallyText(aloneTally)}`)
console.log(`rules alone, five folds:          ${tallyText(foldedTally(alone, priors, aloneAims))}`)
console.log(`rules and learner, whole corpus:  ${tallyText(taughtTally)}`)
console.log(`rules and learner, five folds:    ${tallyText(foldedTally(taught, taughtPriors, taughtAims))}`)
if (args.show) {
  show('alone, ham called spam', alone, aloneTally.wrong, aloneScores)
  show('with the learner, ham called spam', taught, taughtTally.wrong, taughtScores)
  show('with the learner, spam missed', taught, taughtTally.missed, taughtScores)
}
if (args.write) write()

function show(title: string, rows: readonly Row[], positions: readonly number[], scores: Float64Array): void {
  console.log(`${title}:`)
  for (const position of positions) {
    const { path, bayes } = samples[position]!
    const names = rows[position]!.hits.map(
      ([rule, times]) => `${rules[rule]!.name}(${(scores[rule]! * times).toFixed(2)})`,
    )
    console.log(
      `  ${total(rows[position]!, scores).toFixed(2)} ${path} ${[...bayes, ...names.filter((name) => !name.endsWith('(0.00)'))].join(' ')}`,
    )
  }
}

function write(): void {
  const head = `# The scores of all our rules. Local rules: fitted by bench/scores.ts (npm run scores) from the priors in bench/score-priors.txt. Do not
# edit those: change a prior and run it. The four numbers: without Bayes and network, with network, with Bayes, with both.
# SpamAssassin corpus, local, at 5.0, without Bayes: ${tallyText(aloneTally)}.
`
  // A rule without any score would not run, and others are made of it.
  const shown = (score: number, nice: boolean): string =>
    (Math.round(score * 100) / 100 || (nice ? -0.001 : 0.001)).toString()
  const lines = rules.map((rule, index) => {
    const nice = rule.tflags.includes('nice')
    const [first, second] = [shown(aloneScores[index]!, nice), shown(taughtScores[index]!, nice)]
    const numbers = first === second ? first : `${first} ${first} ${second} ${second}`
    return `score ${rule.name.padEnd(28)} ${numbers}`
  })
  writeFileSync(join(builtinRules, '50_scores.cf'), `${head}${lines.join('\n')}\n\n${fixedText}`)
}
