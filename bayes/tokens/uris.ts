// Tokens of URIs and host names: scheme, host with its parent domains, address with its networks, port, words of the path.
import { charAt, decimal } from './field-chars.js'
import type { Seed, Sink } from './sink.js'

const inText = /\b(?:https?:\/\/|www\.)[^\s<>"')]+/gi
const shape = /^([a-z][a-z0-9+.-]{0,20}):(?:\/\/)?(?:[^@/?#]*@)?([^/:?#]*)(:\d+)?/i
const labelsMax = 5
const pathWordsMax = 20
const pathWordUnitsMax = 25
const pathUnitsMax = 500

/** URIs written in running text. */
export function findTextUris(text: string, uris: string[], max: number): void {
  if (!text.includes('://') && !/www\./i.test(text)) return
  inText.lastIndex = 0
  for (let found = inText.exec(text); found && uris.length < max; found = inText.exec(text))
    uris.push(found[0])
}

/** A host name and each parent domain, down to two labels (or one, when there is but one), under a prefix and a colon when there is one. */
export function addDomains(
  text: string,
  from: number,
  to: number,
  seed: Seed,
  prefix: string,
  sink: Sink,
): void {
  for (let n = 0, start = from; n < labelsMax; n++) {
    let dot = start
    while (dot < to && text.charCodeAt(dot) !== 0x2e) dot++
    if (dot === to && n > 0) return
    sink.open(seed)
    if (prefix !== '') {
      sink.put(prefix)
      sink.putUnit(0x3a)
    }
    sink.putLower(text, start, to)
    sink.close()
    if (dot === to) return
    start = dot + 1
  }
}

/** An address of version 4 and its two networks. */
export function addAddress(text: string, from: number, to: number, seed: Seed, sink: Sink): void {
  let end = to
  for (let n = 0; n < 3; n++) {
    sink.open(seed)
    sink.putRange(text, from, end)
    sink.close()
    while (text.charCodeAt(end - 1) !== 0x2e) end--
    end--
  }
}

/** Four numbers of up to three digits with dots between them. */
export function isAddress(text: string, from = 0, to = text.length): boolean {
  if (to - from > 15) return false
  let digits = 0
  let numbers = 1
  for (let at = from; at < to; at++) {
    if (charAt(text, at) & decimal) {
      if (++digits > 3) return false
    } else if (text.charCodeAt(at) === 0x2e && digits > 0) {
      numbers++
      digits = 0
    } else return false
  }
  return numbers === 4 && digits > 0
}

export function scanUri(uri: string, sink: Sink): void {
  const bare = uri.length > 4 && /^www\./i.test(uri) ? 'http://' + uri : uri
  const found = shape.exec(bare)
  if (!found) {
    addWords(bare, 0, bare.length, sink)
    return
  }
  sink.addText(sink.seeds.uriScheme, found[1]!.toLowerCase())
  const host = found[2]!.toLowerCase()
  if (isAddress(host)) {
    sink.addText(sink.seeds.uriHost, 'ip')
    addAddress(host, 0, host.length, sink.seeds.uriHost, sink)
  } else if (host !== '') addDomains(host, 0, host.length, sink.seeds.uriHost, '', sink)
  if (found[3]) sink.addText(sink.seeds.uriPort, found[3])
  const path = found[0].length
  addWords(bare, path, Math.min(bare.length, path + pathUnitsMax), sink)
}

/** Words of letters, digits and _ of a path, in lower case. */
function addWords(text: string, from: number, to: number, sink: Sink): void {
  if (to - from < 2) return
  let count = 0
  for (let at = from; at < to; ) {
    const start = at
    while (at < to && isPathUnit(text.charCodeAt(at))) at++
    if (at === start) {
      at++
      continue
    }
    if (++count > pathWordsMax) return
    if (at - start > pathWordUnitsMax) continue
    sink.open(sink.seeds.uriWord)
    sink.putLower(text, start, at)
    sink.close()
  }
}

function isPathUnit(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    unit === 0x5f
  )
}
