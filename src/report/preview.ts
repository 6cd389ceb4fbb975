// The first words of the rendered body, for people who have to decide about a mail without opening it (_PREVIEW_).
import type { ByteString } from '../types.js'
import { trimStart, wrap } from './wrap.js'

const paragraphsMax = 3
const bytesMax = 200

/** `body` is the text that body rules see: its first element is the Subject and is left out. Ends in a blank, as SpamAssassin's. */
export function previewOf(body: readonly ByteString[]): ByteString {
  let text = ''
  for (const paragraph of body.slice(1, 1 + paragraphsMax)) {
    if (text.length >= bytesMax) break
    text += paragraph
  }
  const tidy = text
    .split('\n')
    .map((line) => (line.length > bytesMax ? `${wholeCharacters(line)} [...]` : line))
    .join('\n')
    .replace(/\n$/, '')
    .concat('\n')
    .replace(/-----Original Message-----.*$/gm, '')
    .replaceAll('This is a multi-part message in MIME format.', '')
    .replace(/[-_*.]{10,}/g, '')
    .replace(/[\t-\r ]+/g, ' ')
  const label = 'Content preview:  '
  const wrapped = wrap(tidy, { prefix: '  ', first: label, width: 75, overflow: true })
  return trimStart(wrapped.slice(label.length))
}

/** The first bytes of a line, never with half a UTF-8 character at the end. */
function wholeCharacters(line: ByteString): ByteString {
  return line.slice(0, bytesMax).replace(/[\xc0-\xff][\x80-\xbf]{0,2}$/, (tail) => {
    const lead = tail.charCodeAt(0)
    const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
    return tail.length >= needed ? tail : ''
  })
}
