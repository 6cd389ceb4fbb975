// The cases of evals.test.ts, as data.

export interface EvalCase {
  readonly what: string
  readonly rules: string
  readonly hit: string
  /** Absent where an eval cannot miss. */
  readonly miss?: string
  /** Probability the learner gives. */
  readonly bayes?: number
}

const mail = (headers: string, body = 'Hello Bob,\nsee you.\n'): string => `${headers.trim()}\n\n${body}`

const received = (from: string, by = 'mx.rcpt.example'): string =>
  `Received: from ${from}\n\tby ${by} (Postfix) with ESMTP id ABC1234\n\tfor <bob@rcpt.example>; Mon, 15 Jun 2026 12:00:00 +0000`

const basic = `${received('out.sender.example (out.sender.example [198.51.100.7])')}
From: Anna <anna@sender.example>
To: Bob <bob@rcpt.example>
Subject: Hello there
Date: Mon, 15 Jun 2026 12:00:00 +0000
Message-ID: <m1@sender.example>`

/** `basic` with headers replaced (same name) or added. */
function withHeaders(...headers: readonly string[]): string {
  let text = basic
  for (const header of headers) {
    const name = header.slice(0, header.indexOf(':'))
    const pattern = new RegExp(`^${name}:.*(?:\\n[ \\t].*)*$`, 'm')
    text = pattern.test(text) ? text.replace(pattern, () => header) : `${text}\n${header}`
  }
  return text
}

const html = (body: string): string =>
  mail(`${basic}\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8`, body)
const plain = mail(basic)

function multipart(type: string, ...parts: readonly string[]): string {
  const body = parts.map((part) => `--B\n${part}\n`).join('')
  return mail(`${basic}\nMIME-Version: 1.0\nContent-Type: multipart/${type}; boundary="B"`, `${body}--B--\n`)
}

const textPart = (text: string): string => `Content-Type: text/plain; charset=utf-8\n\n${text}`
const htmlPart = (text: string): string => `Content-Type: text/html; charset=utf-8\n\n${text}`

const base64 = (bytes: readonly number[]): string => Buffer.from(bytes).toString('base64')
const picture = (type: string, name: string, bytes: readonly number[]): string =>
  `Content-Type: image/${type}; name="${name}"\nContent-Transfer-Encoding: base64\n\n${base64(bytes)}`
const gif = [71, 73, 70, 56, 57, 97, 64, 1, 240, 0, 0, 0, 0]
const png = [
  137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 3, 32, 0, 0, 2, 88, 8, 2, 0, 0, 0, 1, 2,
  3, 4,
]
const jpeg = [255, 216, 255, 224, 0, 4, 1, 2, 255, 192, 0, 11, 8, 0, 100, 0, 200, 1, 1, 17, 0]

const words = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ')

