// Measures the learner on labelled mail, alone, without rules. In: mails in order with their class. Out: Metrics. Behind `hamd evaluate` and
// bench/accuracy. Online: classify each mail, then teach it. Half: teach lines 1, 3, 5 ..., classify the others. No minimum of learned mail,
// no known-mail check: every line counts, as the protocol of the published figures demands (docs/learning.md).
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseMessage } from '../src/message/parse.js'
import { createClassifierOf } from './classifier.js'
import { createExtractor, type Features } from './features.js'
import { defaultSettings, Learner } from './learner.js'
import { type Judged, type Metrics, measure } from './metrics.js'
import type { Profile } from './model/model.js'

export interface LabelledMail {
  readonly path: string
  readonly isSpam: boolean
}

export interface LabelledFeatures {
  readonly features: Features
  readonly isSpam: boolean
}

export type EvaluateMode = 'online' | 'half'

export interface EvaluateOptions {
  readonly mode: EvaluateMode
  readonly profile?: Profile
  /** Positions of the training half in the order they are taught; default as they stand. */
  readonly trainOrder?: (positions: number[]) => number[]
  /** What is taught instead of the truth, to see what wrong labels do. */
  readonly taughtAs?: (position: number, isSpam: boolean) => boolean
  /** Replaces the features of a mail to be classified, to see what an attack does. */
  readonly attacked?: (position: number) => Features | undefined
  readonly onProgress?: (done: number, of: number) => void
}

export interface Evaluation {
  readonly metrics: Metrics
  /** In the order of the mails that were classified. */
  readonly judged: readonly (Judged & { readonly position: number })[]
}

/** Called spam from here on, ham below; unsure between (P against truth: docs/learning.md). */
export const spamFrom = 0.95
export const hamBelow = 0.3

/** Reads `spam PATH` / `ham PATH` lines; paths are relative to the index. Throws an Error with file and line. */
export function readIndex(file: string): LabelledMail[] {
  const mails: LabelledMail[] = []
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const found = /^(spam|ham)\s+(.+?)\s*$/i.exec(line)
    if (!found) throw new Error(`${file}:${index + 1}: not 'spam PATH' or 'ham PATH': ${line.slice(0, 80)}`)
    mails.push({ isSpam: found[1]!.toLowerCase() === 'spam', path: resolve(dirname(file), found[2]!) })
  }
  return mails
}

/** Salt of evaluations: fixed, so that the same mail gives the same figures. */
const evaluationSalt = 1

export function extractAll(
  mails: readonly LabelledMail[],
  onProgress?: (done: number) => void,
): LabelledFeatures[] {
  const extractor = createExtractor(evaluationSalt)
  return mails.map(({ path, isSpam }, index) => {
    onProgress?.(index)
    return { features: extractor.extract(parseMessage(readFileSync(path))), isSpam }
  })
}

export function evaluate(mails: readonly LabelledMail[], options: EvaluateOptions): Evaluation {
  return evaluateFeatures(extractAll(mails), options)
}

export function evaluateFeatures(mails: readonly LabelledFeatures[], options: EvaluateOptions): Evaluation {
  const learner = Learner.open({
    ...defaultSettings,
    profile: options.profile ?? 'standard',
    minSpam: 0,
    minHam: 0,
    scanRowsMax: 0,
    ledgerRowsMax: Number.MAX_SAFE_INTEGER,
    salt: evaluationSalt,
  })
  const judged: (Judged & { position: number })[] = []
  let classifier = createClassifierOf({
    salt: evaluationSalt,
    minSpam: 0,
    minHam: 0,
    models: [...learner.models()],
  })
  const judge = (position: number): void => {
    for (const [owner, model] of learner.takeMoved()) classifier.adopt(owner, model)
    const { features, isSpam } = mails[position]!
    const { probability, logOdds } = classifier.classify(options.attacked?.(position) ?? features)
    const p = probability ?? 0.5
    judged.push({
      position,
      score: logOdds ?? 0,
      isSpam,
      decision: p >= spamFrom ? 'spam' : p < hamBelow ? 'ham' : 'unsure',
    })
    options.onProgress?.(judged.length, mails.length)
  }
  const taughtIds = new Set<string>()
  const teach = (position: number): void => {
    const { features, isSpam } = mails[position]!
    const taught = options.taughtAs?.(position, isSpam) ?? isSpam
    learner.learn({
      features: taughtIds.has(features.id) ? { ...features, id: uniqueId(position, features.id) } : features,
      class: taught ? 'spam' : 'ham',
      source: 'cli:evaluate',
    })
    taughtIds.add(features.id)
  }
  const positions = mails.map((_, position) => position)
  if (options.mode === 'online')
    for (const position of positions) {
      judge(position)
      teach(position)
    }
  else {
    const train = positions.filter((position) => position % 2 === 0)
    for (const position of options.trainOrder?.(train) ?? train) teach(position)
    learner.rebuildNow(true)
    classifier = createClassifierOf({
      salt: evaluationSalt,
      minSpam: 0,
      minHam: 0,
      models: [...learner.models()],
    })
    for (const position of positions) if (position % 2 === 1) judge(position)
  }
  learner.close()
  return { metrics: measure(judged), judged }
}

/** The same mail may stand on several lines, and each counts; the others keep their names, by which a server orders its rebuild. */
function uniqueId(position: number, id: string): string {
  return createHash('md5').update(`${id} ${position}`).digest('hex')
}

/** The figures as lines for people. */
export function formatMetrics(metrics: Metrics): string {
  const percent = (value: number, digits = 2): string => `${value.toFixed(digits)} %`
  return [
    `mails                        ${metrics.n} (${metrics.spam} spam, ${metrics.ham} ham)`,
    `1-ROCA                       ${percent(metrics.roca, 4)}`,
    `ham called spam (FPR)        ${percent(metrics.fpr)} (${metrics.falsePositives})`,
    `spam not called spam (FNR)   ${percent(metrics.fnr)} (${metrics.falseNegatives})`,
    `LAM                          ${percent(metrics.lam, 3)}`,
    `spam missed at 0.1 % FPR     ${percent(metrics.missedAt01)}`,
    `spam missed at 1 % FPR       ${percent(metrics.missedAt1)}`,
    `unsure                       ${metrics.unsureSpam} spam, ${metrics.unsureHam} ham`,
  ].join('\n')
}
