// Makes the Views of one message: each text is computed at its first use and once. What goes in is the Message, the settings of the
// rules and the envelope; what comes out is what rules, facts, the learner and fronts read.
import type { Settings } from '../../rules/engine/types.js'
import type {
  ByteString,
  Domains,
  Envelope,
  HeaderView,
  Message,
  RelayView,
  TextView,
  UriView,
  Views,
} from '../types.js'
import { networkSettings, textOptions, uriSettings } from './directives.js'
import { Fields } from './fields.js'
import { createHeaderView } from './headers.js'
import { parseRelays } from './relays.js'
import { renderText } from './text/index.js'
import { findUris } from './uris.js'

/** @param domains registry boundaries of the loaded rules: made once per plan, shared by all scans. */
export function createViews(
  message: Message,
  settings: Settings,
  domains: Domains,
  envelope: Envelope,
): Views {
  return new LazyViews(message, settings, domains, envelope)
}

class LazyViews implements Views {
  #fields: Fields | undefined
  #headers: HeaderView | undefined
  #text: TextView | undefined
  #bodyForRules: readonly ByteString[] | undefined
  #uris: UriView | undefined
  #addedUris: readonly ByteString[] = []
  #relays: RelayView | undefined

  constructor(
    private readonly message: Message,
    private readonly settings: Settings,
    readonly domains: Domains,
    private readonly envelope: Envelope,
  ) {}

  get #fieldsByName(): Fields {
    return (this.#fields ??= new Fields(this.message))
  }

  get headers(): HeaderView {
    return (this.#headers ??= createHeaderView(
      this.message,
      () => this.relays,
      this.domains,
      this.#fieldsByName,
    ))
  }

  get relays(): RelayView {
    return (this.#relays ??= parseRelays(this.message, networkSettings(this.settings), {
      envelope: this.envelope,
      fields: this.#fieldsByName,
    }))
  }

  get text(): TextView {
    return (this.#text ??= renderText(
      this.message,
      textOptions(this.settings, this.headers.getAll('Subject').at(-1)),
    ))
  }

  get bodyForRules(): readonly ByteString[] {
    return this.#bodyForRules ?? this.text.body
  }

  changeBodyForRules(lines: readonly ByteString[]): void {
    this.#bodyForRules = lines
  }

  get uris(): UriView {
    return (this.#uris ??= findUris(
      this.message,
      this.text,
      this.domains,
      uriSettings(this.settings),
      this.#addedUris,
      this.#fieldsByName,
    ))
  }

  addUris(uris: readonly ByteString[]): void {
    if (uris.length === 0) return
    this.#addedUris = [...this.#addedUris, ...uris]
    this.#uris = undefined
  }

  get full(): string {
    return this.message.pristine
  }
}
