// src/root.ts: where hamd's own files lie.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { packageRoot, version } from '../../src/root.js'

test('finds its package', () => {
  assert.ok(existsSync(join(packageRoot, 'rules', '50_scores.cf')))
  assert.match(version, /^\d+\.\d+\.\d+/)
})

test('torn from its package it says so and ends', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-root-'))
  try {
    const torn = join(folder, 'root.mjs')
    copyFileSync(fileURLToPath(new URL('../../src/root.js', import.meta.url)), torn)
    const { status, stderr } = spawnSync(process.execPath, [torn], { encoding: 'utf8', timeout: 20_000 })
    assert.equal(status, 1)
    assert.match(stderr, /no package\.json above .*hamd-root-/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
