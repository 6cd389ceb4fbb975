// The end by a signal, whatever the server is just doing: status 0, and nothing in the log that failed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHamd } from '../support/hamd.js'

/** pino's number for warn. */
const warn = 40

test('SIGTERM as soon as it is ready, whatever threads are still at work, and SIGINT on top', async () => {
  const hamd = await startHamd()
  hamd.child.kill('SIGTERM')
  // A terminal and npm both hand on a Ctrl-C.
  hamd.child.kill('SIGINT')
  assert.equal(await hamd.stop(), 0)
  assert.equal(hamd.log.at(-1)?.['msg'], 'closed')
  assert.deepEqual(
    hamd.log.filter(({ level }) => (level as number) >= warn),
    [],
  )
})

test('SIGHUP and SIGTERM together: the end comes in order', async () => {
  const hamd = await startHamd({ args: ['--workers', '0', '--no-builtin-rules'] })
  hamd.child.kill('SIGHUP')
  assert.equal(await hamd.stop(), 0)
})
