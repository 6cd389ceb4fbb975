// Walks over the MIME tree in the order SpamAssassin walks it, and the headers of a part as its evals read them.
import { type ContentType, parseContentType } from '../message/content-type.js'
import { fieldValue, keyOf } from '../message/field.js'
import type { ByteString, Part } from '../types.js'

export function isLeaf(part: Part): boolean {
  return part.children.length === 0
}

/** Parts in preorder whose type fits, the given part included. */
export function partsOf(root: Part, type: RegExp): Part[] {
  const found: Part[] = []
  const walk = (part: Part): void => {
    if (type.test(part.type)) found.push(part)
    part.children.forEach(walk)
  }
  walk(root)
  return found
}

/** Last value of a header of a part (name in lower case), unfolded and decoded, without line end; '' when the part has none. */
export function partHeader(part: Part, name: string): ByteString {
  for (let index = part.headers.length - 1; index >= 0; index--) {
    const field = part.headers[index]!
    if (field.name.length === name.length && keyOf(field) === name) return fieldValue(field)
  }
  return ''
}

/** What the part's own Content-Type says; the tree may treat the part otherwise (a multipart without boundary is text). */
export function declaredType(part: Part): ContentType {
  return parseContentType(partHeader(part, 'content-type'))
}
