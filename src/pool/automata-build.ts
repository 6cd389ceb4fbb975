// A process that builds automata: lists of patterns on its input, their sets on its output, both as v8 serializes them. A process and not a
// thread, because the build's memory, some hundred megabytes in small pieces, goes back to the system with it.
import { readFileSync, writeSync } from 'node:fs'
import { deserialize } from 'node:v8'
import {
  buildAutomata,
  encodeSets,
  type PatternSource,
  patternsKey,
} from '../../rules/regex/automata/tables.js'

const lists = deserialize(readFileSync(0)) as readonly (readonly PatternSource[])[]
const bytes = encodeSets(new Map(lists.map((patterns) => [patternsKey(patterns), buildAutomata(patterns)])))
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
