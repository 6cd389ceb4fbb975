// The shapes of the .cf engine: what reading the files gives (Plan, plain data that can be posted to a worker), and what a subject
// file in src/checks brings (Plugin: its directives and evals).
import type { ByteString, Hit, Note, Scan } from '../../src/types.js'

/** Where a line stands, for lint and refusals. */
export interface Place {
  readonly file: string
  readonly line: number
}

export interface Problem extends Place {
  readonly severity: 'error' | 'warning' | 'hint'
  /** Stable word for tests and documents, e.g. 'unknown-directive', 'unknown-eval', 'bad-regex'. */
  readonly kind: string
  readonly text: string
}

/** A regex as written and as the parts the compiler found. */
export interface Pattern {
  /** Perl source without delimiters, leading flags moved into `flags`. */
  readonly source: ByteString
  /** Perl modifiers, subset of 'imsx'. */
  readonly flags: string
}

interface RuleCommon {
  readonly name: string
  readonly place: Place
  readonly priority: number
  readonly tflags: readonly string[]
  /** Scores of the four sets: none, net, Bayes, Bayes+net. */
  readonly scores: readonly [number, number, number, number]
  readonly description: string
}

/** One rule as data. `kind` tells which texts it reads. */
export type Rule = RuleCommon &
  (
    | {
        readonly kind: 'header'
        readonly request: string
        readonly pattern: Pattern
        readonly negated: boolean
        readonly ifUnset?: ByteString
      }
    | { readonly kind: 'exists'; readonly request: string }
    | { readonly kind: 'body' | 'rawbody' | 'uri' | 'full'; readonly pattern: Pattern }
    | {
        readonly kind: 'mimeheader'
        readonly request: string
        readonly pattern: Pattern
        readonly negated: boolean
        readonly ifUnset?: ByteString
      }
    | {
        readonly kind: 'uri_detail'
        readonly criteria: readonly {
          readonly key: string
          readonly pattern: Pattern
          readonly negated: boolean
        }[]
      }
    | {
        readonly kind: 'eval'
        readonly area: 'header' | 'body' | 'rawbody' | 'full' | 'rbl'
        readonly eval: string
        readonly args: readonly string[]
      }
    | { readonly kind: 'meta'; readonly expression: string }
    /** Only scored or described; never hits by itself, but an eval may hit it. */
    | { readonly kind: 'empty' }
  )

/** Everything read from the files, plain data: survives structured clone. */
export interface Plan {
  readonly rules: readonly Rule[]
  /** Directive name -> value folded over all its lines (Directive.read). Includes required_score, report templates, networks ... */
  readonly settings: Settings
  /** Names of the plugins that are loaded (`loadplugin`), short form: 'FreeMail'. */
  readonly plugins: readonly string[]
  readonly problems: readonly Problem[]
  /** Names that a `score` line mentions and no rule has, for lint. */
  readonly scoresWithoutRule?: readonly ({ readonly name: string } & Place)[]
  /** Hash over everything that was read and the engine version: key of saved tables, config id. */
  readonly hash: string
  /** Keys of the lists of patterns that the rules are run as (patternsKey), where whoever read them has found out. */
  readonly patternKeys?: readonly string[]
}

/** Read-only values of directives. `get` gives the folded value or the directive's initial one. */
export interface Settings {
  readonly values: ReadonlyMap<string, unknown>
}

export interface DirectiveLine {
  /** Key as canonical name of the directive. */
  readonly key: string
  /** Key as written (old spelling), lower case. */
  readonly written: string
  /** Rest of the line, trimmed, comment removed. */
  readonly value: ByteString
  readonly place: Place
}

export interface DirectiveContext {
  /** Defines a rule, as urirhssub, askdns and the like do. */
  defineEval(
    name: string,
    area: 'header' | 'body' | 'rawbody' | 'full' | 'rbl',
    evalName: string,
    args: readonly string[],
    tflags?: readonly string[],
  ): void
  problem(kind: string, text: string, severity?: Problem['severity']): void
  /** Changes the value of another directive: a few words of SpamAssassin do (report_safe 0 adds a header). */
  change?(name: string, make: (value: unknown) => unknown): void
}

