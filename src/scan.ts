// The straight line of one scan (docs/architecture.md): bytes -> Message -> Views -> Facts -> Hit[] -> Verdict -> what the front
// asked for. Runs in a scan worker, or in the main thread when there are none; knows no sockets and no wire words.

import { encodeFeatures, type Features } from '../bayes/reading.js'
import { overlaySettings } from '../rules/engine/prefs.js'
import type { Engine, ScoreSet } from '../rules/engine/run.js'
import { setting } from '../rules/engine/settings.js'
import type { Plan, Rule, RuleRun, Settings } from '../rules/engine/types.js'
import { decideAutolearn } from './autolearn.js'
import { adjustByReputation } from './checks/reputation.js'
import { createFacts } from './facts/index.js'
import { historyRow } from './history/row.js'
import { parseMessage } from './message/parse.js'
import type { Mutable } from './mutable.js'
import type { PrefsReader } from './prefs.js'
import { renderReply } from './reply.js'
import { withTemplateNeeds } from './report/index.js'
import type { SkippedRules } from './skipped.js'
import type {
  Action,
  Classification,
  Domains,
  Message,
  Net,
  Note,
  ReputationStore,
  Request,
  Scan,
  Scanned,
  Verdict,
  Views,
} from './types.js'
import { judge, pointsOf } from './verdict.js'
import { createViews } from './views/index.js'

/** What the learner is to a scan: an opinion, at once, from memory. */
export interface ScanClassifier {
  features(message: Message, clues: boolean): Features
  classify(features: Features, user: string | undefined, clues: boolean): Classification
  /** Enough is learned for an opinion: decides the score set. */
  ready(classification: Classification): boolean
}

/** A scan as the core keeps it: the reply, what the learner needs to learn it later without the message, the history's packed row. */
export interface ScanOutcome {
  readonly scanned: Scanned
  readonly features?: { readonly mail: string; readonly bytes: Uint8Array }
  readonly row?: Uint8Array
}

/** Everything a scan needs that is the same for all messages: made once per plan and thread (scanner.ts). */
export interface ScanContext {
  readonly plan: Plan
  readonly engine: Engine
  readonly rules: ReadonlyMap<string, Rule>
  readonly domains: Domains
  readonly net: Net
  readonly policy: ScanPolicy
  /** Senders' histories, when AWL or TxRep is loaded. */
  readonly reputation: ReputationStore | undefined
  /** Undefined = no learner. */
  readonly classifier: ScanClassifier | undefined
  readonly prefsOf: PrefsReader
  /** Rules that ran away before and are left out. */
  readonly suspended: ReadonlySet<string>
  /** Those, and what a request switches off. */
  readonly skipped: SkippedRules
  /** Somebody keeps rows of the scans. */
  readonly history: boolean
}

/** The part of the configuration that scans look at; plain data, posted to workers. */
export interface ScanPolicy {
  readonly thresholds: Readonly<Partial<Record<Action, number>>>
  /** All look-ups of one scan end after so many milliseconds. */
  readonly lookupMs: number
  /** What a mail gets that clamd could not check. */
  readonly unchecked: 'accept' | 'tempfail' | 'reject'
  readonly hostname: string
  readonly autolearn: boolean
  /** Users have models of their own; absent = all share the site's. */
  readonly perUser?: boolean
}

const noClassification: Classification = {
  probability: undefined,
  spamLearned: 0,
  hamLearned: 0,
  reason: 'no learner',
  clues: [],
}

/**
 * Scans one message.
 * @param onRule told the index in Plan.rules of each rule about to run, for the watchdog.
 * @returns what the front asked for; rejects only when hamd itself is wrong.
 */
