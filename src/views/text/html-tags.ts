// Which tags SpamAssassin 4.0.1 knows, and what each does to the text (fixtures/oracle/micro-html, groups tag, block).

import { asciiLower } from '../../message/bytes.js'

/** Elements of HTML 4.01 and XHTML 1.0 and a few others: these count as valid. */
const elements: ReadonlySet<string> = new Set(
  (
    'a abbr acronym address applet area b base basefont bdo big blockquote body br button caption center cite code col ' +
    'colgroup dd del dfn dir div dl dt em fieldset font form frame frameset h1 h2 h3 h4 h5 h6 head hr html i iframe img ' +
    'input ins isindex kbd label legend li link map menu meta nobr noframes noscript object ol optgroup option p param pre ' +
    'q s samp script select small span strike strong style sub sup table tbody td textarea tfoot th thead title tr tt u ul ' +
    'var x-sigsep x-tab'
  ).split(' '),
)

/** Rendered like elements, but not counted as valid. */
const tricks: ReadonlySet<string> = new Set(['bgsound', 'embed', 'listing', 'plaintext', 'xmp'])

/** White space put out at a tag, at its start and its end alike. */
const whitespace: ReadonlyMap<string, string> = new Map([
  ...['br', 'div'].map((tag) => [tag, '\n'] as const),
  ...['li', 'td', 'th', 'dt', 'dd', 'embed', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map(
    (tag) => [tag, ' '] as const,
  ),
  ...['p', 'hr', 'blockquote', 'pre', 'listing', 'plaintext', 'xmp', 'title'].map(
    (tag) => [tag, '\n\n'] as const,
  ),
])

/** What a tag is to the renderer: looked up once a tag instead of list by list. */
export interface TagKind {
  readonly isNamespaced: boolean
  /** Counted as valid. */
  readonly isElement: boolean
  /** It does something to the text. */
  readonly isRendered: boolean
  readonly space: string | undefined
}

const unknown: TagKind = { isNamespaced: false, isElement: false, isRendered: false, space: undefined }
const namespaced: TagKind = { isNamespaced: true, isElement: true, isRendered: false, space: undefined }
const kinds: ReadonlyMap<string, TagKind> = new Map(
  [...elements, ...tricks].map((tag) => [
    tag,
    { isNamespaced: false, isElement: elements.has(tag), isRendered: true, space: whitespace.get(tag) },
  ]),
)

export function kindOf(tag: string): TagKind {
  return kinds.get(tag) ?? (isNamespaced(tag) ? namespaced : unknown)
}

/** The usual spellings of names, so that no new text is made of each tag of a document. */
const spellings: ReadonlyMap<string, string> = new Map(
  [...elements, ...tricks].flatMap((tag) => [
    [tag, tag],
    [tag.toUpperCase(), tag],
  ]),
)

/** A tag's name in lower case. */
export function tagName(written: string): string {
  return spellings.get(written) ?? asciiLower(written)
}

/** Tags of office programs (`o:p`, `st1:City`): counted as valid, otherwise ignored. */
const isNamespaced = (tag: string): boolean => tag.includes(':') && /^(?:o|st\d):[A-Za-z0-9_-]+\/?$/.test(tag)