/** One word of the .cf language. Its value is a fold over its lines, so a Plan stays plain data. */
export interface Directive {
  readonly name: string
  /** Other spellings, e.g. whitelist_from for welcomelist_from. */
  readonly aliases?: readonly string[]
  /** Who may set it: user prefs, user prefs with allow_user_rules, site files only. */
  readonly scope: 'user' | 'privileged' | 'admin'
  /** Value when no line sets it. Must survive structured clone (no functions, RegExp is fine). */
  readonly initial: unknown
  /** Returns the new value; must not change `value` in place unless it made it itself. */
  read(line: DirectiveLine, value: unknown, context: DirectiveContext): unknown
}

/** true/false, or a number that becomes the rule's value; undefined = no hit. */
export type EvalResult = boolean | number | undefined

export interface EvalContext {
  readonly scan: Scan
  /** Name of the rule that called. */
  readonly rule: string
  /** Kind of rule the eval was called from: some evals measure the text of their area. */
  readonly area: 'header' | 'body' | 'rawbody' | 'full' | 'rbl'
  /** Words of the rule's tflags lines: list evals read nice, a, ns, domains_only, ips_only and notrim. */
  readonly tflags: readonly string[]
  readonly settings: Settings
  /** Adds a detail to the hit of this rule (SpamAssassin's test log line; option of the symbol). */
  detail(text: string): void
  /** Hits another rule by name, as got_hit does; its configured score unless `score` is given. */
  hit(
    symbol: string,
    options?: {
      readonly score?: number
      readonly value?: number
      readonly details?: readonly string[]
      readonly area?: string
      readonly description?: string
    },
  ): void
  /** Sets a template tag, e.g. DKIMDOMAIN. Several values make one askdns query each. */
  tag(name: string, value: string | readonly string[]): void
  /** Value of a tag once it is set; settles to undefined when the scan's evals are done and nobody set it. */
  whenTag(name: string): Promise<string | readonly string[] | undefined>
  note(note: Note): void
}

/**
 * An eval function. Arguments are the rule's, unquoted. An eval that needs the network returns a promise; it is called before the
 * regex rules run so that its look-ups are under way meanwhile. It must not throw on odd mail; a throw is caught, noted `crashed`
 * and counts as no hit.
 */
export type Eval = (context: EvalContext, ...args: string[]) => EvalResult | Promise<EvalResult>

/** What a plugin may do before the rules run. */
export interface PluginContext {
  readonly scan: Scan
  readonly settings: Settings
  readonly tag: EvalContext['tag']
}

/** What one subject brings: SpamAssassin's plugin of that name. */
export interface Plugin {
  /** Short name: 'HeaderEval' answers plugin(Mail::SpamAssassin::Plugin::HeaderEval). */
  readonly name: string
  /** Names for which can()/has() is true, full form after the plugin's package or 'Mail::SpamAssassin::Conf::feature_x'. */
  readonly features?: readonly string[]
  readonly directives?: readonly Directive[]
  readonly evals?: Readonly<Record<string, Eval>>
  /** True when none of its evals can hit on the message, whatever its arguments: they are not called. */
  readonly idle?: (scan: Scan) => boolean
  /**
   * Called for each message before any rule: what SpamAssassin's plugins do in extract_metadata, i.e. pseudo headers
   * (views.headers.put) and tags. A promise is waited for like the look-ups of evals.
   */
  readonly prepare?: (context: PluginContext) => void | Promise<void>
}

/** What running the rules gives. */
export interface RuleRun {
  readonly hits: readonly Hit[]
  readonly subtests: Readonly<Record<string, number>>
  readonly tags: ReadonlyMap<string, string | readonly string[]>
  /** Rule at which a shortcircuit ended the run. */
  readonly shortcircuit?: { readonly rule: string; readonly type: 'ham' | 'spam' | 'on' }
  /** Rules whose time ran out, crashed or were suspended. */
  readonly notes: readonly Note[]
}
