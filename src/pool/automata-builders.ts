// Has lists of patterns made into automata by processes beside this one (automata-build.ts), as many at once as there are cores for.
import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import {
  type AutomatonSet,
  buildAutomata,
  decodeSets,
  type PatternSource,
  patternsKey,
} from '../../rules/regex/automata/tables.js'

type Patterns = readonly PatternSource[]

const program = fileURLToPath(new URL('./automata-build.js', import.meta.url))
const buildersMax = 2
/** So much text of patterns is worth a process. */
const worthwhile = 2000
/** A build makes little that stays: with more room for it, a third of the time is saved. */
const youngMb = 32

/** The sets by the keys of their lists. Where processes cannot be had they are built here. */
export async function buildAll(lists: readonly Patterns[]): Promise<Map<string, AutomatonSet>> {
  const parts = share(lists, Math.min(buildersMax, cpus().length))
  const made = await Promise.all(
    parts.map((part) =>
      buildAside(part).catch(() => new Map(part.map((list) => [patternsKey(list), buildAutomata(list)]))),
    ),
  )
  return new Map(made.flatMap((sets) => [...sets]))
}

/** Lists shared out so that the parts have about as much text; the largest first, each to whom has least. */
function share(lists: readonly Patterns[], count: number): Patterns[][] {
  const parts = Array.from({ length: count }, () => ({ size: 0, lists: [] as Patterns[] }))
  const sized = lists.map((list) => ({ list, size: sizeOf(list) })).sort((a, b) => b.size - a.size)
  for (const { list, size } of sized) {
    const least = parts.reduce((a, b) => (b.size < a.size ? b : a))
    least.lists.push(list)
    least.size += size
  }
  return parts.map((part) => part.lists).filter((part) => part.length > 0)
}

function sizeOf(list: Patterns): number {
  return list.reduce((sum, { source }) => sum + source.length, 0)
}

function buildAside(lists: readonly Patterns[]): Promise<Map<string, AutomatonSet>> {
  if (lists.reduce((sum, list) => sum + sizeOf(list), 0) < worthwhile)
    return Promise.reject(new Error('too small'))
  return new Promise((resolve, reject) => {
    const builder = spawn(process.execPath, [`--max-semi-space-size=${youngMb}`, program], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const pieces: Buffer[] = []
    builder.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    builder.once('error', reject)
    builder.stdin.once('error', reject)
    builder.once('close', () => {
      const sets = decodeSets(Buffer.concat(pieces))
      if (sets) resolve(sets)
      else reject(new Error('the builder ended without automata'))
    })
    builder.stdin.end(serialize(lists))
  })
}
