// Which rules run: those whose score is not 0 in the score set at hand, less what the request or the watchdog switched off. Made once
// and kept, so that a run meets no rule that it has to leave out.
import type { HeaderRequest } from '../../src/types.js'
import { headerRequest, placeOfRequest } from '../../src/views/headers.js'
import type { Answers } from './answers.js'
import type { PrefsOverlay } from './prefs.js'
import { early } from './settling.js'
import type {
  EvalRule,
  HeaderGroup,
  MimeRule,
  RuleTable,
  SingleRule,
  Stage,
  TextGroup,
  UriRule,
} from './table.js'

/** What activity depends on. */
interface ActiveFor {
  readonly scoreSet: number
  readonly overlay?: PrefsOverlay | undefined
  readonly skip?: ReadonlySet<string> | undefined
}

/** Which rules run in a score set: made once per set and per user's preferences. */
export interface Active {
  /** 1 = the rule runs. */
  readonly rules: Uint8Array
  readonly stages: readonly ActiveStage[]
  /** How far all rules are settled once all stages have run; what evals and single rules settle is left out. */
  readonly settled: Uint8Array
}

/** Patterns of one text of which some run. */
export interface ActiveGroup<Group extends TextGroup = TextGroup> {
  readonly group: Group
  /** Pattern number -> 1 when it runs. */
  readonly active: Uint8Array
}

/** Evals one after the other that are idle on the same messages. */
export interface EvalRow {
  readonly idle: EvalRule['idle']
  readonly evals: readonly EvalRule[]
  readonly rules: Int32Array
}

export interface ActiveHeaders extends ActiveGroup<HeaderGroup> {
  /** What hits on an absent header: pattern numbers, worked out when first needed. */
  onAbsent: readonly number[] | undefined
  /** What it found in values that come again, made when first needed; users' own scores have none, users may be many. */
  answers: Answers | undefined
  readonly remembers: boolean
}

/** What runs of a Stage. */
export interface ActiveStage {
  readonly priority: number
  /** Rules that have run for certain once the stage has. */
  readonly settles: Int32Array
  readonly headers: readonly ActiveHeaders[]
  /** Of each of these the place of its field (HeaderView.lacks), -1 when it has none. */
  readonly places: Int32Array
  /** 1 = nothing hits when that field is absent. */
  readonly silent: Uint8Array
  readonly headerSingles: readonly SingleRule[]
  readonly exists: readonly number[]
  readonly existsRequests: readonly HeaderRequest[]
  readonly existsPlaces: Int32Array
  readonly headerEvals: readonly EvalRow[]
  readonly body: ActiveGroup | undefined
  readonly uri: ActiveGroup | undefined
  readonly bodyEvals: readonly EvalRow[]
  readonly mimeHeaders: readonly MimeRule[]
  readonly uriDetails: readonly UriRule[]
  readonly rawbody: ActiveGroup | undefined
  readonly rawbodyEvals: readonly EvalRow[]
  readonly full: ActiveGroup | undefined
  readonly fullEvals: readonly EvalRow[]
  readonly singles: readonly SingleRule[]
  /** Evals that ask the network, of all kinds. */
  readonly network: readonly EvalRule[]
}

/** By score set. */
type BySet = Map<number, Active>

export class Activity {
  private readonly plain = new Activities()
  private readonly overlaid = new WeakMap<PrefsOverlay, Activities>()
  private readonly table: RuleTable

  constructor(table: RuleTable) {
    this.table = table
  }

  of({ overlay, scoreSet, skip }: ActiveFor): Active {
    const known = this.knownOf(overlay).of(skip)
    let active = known.get(scoreSet)
    if (!active) {
      active = this.make(scoreSet, overlay, skip)
      known.set(scoreSet, active)
    }
    return active
  }

  private knownOf(overlay: PrefsOverlay | undefined): Activities {
    if (!overlay || overlay.scores.size === 0) return this.plain
    let known = this.overlaid.get(overlay)
    if (!known) {
      known = new Activities()
      this.overlaid.set(overlay, known)
    }
    return known
  }

  private make(
    set: number,
    overlay: PrefsOverlay | undefined,
    skip: ReadonlySet<string> | undefined,
  ): Active {
    const rules = new Uint8Array(this.table.rules.length)
    for (let index = 0; index < rules.length; index++) {
      const rule = this.table.rules[index]!
      const score = overlay?.scores.get(rule.name)?.[set] ?? rule.scores[set]!
      rules[index] = score !== 0 && !skip?.has(rule.name) ? 1 : 0
    }
    const remembers = !overlay || overlay.scores.size === 0
    const stages = this.table.stages.map((stage) => this.stage(stage, set, rules, remembers))
    const settled = new Uint8Array(rules.length)
    for (const stage of stages) for (const rule of stage.settles) settled[rule] = early
    return { rules, stages, settled }
  }

