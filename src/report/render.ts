// The report text of a verdict: the template of the rules, or our own words where no rule file brings one.
import { setting } from '../../rules/engine/settings.js'
import type { ByteString } from '../types.js'
import { expandTags, type ReportInput } from './tags.js'

/** The table head and the line with the points look like SpamAssassin's, because scripts read them; the sentences are ours. */
const ownReport = `hamd on "_HOSTNAME_" has looked at this message
and _YESNO(thinks that it is spam,did not find it to be spam)_. If that is wrong, please write to
_CONTACTADDRESS_.

Content preview:  _PREVIEW_

Content analysis details:   (_SCORE_ points, _REQD_ required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
_SUMMARY__NOTES_`

const ownUnsafeReport = `The attached original is more than plain text. Opening it may run what it brings
along or tell the sender that you have read it: save it and look at it in an editor.
`

/** Report with LF line ends, ending in exactly two. */
export function renderReport(input: ReportInput): ByteString {
  const template = setting<ByteString>(input.settings, 'report') || ownReport
  return expandTags(template, input).replace(/\n*$/, '\n\n')
}

/** What follows the report when the attached message is not plain text. Rules with a report of their own speak for themselves. */
export function renderUnsafeReport(input: ReportInput): ByteString {
  const template = setting<ByteString>(input.settings, 'unsafe_report')
  const none = template === '' && setting<ByteString>(input.settings, 'report') === ''
  return expandTags(none ? ownUnsafeReport : template, input)
}
