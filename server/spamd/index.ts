// The spamd front. Is handed a connection, gives back reply bytes; knows its dialect and the Verdict, never rules, tokens or look-ups;
// when it fails it refuses in its own dialect.
export { type SpamdOptions, serveSpamd } from './serve.js'