  private stage(stage: Stage, set: number, rules: Uint8Array, remembers: boolean): ActiveStage {
    const runs = ({ rule }: { readonly rule: number }) => rules[rule] === 1
    // Network evals need a score set with network, Bayes evals one with Bayes.
    const mayAsk = ({ rule, net }: EvalRule) =>
      rules[rule] === 1 &&
      !(net && (set & 1) === 0) &&
      !((set & 2) === 0 && this.table.rules[rule]!.tflags.includes('learn'))
    const evals = (list: readonly EvalRule[]) => rowsOf(list.filter((rule) => !rule.net && mayAsk(rule)))
    const mimeHeaders = stage.mimeHeaders.filter(runs)
    const uriDetails = stage.uriDetails.filter(runs)
    const headers = stage.headers.flatMap((group) => activeGroup(group, rules) ?? [])
    const texts = {
      body: activeGroup(stage.body, rules),
      uri: activeGroup(stage.uri, rules),
      rawbody: activeGroup(stage.rawbody, rules),
      full: activeGroup(stage.full, rules),
    }
    const exists = stage.exists.filter((rule) => rules[rule] === 1)
    const grouped = [...headers, ...Object.values(texts)].flatMap((one) => one?.group.rules ?? [])
    const { rblEvals, headerEvals, bodyEvals, rawbodyEvals, fullEvals } = stage
    const all = [...rblEvals, ...headerEvals, ...bodyEvals, ...rawbodyEvals, ...fullEvals]
    const requests = exists.map((rule) => (this.table.rules[rule] as { request: string }).request)
    return {
      priority: stage.priority,
      settles: Int32Array.from([
        ...grouped.filter((rule) => rules[rule] === 1),
        ...exists,
        ...[...mimeHeaders, ...uriDetails].map(({ rule }) => rule),
      ]),
      places: Int32Array.from(headers, ({ group }) => placeOfRequest(group.request)),
      silent: new Uint8Array(headers.length),
      headers: headers.map(({ group, active }) => ({
        group,
        active,
        onAbsent: undefined,
        answers: undefined,
        remembers,
      })),
      headerSingles: stage.headerSingles.filter(runs),
      exists,
      existsRequests: requests.map(headerRequest),
      existsPlaces: Int32Array.from(requests, placeOfRequest),
      headerEvals: evals(headerEvals),
      ...texts,
      bodyEvals: evals(bodyEvals),
      mimeHeaders,
      uriDetails,
      rawbodyEvals: evals(rawbodyEvals),
      fullEvals: evals(fullEvals),
      singles: stage.singles.filter(runs),
      network: all.filter((rule) => rule.net && mayAsk(rule)),
    }
  }
}

/** What is known for the scores of one user: with all rules, and for sets of rules left out as long as somebody holds them. */
class Activities {
  private readonly whole: BySet = new Map()
  private readonly skipping = new WeakMap<
    ReadonlySet<string>,
    { readonly size: number; readonly bySet: BySet }
  >()

  of(skip: ReadonlySet<string> | undefined): BySet {
    if (!skip || skip.size === 0) return this.whole
    let known = this.skipping.get(skip)
    // Such a set may only have grown.
    if (known?.size !== skip.size) {
      known = { size: skip.size, bySet: new Map() }
      this.skipping.set(skip, known)
    }
    return known.bySet
  }
}

function rowsOf(evals: readonly EvalRule[]): readonly EvalRow[] {
  const rows: EvalRule[][] = []
  for (const one of evals) {
    const row = rows.at(-1)
    if (row && row[0]!.idle === one.idle) row.push(one)
    else rows.push([one])
  }
  return rows.map((row) => ({
    idle: row[0]!.idle,
    evals: row,
    rules: Int32Array.from(row, ({ rule }) => rule),
  }))
}

function activeGroup<Group extends TextGroup>(
  group: Group | undefined,
  rules: Uint8Array,
): ActiveGroup<Group> | undefined {
  if (!group) return undefined
  const active = Uint8Array.from(group.rules, (rule) => rules[rule]!)
  return active.includes(1) ? { group, active } : undefined
}
