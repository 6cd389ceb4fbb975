// The texts under which an html part shows its links.
import type { ByteString, HtmlResult } from '../types.js'

/** Link target -> texts of its anchors; links without text are left out. */
export function anchorsByUri(html: HtmlResult): ReadonlyMap<ByteString, readonly ByteString[]> {
  const anchors = new Map<ByteString, ByteString[]>()
  for (const { uri, anchor } of html.links) {
    if (anchor === undefined) continue
    const texts = anchors.get(uri)
    if (texts) texts.push(anchor)
    else anchors.set(uri, [anchor])
  }
  return anchors
}
