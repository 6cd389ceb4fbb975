// More than a server can take, from real clients: what is accepted is judged, what is not is told so in the client's own words, nobody gets
// a verdict that was not made, and large mail does not hold up the rest.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { exchange } from '../support/exchange.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { findProgram, needs, runBeside } from '../support/peers.js'

const queueMax = 10
const settings = `[workers]\nqueue_max = ${queueMax}\n[controller]\nsecure_ips = ["127.0.0.1"]\n`
const head = 'From: a@example.org\nTo: b@example.net\nSubject: load\n\n'
const mail = (bytes: number) => head + 'words of a letter that is read by a rule or two\n'.repeat(bytes / 48)
const spamdRequest = (text: string) => `SYMBOLS SPAMC/1.5\r\nContent-length: ${text.length}\r\n\r\n${text}`
const httpRequest = (text: string) =>
  `POST /checkv2 HTTP/1.1\r\nContent-Length: ${text.length}\r\n\r\n${text}`

describe('a server with more mail than it can take', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-overload-'))
  const config = join(folder, 'hamd.toml')
  let hamd: Hamd
  /** Clients that come again as soon as they are answered or refused. */
  let pressing = false
  let crowd: Promise<unknown> = Promise.resolve()
  const answers: string[] = []

  function press(clients: number): void {
    pressing = true
    const text = mail(100_000)
    const client = async (_: unknown, number: number) => {
      while (pressing) {
        const request = number % 2 === 0 ? spamdRequest(text) : httpRequest(text)
        // Turned away at the door is an answer as well.
        const answer = await exchange(hamd.scan, request, false).catch(() => 'refused')
        answers.push(answer)
        if (answer === 'refused') await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    crowd = Promise.all(Array.from({ length: clients }, client))
  }

  before(async () => {
    writeFileSync(config, settings)
    hamd = await startHamd({ args: ['--config', config] })
    press(3 * queueMax)
    await refusing(hamd)
  })
  after(async () => {
    pressing = false
    await crowd
    assert.equal(await hamd.stop(), 0)
    rmSync(folder, { recursive: true })
  })

  test('spamc gets a verdict, or says that there is none', needs('spamc'), async () => {
    const options = ['-d', '127.0.0.1', '-p', String(hamd.scan.port), '-x', '--connect-retries=60']
    const runs = Array.from({ length: 5 }, () =>
      runBeside(findProgram('spamc')!, [...options, '--retry-sleep=1', '-R'], mail(1000)),
    )
    for (const { status, stdout } of await Promise.all(runs)) {
      // Refused, broken off, told to come later: sysexits' words for "not now", at which a mail server keeps the mail.
      assert.ok([0, 69, 74, 75].includes(status!), `spamc ended with ${status}: ${stdout}`)
      if (status !== 0) continue
      assert.match(stdout, /^-?\d+\.\d\/5\.0\n/)
    }
  })

  test('curl gets a verdict, or is told that there is none', needs('curl'), async () => {
    const url = `http://127.0.0.1:${hamd.scan.port}/checkv2`
    const options = ['--silent', '--fail', '--output', '-', '--data-binary', '@-']
    for (let turn = 0; turn < 5; turn++) {
      const { status, stdout } = await runBeside(findProgram('curl')!, [...options, url], mail(1000))
      // Refused, told 503 by the reply, broken off.
      assert.ok([0, 7, 22, 52, 56].includes(status!), `curl ended with ${status}: ${stdout}`)
      if (status === 0) assert.equal(JSON.parse(stdout).action, 'no action')
    }
  })

  test('nobody of the crowd got anything but a verdict or a refusal, and metrics count the refusals', async () => {
    while (!answers.some((answer) => /503/.test(answer.slice(0, 20)))) await new Promise(setImmediate)
    const page = await metrics(hamd)
    pressing = false
    await crowd
    for (const answer of answers) {
      if (answer === 'refused') continue
      const verdict = /^(?:SPAMD\/1\.1 0 EX_OK|HTTP\/1\.1 200 OK)\r\n/.test(answer)
      const refusal =
        /^(?:SPAMD\/1\.0 75 Temporary failure: |HTTP\/1\.1 503 [^\r]*\r\n[\s\S]*\r\nRetry-After: 5\r\n)/
      assert.ok(verdict || refusal.test(answer), answer.slice(0, 300))
    }
    assert.match(page, /^hamd_scan_failures_total\{front="[^"]+",code="overloaded"\} [1-9]/m)
    // The door opens again by itself.
    let after = ''
    while (after === '') after = await exchange(hamd.scan, spamdRequest(mail(1000)), false).catch(() => '')
    assert.match(after, /^SPAMD\/1\.1 0 EX_OK/)
  })
})

test('spamc goes to its next server while the first one refuses', needs('spamc'), async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-overload-'))
  const config = join(folder, 'hamd.toml')
  writeFileSync(config, settings)
  const first = await startHamd({ args: ['--config', config] })
  const second = await startHamd({
    args: ['--config', config, '--scan', `127.0.0.2:${first.scan.port}`],
  })
  try {
    // Some seconds of work for the only worker.
    const slow = `${head.trimEnd()}\nContent-Type: text/html\n\n${'<div><font size=2>x'.repeat(40_000)}`
    const full = Array.from({ length: queueMax + 1 }, () => exchange(first.scan, spamdRequest(slow), false))
    await refusing(first)
    // With -x spamc stays with the first name.
    const options = ['-d', '127.0.0.1,127.0.0.2', '-p', String(first.scan.port), '-R']
    const { status, stdout } = await runBeside(findProgram('spamc')!, options, mail(1000))
    assert.equal(status, 0)
    assert.match(stdout, /^-?\d+\.\d\/5\.0\n/)
    assert.match(await metrics(second), /^hamd_scans_total\{front="spamd",action="no action"\} 1$/m)
    for (const answer of await Promise.all(full)) assert.match(answer, /^SPAMD\/1\.1 0 EX_OK/)
  } finally {
    assert.equal(await first.stop(), 0)
    assert.equal(await second.stop(), 0)
    rmSync(folder, { recursive: true })
  }
})

test('a client with huge messages does not hold up the others', async () => {
  const hamd = await startHamd({ args: ['--workers', '2'] })
  try {
    const order: string[] = []
    const send = async (what: string, request: string) => {
      assert.match(await exchange(hamd.scan, request, false), /^SPAMD\/1\.1 0 EX_OK/)
      order.push(what)
    }
    const huge = spamdRequest(mail(20_000_000))
    const hugeOnes = [1, 2, 3, 4].map(() => send('huge', huge))
    const smallOnes = Array.from({ length: 20 }, () => send('small', spamdRequest(mail(1000))))
    await Promise.all([...hugeOnes, ...smallOnes])
    assert.equal(order.at(-1), 'huge')
    assert.ok(order.lastIndexOf('small') < order.lastIndexOf('huge') - 1, order.join(' '))
  } finally {
    assert.equal(await hamd.stop(), 0)
  }
})

async function refusing(hamd: Hamd): Promise<void> {
  while (!hamd.log.some(({ msg }) => msg === 'overload: refusing new connections'))
    await new Promise((resolve) => setTimeout(resolve, 20))
}

function metrics(hamd: Hamd): Promise<string> {
  return exchange(hamd.controller, 'GET /metrics HTTP/1.0\r\n\r\n', false)
}
