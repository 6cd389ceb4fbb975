// Mails made for the network rules: each names what it is made of and which of the stock rules it was made for.
export interface NetCase {
  readonly name: string
  /** Address of the relay that handed the mail to us. */
  readonly ip?: string
  readonly helo?: string
  readonly from?: string
  readonly mailFrom?: string
  readonly urls?: readonly string[]
  readonly headers?: readonly string[]
  /** Network rules of the stock set that must hit; others may. */
  readonly expect: readonly string[]
}

export const relayIp = '198.51.100.60'

export function buildMail({ ip = relayIp, helo, from, mailFrom, urls, headers }: NetCase): string {
  return [
    `Return-Path: <${mailFrom ?? 'bounce@hamd-quiet.com'}>`,
    `Received: from ${helo ?? 'mail.hamd-quiet.com'} (${helo ?? 'mail.hamd-quiet.com'} [${ip}])`,
    '\tby mx.hamd-here.com (Postfix) with ESMTP id 4XYZ12345',
    '\tfor <user@hamd-here.com>; Sun, 22 Nov 2026 02:00:00 +0000 (UTC)',
    ...(headers ?? []),
    'Date: Sun, 22 Nov 2026 01:59:58 +0000',
    `From: Somebody <${from ?? 'somebody@hamd-quiet.com'}>`,
    'To: user@hamd-here.com',
    'Subject: about the meeting of next week',
    'Message-ID: <20261122015958.1234@mail.hamd-quiet.com>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'Good morning, here is what we talked about yesterday in the office.',
    ...(urls ?? []).map((url) => `See ${url} for more.`),
    'With kind regards',
    '',
  ].join('\n')
}

const urlsOf = (...hosts: string[]) => hosts.map((host) => `http://${host}/page`)

export const relayCases: readonly NetCase[] = [
  { name: 'clean', expect: [] },
  {
    name: 'relay on the worst lists',
    ip: '198.51.100.2',
    expect: [
      '__RCVD_IN_ZEN',
      'RCVD_IN_SBL',
      'RCVD_IN_BL_SPAMCOP_NET',
      'RCVD_IN_VALIDITY_RPBL',
      'RCVD_IN_PSBL',
      '__RCVD_IN_MSPIKE_B',
      'RCVD_IN_MSPIKE_L5',
    ],
  },
  { name: 'relay in CSS', ip: '198.51.100.3', expect: ['RCVD_IN_SBL_CSS', 'RCVD_IN_MSPIKE_L4'] },
  { name: 'relay in XBL', ip: '198.51.100.4', expect: ['RCVD_IN_XBL', 'RCVD_IN_MSPIKE_L3'] },
  { name: 'relay in PBL', ip: '198.51.100.10', expect: ['RCVD_IN_PBL', 'RCVD_IN_MSPIKE_L2'] },
  {
    name: 'relay with several answers of one list',
    ip: '198.51.100.12',
    expect: ['RCVD_IN_SBL', 'RCVD_IN_XBL', 'RCVD_IN_PBL', '__RCVD_IN_MSPIKE_Z'],
  },
  {
    name: 'relay on the best lists',
    ip: '198.51.100.20',
    expect: [
      '__RCVD_IN_IADB',
      'RCVD_IN_IADB_VOUCHED',
      'RCVD_IN_VALIDITY_CERTIFIED',
      '__RCVD_IN_MSPIKE_L',
      'RCVD_IN_MSPIKE_H5',
      '__RCVD_IN_DNSWL',
      'RCVD_IN_DNSWL_HI',
    ],
  },
  {
    name: 'relay on good lists',
    ip: '198.51.100.21',
    expect: [
      'RCVD_IN_VALIDITY_SAFE',
      'RCVD_IN_MSPIKE_H4',
      'RCVD_IN_DNSWL_MED',
      'RCVD_IN_IADB_COURT',
      'RCVD_IN_IADB_DK',
      'RCVD_IN_IADB_DOPTIN',
      'RCVD_IN_IADB_DOPTIN_LT50',
      'RCVD_IN_IADB_LEG_MAND',
      'RCVD_IN_IADB_LISTED',
    ],
  },
  {
    name: 'relay on fair lists',
    ip: '198.51.100.22',
    expect: [
      'RCVD_IN_MSPIKE_H3',
      'RCVD_IN_DNSWL_LOW',
      'RCVD_IN_IADB_MI_CPR_MAT',
      'RCVD_IN_IADB_ML_DOPTIN',
      'RCVD_IN_IADB_OPTIN',
      'RCVD_IN_IADB_OPTIN_GT50',
    ],
  },
  {
    name: 'relay known without opinion',
    ip: '198.51.100.23',
    expect: [
      'RCVD_IN_MSPIKE_H2',
      'RCVD_IN_DNSWL_NONE',
      'RCVD_IN_IADB_RDNS',
      'RCVD_IN_IADB_SENDERID',
      'RCVD_IN_IADB_SPF',
      'RCVD_IN_IADB_UT_CPR_MAT',
    ],
  },
  {
    name: 'listed relay behind a clean one',
    headers: [
      'Received: from pc.hamd-far.com (pc.hamd-far.com [198.51.100.2])',
      '\tby mail.hamd-quiet.com (Postfix) with ESMTP id 4XYZ99999',
      '\tfor <user@hamd-here.com>; Sun, 22 Nov 2026 01:59:59 +0000 (UTC)',
    ],
    expect: ['__RCVD_IN_ZEN', 'RCVD_IN_SBL', 'RCVD_IN_BL_SPAMCOP_NET'],
  },
  { name: 'dnswl refuses', ip: '198.51.100.24', expect: ['RCVD_IN_DNSWL_BLOCKED'] },
  {
    name: 'zen refuses, open resolver',
    ip: '198.51.100.254',
    expect: ['RCVD_IN_ZEN_BLOCKED_OPENDNS'],
  },
  { name: 'zen refuses, limit', ip: '198.51.100.255', expect: ['RCVD_IN_ZEN_BLOCKED'] },
]

