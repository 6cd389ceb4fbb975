// Rules that stand alone: their patterns capture tags, have tags put into them, or must not match, so each runs by itself (table.ts,
// SingleRule). Comes in: such a rule, and what its run knows. Goes out: hits and tags, told to the run.
import type { ByteString, HeaderRequest, Scan } from '../../src/types.js'
import { relayTags } from '../../src/views/relays.js'
import type { Budget } from '../regex/guarded.js'
import type { FirstMatch, PatternUse } from '../regex/matcher.js'
import { countMatches, LazyPattern } from '../regex/plain.js'
import type { Tags, TagValue } from './calls.js'
import { collectCaptures, fillTemplates, isWholeLine, textsWith } from './capture.js'
import { patternUse, type RuleTable, type SingleRule } from './table.js'
import type { Pattern, Rule } from './types.js'

/** The run of a message, as far as such rules need it. */
export interface SingleHost {
  readonly scan: Scan
  readonly table: RuleTable
  readonly budget: Budget
  readonly tags: Tags
  /** Evidence is wanted for every hit. */
  readonly explains: boolean
  settle(rule: number): void
  gotHit(rule: number, value: number, area: string): void
  explain(rule: number, text: ByteString, first: FirstMatch, where: string): void
  setTag(name: string, value: TagValue): void
}

/** What a header's pattern is matched against: all values, joined by LF unless they end in one; undefined = the header is absent. */
export function headerText(
  headers: Scan['views']['headers'],
  request: HeaderRequest,
): ByteString | undefined {
  const values = headers.getAll(request)
  if (values.length === 0) return undefined
  return values.length === 1 ? values[0] : values.join(values[0]!.endsWith('\n') ? '' : '\n')
}

export class Singles {
  /** Lines that have a tag's value in them: rules that demand one stand side by side and read the same lines. */
  private held: { in: readonly ByteString[]; tag: string; lines: readonly ByteString[] } | undefined

  constructor(private readonly host: SingleHost) {}

  /** What was found by a tag's value counts no longer. */
  tagsChanged(): void {
    this.held = undefined
  }

  match(single: SingleRule): void {
    const { rule, kind, negated, demanded, wholeLine } = single
    for (const tag of single.templates) if (!this.isSet(tag)) return
    this.host.settle(rule)
    const lines = this.linesOf(single)
    // Compiling costs more than looking whether there is anything to find.
    if (demanded !== undefined && !negated && !this.mayHold(single, lines, demanded)) return
    if (wholeLine && !this.host.explains) {
      const values = this.tagValues(single.templates[0]!)
      if (isWholeLine(lines[0]!, values, wholeLine) !== negated) this.host.gotHit(rule, 1, single.area)
      return
    }
    const use = single.use ?? this.filledUse(rule)
    const { regExp, names } = use.pattern
    const captures = names.size === 0 ? undefined : new Map<string, Set<string>>()
    let count = 0
    for (let line = use.skipFirst ? 1 : 0; line < lines.length && count < use.hitsMax; line++) {
      if (use.multiple && !captures) {
        count += countMatches(use.pattern, lines[line]!, use.hitsMax - count)
        continue
      }
      regExp.lastIndex = 0
      for (let found = regExp.exec(lines[line]!); found; found = regExp.exec(lines[line]!)) {
        count++
        if (this.host.explains && count === 1)
          this.host.explain(rule, lines[line]!, { line, index: found.index, length: found[0].length }, kind)
        if (captures) collectCaptures(names, found, captures)
        if (!use.multiple || count >= use.hitsMax) break
        if (found[0] === '') regExp.lastIndex++
      }
      if (count > 0 && !use.multiple) break
    }
    if (negated ? count === 0 : count > 0) this.host.gotHit(rule, negated ? 1 : count, single.area)
    if (!captures) return
    for (const [name, values] of captures)
      this.host.setTag(name, values.size === 1 ? [...values][0]! : [...values])
  }

  /** The pattern with captured texts put in. */
  private filledUse(index: number): PatternUse {
    const rule = this.host.table.rules[index] as Rule & { pattern: Pattern }
    const { source, flags } = rule.pattern
    const filled = fillTemplates(source, (name) => this.tagValues(name))
    return patternUse(new LazyPattern(filled, flags, this.host.budget), rule)
  }

  private mayHold({ relaxed }: SingleRule, lines: readonly ByteString[], demanded: string): boolean {
    if (this.held?.in !== lines || this.held.tag !== demanded)
      this.held = { in: lines, tag: demanded, lines: textsWith(lines, this.tagValues(demanded)) }
    if (!relaxed) return this.held.lines.length > 0
    const { regExp } = relaxed
    return this.held.lines.some((line) => {
      regExp.lastIndex = 0
      return regExp.test(line)
    })
  }

  private linesOf({ kind, asked, ifUnset }: SingleRule): readonly ByteString[] {
    const { views } = this.host.scan
    switch (kind) {
      case 'header':
        return [headerText(views.headers, asked!) ?? ifUnset]
      case 'body':
        return views.bodyForRules
      case 'rawbody':
        return views.text.rawbody
      case 'uri':
        return views.uris.list
      default:
        return [views.full]
    }
  }

  private isSet(tag: string): boolean {
    for (const value of this.tagValues(tag)) if (value !== '') return true
    return false
  }

  /** What stands for a placeholder; none = the tag is not set, and rules that ask for it do not run. */
  private tagValues(name: string): readonly string[] {
    if (name.startsWith('HEADER(')) return [this.host.scan.views.headers.get(name.slice(7, -1)) ?? '']
    const value = this.host.tags.values.get(name) ?? this.relayTag(name)
    if (value === undefined) return []
    return typeof value === 'string' ? [value] : value
  }

  /** Tags that are there without any rule: addresses and names of the relays. */
  private relayTag(name: string): string | undefined {
    return /^(?:FIRSTTRUSTED|LASTEXTERNAL|RELAYS)/.test(name)
      ? relayTags(this.host.scan.views.relays)[name]
      : undefined
  }
}
