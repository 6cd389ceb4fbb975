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

/** Elements whose content is text up to their end tag; true = entities in it stay as they are. */
const literals: ReadonlyMap<string, boolean> = new Map([
  ['script', true],
  ['style', true],
  ['xmp', true],
  ['iframe', true],
  ['plaintext', true],
  ['title', false],
  ['textarea', false],
])

/** Where tags have their addresses. */
export type LinkPlace = 'href' | 'src' | 'background' | 'other'
const linkPlaces: ReadonlyMap<string, LinkPlace> = new Map([
  ...['a', 'area', 'link'].map((tag) => [tag, 'href'] as const),
  ...['img', 'frame', 'iframe', 'embed', 'script', 'bgsound'].map((tag) => [tag, 'src'] as const),
  ...['body', 'table', 'tr', 'td'].map((tag) => [tag, 'background'] as const),
  ...['form', 'base', 'meta'].map((tag) => [tag, 'other'] as const),
])

/** Tags that open a level of style, and the attributes they accept. */
const styled: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['body', new Set(['text', 'bgcolor', 'link', 'alink', 'vlink', 'background'])],
  ['font', new Set(['color', 'face', 'size'])],
  ['table', new Set(['bgcolor', 'style'])],
  ['tr', new Set(['bgcolor', 'style'])],
  ['td', new Set(['bgcolor', 'style'])],
  ['th', new Set(['bgcolor', 'style'])],
  ['big', new Set<string>()],
  ['small', new Set<string>()],
  ['basefont', new Set(['color', 'face', 'size'])],
  ['span', new Set(['style'])],
  ['p', new Set(['style'])],
  ['div', new Set(['style'])],
  ['a', new Set(['style'])],
])

/** All that is to be known of a tag, looked up once by its name. */
export interface Tag {
  /** Lower case. */
  readonly name: string
  /** Place among the known tags, -1 for any other. */
  readonly number: number
  /** Counted as valid. */
  readonly isElement: boolean
  /** It does something to the text. */
  readonly isRendered: boolean
  readonly space: string | undefined
  /** Its content is text up to its end tag. */
  readonly isLiteral: boolean
  /** Entities in its content stay as they are. */
  readonly isRaw: boolean
  readonly links: LinkPlace | undefined
  /** Attributes that change the style; undefined where not even its presence does. */
  readonly style: ReadonlySet<string> | undefined
}

const knownTags: readonly Tag[] = [...elements, ...tricks].map((name, number) => ({
  name,
  number,
  isElement: elements.has(name),
  isRendered: true,
  space: whitespace.get(name),
  isLiteral: literals.has(name),
  isRaw: literals.get(name) === true,
  links: linkPlaces.get(name),
  style: styled.get(name),
}))
export const knownTagsCount = knownTags.length

/** By their usual spellings, so that no new text is made of each tag of a document. */
const tags: ReadonlyMap<string, Tag> = new Map(
  knownTags.flatMap((tag) => [
    [tag.name, tag],
    [tag.name.toUpperCase(), tag],
  ]),
)

/** @param written as in the document */
export function tagOf(written: string): Tag {
  const known = tags.get(written)
  if (known !== undefined) return known
  const name = asciiLower(written)
  return tags.get(name) ?? strangeTag(name)
}

const strangeTag = (name: string): Tag => ({
  name,
  number: -1,
  isElement: isNamespaced(name),
  isRendered: false,
  space: undefined,
  isLiteral: false,
  isRaw: false,
  links: undefined,
  style: undefined,
})

/** Tags of office programs (`o:p`, `st1:City`): counted as valid, otherwise ignored. */
const isNamespaced = (tag: string): boolean => tag.includes(':') && /^(?:o|st\d):[A-Za-z0-9_-]+\/?$/.test(tag)
