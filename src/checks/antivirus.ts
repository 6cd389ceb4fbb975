// SpamAssassin's AntiVirus plugin: attachments that run, and names that don't fit their type. It asks no scanner; clamd's rules are in
// virus.ts.
import type { Plugin } from '../../rules/engine/types.js'
import type { Part, Scan } from '../types.js'

const runnable = new Set(
  (
    'ade adp asx bas bat chm cmd com cpl crt dll exe hlp hta inf ins isp js jse lnk mda mdb mde mdt mdw mdz msc msi msp mst nws ' +
    'ops pcd pif prf reg scf scr scr? sct shb shs shm swf url vb vbe vbs vbx vxd wsc wsf wsh'
  ).split(' '),
)

function endingOf(part: Part): string {
  const name = part.name.toLowerCase()
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1) : ''
}

/** First full uuencoded line (45 bytes) of data that begins with MZ, as DOS and Windows programs do. */
const uuencodedProgram = /^M35[GHIJK][!-`]{57}$/m

function isProgram(part: Part): boolean {
  if (runnable.has(endingOf(part))) return true
  if (part.encoding.includes('base64')) {
    // TV is the base64 of MZ; the rest of a program's header is mostly zeros.
    return part.rawBody.startsWith('TV') && /^MZ[\s\S]{2,20}\0\0/.test(part.decoded().slice(0, 64))
  }
  return /^text\b/.test(part.type) && uuencodedProgram.test(part.rawBody)
}

/** Ending -> what its type must look like. */
const fittingTypes: readonly (readonly [endings: RegExp, type: RegExp])[] = [
  [
    /^(?:txt|[px]?html?|xml)$/,
    /^(?:text\/(?:plain|[px]?html?|english|sgml|xml|enriched|richtext)|message\/external-body)/,
  ],
  [/^(?:jpe?g|tiff?|gif|png)$/, /^(?:image\/|application\/mac-binhex)/],
  [/^vcf$/, /^text\/vcard$/],
  [/^(?:bat|com|exe|pif|scr|swf|vbs)$/, /^application\//],
  [/^doc$/, /^application\/.*word$/],
  [/^ppt$/, /^application\/.*(?:powerpoint|ppt)$/],
  [/^xls$/, /^application\/.*excel$/],
]

function hasOddName(part: Part): boolean {
  if (part.name === '' || part.type === 'application/octet-stream') return false
  const ending = endingOf(part) || part.name.toLowerCase()
  const type = part.type.replace(/\/(?:x-|vnd\.)/, '/')
  return fittingTypes.some(([endings, wanted]) => endings.test(ending) && !wanted.test(type))
}

function leaves({ message }: Scan): readonly Part[] {
  return message.parts.filter((part) => part.children.length === 0)
}

export const antiVirus: Plugin = {
  name: 'AntiVirus',
  evals: {
    check_microsoft_executable: ({ scan }) => leaves(scan).some(isProgram),
    check_suspect_name: ({ scan }) => leaves(scan).some(hasOddName),
  },
}