export const uriCases: readonly NetCase[] = [
  {
    name: 'domains in the DBL',
    urls: urlsOf(
      'www.hamd-dbl-spam.com',
      'hamd-dbl-phish.com',
      'a.b.hamd-dbl-malware.com',
      'hamd-dbl-botnet.com',
      'hamd-abuse-spam.com',
      'hamd-abuse-redir.com',
      'hamd-abuse-phish.com',
      'hamd-abuse-malware.com',
      'hamd-abuse-botnet.com',
    ),
    expect: [
      'URIBL_DBL_SPAM',
      'URIBL_DBL_PHISH',
      'URIBL_DBL_MALWARE',
      'URIBL_DBL_BOTNETCC',
      'URIBL_DBL_ABUSE_SPAM',
      'URIBL_DBL_ABUSE_REDIR',
      'URIBL_DBL_ABUSE_PHISH',
      'URIBL_DBL_ABUSE_MALW',
      'URIBL_DBL_ABUSE_BOTCC',
    ],
  },
  {
    name: 'domains in SURBL and URIBL',
    urls: urlsOf(
      'hamd-surbl-ph.com',
      'hamd-surbl-mw.com',
      'hamd-surbl-cr.com',
      'www.hamd-surbl-abuse.com',
      'hamd-uribl-black.com',
      'hamd-uribl-grey.com',
      'hamd-uribl-red.com',
      'hamd-dob.com',
    ),
    expect: [
      'URIBL_PH_SURBL',
      'URIBL_MW_SURBL',
      'URIBL_CR_SURBL',
      'URIBL_ABUSE_SURBL',
      'URIBL_BLACK',
      'URIBL_GREY',
      'URIBL_RED',
      'URIBL_RHS_DOB',
    ],
  },
  {
    name: 'one domain with several bits',
    urls: urlsOf('hamd-surbl-many.com'),
    expect: ['URIBL_PH_SURBL', 'URIBL_MW_SURBL', 'URIBL_ABUSE_SURBL'],
  },
  {
    name: 'an address as host',
    urls: ['http://198.51.100.77/x'],
    expect: ['URIBL_ABUSE_SURBL', 'URIBL_BLACK'],
  },
  {
    name: 'hosts whose address is listed',
    urls: urlsOf('hamd-sbl-host.com', 'www.hamd-css-host.com'),
    expect: ['URIBL_SBL_A', 'URIBL_CSS_A'],
  },
  {
    name: 'domains whose name server is listed',
    urls: urlsOf('hamd-sbl-served.com', 'hamd-css-served.com'),
    expect: [],
  },
  {
    name: 'lists that refuse',
    urls: urlsOf(
      'hamd-dbl-error.com',
      'hamd-dbl-open.com',
      'hamd-dbl-limit.com',
      'hamd-surbl-blocked.com',
      'hamd-uribl-blocked.com',
    ),
    expect: [
      'URIBL_DBL_ERROR',
      'URIBL_DBL_BLOCKED_OPENDNS',
      'URIBL_DBL_BLOCKED',
      'SURBL_BLOCKED',
      'URIBL_BLOCKED',
    ],
  },
  {
    name: 'hosts for which zen refuses',
    urls: urlsOf('hamd-zen-open.com', 'hamd-zen-limit.com'),
    expect: [],
  },
  { name: 'a harmless domain is skipped', urls: urlsOf('www.google.com', 'example.com'), expect: [] },
]

