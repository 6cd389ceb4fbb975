// CPU time and memory of a process and all its children, from /proc.
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The process and all its descendants. */
export function family(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const parent = Number(afterName(read(`/proc/${name}/stat`))[1])
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found = [root]
  for (let index = 0; index < found.length; index++) found.push(...(children.get(found[index]!) ?? []))
  return found
}

/** Fields of a stat line from the state on: the name before may have spaces. */
function afterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** CPU milliseconds used so far by a process and its descendants, those that have ended among them: spamd replaces its children. */
export function cpuMs(root: number): number {
  let ticks = 0
  for (const pid of family(root)) {
    const fields = afterName(read(`/proc/${pid}/stat`))
    // Own time in user and system mode, then that of children who have ended.
    for (const field of fields.slice(11, 15)) ticks += Number(field)
  }
  return (ticks * 1000) / ticksPerSecond
}

/** Megabytes of memory; what processes share counts once. */
export function memoryMb(pids: readonly number[]): number {
  let kilobytes = 0
  for (const pid of pids)
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
  return kilobytes / 1024
}
