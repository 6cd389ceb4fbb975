// OLEVBMacro: macros, hidden objects, encryption and fetched templates in attached Office files, also inside ZIP archives. No external
// program: ZIP and compound files are read here, VBA source is decompressed so that words split by the compression are found as well.

import { boolDirective, numberDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, Eval, Plugin, Settings } from '../../rules/engine/types.js'
import type { ByteString, Scan } from '../types.js'
import { isCompoundFile } from './compoundfile.js'
import { evalRegex, matches } from './evalregex.js'
import { once } from './once.js'
import { isLeaf } from './parts.js'
import { vbaSource } from './vba.js'
import { readZip, type ZipMember } from './zip.js'

function patternDirective(name: string, initial: string): Directive {
  return {
    name,
    scope: 'user',
    initial,
    read(line, value, context) {
      if (line.value !== '' && evalRegex(line.value)) return line.value
      context.problem('invalid-value', `${line.written} wants a regular expression`)
      return value
    },
  }
}

interface Findings {
  macro: boolean
  object: boolean
  rtfObject: boolean
  csv: boolean
  malice: boolean
  renamed: boolean
  encrypted: boolean
  zipPassword: boolean
  downloadsProgram: boolean
  readonly redirects: Set<string>
  readonly mhtml: Set<string>
}

const attributeMarker = '\0Attribut\0'
const nativeMarker = '\x01\0O\0l\0e\x001\x000\0N\0a\0'
/** Marks of an embedded object in RTF, and of macros in single-file XML. */
const plainMarkers = ['\\objemb', '\\objdat', '\\ objdat', 'w:macrosPresent="yes"', 'vbaProject.bin.rels']
const utf16 = (text: string): string => [...text].map((char) => `${char}\0`).join('')
const encryptedPackage = utf16('EncryptedPackage').slice(0, -1)
const workbook = utf16('Workbook')

function hasOldMacro(data: ByteString): boolean {
  if (isCompoundFile(data)) return data.includes(attributeMarker) || data.includes(nativeMarker)
  return plainMarkers.some((marker) => data.includes(marker))
}

function isEncrypted(data: ByteString): boolean {
  if (!isCompoundFile(data)) return false
  if (/<encryption xmlns/i.test(data)) return true
  const head = data.slice(0, 2000)
  if (head.includes(encryptedPackage)) return true
  if (head.includes(workbook)) return false
  return data[0x208] === '\xfe' || data[0x214] === '\x2f' || data[0x20b] === '\x13'
}

/** Macros that run by themselves. */
function opensItself(data: ByteString): boolean {
  const pattern = /(?:document|auto|workbook)_?open/i
  return pattern.test(data) || (isCompoundFile(data) && pattern.test(vbaSource(data)))
}

