// FreeMail takes quoted senders and links with `@` out of the body that later rules see: expected texts are what SpamAssassin 4.0.1's
// plugin leaves of the same lines.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEngine, makeScan, runRules } from './support.js'

const engine = loadEngine({
  pre: 'loadplugin Mail::SpamAssassin::Plugin::FreeMail\n',
  cf: `util_rb_tld example
freemail_domains free.example
header REPLY eval:check_freemail_replyto('replyto')
body QUOTED /Anna|other\\.example/
body KEPT /third/
rawbody RAW /anna/
`,
})

const mail = (replyTo: string): string =>
  `From: a@b.example\nReply-To: ${replyTo}\nSubject: x\n\n` +
  'On Monday <Anna@free.example> and anna@other.example wrote: this\n' +
  'See http://other.example/?u=a@free.example and third@free.example here\n' +
  'mailto:john.doe@free.example> and mailto:jane@free.example>\n'

test('body rules see the lines without what FreeMail left out, rawbody rules the whole', async () => {
  const scan = makeScan(engine, mail('me@free.example'))
  const { hits } = await runRules(engine, scan)
  assert.deepEqual([...hits.keys()].sort(), ['KEPT', 'RAW', 'REPLY'])
  assert.deepEqual(scan.views.bodyForRules.slice(1), [
    'On Monday   and   this See   and third@free.example here mailto:john.  and mailto:jane@free.example> ',
  ])
  assert.match(scan.views.text.body[1]!, /<Anna@free\.example>/)
})

test('nothing is taken out of a mail whose body FreeMail has no reason to read', async () => {
  const scan = makeScan(engine, mail('me@b.example'))
  const { hits } = await runRules(engine, scan)
  assert.deepEqual([...hits.keys()].sort(), ['KEPT', 'QUOTED', 'RAW'])
  assert.equal(scan.views.bodyForRules, scan.views.text.body)
})
