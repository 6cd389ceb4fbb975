// V8's flags for rule regexes, set by being imported: the first import of the program, before any rule regex is compiled. A flag that a
// Node does not know is ignored by V8.
// The linear engine takes over where a pattern backtracks too often (sa-rules.md 7.7), unless it has a look-around, a back reference, the
// flag `i`, a counted loop beyond 16, or an anchor, because anchors are printed as look-arounds: few of the patterns in rule files.
// Natives syntax gives RegExps with a limit of backtracks (limited.ts). Nothing in hamd takes text from outside as JavaScript.
// Not set: --no-regexp-tier-up. Changed at run time it crashes Node 20 within some hundred messages (exit 139, 3 of 3 runs of
// bench/combined.ts), because regexes compiled before it still count on tiering up; since the automata leave few regexes to run, it
// matters little (multi-pattern.md: 0.26 against 0.37 ms).
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
setFlagsFromString('--allow-natives-syntax')
