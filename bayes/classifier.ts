// The reading side, in a scan worker: a mail's features to an opinion, from shared memory, without waiting for anything.
import type { Classification, Clue } from '../src/types.js'
import { createExtractor, type Extractor, type Features } from './features.js'
import { GramTable } from './model/grams.js'
import {
  calibrate,
  fuse,
  type MemberScores,
  ownEvidence,
  scoreForeign,
  scoreMembers,
  tokenProbability,
} from './model/members.js'
import { control, type SharedModel } from './model/model.js'
import { hamAt, slotWords, spamAt, TokenTable } from './model/table.js'

/** What scan workers need of the learner; plain data that can be posted. */
export interface SharedLearner {
  readonly salt: number
  readonly minSpam: number
  readonly minHam: number
  /** Name of the BroadcastChannel on which new memory is announced; absent in one thread. */
  readonly channel?: string
  readonly models: readonly (readonly [owner: string, model: SharedModel])[]
}

/** Key under which an imported store travels among the models. */
export const importedOwner = '\u0000imported'
/** Imported counts fade as mails of our own are learned: gone when the rarer class has so many. */
const importedUntil = 500
/** Brings the mean of clues (about -5 to 5) to the width of the whole sum. */
const importedGain = 2.5

export interface ClassifyOptions {
  /** Whose own model lies over the site's. */
  readonly user?: string | undefined
  /** How many clues to name, strongest first; needs features with names. */
  readonly clues?: number | undefined
}

interface View {
  readonly control: Int32Array
  readonly table: TokenTable
  readonly grams: GramTable | undefined
}

export interface Classifier {
  readonly extractor: Extractor
  classify(features: Features, options?: ClassifyOptions): Classification
  /** The members one by one, for experiments and for a rule on their disagreement. */
  members(features: Features, user?: string): MemberScores
  /** Takes new memory of an owner; undefined = there is none any more. */
  adopt(owner: string, model: SharedModel | undefined): void
  /** The store was replaced by one with another salt. */
  reseed(salt: number): void
}

/** Users without a model in memory that were asked for; remembered so that each is asked for once. */
const askedMax = 10_000

/** `want` is called with a user whose own model is not in memory: it may be brought there for the next mail. */
export function createClassifierOf(shared: SharedLearner, want?: (user: string) => void): Classifier {
  const views = new Map<string, View>()
  const asked = new Set<string>()
  const ask = (user: string): void => {
    if (!want || views.has(user) || asked.has(user)) return
    if (asked.size >= askedMax) asked.clear()
    asked.add(user)
    want(user)
  }
  const adopt = (owner: string, model: SharedModel | undefined): void => {
    asked.delete(owner)
    if (!model) {
      views.delete(owner)
      return
    }
    views.set(owner, {
      control: new Int32Array(model.control),
      table: new TokenTable(model.table),
      grams: model.grams && new GramTable(model.grams),
    })
  }
  for (const [owner, model] of shared.models) adopt(owner, model)

  const totalsOf = (view: View | undefined): { spam: number; ham: number } => ({
    spam: view?.control[control.spam] ?? 0,
    ham: view?.control[control.ham] ?? 0,
  })

  const score = (features: Features, user?: string) => {
    const site = views.get('')!
    const own = user ? views.get(user) : undefined
    const overlay = own && { table: own.table, totals: totalsOf(own) }
    return scoreMembers(features, site.table, site.grams, totalsOf(site), overlay)
  }

  const makeExtractor = (salt: number): Extractor => {
    const made = createExtractor(salt)
    made.wantsForeign = views.has(importedOwner)
    return made
  }
  let extractor = makeExtractor(shared.salt)
  return {
    get extractor() {
      return extractor
    },
    adopt(owner, model) {
      adopt(owner, model)
      extractor.wantsForeign = views.has(importedOwner)
    },
    reseed(salt) {
      extractor = makeExtractor(salt)
    },
    members: score,
    classify(features, options) {
      if (options?.user) ask(options.user)
      const site = totalsOf(views.get(''))
      const own = totalsOf(options?.user ? views.get(options.user) : undefined)
      const imported = totalsOf(views.get(importedOwner))
      const spamLearned = site.spam + own.spam + imported.spam
      const hamLearned = site.ham + own.ham + imported.ham
      if (spamLearned < shared.minSpam || hamLearned < shared.minHam)
        return {
          spamLearned,
          hamLearned,
          tokens: features.lo.length,
          probability: undefined,
          reason: `too little learned: ${spamLearned} of ${shared.minSpam} spam, ${hamLearned} of ${shared.minHam} ham`,
          clues: [],
        }
      const scores = score(features, options?.user)
      const trust = Math.min(1, Math.min(site.spam + own.spam, site.ham + own.ham) / importedUntil)
      const foreign = views.get(importedOwner)
      const logOdds =
        foreign && features.foreign && trust < 1
          ? trust * fuse(scores) +
            (1 - trust) * importedGain * scoreForeign(features.foreign, foreign.table, imported)
          : fuse(scores)
      return {
        spamLearned,
        hamLearned,
        tokens: features.lo.length,
        tokensKnown: scores.known,
        logOdds,
        probability: calibrate(logOdds),
        clues: options?.clues ? findClues(features, views, options) : [],
      }
    },
  }
}

/** Tokens by how far their probability lies from one half, then by how often they were seen. */
function findClues(features: Features, views: ReadonlyMap<string, View>, options: ClassifyOptions): Clue[] {
  if (!features.names) return []
  const site = views.get('')!
  const own = options.user ? views.get(options.user) : undefined
  const weighted = (at: number): number => site.control[at]! + ownEvidence * (own?.control[at] ?? 0)
  const totals = { spam: weighted(control.spam), ham: weighted(control.ham) }
  const clues: Clue[] = []
  for (let i = 0; i < features.lo.length; i++) {
    const count = (view: View | undefined, at: number): number => {
      const slot = view ? view.table.find(features.lo[i]!, features.hi[i]!) : -1
      return slot < 0 ? 0 : view!.table.words[slot * slotWords + at]!
    }
    const spam = count(site, spamAt) + ownEvidence * count(own, spamAt)
    const ham = count(site, hamAt) + ownEvidence * count(own, hamAt)
    if (spam + ham === 0) continue
    clues.push({ token: features.names[i]!, probability: tokenProbability(spam, ham, totals), spam, ham })
  }
  const strength = (clue: Clue): number => Math.abs(clue.probability - 0.5)
  clues.sort((a, b) => strength(b) - strength(a) || b.spam + b.ham - (a.spam + a.ham))
  return clues.slice(0, options.clues)
}