const programEnding = /\.(?:exe|cmd|bat)[\x06|\0]/gi
const linkToEnding = /^\0https?:\/\/([-a-z0-9+&@#/%?=~_|!:,.;]{5,}[-a-z0-9+&@#/%=~_|]{5})$/i
const linkBytesMax = 2000
/** Endings looked at in one file. */
const endingsMax = 1000

/** A link to a program between two zero bytes, as macros store it. Found from its end, which keeps it linear. */
function linksToProgram(data: ByteString): boolean {
  let looked = 0
  for (const { index } of data.matchAll(programEnding)) {
    if (looked++ >= endingsMax) return false
    const start = data.lastIndexOf('\0', index)
    if (start >= 0 && index - start <= linkBytesMax && linkToEnding.test(data.slice(start, index)))
      return true
  }
  return false
}

const vbaMembers: ReadonlySet<string> = new Set([
  'word/vbaproject.bin',
  'macros/vba/_vba_project',
  'xl/vbaproject.bin',
  '_vba_project_cur/vba/_vba_project',
  'ppt/vbaproject.bin',
])

const macroContentType =
  /ContentType=["']application\/vnd\.ms-office\.vbaProject["']|macroEnabled|application\/vnd\.ms-excel\.(?:intl)?macrosheet/i
const mhtmlTarget = /^mhtml:https?:\/\/|^MHTML:&#x48;&#x54;&#x50;&#x3a;&#x5c;&#x5c;&#x31;&/i
const redirectsMax = 10
const mhtmlMax = 5

class Search {
  readonly found: Findings = {
    macro: false,
    object: false,
    rtfObject: false,
    csv: false,
    malice: false,
    renamed: false,
    encrypted: false,
    zipPassword: false,
    downloadsProgram: false,
    redirects: new Set(),
    mhtml: new Set(),
  }

  constructor(private readonly settings: Settings) {}

  private is(name: string, directive: string): boolean {
    const pattern = evalRegex(`(?i)${setting<string>(this.settings, directive)}`)
    return pattern !== undefined && matches(pattern, name)
  }

  private number(directive: string): number {
    return setting<number>(this.settings, directive)
  }

  message(scan: Scan): void {
    let checked = 0
    for (const part of scan.message.parts) {
      if (!isLeaf(part) || part.name === '' || this.is(part.type, 'olemacro_skip_ctypes')) continue
      if (this.is(part.name, 'olemacro_skip_exts')) continue
      const data = part.decoded().slice(0, this.number('olemacro_max_file'))
      if (data === '') continue
      if (this.file(part.name, () => data, 0) && ++checked >= this.number('olemacro_num_mime')) return
    }
  }

  /** True when the name made the file worth a look. `depth` = archives around it. */
  private file(name: string, contents: () => ByteString | undefined, depth: number): boolean {
    if (/\.csv$/i.test(name)) this.spreadsheetText(contents() ?? '')
    if (this.is(name, 'olemacro_zips')) {
      this.archive(name, contents() ?? '', depth + 1)
    } else if (this.is(name, 'olemacro_macro_exts')) {
      this.found.macro = true
      this.document(name, contents() ?? '', false)
    } else if (this.is(name, 'olemacro_exts')) {
      this.document(name, contents() ?? '', true)
    } else if (setting<boolean>(this.settings, 'olemacro_extended_scan')) {
      const data = contents() ?? ''
      if (isCompoundFile(data) || this.looksLikeOffice(name, data)) {
        this.found.renamed = true
        this.document(name, data, true)
      }
      this.archive(name, data, depth + 1)
    } else {
      return false
    }
    return true
  }

  private looksLikeOffice(name: string, data: ByteString): boolean {
    return hasOldMacro(data) || (isZip(name, data) && this.packed(readZip(data)))
  }

  private document(name: string, data: ByteString, oldFormat: boolean): void {
    if (data === '') return
    if (isEncrypted(data)) this.found.encrypted = true
    if (oldFormat && hasOldMacro(data)) {
      this.found.macro = true
      if (opensItself(data)) this.found.malice = true
    }
    if (isZip(name, data)) this.packed(readZip(data))
    if (linksToProgram(data) || this.is(data, 'olemacro_download_marker')) this.found.downloadsProgram = true
  }

  /** A spreadsheet as text that starts a program when opened. */
  private spreadsheetText(data: ByteString): void {
    if (/MSEXCEL\|[^\n]{1,20}Windows\\System32\\cmd\.exe/.test(data)) this.found.csv = true
  }

  private archive(name: string, data: ByteString, depth: number): void {
    const most = this.number('olemacro_num_zip')
    if (most === 0 || depth > this.number('olemacro_zip_depth') || data === '' || !isZip(name, data)) return
    let checked = 0
    for (const member of readZip(data)) {
      if (this.is(member.name, 'olemacro_skip_exts')) continue
      if (member.encrypted) {
        if (this.is(member.name, 'olemacro_macro_exts')) this.found.macro = true
        this.found.zipPassword = true
      } else if (this.file(member.name, () => member.contents(), depth) && ++checked >= most) {
        return
      }
    }
  }

  /** A packed Office file (OOXML). True when it is one. */
  private packed(members: readonly ZipMember[]): boolean {
    const { found } = this
    let office = false
    let ownMacro = false
    for (const { name: written } of members) {
      const name = written.toLowerCase()
      if (vbaMembers.has(name)) ownMacro = found.macro = office = true
      if (name.startsWith('xl/embeddings/')) found.object = office = true
      if (/^word\/.{1,50}\.rtf\b/.test(name)) found.rtfObject = office = true
    }
    const types = members.find(({ name }) => name === '[Content_Types].xml')
    if (types) {
      office = true
      if (!found.macro && macroContentType.test(types.contents() ?? '')) found.macro = true
    }
    for (const member of members) {
      if (member.name.includes('.rels')) office = this.relations(member.contents() ?? '') || office
    }
    if (
      ownMacro &&
      members.some((member) => member.name.includes('.bin') && opensItself(member.contents() ?? ''))
    ) {
      found.malice = true
    }
    return office
  }

  /** Files that the document fetches from elsewhere. */
  private relations(data: ByteString): boolean {
    for (const relation of data.split(/Relationship\s/)) {
      const target = /Target="([^"]*)"/i.exec(relation)
      if (!target || !/TargetMode="External"/i.test(relation.slice(target.index))) continue
      const uri = target[1]!
      if (mhtmlTarget.test(uri) && this.found.mhtml.size < mhtmlMax) this.found.mhtml.add(uri)
      const bare = uri.replace(/^mhtml:/i, '')
      if (/^https?:\/\//i.test(bare) && this.found.redirects.size < redirectsMax)
        this.found.redirects.add(bare)
    }
    return data !== ''
  }
}

function isZip(name: string, data: ByteString): boolean {
  return data.startsWith('PK') || /\.zip$/i.test(name)
}

const findings = once((scan, settings: Settings): Findings => {
  const search = new Search(settings)
  search.message(scan)
  return search.found
})

const has =
  (key: keyof Findings): Eval =>
  (context) => {
    const value = findings(context.scan, context.settings)[key]
    if (typeof value === 'boolean') return value
    for (const uri of value) context.detail(uri)
    return value.size > 0
  }

export const oleVbMacro: Plugin = {
  name: 'OLEVBMacro',
  features: ['has_olemacro_redirect_uri', 'has_olemacro_mhtml_uri', 'has_olertfobject'],
  prepare: ({ scan, settings }) => scan.views.addUris([...findings(scan, settings).redirects]),
  directives: [
    numberDirective('olemacro_num_mime', 5),
    numberDirective('olemacro_num_zip', 8),
    numberDirective('olemacro_zip_depth', 2),
    numberDirective('olemacro_max_file', 1_024_000),
    boolDirective('olemacro_extended_scan', false),
    boolDirective('olemacro_prefer_contentdisposition', true),
    patternDirective(
      'olemacro_exts',
      '(?:doc|docx|dot|pot|ppa|pps|ppt|rtf|sldm|xl|xla|xls|xlsx|xlt|xltx|xslb)$',
    ),
    patternDirective(
      'olemacro_macro_exts',
      '(?:docm|dotm|ppam|potm|ppst|ppsm|pptm|sldm|xlm|xlam|xlsb|xlsm|xltm|xps)$',
    ),
    patternDirective('olemacro_skip_exts', '(?:dotx|potx|ppsx|pptx|sldx)$'),
    patternDirective('olemacro_skip_ctypes', '^(?:text\\/)'),
    patternDirective('olemacro_zips', '(?:zip)$'),
    patternDirective('olemacro_download_marker', '(?:cmd(?:\\.exe)? \\/c ms\\^h\\^ta ht\\^tps?:\\/\\^\\/)'),
  ],
  evals: {
    check_olemacro: has('macro'),
    check_oleobject: has('object'),
    check_olertfobject: has('rtfObject'),
    check_olemacro_csv: has('csv'),
    check_olemacro_malice: has('malice'),
    check_olemacro_renamed: has('renamed'),
    check_olemacro_encrypted: has('encrypted'),
    check_olemacro_zip_password: has('zipPassword'),
    check_olemacro_download_exe: has('downloadsProgram'),
    check_olemacro_redirect_uri: has('redirects'),
    check_olemacro_mhtml_uri: has('mhtml'),
  },
}
