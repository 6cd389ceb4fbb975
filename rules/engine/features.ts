// What conditionals in .cf files may ask about the program that reads them: plugins that exist, and the names for which can() and
// has() are true in SpamAssassin 4.0.1. A rule file written for that version then takes the same branches here.

/** SpamAssassin's version as conditionals see it: `if (version >= 4.000000)`. */
export const versionNumber = 4.000001
/** Answer to require_version. */
export const versionText = '4.000001'
export const perlVersionNumber = 5.036

const confFeatures = [
  'originating_ip_headers',
  'dns_local_ports_permit_avoid',
  'bayes_auto_learn_on_error',
  'uri_host_listed',
  'yesno_takes_args',
  'bug6558_free',
  'edns',
  'dns_query_restriction',
  'registryboundaries',
  'geodb',
  'dns_block_rule',
  'compile_regexp',
  'meta_rules_matching',
  'subjprefix',
  'bayes_stopwords',
  'get_host',
  'blocklist_welcomelist',
  'welcomelist_blocklist',
  'header_address_parser',
  'local_tests_only',
  'header_first_last',
  'header_match_many',
  'capture_rules',
].map((name) => `feature_${name}`)

/** Names after `Mail::SpamAssassin::Conf::` that are always true. */
export const confFunctions: ReadonlySet<string> = new Set([
  ...confFeatures,
  'has_tflags_nosubject',
  'has_tflags_nolog',
  'perl_min_version_5010000',
])

/** Plugins of SpamAssassin 4.0.1; loading any other name fails there unless the admin installed it. */
export const stockPlugins: ReadonlySet<string> = new Set(
  (
    'ASN AWL AccessDB AntiVirus AskDNS AuthRes AutoLearnThreshold Bayes BodyEval BodyRuleBaseExtractor Check DCC DKIM DMARC ' +
    'DNSEval DecodeShortURLs ExtractText FreeMail FromNameSpoof HTMLEval HTTPSMismatch HashBL HeaderEval ImageInfo MIMEEval ' +
    'MIMEHeader OLEVBMacro OneLineBodyRuleType PDFInfo PhishTag Phishing Pyzor Razor2 RelayCountry RelayEval ReplaceTags ' +
    'ResourceLimits Reuse Rule2XSBody SPF Shortcircuit SpamCop Test TextCat TxRep URIDNSBL URIDetail URIEval URILocalBL VBounce ' +
    'WLBLEval WelcomeListSubject'
  ).split(' '),
)

/** Loaded when the sources bring no .pre file: what Debian's .pre files load, and what hamd adds. */
export const defaultPlugins: readonly string[] = (
  'URIDNSBL SPF Pyzor Razor2 SpamCop AutoLearnThreshold WelcomeListSubject MIMEHeader ReplaceTags DKIM Check HTTPSMismatch ' +
  'URIDetail Bayes BodyEval DNSEval HTMLEval HeaderEval MIMEEval RelayEval URIEval WLBLEval VBounce ImageInfo FreeMail AskDNS ' +
  'HashBL DMARC AntiVirus'
).split(' ')

const pluginFunctions: Readonly<Record<string, string>> = {
  ASN: 'asn_lookup_ipv6 asn_geodb check_asn check_asn_tag',
  AskDNS: 'tag_header',
  BodyEval: 'check_body_length plaintext_body_sig_ratio',
  DKIM: 'arc',
  DNSEval: 'tflags_domains_only tflags_ips_only',
  DecodeShortURLs:
    'short_url autoclean short_url_code user_agent get clear timeout max_redirections short_url_redir',
  HashBL:
    'hashbl_bodyre hashbl_bodyre_num hashbl_emails hashbl_uris hashbl_ignore hashbl_email_regex hashbl_email_welcomelist ' +
    'hashbl_email_whitelist hashbl_tag hashbl_sha256 hashbl_attachments hashbl_email_domain hashbl_email_domain_alias',
  MIMEEval: 'check_for_ascii_text_illegal check_abundant_unicode_ratio check_qp_ratio',
  MIMEHeader: 'all_header tflags_range tflags_concat tflags_multiple capture_rules',
  OLEVBMacro: 'olemacro_redirect_uri olemacro_mhtml_uri olertfobject',
  Pyzor: 'fork perl',
  Razor2: 'fork',
  SPF: 'check_for_spf_errors check_spf_skipped_noenvfrom',
  URIDNSBL:
    'tflags_domains_only subtest_for_ranges uridnsbl_for_a uridnsbl_a_ns tflags_notrim uridnsbl_skip_mailto',
  URIDetail: 'host_key',
}

/** `has_x` names that are true once the plugin is loaded. */
export function functionsOf(plugin: string): readonly string[] {
  return (pluginFunctions[plugin] ?? '')
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => `has_${name}`)
}

const renamed: Readonly<Record<string, string>> = { Dmarc: 'DMARC', WhiteListSubject: 'WelcomeListSubject' }

/** 'Mail::SpamAssassin::Plugin::FreeMail' -> 'FreeMail', old names to new ones; other packages stay whole. */
export function shortPluginName(packageName: string): string {
  const prefix = 'Mail::SpamAssassin::Plugin::'
  const short = packageName.startsWith(prefix) ? packageName.slice(prefix.length) : packageName
  return renamed[short] ?? short
}
