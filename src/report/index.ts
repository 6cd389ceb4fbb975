// Report texts and marked messages: a scan and its verdict in, bytes for people and mail programs out. Knows templates and tags, never
// where hits came from. An oddity of the mail never stops it.
export { withTemplateNeeds } from './needs.js'
export { renderReport } from './render.js'
export { type Rewritten, rewriteMessage } from './rewrite.js'
export { autolearnText, expandTags, followedVersion, type ReportInput } from './tags.js'
export { isMarkedUp, removeMarkup, withoutMarkup } from './unmark.js'
