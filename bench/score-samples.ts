// What our rules and the learner say of each message of the SpamAssassin corpus: the material of bench/scores.ts.
// Every message is judged by a learner that was taught the other half of the corpus (even and odd positions in time order).
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createExtractor, defaultSettings, Learner, sharedOf } from '../bayes/index.js'
import type { Rule } from '../rules/engine/types.js'
import { parseMessage } from '../src/message/parse.js'
import { createScanClassifier } from '../src/opinion.js'
import { loadRules } from '../src/ruling.js'
import type { Scanner } from '../src/scanner.js'
import { offlineScanner } from '../test/support/offline.js'
import { type CorpusMail, readCorpus } from './accuracy/corpus.js'

export interface Sample {
  /** Folder and file. */
  readonly path: string
  readonly spam: boolean
  /** Name of the rule and times it counts. */
  readonly hits: readonly (readonly [name: string, times: number])[]
  /** Names of the BAYES_* rules that hit. */
  readonly bayes: readonly string[]
}

const countedKinds = new Set(['header', 'body', 'rawbody', 'uri', 'full', 'mimeheader'])

export async function collectSamples(): Promise<Sample[]> {
  const mails = readCorpus()
  const plan = loadRules({ builtin: true, paths: [], local: true })
  const rules = new Map(plan.rules.map((rule) => [rule.name, rule]))
  const scanners = [1, 0].map((half) => scannerTaught(mails, half))
  const samples: Sample[] = []
  for (const [index, { path, isSpam }] of mails.entries()) {
    const request = {
      id: randomUUID(),
      raw: readFileSync(path),
      envelope: { rcptTo: [] },
      wants: {},
      front: 'bench',
    }
    const { scanned } = await scanners[index % 2]!.scan(request)
    const { hits } = scanned.verdict
    samples.push({
      path: join(basename(dirname(path)), basename(path)),
      spam: isSpam,
      hits: hits
        .filter(({ symbol }) => !symbol.startsWith('BAYES_'))
        .map(({ symbol, count }) => [symbol, timesOf(rules.get(symbol), count)] as const),
      bayes: hits.map(({ symbol }) => symbol).filter((symbol) => symbol.startsWith('BAYES_')),
    })
  }
  return samples
}

function timesOf(rule: Rule | undefined, count: number): number {
  return rule && countedKinds.has(rule.kind) && rule.tflags.includes('multiple') ? count : 1
}

/** All rules run, whatever their score; the learner knows every second message, from position `half` on. */
function scannerTaught(mails: readonly CorpusMail[], half: number): Scanner {
  const learner = Learner.open({ ...defaultSettings, trustedSources: ['bench'], salt: 1 })
  const extractor = createExtractor(learner.salt)
  for (let index = half; index < mails.length; index += 2) {
    const { path, isSpam } = mails[index]!
    const features = extractor.extract(parseMessage(readFileSync(path)))
    learner.learnAll([{ features, class: isSpam ? 'spam' : 'ham', source: 'bench' }])
  }
  if (learner.wantsRebuild) learner.rebuildNow()
  const plan = loadRules({ builtin: true, paths: [], local: true })
  return offlineScanner({
    plan: { ...plan, rules: plan.rules.map((rule) => ({ ...rule, scores: [1, 1, 1, 1] as const })) },
    classifier: createScanClassifier(sharedOf(learner)),
  })
}
