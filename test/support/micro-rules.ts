// The rule cases recorded from SpamAssassin 4.0.1 (fixtures/oracle/micro-rules.jsonl.gz): reads them and runs one as hamd would.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { loadPlan } from '../../rules/engine/load.js'
import { overlayPrefs, overlaySettings, type PrefsOverlay } from '../../rules/engine/prefs.js'
import { createEngine } from '../../rules/engine/run.js'
import { setting } from '../../rules/engine/settings.js'
import type { Plan, Problem, RuleRun } from '../../rules/engine/types.js'
import { listDirectives, plugins } from '../../src/checks/index.js'
import { packageRoot } from '../../src/root.js'
import type { Scan, Verdict } from '../../src/types.js'
import { judge } from '../../src/verdict.js'
import { domainLists, viewDirectives } from '../../src/views/directives.js'
import { createDomains } from '../../src/views/domains.js'
import { offlineScan } from './offline.js'

export interface MicroCase {
  readonly id: string
  readonly what: string
  readonly message: string
  readonly rules: string
  readonly files?: Readonly<Record<string, string>>
  readonly plugins?: readonly string[]
  readonly user_prefs?: string
  readonly default_prefs?: boolean
  readonly expect: {
    readonly never_ends?: boolean
    readonly hits: Readonly<Record<string, { readonly n: number; readonly score: number }>>
    readonly subtests: Readonly<Record<string, number>>
    readonly score: number
    readonly required: number
    readonly is_spam: boolean
    readonly lint: {
      readonly errors: number
      readonly lines: Readonly<Record<string, number>>
      readonly messages: number
    }
    readonly rewritten?: string
    readonly report?: string
    readonly tags?: Readonly<Record<string, string | null>>
    readonly conf?: Readonly<Record<string, string>>
    readonly descriptions?: Readonly<Record<string, string | null>>
  }
}

export function readMicroRules(): MicroCase[] {
  const file = join(packageRoot, 'fixtures', 'oracle', 'micro-rules.jsonl.gz')
  const text = gunzipSync(readFileSync(file)).toString('latin1')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as MicroCase)
}

/** Plugins of the recording. */
const recordedPlugins =
  'SPF AutoLearnThreshold WelcomeListSubject MIMEHeader ReplaceTags DKIM Check HTTPSMismatch URIDetail BodyEval DNSEval HTMLEval ' +
  'HeaderEval MIMEEval RelayEval URIEval WLBLEval VBounce ImageInfo FreeMail URIDNSBL'

const stockFolder = '/usr/share/spamassassin'

export interface MicroResult {
  readonly plan: Plan
  readonly overlay: PrefsOverlay | undefined
  readonly run: RuleRun
  readonly verdict: Verdict
  readonly scan: Scan
  readonly hits: Record<string, { n: number; score: number }>
  readonly problems: readonly Problem[]
  readonly descriptions: ReadonlyMap<string, string>
  readonly required: number
  conf(name: string): string
}

/** The folder a case's rules are read from; removed again by the caller's `finally`. */
function writeFolder(micro: MicroCase): string {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-micro-'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, 'latin1')
  const names = [...recordedPlugins.split(' '), ...(micro.plugins ?? [])]
  write(
    'init.pre',
    `${names.map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}\n`).join('')}enable_compat welcomelist_blocklist\n`,
  )
  write('00_site.cf', 'report_hostname filter.example.net\ndns_available no\nuse_bayes 0\n')
  const stock = (name: string) => {
    const path = join(stockFolder, name)
    if (existsSync(path)) write(name, readFileSync(path, 'latin1'))
  }
  stock('20_aux_tlds.cf')
  if (micro.default_prefs) stock('10_default_prefs.cf')
  write('50_case.cf', micro.rules)
  for (const [name, text] of Object.entries(micro.files ?? {})) write(name, text)
  return folder
}

export async function runMicroCase(micro: MicroCase): Promise<MicroResult> {
  const folder = writeFolder(micro)
  try {
    const plan = loadPlan({
      sources: [folder],
      plugins,
      directives: [...viewDirectives, ...listDirectives],
      local: true,
    })
    const overlay =
      micro.user_prefs === undefined
        ? undefined
        : overlayPrefs(plan, micro.user_prefs, {
            allowUserRules: setting<boolean>(plan.settings, 'allow_user_rules'),
            plugins,
            directives: [...viewDirectives, ...listDirectives],
          })
    return await scanWith(plan, overlay, micro)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function scanWith(
  plan: Plan,
  overlay: PrefsOverlay | undefined,
  micro: MicroCase,
): Promise<MicroResult> {
  const engine = createEngine(plan, plugins, { local: true })
  const settings = overlaySettings(plan.settings, overlay)
  const scan = makeScan(Buffer.from(micro.message, 'latin1'), plan, overlay)
  const run = await engine.run(scan, { scoreSet: 0, subtests: true, ...(overlay ? { overlay } : {}) })
  const rules = [...plan.rules, ...(overlay?.rules ?? [])]
  const required = setting<number>(settings, 'required_score')
  const verdict = judge({
    run,
    rules: new Map(rules.map((rule) => [rule.name, rule])),
    scoreSet: 0,
    ...(overlay ? { userScores: overlay.scores } : {}),
    requiredScore: required,
    thresholds: {},
    notes: [],
    autolearn: () => 'no',
    tookMs: 0,
    stagesMs: {},
  })
  const hits: MicroResult['hits'] = {}
  const configured = new Map(
    rules.map((rule) => [rule.name, overlay?.scores.get(rule.name)?.[0] ?? rule.scores[0]]),
  )
  for (const hit of run.hits) {
    const score = hit.ownScore ?? configured.get(hit.symbol) ?? 1
    hits[hit.symbol] = { n: hit.count, score: round(score) }
  }
  const descriptions = new Map(rules.map((rule) => [rule.name, rule.description]))
  for (const [name, text] of overlay?.descriptions ?? []) descriptions.set(name, text)
  return {
    plan,
    overlay,
    run,
    verdict,
    scan,
    hits,
    problems: plan.problems,
    descriptions,
    required,
    conf: (name) => confText(setting<unknown>(settings, name)),
  }
}

export function round(score: number): number {
  return Math.round(score * 1000) / 1000
}

function confText(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return String(value)
}

/** A scan without network, store and clock. */
export function makeScan(raw: Uint8Array, plan: Plan, overlay?: PrefsOverlay): Scan {
  const settings = overlaySettings(plan.settings, overlay)
  return offlineScan(raw, settings, createDomains(domainLists(settings)))
}
