// Runs the compiled tests with node's own runner: all, or those whose path contains one of the words given.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tests = join(root, 'dist', 'test')
const words = process.argv.slice(2)
const files = readdirSync(tests, { recursive: true })
  .filter(
    (name) => name.endsWith('.test.js') && (words.length === 0 || words.some((word) => name.includes(word))),
  )
  .sort()
  .map((name) => join(tests, name))
if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`)
  process.exit(1)
}
// The runner's default is one core less: a single file at a time on a machine of two.
const options = ['--test', '--test-timeout=600000', `--test-concurrency=${availableParallelism()}`]
const done = spawnSync(process.execPath, [...options, ...files], { cwd: root, stdio: 'inherit' })
process.exit(done.status ?? 1)
