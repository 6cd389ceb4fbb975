// Renders one html part: text as a mail program would show it, the part of it that cannot be seen, and the numbers HTML evals ask for
// (SpamAssassin 4.0.1, HTML.pm; fixtures/oracle/micro-html). Evals and URI rules read the result, they never see the markup again.

import type { Text } from '../../message/charset.js'
import type { HtmlResult, Part } from '../../types.js'
import { HtmlParser } from './html-parser.js'
import { charLength, HtmlRenderer, tags } from './html-renderer.js'

export interface RenderedHtml {
  readonly rendered: Text
  readonly visible: Text
  readonly invisible: Text
  readonly html: HtmlResult
}

/** `bytes` is the length of the part before its charset was undone. */
export function renderHtml(source: Text, part: Part, bytes: number): RenderedHtml {
  const renderer = new HtmlRenderer(source.wide)
  const parser = new HtmlParser(renderer, source.wide)
  parser.parse(repair(source))
  // An unclosed style or script must not hide the rest of a cut message (micro-html rawtext).
  while (renderer.isInside(tags.style)) parser.parse('</style>')
  while (renderer.isInside(tags.script)) parser.parse('</script>')
  parser.finish()
  const rendered = renderer.rendered()
  const { visible, invisible } = renderer.split(rendered)
  return {
    rendered,
    visible,
    invisible,
    html: renderer.result(part, charLength(source), rendered, bytes, !parser.endedIgnoring),
  }
}

const emptyTag = /<(\w{1,256})[ \t\n\r\f\v]{0,256}\/>/g
const emptyWideTag =
  /<([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]{1,256})(?:(?!\ufeff)[\s\x85]){0,256}\/>/gu

/** What is put right in the text before it is parsed: blanks, `<br/>`, and curly quotes, which otherwise end up in attributes. */
function repair({ text, wide }: Text): string {
  let out = text.includes('&nbsp;') ? text.replaceAll('&nbsp;', ' ') : text
  if (out.includes('/>')) out = out.replace(wide ? emptyWideTag : emptyTag, '<$1>')
  return wide ? out.replace(/[\u201c\u201d]/g, '"') : out.replace(/\xe2\x80[\x9c\x9d]/g, '"')
}