const from = (domain: string) => `somebody@${domain}`

export const askCases: readonly NetCase[] = [
  { name: 'new domain', from: from('hamd-new.com'), expect: ['__FROM_FMBLA_NEWDOM'] },
  { name: 'fortnight old domain', from: from('hamd-new14.com'), expect: ['__FROM_FMBLA_NEWDOM14'] },
  { name: 'month old domain', from: from('hamd-new28.com'), expect: ['__FROM_FMBLA_NEWDOM28'] },
  { name: 'fmb.la refuses', from: from('hamd-new-blocked.com'), expect: ['__FROM_FMBLA_NDBLOCKED'] },
  { name: 'SPF for the world', mailFrom: from('hamd-onlyall.com'), expect: ['__PDS_SPF_ONLYALL'] },
  { name: 'HELO name exists', helo: 'helo.hamd-relay.com', expect: ['__HELO_DNS'] },
]

const spfOf = (word: string) => `${word}.hamd-spf.com`

export const spfCases: readonly NetCase[] = [
  ...(['pass', 'fail', 'softfail', 'neutral', 'none', 'permerror', 'temperror'] as const).map((word) => {
    const prefix = word.endsWith('error') ? 'T_SPF' : 'SPF'
    return {
      name: `SPF ${word}`,
      mailFrom: from(spfOf(word)),
      helo: spfOf(word),
      expect: [`${prefix}_${word.toUpperCase()}`, `${prefix}_HELO_${word.toUpperCase()}`],
    }
  }),
  ...(['include', 'redirect', 'mx', 'a'] as const).map((word) => ({
    name: `SPF by ${word}`,
    mailFrom: from(spfOf(word)),
    expect: ['SPF_PASS'],
  })),
  { name: 'SPF two records', mailFrom: from(spfOf('two')), expect: ['T_SPF_PERMERROR'] },
  { name: 'SPF loop', mailFrom: from(spfOf('loop')), expect: ['T_SPF_PERMERROR'] },
  { name: 'SPF v6', mailFrom: from(spfOf('six')), ip: '2001:db8::9', expect: ['SPF_PASS'] },
]

export const adspCases: readonly NetCase[] = [
  { name: 'ADSP all', from: from('hamd-adsp-all.com'), expect: ['DKIM_ADSP_ALL'] },
  { name: 'ADSP discardable', from: from('hamd-adsp-discard.com'), expect: ['DKIM_ADSP_DISCARD'] },
  { name: 'ADSP no such domain', from: from('hamd-adsp-gone.com'), expect: ['DKIM_ADSP_NXDOMAIN'] },
]

