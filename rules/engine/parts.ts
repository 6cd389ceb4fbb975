// Rules on something other than a text: mimeheader (fields of MIME parts) and uri_detail (what is known of each URI). SpamAssassin
// implements both as evals on body; their matching rules are kept here.

import { decodeHeaderValue } from '../../src/message/encoded-words.js'
import type { ByteString, Message, Part, Uri } from '../../src/types.js'
import { countMatches } from '../regex/plain.js'
import type { MimeRule, UriRule } from './table.js'

/** Times the pattern hit; a negated rule gives 1 when no part matches. */
export function matchMimeHeader({ mime }: MimeRule, message: Message): number {
  let joined = ''
  const values = partFields(message, mime.request, mime.raw)
  for (let number = Math.max(1, mime.first); number <= values.length && number <= mime.last; number++) {
    const value = values[number - 1] ?? mime.ifUnset
    if (mime.concat) {
      joined += value.endsWith('\n') ? value : `${value}\n`
      continue
    }
    const hits = countMatches(mime.pattern, value, mime.negated ? 1 : mime.hitsMax)
    if (hits > 0) return mime.negated ? 0 : hits
  }
  if (mime.concat) {
    const hits = countMatches(mime.pattern, joined, mime.negated ? 1 : mime.hitsMax)
    if (hits > 0) return mime.negated ? 0 : hits
  }
  return mime.negated ? 1 : 0
}

/** What rules asked of the parts of a message so far. */
const answers = new WeakMap<Message, Map<string, readonly (ByteString | undefined)[]>>()

/** The field of each part: many rules ask for the same few. */
function partFields(message: Message, request: string, raw: boolean): readonly (ByteString | undefined)[] {
  let known = answers.get(message)
  if (!known) {
    known = new Map()
    answers.set(message, known)
  }
  const key = raw ? `${request}:raw` : request
  let values = known.get(key)
  if (!values) {
    values = message.parts.map((part) => partField(part, request, raw))
    known.set(key, values)
  }
  return values
}

/** The last field of that name, decoded or as written; ALL gives the whole header of the part. */
function partField(part: Part, name: string, raw: boolean): ByteString | undefined {
  if (name === 'ALL') {
    const fields = part.headers.map(
      (header) => `${header.name}:${fieldText(header.name, header.raw, raw, ' ')}`,
    )
    return fields.join('')
  }
  const wanted = name.toLowerCase()
  for (let index = part.headers.length - 1; index >= 0; index--) {
    const header = part.headers[index]!
    if (header.name.toLowerCase() === wanted) return fieldText(header.name, header.raw, raw, '')
  }
  return undefined
}

function fieldText(name: string, value: ByteString, raw: boolean, lead: string): ByteString {
  return raw ? value : `${lead}${decodeHeaderValue(value, name).replace(/\n$/, '')}\n`
}

/** All criteria hold on one URI; of several values of a key one suffices, for `!~` too. */
export function matchUriDetail({ criteria }: UriRule, uris: readonly Uri[]): boolean {
  return uris.some((uri) =>
    criteria.every(({ key, regExp, negated }) => {
      const expression = regExp.regExp
      for (const value of valuesOf(uri, key)) {
        expression.lastIndex = 0
        if (expression.test(value) !== negated) return true
      }
      return false
    }),
  )
}

function valuesOf(uri: Uri, key: string): Iterable<ByteString> {
  switch (key) {
    case 'raw':
      return [uri.raw]
    case 'type':
      return uri.types
    case 'cleaned':
      return uri.cleaned
    case 'text':
      return uri.anchor
    case 'domain':
      return uri.domains
    default:
      return uri.hosts.keys()
  }
}
