// Installs the packages and builds dist/ when that has not been done or the sources are newer: `npm start` and `npm test`
// have to work in a fresh clone (CONTRACT.md, "Two commands on a fresh clone").
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const sourceFolders = ['src', 'server', 'bayes', 'rules', 'scripts', 'test', 'bench']

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (done.status !== 0) process.exit(done.status ?? 70)
}

function modifiedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0
}

function newestSourceMs() {
  let newest = Math.max(modifiedMs(join(root, 'tsconfig.json')), modifiedMs(join(root, 'package-lock.json')))
  for (const folder of sourceFolders) {
    if (!existsSync(join(root, folder))) continue
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && /\.(?:ts|mjs|cf)$/.test(entry.name))
        newest = Math.max(newest, modifiedMs(join(entry.parentPath ?? entry.path, entry.name)))
    }
  }
  return newest
}

const lock = modifiedMs(join(root, 'package-lock.json'))
if (modifiedMs(join(root, 'node_modules', '.package-lock.json')) < lock)
  run('npm', ['ci', '--no-fund', '--no-audit'])
if (modifiedMs(join(root, 'dist', '.built')) < newestSourceMs()) run('npm', ['run', '--silent', 'build'])
