// Links inside attachments are URIs of the message, as SpamAssassin's PDFInfo and OLEVBMacro make them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEngine, makeScan, runRules } from './support.js'

const engine = loadEngine({
  pre: 'loadplugin Mail::SpamAssassin::Plugin::PDFInfo\n',
  cf: `util_rb_tld example
uri ANNOTATION m{^http://one\\.example/pay\\(1\\)$}
uri OWN_LINE /two\\.example/
uri PLAIN /five\\.example/
uri BARE /four\\.example/
uri NONE /nodot|three/
body AUTHOR eval:pdf_match_details('author', '/Anna/')
body SKIPPED eval:pdf_match_details('author', '/Berta/')
`,
})

const pdf = `%PDF-1.4
<</Type/Annot/A<</S/URI/URI(http://one.example/pay\\(1\\))>>>>/Author (Anna)
 /URI (http://two.example/)
<</S /URI /URI <687474703a2f2f74687265652e6578616d706c652f>>>
<</A (https://four.example/path)>>
<</S/URI/URI(http://nodot/)>>/Author (Berta)
<</URI(http://five.example/)>>
`

test('links of annotations in a PDF: those written in hexadecimal digits are not read, nor is the rest of a line without an address', async () => {
  const mail = `From: a@b.example
Subject: x
MIME-Version: 1.0
Content-Type: application/pdf; name="a.pdf"
Content-Transfer-Encoding: base64

${Buffer.from(pdf, 'latin1').toString('base64')}
`
  const scan = makeScan(engine, mail)
  const { hits } = await runRules(engine, scan)
  assert.deepEqual([...hits.keys()].sort(), ['ANNOTATION', 'AUTHOR', 'BARE', 'OWN_LINE', 'PLAIN'])
  assert.deepEqual(
    scan.views.uris.detail.map(({ raw }) => raw),
    ['http://one.example/pay(1)', 'http://two.example/', 'https://four.example/path', 'http://five.example/'],
  )
})
