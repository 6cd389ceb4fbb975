// One table: the name a finding has in SpamAssassin's rules and the name rspamd gives the same finding. In: scored hits. Out: the same hits
// under rspamd's names, several of ours that are one of theirs merged. Off unless configured (DESIGN: one score, two vocabularies), because
// symbols an admin sees in one front should be greppable in the other.
import type { ScoredHit } from '../../src/types.js'

export type Vocabulary = 'spamassassin' | 'rspamd'

const rspamdNames: Readonly<Record<string, string>> = {
  SPF_PASS: 'R_SPF_ALLOW',
  SPF_FAIL: 'R_SPF_FAIL',
  SPF_SOFTFAIL: 'R_SPF_SOFTFAIL',
  SPF_NEUTRAL: 'R_SPF_NEUTRAL',
  SPF_NONE: 'R_SPF_NA',
  T_SPF_TEMPERROR: 'R_SPF_DNSFAIL',
  T_SPF_PERMERROR: 'R_SPF_PERMFAIL',
  DKIM_VALID: 'R_DKIM_ALLOW',
  DKIM_INVALID: 'R_DKIM_REJECT',
  DKIM_TEMPERROR: 'R_DKIM_TEMPFAIL',
  DKIM_PERMERROR: 'R_DKIM_PERMFAIL',
  DKIM_SIGNED: 'DKIM_TRACE',
  USER_IN_SPF_WELCOMELIST: 'WHITELIST_SPF',
  USER_IN_DKIM_WELCOMELIST: 'WHITELIST_DKIM',
  ARC_VALID: 'ARC_ALLOW',
  ARC_INVALID: 'ARC_REJECT',
  DMARC_PASS: 'DMARC_POLICY_ALLOW',
  DMARC_REJECT: 'DMARC_POLICY_REJECT',
  DMARC_QUAR: 'DMARC_POLICY_QUARANTINE',
  DMARC_NONE: 'DMARC_POLICY_SOFTFAIL',
  DMARC_MISSING: 'DMARC_NA',
  DMARC_ERROR: 'DMARC_DNSFAIL',
  BAYES_00: 'BAYES_HAM',
  BAYES_05: 'BAYES_HAM',
  BAYES_20: 'BAYES_HAM',
  BAYES_40: 'BAYES_HAM',
  BAYES_60: 'BAYES_SPAM',
  BAYES_80: 'BAYES_SPAM',
  BAYES_95: 'BAYES_SPAM',
  BAYES_99: 'BAYES_SPAM',
  BAYES_999: 'BAYES_SPAM',
  CLAMAV_FOUND: 'CLAM_VIRUS',
  CLAMAV_FAIL: 'CLAM_VIRUS_FAIL',
  MISSING_HEADERS: 'MISSING_TO',
  EMPTY_MESSAGE: 'COMPLETELY_EMPTY',
  FREEMAIL_FORGED_REPLYTO: 'FREEMAIL_REPLYTO_NEQ_FROM',
  HTML_IMAGE_ONLY_04: 'HTML_SHORT_LINK_IMG_1',
  HTML_IMAGE_ONLY_08: 'HTML_SHORT_LINK_IMG_1',
  HTML_IMAGE_ONLY_12: 'HTML_SHORT_LINK_IMG_2',
  HTML_IMAGE_ONLY_16: 'HTML_SHORT_LINK_IMG_2',
  RCVD_IN_SBL: 'RBL_SPAMHAUS_SBL',
  RCVD_IN_XBL: 'RBL_SPAMHAUS_XBL',
  RCVD_IN_PBL: 'RBL_SPAMHAUS_PBL',
  RCVD_IN_SBL_CSS: 'RBL_SPAMHAUS_CSS',
  RCVD_IN_SBL_DROP: 'RBL_SPAMHAUS_DROP',
  URIBL_DBL_SPAM: 'DBL_SPAM',
  URIBL_DBL_PHISH: 'DBL_PHISH',
  URIBL_DBL_MALWARE: 'DBL_MALWARE',
  URIBL_DBL_BOTNETCC: 'DBL_BOTNET',
  URIBL_DBL_ABUSE_SPAM: 'DBL_ABUSE',
  URIBL_DBL_ABUSE_REDIR: 'DBL_ABUSE_REDIR',
  URIBL_DBL_ABUSE_PHISH: 'DBL_ABUSE_PHISH',
  URIBL_DBL_ABUSE_MALW: 'DBL_ABUSE_MALWARE',
  URIBL_DBL_ABUSE_BOTCC: 'DBL_ABUSE_BOTNET',
  URIBL_DBL_BLOCKED_OPENDNS: 'DBL_BLOCKED_OPENRESOLVER',
  URIBL_DBL_BLOCKED: 'DBL_BLOCKED',
  URIBL_ABUSE_SURBL: 'ABUSE_SURBL',
  URIBL_PH_SURBL: 'PH_SURBL_MULTI',
  URIBL_MW_SURBL: 'MW_SURBL_MULTI',
  URIBL_CR_SURBL: 'CRACKED_SURBL',
}

export function symbolName(symbol: string, vocabulary: Vocabulary): string {
  return vocabulary === 'rspamd' ? (rspamdNames[symbol] ?? symbol) : symbol
}

/** Hits under the names of the vocabulary. Those that fall together add their scores and join their details. */
export function translateHits(hits: readonly ScoredHit[], vocabulary: Vocabulary): readonly ScoredHit[] {
  if (vocabulary === 'spamassassin') return hits
  const merged = new Map<string, ScoredHit>()
  for (const hit of hits) {
    const symbol = symbolName(hit.symbol, vocabulary)
    const before = merged.get(symbol)
    if (!before) {
      merged.set(symbol, { ...hit, symbol })
      continue
    }
    const details = [...before.details, ...hit.details.filter((detail) => !before.details.includes(detail))]
    merged.set(symbol, { ...before, score: before.score + hit.score, details })
  }
  return [...merged.values()]
}
