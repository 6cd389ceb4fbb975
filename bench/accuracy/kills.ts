// kill -9 during bulk learning: everything acknowledged must be there afterwards, and nothing corrupt.
// `node dist/bench/accuracy/kills.js [TIMES]`, 50 by default; test/bayes/kill.test.ts does a few.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createExtractor, defaultSettings, Learner } from '../../bayes/index.js'
import { parseMessage } from '../../src/message/parse.js'
import { inventMail } from './invent.js'

export interface KillReport {
  readonly kills: number
  readonly acknowledged: number
  readonly lost: number
  readonly notes: readonly string[]
}

export async function killWhileLearning(times: number): Promise<KillReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hamd-kills-'))
  const acknowledged = new Set<number>()
  const notes: string[] = []
  let lost = 0
  let next = 0
  for (let round = 0; round < times; round++) {
    for (const number of await learnUntilKilled(dataDir, next, 250 + ((round * 61) % 300)))
      acknowledged.add(number)
    next = Math.max(next, ...acknowledged, -1) + 21
    const learner = Learner.open({ ...defaultSettings, dataDir })
    notes.push(...learner.notes)
    const extractor = createExtractor(learner.salt)
    const known = new Set(learner.rows({ states: ['counted'] }, -1).map((row) => row.mail))
    for (const number of acknowledged)
      if (!known.has(extractor.extract(parseMessage(inventMail(number))).id)) lost++
    const counted = known.size
    const { spam, ham } = learner.stats()
    if (spam + ham !== counted) notes.push(`counts say ${spam + ham} mails, the ledger ${counted}`)
    learner.close()
  }
  rmSync(dataDir, { recursive: true, force: true })
  return { kills: times, acknowledged: acknowledged.size, lost, notes }
}

function learnUntilKilled(dataDir: string, from: number, ms: number): Promise<number[]> {
  const script = fileURLToPath(new URL('./learn-forever.js', import.meta.url))
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, dataDir, String(from)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      // The clock starts with the first acknowledgement, so that every kill falls into learning.
      if (output === '') setTimeout(() => child.kill('SIGKILL'), ms)
      output += data.toString()
    })
    child.on('close', () => resolve(output.split('\n').slice(0, -1).map(Number)))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await killWhileLearning(Number(process.argv[2] ?? 50))))
