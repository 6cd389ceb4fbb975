// Tokens of URIs and host names: scheme, host with its parent domains, address with its networks, port, words of the path.
import type { Kind, Sink } from './sink.js'

const inText = /\b(?:https?:\/\/|www\.)[^\s<>"')]+/gi
const shape = /^([a-z][a-z0-9+.-]{0,20}):(?:\/\/)?(?:[^@/?#]*@)?([^/:?#]*)(:\d+)?/i
const addressPattern = /^\d{1,3}(?:\.\d{1,3}){3}$/
const pathWord = /[A-Za-z0-9_]+/g
const labelsMax = 5
const pathWordsMax = 20

/** URIs written in running text. */
export function findTextUris(text: string, uris: string[], max: number): void {
  if (!text.includes('://') && !/www\./i.test(text)) return
  inText.lastIndex = 0
  for (let found = inText.exec(text); found && uris.length < max; found = inText.exec(text))
    uris.push(found[0])
}

/** The host name itself and each parent domain, down to two labels (or one, when there is but one). */
export function addDomains(host: string, kind: Kind, prefix: string, sink: Sink): void {
  let from = 0
  for (let n = 0; n < labelsMax; n++) {
    const dot = host.indexOf('.', from)
    if (dot < 0 && n > 0) return
    sink.addText(kind, prefix + host.slice(from))
    if (dot < 0) return
    from = dot + 1
  }
}

export function addAddress(ip: string, kind: Kind, sink: Sink): void {
  const last = ip.lastIndexOf('.')
  sink.addText(kind, ip)
  sink.addText(kind, ip.slice(0, last))
  sink.addText(kind, ip.slice(0, ip.lastIndexOf('.', last - 1)))
}

export function isAddress(host: string): boolean {
  return addressPattern.test(host)
}

export function scanUri(uri: string, sink: Sink): void {
  const bare = uri.length > 4 && /^www\./i.test(uri) ? 'http://' + uri : uri
  const found = shape.exec(bare)
  if (!found) {
    addWords(bare, 'uriWord', sink)
    return
  }
  sink.addText('uriScheme', found[1]!.toLowerCase())
  const host = found[2]!.toLowerCase()
  if (isAddress(host)) {
    sink.addText('uriHost', 'ip')
    addAddress(host, 'uriHost', sink)
  } else if (host !== '') addDomains(host, 'uriHost', '', sink)
  if (found[3]) sink.addText('uriPort', found[3])
  addWords(bare.slice(found[0].length, found[0].length + 500), 'uriWord', sink)
}

function addWords(path: string, kind: Kind, sink: Sink): void {
  if (path.length < 2) return
  pathWord.lastIndex = 0
  let count = 0
  for (let word = pathWord.exec(path); word && ++count <= pathWordsMax; word = pathWord.exec(path))
    if (word[0].length <= 25) sink.addText(kind, word[0].toLowerCase())
}
