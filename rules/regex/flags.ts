// V8's flags for rule regexes, set by being imported: this must be the first import of the program, before any regex is compiled.
// The flags belong to the whole process; changed after regexes are in use, Node 20 crashes (exit 139 after some hundred messages).
// Native code at once is 2 to 3 times faster over a scan than V8's regex interpreter; the linear engine takes over where a pattern
// without look-arounds and back references backtracks too often (sa-rules.md 7.6, 7.7). Flags that a Node does not know are ignored.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--no-regexp-tier-up')
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
