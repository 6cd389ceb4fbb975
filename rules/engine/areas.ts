// On which kind of line SpamAssassin lets an eval stand. It refuses a rule that names one elsewhere; a body eval may stand on
// rawbody. Evals that are in no list may stand anywhere.
import type { Rule } from './types.js'

type Area = Extract<Rule, { kind: 'eval' }>['area']

const names: Readonly<Record<string, string>> = {
  header: `
    check_access_database check_asn check_authres_result check_dkim_adsp check_dkim_testing check_dmarc_missing
    check_dmarc_none check_dmarc_pass check_dmarc_quarantine check_dmarc_reject check_equal_from_domains
    check_for_def_dkim_welcomelist_from check_for_def_dkim_whitelist_from check_for_def_spf_welcomelist_from
    check_for_def_spf_whitelist_from check_for_dkim_welcomelist_from check_for_dkim_whitelist_from
    check_for_fake_aol_relay_in_rcvd check_for_faraway_charset_in_headers check_for_forged_eudoramail_received_headers
    check_for_forged_gmail_received_headers check_for_forged_gw05_received_headers
    check_for_forged_hotmail_received_headers check_for_forged_juno_received_headers
    check_for_forged_yahoo_received_headers check_for_from_domain_in_received_headers check_for_matching_env_and_hdr_from
    check_for_missing_to_header check_for_msn_groups_headers check_for_no_hotmail_received_headers check_for_shifted_date
    check_for_spf_fail check_for_spf_helo_fail check_for_spf_helo_neutral check_for_spf_helo_none check_for_spf_helo_pass
    check_for_spf_helo_permerror check_for_spf_helo_softfail check_for_spf_helo_temperror check_for_spf_neutral
    check_for_spf_none check_for_spf_pass check_for_spf_permerror check_for_spf_softfail check_for_spf_temperror
    check_for_spf_welcomelist_from check_for_spf_whitelist_from check_for_to_in_subject check_for_unique_subject_id
    check_forged_in_default_welcomelist check_forged_in_default_whitelist check_forged_in_welcomelist
    check_forged_in_whitelist check_freemail_body check_freemail_from check_freemail_header check_freemail_replyto
    check_from_in_auto_welcomelist check_from_in_auto_whitelist check_from_in_blacklist check_from_in_blocklist
    check_from_in_default_welcomelist check_from_in_default_whitelist check_from_in_list check_from_in_welcomelist
    check_from_in_whitelist check_fromname_contains_email check_fromname_different check_fromname_domain_differ
    check_fromname_equals_replyto check_fromname_equals_to check_fromname_owners_differ check_fromname_spoof
    check_header_count_range check_illegal_chars check_mailfrom_matches_rcvd check_messageid_not_usable
    check_outlook_message_id check_ratware_envelope_from check_ratware_name_id check_replyto_in_list
    check_senders_reputation check_spf_skipped_noenvfrom check_subject_in_blacklist check_subject_in_blocklist
    check_subject_in_welcomelist check_subject_in_whitelist check_to_in_all_spam check_to_in_blacklist
    check_to_in_blocklist check_to_in_list check_to_in_more_spam check_to_in_welcomelist check_to_in_whitelist
    check_unresolved_template check_uri_host_listed gated_through_received_hdr_remover received_within_months
    similar_recipients sorted_recipients subject_is_all_caps`,
  body: `
    check_abundant_unicode_ratio check_base64_length check_bayes check_blank_line_ratio check_body_8bits check_body_length
    check_for_ascii_text_illegal check_for_faraway_charset check_for_mime check_for_mime_html check_for_mime_html_only
    check_for_uppercase check_https_http_mismatch check_iframe_src check_ma_non_text check_microsoft_executable
    check_mime_multipart_ratio check_olemacro check_olemacro_csv check_olemacro_download_exe check_olemacro_encrypted
    check_olemacro_malice check_olemacro_mhtml_uri check_olemacro_redirect_uri check_olemacro_renamed
    check_olemacro_zip_password check_oleobject check_olertfobject check_phishing check_qp_ratio check_stock_info
    check_suspect_name html_charset_faraway html_eval html_image_only html_image_ratio html_range html_tag_balance
    html_tag_exists html_test html_text_match html_text_not_match html_title_subject_ratio image_count image_name_regex
    image_named image_size_exact image_size_range image_to_text_ratio multipart_alternative_difference
    multipart_alternative_difference_count pdf_count pdf_image_count pdf_image_size_exact pdf_image_size_range
    pdf_image_to_text_ratio pdf_is_empty_body pdf_is_encrypted pdf_match_details pdf_match_fuzzy_md5 pdf_match_md5
    pdf_name_regex pdf_named pdf_pixel_coverage pixel_coverage plaintext_body_length plaintext_body_sig_ratio
    plaintext_sig_length short_url short_url_200 short_url_404 short_url_chained short_url_code short_url_loop
    short_url_maxchain short_url_redir tvd_vertical_words`,
  full: `
    check_arc_signed check_arc_valid check_dcc check_dcc_reputation_range check_dkim_dependable check_dkim_signed
    check_dkim_valid check_dkim_valid_author_sig check_dkim_valid_envelopefrom check_pyzor check_razor2 check_razor2_range`,
}

const areaOf: ReadonlyMap<string, Area> = new Map(
  Object.entries(names).flatMap(([area, list]) =>
    list
      .trim()
      .split(/\s+/)
      .map((name) => [name, area as Area] as const),
  ),
)

/** The kind of line the eval belongs to, when it does not belong to `area`. */
export function wrongArea(evalName: string, area: Area): Area | undefined {
  const right = areaOf.get(evalName)
  if (right === undefined || right === area || (right === 'body' && area === 'rawbody')) return undefined
  return right
}