export const evalCases: readonly EvalCase[] = [
  // ------------------------------------------------ HTMLEval
  {
    what: 'html_tag_exists, html_tag_balance, html_test',
    rules: `body HIT_EXISTS eval:html_tag_exists('center')
body HIT_BALANCE eval:html_tag_balance('center', '!= 0')
body HIT_TEST eval:html_test('form_action_mailto')`,
    hit: html('<html><body><center>x<form action="mailto:a@b.example">y</form></body></html>'),
    miss: html('<html><body>x</body></html>'),
  },
  {
    what: 'html_eval and html_range compare values of the last html part',
    rules: `body HIT_EVAL eval:html_eval('length', '< 384')
body HIT_RANGE eval:html_range('length', '0', '100')
body HIT_INF eval:html_range('max_size', '5', 'inf')`,
    hit: html('<html><body><font size="7">big</font></body></html>'),
    miss: html(`<html><body>${words(200, (index) => `word${index}`)}</body></html>`),
  },
  {
    what: 'html_text_match, html_text_not_match',
    rules: `body HIT_MATCH eval:html_text_match('title', '(?i)viagra')
body HIT_NOT eval:html_text_not_match('title', 'report')`,
    hit: html('<html><title>VIAGRA here</title><body>x</body></html>'),
    miss: html('<html><title>report</title><body>x</body></html>'),
  },
  {
    what: 'html_title_subject_ratio',
    rules: "body HIT eval:html_title_subject_ratio('3.5')",
    hit: html(`<title>${'long '.repeat(20)}</title>x`),
    miss: html('<title>short</title>x'),
  },
  {
    what: 'html_image_only, html_image_ratio',
    rules: `body HIT_ONLY eval:html_image_only('0','400')
body HIT_RATIO eval:html_image_ratio('0.000','0.002')`,
    hit: html('<html><body><img src="http://a.example/x.gif" width="500" height="500">buy</body></html>'),
    miss: html('<html><body>buy</body></html>'),
  },
  {
    what: 'check_iframe_src',
    rules: 'body HIT eval:check_iframe_src()',
    hit: html('<iframe src="http://a.example/x"></iframe>'),
    miss: html('<a href="http://a.example/x">x</a>'),
  },
  // ------------------------------------------------ HeaderEval
  {
    what: 'check_for_missing_to_header',
    rules: 'header HIT eval:check_for_missing_to_header()',
    hit: mail(basic.replace(/^To:.*\n/m, '')),
    miss: plain,
  },
  {
    what: 'check_for_shifted_date',
    rules: "header HIT eval:check_for_shifted_date('-12', '-6')",
    hit: mail(withHeaders('Date: Mon, 15 Jun 2026 04:00:00 +0000')),
    miss: plain,
  },
  {
    what: 'received_within_months: 2026 is not in the last month of a test run long after',
    rules: "header HIT eval:received_within_months('undef', '0')",
    hit: mail(
      withHeaders('Date: Mon, 15 Jun 2037 12:00:00 +0000').replace(
        '15 Jun 2026 12:00:00',
        '15 Jun 2037 12:00:00',
      ),
    ),
    miss: mail(
      withHeaders('Date: Mon, 15 Jun 2020 12:00:00 +0000').replace(
        '15 Jun 2026 12:00:00',
        '15 Jun 2020 12:00:00',
      ),
    ),
  },
  {
    what: 'subject_is_all_caps',
    rules: 'header HIT eval:subject_is_all_caps()',
    hit: mail(withHeaders('Subject: Re: CHEAP MEDS 4 YOU')),
    miss: mail(withHeaders('Subject: CHEAP Meds 4 YOU')),
  },
  {
    what: 'subject_is_all_caps leaves charsets alone in which capitals come by chance',
    rules: 'header HIT eval:subject_is_all_caps()',
    hit: mail(withHeaders('Subject: GREAT OFFER FOR ALL')),
    miss: mail(withHeaders('Subject: =?koi8-r?Q?GREAT_OFFER_FOR_ALL?=')),
  },
  {
    what: 'check_illegal_chars',
    rules: "header HIT eval:check_illegal_chars('Subject','0.00','2')",
    hit: mail(withHeaders('Subject: caf\xe9 \xe0 \xe8')),
    miss: mail(withHeaders('Subject: caf\xc3\xa9 \xc3\xa0')),
  },
  {
    what: 'check_header_count_range counts different values',
    rules: "header HIT eval:check_header_count_range('Subject','2','999')",
    hit: mail(`${basic}\nSubject: other`),
    miss: mail(`${basic}\nSubject: Hello there`),
  },
  {
    what: 'check_for_to_in_subject',
    rules: "header HIT_USER eval:check_for_to_in_subject('user')",
    hit: mail(withHeaders('Subject: bob, your mail')),
    miss: mail(withHeaders('Subject: your mail, bob')),
  },
  {
    what: "check_for_to_in_subject('address')",
    rules: "header HIT eval:check_for_to_in_subject('address')",
    hit: mail(withHeaders('Subject: about BOB@rcpt.example today')),
    miss: plain,
  },
  {
    what: 'sorted_recipients, similar_recipients',
    rules: `header HIT_SORTED eval:sorted_recipients()
header HIT_SIMILAR eval:similar_recipients('0.5','undef')`,
    hit: mail(
      withHeaders(
        `To: ${['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((end) => `bob${end}@rcpt.example`).join(', ')}`,
      ),
    ),
    miss: mail(withHeaders('To: zoe@a.example, bob@b.example, adam@c.example, kim@d.example, liz@e.example')),
  },
  {
    what: 'check_outlook_message_id',
    rules: 'header HIT eval:check_outlook_message_id()',
    hit: mail(withHeaders('Message-ID: <000101c24561$daa02db0$0100a8c0@pc>')),
    miss: plain,
  },
  {
    what: 'check_unresolved_template',
    rules: 'header HIT eval:check_unresolved_template()',
    hit: mail(`${basic}\nX-Campaign: %RND_NUMBER`),
    miss: mail(withHeaders('Subject: %RND_NUMBER')),
  },
  {
    what: 'check_ratware_name_id',
    rules: 'header HIT eval:check_ratware_name_id()',
    hit: mail(
      withHeaders(
        `Message-ID: <${'A'.repeat(28)}.anna@sender.example>`,
        'From: "Anna" <anna@sender.example>',
      ),
    ),
    miss: plain,
  },
  {
    what: 'check_ratware_envelope_from, check_for_matching_env_and_hdr_from, check_equal_from_domains',
    rules: `header HIT_RATWARE eval:check_ratware_envelope_from()
header HIT_DOMAINS eval:check_equal_from_domains()`,
    hit: mail(`Return-Path: <x-rcpt.example=bob@mass.example.net>\n${basic}`),
    miss: mail(`Return-Path: <anna@sender.example>\n${basic}`),
  },
  {
    what: 'check_for_matching_env_and_hdr_from',
    rules: 'header HIT eval:check_for_matching_env_and_hdr_from()',
    hit: mail(`Return-Path: <ANNA@sender.example>\n${basic}`),
    miss: mail(`Return-Path: <eve@sender.example>\n${basic}`),
  },
  {
    what: 'check_for_fake_aol_relay_in_rcvd',
    rules: 'header HIT eval:check_for_fake_aol_relay_in_rcvd()',
    hit: mail(`${received('rly-xc04.mx.aol.com (rly-xc04.mx.aol.com [198.51.100.7])')}\n${basic}`),
    miss: plain,
  },
  {
    what: 'check_for_no_hotmail_received_headers',
    rules: 'header HIT eval:check_for_no_hotmail_received_headers()',
    hit: mail(withHeaders('From: a@hotmail.com')),
    miss: plain,
  },
  {
    what: 'check_for_forged_hotmail_received_headers',
    rules: 'header HIT eval:check_for_forged_hotmail_received_headers()',
    hit: mail(`${received('hotmail.com (x.example [198.51.100.7])')}\n${basic}`),
    miss: mail(
      `${received('hotmail.com (f7.law.hotmail.com [198.51.100.7])')}\nX-Originating-IP: [198.51.100.9]\n${basic}`,
    ),
  },
  {
    what: 'check_for_forged_yahoo_received_headers',
    rules: 'header HIT eval:check_for_forged_yahoo_received_headers()',
    hit: mail(withHeaders('From: a@yahoo.com')),
    miss: mail(
      `Received: from [198.51.100.7] by web10.mail.yahoo.com via HTTP; Mon, 15 Jun 2026 12:00:00 +0000\n${withHeaders('From: a@yahoo.com')}`,
    ),
  },
  {
    what: 'check_for_forged_juno_received_headers',
    rules: 'header HIT eval:check_for_forged_juno_received_headers()',
    hit: mail(withHeaders('From: a@juno.com')),
    miss: mail(
      `Received: from x.juno.com (x.juno.com [198.51.100.7]) by mx; Mon, 15 Jun 2026 12:00:00 +0000\nX-Originating-IP: 198.51.100.9\nX-Mailer: Juno 5\n${withHeaders('From: a@juno.com')}`,
    ),
  },
  {
    what: 'check_for_forged_gmail_received_headers',
    rules: 'header HIT eval:check_for_forged_gmail_received_headers()',
    hit: mail(withHeaders('From: a@gmail.com')),
    miss: mail(`X-Received: by 10.2.3.4 with SMTP id abc\n${withHeaders('From: a@gmail.com')}`),
  },
  {
    what: 'check_for_forged_eudoramail_received_headers',
    rules: 'header HIT eval:check_for_forged_eudoramail_received_headers()',
    hit: mail(withHeaders('From: a@eudoramail.com')),
    miss: plain,
  },
  {
    what: 'gated_through_received_hdr_remover',
    rules:
      'header HIT eval:gated_through_received_hdr_remover()\nheader HIT_ID eval:check_messageid_not_usable()',
    hit: mail(basic.replace(/^Received:.*\n(?:\t.*\n)+/m, '')),
    miss: plain,
  },
  // ------------------------------------------------ BodyEval
  {
    what: 'multipart_alternative_difference',
    rules: "body HIT eval:multipart_alternative_difference('99', '100')",
    hit: multipart('alternative', textPart('alpha beta'), htmlPart('<p>gamma delta</p>')),
    miss: multipart('alternative', textPart('alpha beta'), htmlPart('<p>alpha beta</p>')),
  },
  {
    what: 'multipart_alternative_difference_count',
    rules: "body HIT eval:multipart_alternative_difference_count('3', '1')",
    hit: multipart(
      'alternative',
      textPart(words(20, (index) => `w${index}`)),
      htmlPart('<p>gamma delta</p>'),
    ),
    miss: multipart('alternative', textPart('alpha beta'), htmlPart('<p>gamma delta</p>')),
  },
  {
    what: 'check_blank_line_ratio',
    rules: "body HIT eval:check_blank_line_ratio('60','80','4')",
    hit: mail(basic, 'a\n\n\n\nb\n\n\n'),
    miss: mail(basic, 'a\nb\nc\n\nd\n'),
  },
  {
    what: 'tvd_vertical_words',
    rules: "body HIT eval:tvd_vertical_words('60','100')",
    hit: mail(withHeaders('Subject: s'), 'a b c d e f g h\n'),
    miss: plain,
  },
  {
    what: 'check_stock_info',
    rules: "body HIT eval:check_stock_info('3')",
    hit: mail(basic, 'Company: Acme\nSymbol: ACME\nCurrent Price: 1\nSector: oil\n'),
    miss: plain,
  },
  {
    what: 'check_body_length counts bytes of the undecoded body',
    rules: "body HIT eval:check_body_length('20')",
    hit: mail(basic, 'short\n'),
    miss: mail(basic, 'longer than twenty bytes for sure\n'),
  },
  {
    what: 'plaintext_body_length, plaintext_sig_length, plaintext_body_sig_ratio',
    rules: `body HIT_BODY eval:plaintext_body_length('3', '9')
body HIT_SIG eval:plaintext_sig_length('10')
body HIT_RATIO eval:plaintext_body_sig_ratio('0', '1')`,
    hit: mail(basic, 'Hello\n-- \nAnna Example\nhttp://a.example\n'),
    miss: mail(basic, 'Hello Bob, how are you?\n'),
  },
  // ------------------------------------------------ MIMEEval
  {
    what: 'check_for_mime: quoted-printable, base64 and its misuse',
    rules: `rawbody HIT_LONG eval:check_for_mime('mime_qp_long_line')
rawbody HIT_QP eval:check_for_mime('mime_qp_count')
body HIT_RATIO eval:check_qp_ratio('0.1')`,
    hit: mail(
      `${basic}\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable`,
      `${'=41'.repeat(40)}\n`,
    ),
    miss: mail(
      `${basic}\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable`,
      'plain=20\n',
    ),
  },
  {
    what: 'check_for_mime: base64 text, missing boundary, bad charset name',
    rules: `body HIT_B64 eval:check_for_mime('mime_base64_encoded_text')
body HIT_END eval:check_for_mime('mime_missing_boundary')
body HIT_ISO eval:check_for_mime('mime_bad_iso_charset')`,
    hit: multipart(
      'mixed',
      'Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVsbG8=',
      'Content-Type: text/plain; charset=iso-8888-x\n\nx',
    ).replace('--B--\n', ''),
    miss: multipart('mixed', textPart('x')),
  },
  {
    what: 'check_for_mime_html, check_for_mime_html_only',
    rules: 'body HIT_HTML eval:check_for_mime_html()\nbody HIT_ONLY eval:check_for_mime_html_only()',
    hit: multipart('mixed', htmlPart('<p>x</p>')),
    miss: multipart('mixed', textPart('x')),
  },
  {
    what: 'check_mime_multipart_ratio',
    rules: "body HIT eval:check_mime_multipart_ratio('0.00','0.10')",
    hit: multipart('alternative', textPart('x'), htmlPart(`<p>${'word '.repeat(50)}</p>`)),
    miss: multipart('alternative', textPart('word'), htmlPart('<p>word</p>')),
  },
  {
    what: 'check_msg_parse_flags',
    rules: "header HIT eval:check_msg_parse_flags('missing_head_body_separator')",
    hit: `${basic}\nno header here\nnor here\nnor here\nnor here\n`,
    miss: plain,
  },
  {
    what: 'check_for_ascii_text_illegal',
    rules: 'body HIT eval:check_for_ascii_text_illegal()',
    hit: mail(`${basic}\nContent-Type: text/plain; charset=us-ascii`, 'caf\xe9\n'),
    miss: plain,
  },
  {
    what: 'check_abundant_unicode_ratio',
    rules: "body HIT eval:check_abundant_unicode_ratio('0.05')",
    hit: mail(`${basic}\nContent-Type: text/plain`, 'ab&#x0430;cd&#x0431;\n'),
    miss: plain,
  },
  {
    what: 'check_for_uppercase',
    rules: "body HIT eval:check_for_uppercase('75','100')",
    hit: mail(basic, `${'BUY THIS NOW '.repeat(30)}\n`),
    miss: mail(basic, `${'buy this now '.repeat(30)}\n`),
  },
  {
    what: 'check_ma_non_text',
    rules: 'body HIT eval:check_ma_non_text()',
    hit: multipart('alternative', textPart('x'), picture('gif', 'a.gif', gif)),
    miss: multipart('alternative', textPart('x'), htmlPart('<p>x</p>')),
  },
  {
    what: 'check_base64_length',
    rules: "body HIT eval:check_base64_length('79')",
    hit: multipart(
      'mixed',
      `Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n${'QUFB'.repeat(30)}`,
    ),
    miss: multipart('mixed', 'Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nQUFB'),
  },
  {
    what: 'charsets of other locales, in headers, part headers and body',
    rules: `ok_locales en
header HIT_HEAD eval:check_for_faraway_charset_in_headers()
body HIT_MIME eval:check_for_mime('mime_faraway_charset')
body HIT_BODY eval:check_for_faraway_charset()`,
    hit: mail(
      `${withHeaders('Subject: =?koi8-r?Q?x?=')}\nContent-Type: text/plain; charset=koi8-r`,
      '\xc1\xc2\xc3\xc4\xc5\xc6\xc7\n',
    ),
    miss: mail(`${basic}\nContent-Type: text/plain; charset=iso-8859-1`, '\xe1\xe2\xe3\xe4\xe5\n'),
  },
  // ------------------------------------------------ RelayEval
  {
    what: 'check_all_trusted',
    rules: 'trusted_networks 198.51.100.0/24\nheader HIT eval:check_all_trusted()',
    hit: plain,
    miss: mail(`${received('a.example (a.example [203.0.113.5])')}\n${basic}`),
  },
  {
    what: 'check_no_relays',
    rules: 'header HIT eval:check_no_relays()',
    hit: mail(basic.replace(/^Received:.*\n(?:\t.*\n)+/m, '')),
    miss: plain,
  },
  {
    what: 'check_relays_unparseable',
    rules: 'header HIT eval:check_relays_unparseable()',
    hit: mail(`Received: from something unreadable\n${basic}`),
    miss: plain,
  },
  {
    what: 'helo_ip_mismatch, check_for_numeric_helo',
    rules: 'header HIT eval:helo_ip_mismatch()\nheader HIT_NUMERIC eval:check_for_numeric_helo()',
    hit: mail(`${received('203.0.113.9 (x.example [198.51.100.7])')}\n${basic}`),
    miss: plain,
  },
  {
    what: 'check_for_no_rdns_dotcom_helo',
    rules: 'header HIT eval:check_for_no_rdns_dotcom_helo()',
    hit: mail(
      `Received: from aol.com (unknown [198.51.100.7])\n\tby mx.rcpt.example (Postfix) with ESMTP id ABC1234; Mon, 15 Jun 2026 12:00:00 +0000\n${basic.replace(/^Received:.*\n(?:\t.*\n)+/m, '')}`,
    ),
    miss: plain,
  },
  {
    what: 'check_for_sender_no_reverse',
    rules: 'header HIT eval:check_for_sender_no_reverse()',
    hit: plain,
    miss: mail(basic.replace('(out.sender.example [', '([')),
  },
  {
    what: 'check_for_forged_received_trail, check_for_forged_received_ip_helo',
    rules: 'header HIT eval:check_for_forged_received_trail()',
    hit: mail(
      [
        received('a.one.example (a.one.example [198.51.100.1])', 'mx.rcpt.example'),
        received('b.two.example (b.two.example [198.51.100.2])', 'mx.three.example'),
        received('c.four.example (c.four.example [198.51.100.3])', 'mx.five.example'),
        basic.replace(/^Received:.*\n(?:\t.*\n)+/m, ''),
      ].join('\n'),
    ),
    miss: plain,
  },
  {
    what: 'check_for_forged_received_ip_helo',
    rules: 'header HIT eval:check_for_forged_received_ip_helo()',
    hit: mail(`${received('203.0.113.9 (x.example [198.51.100.7])')}\n${basic}`),
    miss: plain,
  },
  {
    what: 'check_for_from_domain_in_received_headers',
    rules: `header HIT_TRUE eval:check_for_from_domain_in_received_headers('sender.example','true')
header HIT_FALSE eval:check_for_from_domain_in_received_headers('rcpt.example','false')`,
    hit: mail(
      `${received('a.sender.example (a.sender.example [198.51.100.8])', 'b.sender.example')}\n${withHeaders('From: "rcpt.example" <x@sender.example.rcpt.example>')}`,
    ),
    miss: mail(withHeaders('From: x@other.example')),
  },
  // ------------------------------------------------ FreeMail
  {
    what: 'check_freemail_from, check_freemail_header',
    rules: `freemail_domains free.example mail.*.example
header HIT_FROM eval:check_freemail_from()
header HIT_DIGIT eval:check_freemail_header('From', '\\d@')`,
    hit: mail(withHeaders('From: Anna <anna7@free.example>')),
    miss: plain,
  },
  {
    what: 'freemail_welcomelist and role addresses are no freemail',
    rules: `freemail_domains free.example
freemail_welcomelist anna@free.example
header HIT eval:check_freemail_from()`,
    hit: mail(withHeaders('From: eve@free.example')),
    miss: mail(withHeaders('From: anna@free.example')),
  },
  {
    what: 'check_freemail_replyto: two freemail addresses',
    rules: `freemail_domains free.example *.free.example
header HIT eval:check_freemail_replyto('replyto')`,
    hit: mail(withHeaders('From: a@free.example', 'Reply-To: b@x.free.example')),
    miss: mail(withHeaders('From: a@free.example', 'Reply-To: a@free.example')),
  },
  {
    what: 'check_freemail_body, and a reply address in the text',
    rules: `freemail_domains free.example
header HIT_BODY eval:check_freemail_body()
header HIT_REPLY eval:check_freemail_replyto('reply')`,
    hit: mail(withHeaders('From: a@free.example'), 'Write to claims.office@free.example today.\n'),
    miss: mail(withHeaders('From: a@free.example'), '<claims@free.example> wrote:\n'),
  },
  // ------------------------------------------------ WLBLEval, WelcomeListSubject, VBounce
  {
    what: 'welcomelist_from, blocklist_from, old spellings, globs',
    rules: `whitelist_from *@SENDER.example
blacklist_from an?a@*
header HIT_WELCOME eval:check_from_in_welcomelist()
header HIT_BLOCK eval:check_from_in_blacklist()`,
    hit: plain,
    miss: mail(withHeaders('From: anne@other.example')),
  },
  {
    what: 'unwelcomelist_from takes an entry away',
    rules: `welcomelist_from anna@sender.example eve@sender.example
unwhitelist_from anna@sender.example
header HIT eval:check_from_in_welcomelist()`,
    hit: mail(withHeaders('From: eve@sender.example')),
    miss: plain,
  },
  {
    what: 'recipients: blocklist_to, welcomelist_to, more_spam_to, all_spam_to',
    rules: `blocklist_to bob@*
welcomelist_to bob@*
more_spam_to bob@*
all_spam_to bob@*
header HIT1 eval:check_to_in_blocklist()
header HIT2 eval:check_to_in_welcomelist()
header HIT3 eval:check_to_in_more_spam()
header HIT4 eval:check_to_in_all_spam()`,
    hit: plain,
    miss: mail(withHeaders('To: eve@rcpt.example').replace('<bob@rcpt.example>', '<eve@rcpt.example>')),
  },
  {
    what: 'welcomelist_from_rcvd wants the relay too',
    rules: `welcomelist_from_rcvd anna@sender.example sender.example
def_whitelist_from_rcvd anna@sender.example [198.51.100.0/24]
header HIT eval:check_from_in_welcomelist()
header HIT_DEF eval:check_from_in_default_welcomelist()`,
    hit: plain,
    miss: mail(`${received('evil.example (evil.example [203.0.113.5])')}\n${basic}`),
  },
  {
    what: 'check_forged_in_welcomelist',
    rules: `welcomelist_from_rcvd anna@sender.example sender.example
header HIT eval:check_forged_in_welcomelist()`,
    hit: mail(`${received('evil.example (evil.example [203.0.113.5])')}\n${basic}`),
    miss: plain,
  },
  {
    what: 'enlist_addrlist with check_from_in_list, check_to_in_list, check_replyto_in_list',
    rules: `enlist_addrlist (BANKS) *@sender.example bob@*
header HIT_FROM eval:check_from_in_list('BANKS')
header HIT_TO eval:check_to_in_list('BANKS')
header HIT_REPLY eval:check_replyto_in_list('BANKS')`,
    hit: mail(withHeaders('Reply-To: x@sender.example')),
    miss: mail(
      withHeaders('From: a@b.example', 'To: c@d.example').replace('<bob@rcpt.example>', '<c@d.example>'),
    ),
  },
  {
    what: 'enlist_uri_host: the most specific entry decides',
    rules: `enlist_uri_host (SHORT) !ok.bad.example bad.example
blocklist_uri_host evil.example
header HIT_LISTED eval:check_uri_host_listed('SHORT')
body HIT_BLOCK eval:check_uri_host_in_blocklist()`,
    hit: mail(basic, 'http://x.bad.example/ http://evil.example/\n'),
    miss: mail(basic, 'http://ok.bad.example/\n'),
  },
  {
    what: 'check_mailfrom_matches_rcvd',
    rules: 'header HIT eval:check_mailfrom_matches_rcvd()',
    hit: mail(`Return-Path: <anna@mail.sender.example>\n${basic}`),
    miss: mail(`Return-Path: <anna@other.example>\n${basic}`),
  },
  {
    what: 'welcomelist_subject, blocklist_subject',
    rules: `whitelist_subject [Bug ?]
blocklist_subject *(bug*report)
header HIT_WELCOME eval:check_subject_in_welcomelist()
header HIT_BLOCK eval:check_subject_in_blacklist()`,
    hit: mail(withHeaders('Subject: Re: [BUG 7] crash (bug report)')),
    miss: plain,
  },
  {
    what: 'check_welcomelist_bounce_relays',
    rules: `whitelist_bounce_relays out.*.example
body HIT eval:check_welcomelist_bounce_relays()`,
    hit: mail(basic, 'Your mail bounced:\n\n> Received: from out.rcpt.example (x [192.0.2.1]) by y\n'),
    miss: mail(basic, 'Your mail bounced:\n\n> Received: from evil.test (x [192.0.2.1]) by y\n'),
  },
  {
    what: 'have_any_bounce_relays',
    rules: 'welcomelist_bounce_relays a.example\nbody HIT eval:have_any_bounce_relays()',
    hit: plain,
  },
  // ------------------------------------------------ ImageInfo
  {
    what: 'image_count, pixel_coverage, image sizes and names',
    rules: `body HIT_COUNT eval:image_count('all','3','3')
body HIT_GIF eval:image_count('gif','1')
body HIT_PIXELS eval:pixel_coverage('png','480000','480000')
body HIT_EXACT eval:image_size_exact('jpeg',100,200)
body HIT_RANGE eval:image_size_range('gif',200,300,250,350)
body HIT_NAMED eval:image_named('image001.gif')
body HIT_REGEX eval:image_name_regex('\\.jpe?g$')
body HIT_RATIO eval:image_to_text_ratio('all',0.000,0.008)
rawbody HIT_RAW_RATIO eval:image_to_text_ratio('all',0.000,0.008)`,
    hit: multipart(
      'mixed',
      textPart('hi'),
      picture('gif', 'image001.gif', gif),
      picture('png', 'b.png', png),
      picture('jpg', 'c.jpg', jpeg),
    ),
    miss: multipart('mixed', textPart('hi')),
  },
  // ------------------------------------------------ URIEval, HTTPSMismatch
  {
    what: 'check_for_http_redirector',
    rules: 'body HIT eval:check_for_http_redirector()',
    hit: mail(basic, 'http://a.example/r?u=http://b.test/x\n'),
    miss: mail(basic, 'http://a.example/r?u=http://c.a.example/x\n'),
  },
  {
    what: 'check_https_ip_mismatch',
    rules: 'body HIT eval:check_https_ip_mismatch()',
    hit: html('<a href="http://198.51.100.7/x">https://bank.example/</a>'),
    miss: html('<a href="http://198.51.100.7/x">bank</a>'),
  },
  {
    what: 'check_https_http_mismatch',
    rules: 'body HIT eval:check_https_http_mismatch()',
    hit: html('<a href="http://evil.example/x">https://bank.test/</a>'),
    miss: html('<a href="http://www.bank.test/x">https://bank.test/</a>'),
  },
  {
    what: 'check_uri_truncated',
    rules: 'body HIT eval:check_uri_truncated()',
    hit: html(`<a href="http://a.example/${'x'.repeat(9000)}">x</a>`),
    miss: html('<a href="http://a.example/x">x</a>'),
  },
  // ------------------------------------------------ Bayes and services that are off
  {
    what: 'check_bayes: bands of the probability',
    rules: `body HIT_999 eval:check_bayes('0.999', '1.00')
body BAYES_50 eval:check_bayes('0.40', '0.60')`,
    hit: plain,
    bayes: 0.9995,
  },
]
