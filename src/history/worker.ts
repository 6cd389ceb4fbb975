// The history thread: runs one command after the other on the store and answers with its value or with what went wrong.
import { parentPort, workerData } from 'node:worker_threads'
import type { HistoryAnswer, HistoryCommand, HistorySetup } from './protocol.js'
import { HistoryStore } from './store.js'

const setup = workerData as HistorySetup
const port = parentPort!
const store = new HistoryStore(setup.path, setup.rowsMax)

function run(command: HistoryCommand): unknown {
  switch (command.type) {
    case 'add':
      return store.add(command.rows)
    case 'rows':
      return store.rows(command.query)
    case 'throughput':
      return store.throughput(command.since, command.stepSeconds)
    case 'reset':
      return store.reset()
    case 'close':
      return store.close()
  }
}

port.on('message', ({ call, command }: { call: number; command: HistoryCommand }) => {
  let answer: HistoryAnswer
  try {
    answer = { call, value: run(command) }
  } catch (error) {
    answer = { call, error: error instanceof Error ? error.message : String(error) }
  }
  port.postMessage(answer)
  if (command.type === 'close') port.close()
})
