// What was worked out for a short text, kept for the mails to come: content types, names of hosts and the like are the same in most of them.
// Bounded however many different texts a sender invents: two generations, of which the older is dropped when the younger is full.

import type { ByteString } from '../types.js'

export class Remembered<V> {
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  /** @param textsMax texts of one generation. */
  constructor(
    private readonly textsMax: number,
    private readonly make: (text: ByteString) => V,
  ) {}

  get(text: ByteString): V {
    const known = this.#young.get(text)
    if (known !== undefined) return known
    if (text.length > textBytesMax) return this.make(text)
    const old = this.#old.get(text)
    if (old !== undefined) return this.#keep(text, old)
    const own = ownText(text)
    return this.#keep(own, this.make(own))
  }

  #keep(text: string, value: V): V {
    if (this.#young.size >= this.textsMax) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, value)
    return value
  }
}

/** A text to keep: a slice would keep the whole message alive; a slice of this little text keeps nothing else. */
export const ownText = (text: string): string => (text.length < sliceCharsMin ? text : ` ${text}`.slice(1))

/** V8 copies what is shorter. */
const sliceCharsMin = 13

/** Longer texts are hardly ever seen twice. */
const textBytesMax = 512
