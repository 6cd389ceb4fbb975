// Collects the links of one html part under the key SpamAssassin files them: the address resolved against <base> with the tag as type, and the
// anchor texts under the address as it was typed (SpamAssassin 4.0.1, HTML.pm; fixtures/oracle/micro-uri, groups href, html).

import { uriBytesMax } from '../../limits.js'
import type { ByteString } from '../../types.js'
import type { Attributes } from './attributes.js'
import { isBlankChar } from './body.js'
import type { Tag } from './html-tags.js'
import { resolveUri } from './resolve-uri.js'

export interface LinkRecord {
  readonly types: Set<string>
  readonly anchor: Anchor[]
}

/** Text of one anchor while it grows. */
export interface Anchor {
  text: string
  wide: boolean
}

export class LinkCollector {
  readonly records = new Map<string, LinkRecord>()
  readonly anchors: Anchor[] = []
  truncated = false
  private base = ''
  /** Where text inside <a> goes. */
  private open: { readonly record: Anchor; readonly anchor: Anchor } | undefined

  constructor(private readonly wide: boolean) {}

  startTag({ name: tag, links: place }: Tag, attributes: Attributes): void {
    if (place === undefined) return
    if (place === 'href') {
      // <a x/href=...> is written by broken programs and understood by mail programs.
      attributes.rename(/[A-Za-z0-9_]\/href/, 'href')
      const href = attributes.get('href')
      if (href !== undefined) {
        const clean = href.replaceAll(this.wide ? '\ufeff' : '\xef\xbb\xbf', '')
        if (clean !== href) attributes.set('href', clean)
        this.push(tag, clean)
      }
      const redirect = attributes.get('data-saferedirecturl')
      if (redirect !== undefined) this.push(tag, redirect)
    } else if (place === 'src') {
      attributes.rename(/[A-Za-z0-9_]\/src/, 'src')
      this.pushAttribute(tag, attributes, 'src')
    } else if (place === 'background') {
      this.pushAttribute(tag, attributes, 'background')
    } else {
      this.takeOther(tag, attributes)
    }
  }

  /** An <a> opens; text and images up to its end belong to it. Nested anchors are not told apart. */
  openAnchor(attributes: Attributes): void {
    const href = attributes.get('href')
    const record = { text: '', wide: false }
    const anchor = { text: '', wide: false }
    this.record(href === undefined ? '' : this.canonical(href)).anchor.push(record)
    this.anchors.push(anchor)
    this.open = { record, anchor }
  }

  addAnchorText(text: string, wide: boolean): void {
    if (this.open === undefined) return
    for (const target of [this.open.record, this.open.anchor]) {
      target.text += text
      target.wide ||= wide
    }
  }

  private takeOther(tag: string, attributes: Attributes): void {
    if (tag === 'form') {
      this.pushAttribute(tag, attributes, 'action')
    } else if (tag === 'base') {
      const href = attributes.get('href')
      if (href && href !== '0') this.takeBase(this.canonical(href))
    } else {
      const content = attributes.get('content')
      if (content === undefined || !/refresh/i.test(attributes.get('http-equiv') ?? '')) return
      const target = refreshTarget(content)
      if (target !== undefined) this.push(tag, target)
    }
  }

  private takeBase(uri: string): void {
    this.push('base', uri)
    if (!/^(?:https?|ftp):\/{0,2}/i.test(uri)) return
    const folder = withoutFileName(uri)
    this.base = folder.endsWith('/') ? folder : folder + '/'
  }

  private pushAttribute(tag: string, attributes: Attributes, name: string): void {
    const value = attributes.get(name)
    if (value !== undefined) this.push(tag, value)
  }

  private push(tag: string, value: string): void {
    const uri = this.canonical(value)
    if (uri === '') return
    const isWhole = isPlainWeb(uri) ? this.base === '' : /^(?:data|mailto|file|cid|tel):/i.test(uri)
    const target = isWhole ? uri : resolveUri(this.base, uri)
    if (target !== '') this.record(target).types.add(tag)
  }

  private record(uri: string): LinkRecord {
    let record = this.records.get(uri)
    if (record === undefined) {
      record = { types: new Set(), anchor: [] }
      this.records.set(uri, record)
    }
    return record
  }

  /** Without blanks around it, cut at the limit. */
  private canonical(value: string): string {
    let start = 0
    let end = value.length
    // A no-break space counts even in narrow text.
    while (start < end && isUriBlank(value.charCodeAt(start), this.wide)) start++
    while (end > start && isUriBlank(value.charCodeAt(end - 1), this.wide)) end--
    if (end - start <= uriBytesMax) return value.slice(start, end)
    this.truncated = true
    return value.slice(start, start + uriBytesMax)
  }
}

/** An address of the web in which nothing is to be resolved. */
const isPlainWeb = (uri: string): boolean =>
  (uri.startsWith('http://') || uri.startsWith('https://')) && !uri.includes('/.') && !uri.includes('\n')

const isUriBlank = (code: number, wide: boolean): boolean => code === 0xa0 || isBlankChar(code, wide)

/** Behind the last `url=` of a meta refresh, up to a semicolon. */
function refreshTarget(content: ByteString): string | undefined {
  const start = /\burl\s*=\s*/gi
  let found = -1
  while (start.exec(content.slice(0, contentCharsMax)) !== null) found = start.lastIndex
  if (found < 0) return undefined
  return content.slice(found).replace(/\s*;[^\n]*/, '')
}

const contentCharsMax = 16_384

/** `http://host/dir/index.html` -> `http://host/dir/`: what looks like a file name at the end is dropped. */
function withoutFileName(uri: string): string {
  const dot = uri.lastIndexOf('.')
  const extension = uri.slice(dot + 1)
  if (dot < 1 || extension.length < 2 || extension.length > 4 || extension.includes('/')) return uri
  const start = Math.max(uri.lastIndexOf('/', dot - 1), uri.lastIndexOf('.', dot - 1)) + 1
  if (start === dot) return uri
  const folder = uri.slice(0, start)
  return /^[a-z]+:\/{0,2}[^/]+\/[^\n]*$/i.test(folder) ? folder : uri
}