const dmarcOf = (word: string) => `hamd-dmarc-${word}.com`

export const dmarcCases: readonly NetCase[] = [
  {
    name: 'DMARC pass by SPF',
    from: from(dmarcOf('reject')),
    mailFrom: from(dmarcOf('reject')),
    expect: ['DMARC_PASS'],
  },
  { name: 'DMARC reject', from: from(dmarcOf('reject')), expect: ['DMARC_REJECT'] },
  { name: 'DMARC quarantine', from: from(dmarcOf('quar')), expect: ['DMARC_QUAR'] },
  { name: 'DMARC none', from: from(dmarcOf('none')), expect: ['DMARC_NONE'] },
  {
    name: 'DMARC strict',
    from: from(dmarcOf('strict')),
    mailFrom: from(`sub.${dmarcOf('strict')}`),
    expect: ['DMARC_QUAR'],
  },
  {
    name: 'DMARC policy for subdomains',
    from: from(`other.${dmarcOf('strict')}`),
    expect: ['DMARC_REJECT'],
  },
]

export const allCases: readonly NetCase[] = [
  ...relayCases,
  ...uriCases,
  ...askCases,
  ...spfCases,
  ...adspCases,
  ...dmarcCases,
]

/** Mails for the rules of fixtures/zones/forms.cf. */
export const formCases: readonly NetCase[] = [
  {
    name: 'forms: senders',
    from: 'John.Smith+x@mail.hamd-forms.com',
    mailFrom: 'owner@mail.hamd-forms.com',
    headers: [
      'Reply-To: reply.person@hamd-reply.com',
      'X-Source-IP: 198.51.100.77',
      'X-Host: hamd-dbl-spam.com',
      'Accreditor: goodmail, x=1',
    ],
    expect: [],
  },
  {
    name: 'forms: relays',
    ip: '198.51.100.2',
    headers: [
      'Received: from oldest.hamd-relay.com (oldest.hamd-relay.com [198.51.100.12])',
      '\tby mail.hamd-quiet.com (Postfix) with ESMTP id 4XYZ99999',
      '\tfor <user@hamd-here.com>; Sun, 22 Nov 2026 01:59:59 +0000 (UTC)',
      'Accreditor: goodmail, x=1',
    ],
    expect: [],
  },
  {
    name: 'forms: name server of the sender',
    mailFrom: 'owner@hamd-forms-soa.com',
    from: 'somebody@hamd-forms.com',
    expect: [],
  },
  {
    name: 'forms: accredited sender',
    ip: '198.51.100.2',
    mailFrom: 'owner@a--goodmail.hamd-forms.com',
    expect: [],
  },
  {
    name: 'forms: links',
    urls: [
      'http://www.hamd-forms.com/a',
      'http://mail.hamd-forms.com/b',
      'http://198.51.100.77/c',
      'http://hamd-dbl-spam.com/d',
      'http://hamd-hash-uri.com/path/page',
    ],
    expect: [],
  },
  { name: 'forms: an answer outside of 127/8', from: 'a@outside.hamd-forms.com', expect: [] },
  {
    name: 'forms: words in the body',
    urls: ['code-abc', '+49 30 123456', 'mail reply.person@hamd-reply.com'],
    expect: [],
  },
]

/** A mail with an attachment whose hash is listed. */
export const attachmentMail = [
  'Received: from mail.hamd-quiet.com (mail.hamd-quiet.com [198.51.100.60])',
  '\tby mx.hamd-here.com (Postfix) with ESMTP id 4XYZ12345; Sun, 22 Nov 2026 02:00:00 +0000 (UTC)',
  'From: somebody@hamd-quiet.com',
  'Subject: attached',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'see the file',
  '--b',
  'Content-Type: application/octet-stream; name=thing.bin',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('This is the attached thing.\n').toString('base64'),
  '--b--',
  '',
].join('\n')