export async function scanMessage(
  request: Request,
  context: ScanContext,
  onRule?: (rule: number) => void,
): Promise<ScanOutcome> {
  const startedAt = performance.now()
  const notes: Note[] = [...context.suspended].map(suspendedNote)
  const overlay = await context.prefsOf(request.user, (note) => void notes.push(note))
  // Other scans of this thread may have run meanwhile.
  onRule?.(-1)
  const settings = overlaySettings(context.plan.settings, overlay)
  const message = parseMessage(request.raw)
  const parsedAt = performance.now()
  const views = createViews(message, settings, context.domains, request.envelope)
  const classifier = setting<boolean>(settings, 'use_bayes') ? context.classifier : undefined
  const wants = withTemplateNeeds(request.wants, settings)
  const clues = wants.clues === true
  const features = classifier?.features(message, clues)
  const bayes =
    features && classifier!.classify(features, context.policy.perUser ? request.user : undefined, clues)
  const scan = makeScan(request, message, views, settings, context, notes, bayes ?? noClassification)
  const classifiedAt = performance.now()
  const scoreSet = ((bayes && classifier!.ready(bayes) ? 2 : 0) +
    (context.net.dns.enabled ? 1 : 0)) as ScoreSet
  const run = await context.engine.run(scan, {
    scoreSet,
    subtests: wants.subtests === true,
    explain: wants.explain === true,
    shortcircuit: request.passAll !== true,
    skip: context.skipped(request.settings),
    overlay,
    onRule,
  })
  onRule?.(-1)
  const reputed = context.reputation ? await addReputation(run, scan, settings, context, scoreSet) : run
  const ruledAt = performance.now()
  const unchecked = await uncheckedBy(scan, context.policy)
  const verdict = judge({
    run: reputed,
    rules: context.rules,
    scoreSet,
    userScores: overlay?.scores,
    userDescriptions: overlay?.descriptions,
    settings: request.settings,
    requiredScore: setting<number>(settings, 'required_score'),
    thresholds: context.policy.thresholds,
    forcedActions: setting<ReadonlyMap<string, Action>>(settings, 'hamd_action'),
    smtpMessages: setting<ReadonlyMap<string, string>>(settings, 'hamd_message'),
    notes,
    unchecked,
    bayes,
    autolearn: mayAutolearn(context.policy, settings)
      ? (isSpam) => decideAutolearn({ run, rules: context.rules, scoreSet, isSpam, settings, bayes })
      : neverLearns,
    tookMs: performance.now() - startedAt,
    stagesMs: {
      parse: parsedAt - startedAt,
      bayes: classifiedAt - parsedAt,
      rules: ruledAt - classifiedAt,
    },
  })
  const scanned = renderReply({ scan, verdict, run, settings, context })
  const outcome: Mutable<ScanOutcome> = { scanned }
  if (features) outcome.features = { mail: features.id, bytes: encodeFeatures(features) }
  const row = context.history ? historyRow(request, scanned, Date.now() / 1000) : undefined
  if (row) outcome.row = row
  return outcome
}

const neverLearns = () => 'disabled' as const

/** SpamAssassin learns by itself unless somebody says no; hamd only where the configuration says yes as well. */
function mayAutolearn(policy: ScanPolicy, settings: Settings): boolean {
  const allowed = setting<boolean>(settings, 'bayes_auto_learn') && setting<boolean>(settings, 'use_bayes')
  return policy.autolearn && allowed
}

function makeScan(
  request: Request,
  message: Message,
  views: Views,
  settings: Settings,
  context: ScanContext,
  notes: Note[],
  bayes: Classification,
): Scan {
  const deadline = Date.now() + context.policy.lookupMs
  const note = (added: Note) => void notes.push(added)
  const { net, reputation } = context
  const facts = createFacts({ request, message, views, deadline, settings, note }, net, () => bayes)
  return reputation
    ? { request, message, views, facts, net, deadline, note, kept: [], reputation }
    : { request, message, views, facts, net, deadline, note, kept: [] }
}

function suspendedNote(rule: string): Note {
  return { check: `rule ${rule}`, kind: 'skipped', text: 'suspended, because it ran away' }
}

/** AWL and TxRep: the sender's history pulls the score towards its mean, so it is asked when all other points are known. */
async function addReputation(
  run: RuleRun,
  scan: Scan,
  settings: Settings,
  context: ScanContext,
  scoreSet: ScoreSet,
): Promise<RuleRun> {
  const points = run.hits.map(({ symbol, count, ownScore }) => {
    const rule = context.rules.get(symbol)
    return { score: ownScore ?? (rule ? pointsOf(rule, count, scoreSet) : 0), tflags: rule?.tflags ?? [] }
  })
  const extra = await adjustByReputation(scan, settings, points, run.tags)
  return extra.length === 0 ? run : { ...run, hits: [...run.hits, ...extra] }
}

/** Why the admin's policy says more than a note: clamd is configured and did not answer. */
async function uncheckedBy(scan: Scan, policy: ScanPolicy): Promise<Verdict['unchecked']> {
  if (policy.unchecked === 'accept' || !scan.net.clamd) return undefined
  const outcome = await scan.facts.virus()
  return outcome.status === 'failed' ? { policy: policy.unchecked, reason: outcome.reason } : undefined
}
