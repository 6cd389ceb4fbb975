// The attributes of one start tag, as HTML::Parser hands them out: names in lower case, the first of several wins, a missing value is the name
// itself. Values are decoded when somebody asks, because nobody asks for most of them.

import { asciiLower } from '../../message/bytes.js'
import { decodeEntities } from './entities.js'

interface Attribute {
  name: string
  /** As written until `decoded`. */
  value: string
  decoded: boolean
}

export class Attributes {
  private readonly entries: Attribute[] = []

  constructor(
    /** The source is wide text (src/message/charset.ts). */
    readonly wide: boolean,
  ) {}

  /** `value` undefined = none was written. */
  add(writtenName: string, value: string | undefined): void {
    if (this.entries.length >= attributesMax) return
    this.entries.push({
      name: asciiLower(writtenName),
      value: value ?? writtenName,
      decoded: value === undefined,
    })
  }

  get count(): number {
    return this.entries.length
  }

  nameAt(place: number): string {
    return this.entries[place]!.name
  }

  get(name: string): string | undefined {
    const entry = this.find(name)
    return entry === undefined ? undefined : this.decode(entry)
  }

  /** Renames attributes whose name, which has a slash in it, passes; overwrites what was there. */
  rename(passes: RegExp, target: string): void {
    for (const entry of this.entries) {
      if (!entry.name.includes('/') || !passes.test(entry.name)) continue
      const known = this.find(target)
      const value = this.decode(entry)
      if (known === undefined) {
        entry.name = target
      } else {
        known.value = value
        known.decoded = true
        entry.name = ''
      }
    }
  }

  set(name: string, value: string): void {
    const entry = this.find(name)
    if (entry === undefined) return
    entry.value = value
    entry.decoded = true
  }

  private find(name: string): Attribute | undefined {
    const { entries } = this
    for (let at = 0; at < entries.length; at++) if (entries[at]!.name === name) return entries[at]
    return undefined
  }

  private decode(entry: Attribute): string {
    if (!entry.decoded) {
      entry.value = decodeEntities(entry.value, this.wide, false).text
      entry.decoded = true
    }
    return entry.value
  }
}

/** Attributes kept of one tag: look-ups are linear, and no honest tag has more. */
const attributesMax = 1000
