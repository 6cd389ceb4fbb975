// Rules and learner together on the SpamAssassin corpus, half/half: learns positions 0, 2, 4 ... in the order of bench/accuracy, judges the
// rest with the built-in rules, local. Prints what is caught and what is wrong at 5.0, and which mail.
import '../rules/regex/flags.js'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createExtractor, defaultSettings, Learner, sharedOf } from '../bayes/index.js'
import { parseMessage } from '../src/message/parse.js'
import { createScanClassifier } from '../src/opinion.js'
import { loadRules } from '../src/ruling.js'
import { offlineScanner } from '../test/support/offline.js'
import { readCorpus } from './accuracy/corpus.js'

const { values: args } = parseArgs({ options: { show: { type: 'boolean' } } })

const mails = readCorpus()
const learner = Learner.open({ ...defaultSettings, trustedSources: ['bench'], salt: 1 })
const extractor = createExtractor(learner.salt)
for (let index = 0; index < mails.length; index += 2) {
  const { path, isSpam } = mails[index]!
  const raw = readFileSync(path)
  learner.learnAll([
    { features: extractor.extract(parseMessage(raw)), class: isSpam ? 'spam' : 'ham', source: 'bench' },
  ])
}
if (learner.gainsByRebuild) learner.rebuildNow()
const shared = sharedOf(learner)
const scanner = offlineScanner({
  plan: loadRules({ builtin: true, paths: [], local: true }),
  classifier: createScanClassifier(shared),
})
const counts = { spam: 0, ham: 0, caught: 0, wrong: 0 }
const odd: string[] = []
for (let index = 1; index < mails.length; index += 2) {
  const { isSpam, path } = mails[index]!
  const raw = readFileSync(path)
  const { scanned } = await scanner.scan({
    id: randomUUID(),
    raw,
    envelope: { rcptTo: [] },
    wants: {},
    front: 'bench',
  })
  const { verdict } = scanned
  counts[isSpam ? 'spam' : 'ham']++
  if (isSpam && verdict.isSpam) counts.caught++
  if (!isSpam && verdict.isSpam) counts.wrong++
  if (isSpam !== verdict.isSpam)
    odd.push(
      `${isSpam ? 'missed' : 'wrong '} ${verdict.score.toFixed(1).padStart(5)} p=${verdict.bayes?.probability?.toFixed(4)} ${path} ${verdict.hits.map((hit) => `${hit.symbol}(${hit.score})`).join(' ')}`,
    )
}
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`
console.log(
  `built-in rules + learner, half/half, at 5.0: spam caught ${percent(counts.caught, counts.spam)} (${counts.caught}/${counts.spam}), ham called spam ${percent(counts.wrong, counts.ham)} (${counts.wrong}/${counts.ham})`,
)
if (args.show) for (const line of odd) console.log(line)
