// Costs must grow with the work only: one dimension of a message after the other is made larger, and the time of a scan is printed beside
// it, with the longest answer to a PING sent meanwhile, which shows how long the main thread was busy with something else. Every message
// is also handed back marked (PROCESS) and scanned over HTTP: the largest replies there are. Fails when a PING took too long.
//   node dist/bench/growth.js [--rules builtin|stock] [--only WORD]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { exchange } from './speed/load.js'
import { startHamd } from './speed/servers.js'

const { values: args } = parseArgs({
  options: { rules: { type: 'string', default: 'builtin' }, only: { type: 'string', default: '' } },
})

const head = 'From: a@example.org\nTo: b@example.net\nSubject: growth\nMIME-Version: 1.0\n'
const words = 'the quick brown fox jumps over some lazy dogs and then it sleeps '

const text = (bytes: number) => `${head}\n${`${words}\n`.repeat(Math.ceil(bytes / (words.length + 1)))}`

function nested(levels: number): string {
  let inner = `${head}\nhello\n`
  for (let level = 0; level < levels; level++) inner = `${head}Content-Type: message/rfc822\n\n${inner}`
  return inner
}

function parts(count: number): string {
  const part = '--b\nContent-Type: text/plain\n\nhello there\n'
  return `${head}Content-Type: multipart/mixed; boundary=b\n\n${part.repeat(count)}--b--\n`
}

const html = (body: string) => `${head}Content-Type: text/html\n\n<html><body>${body}</body></html>\n`
const numbers = (count: number, one: (number: number) => string) =>
  Array.from({ length: count }, (_, n) => one(n)).join('')

/** What grows, through which sizes, and the message of a size. */
const shapes: readonly (readonly [name: string, sizes: readonly number[], make: (size: number) => string])[] =
  [
    ['bytes of text', [1e3, 1e4, 1e5, 1e6, 1e7, 2e7], text],
    ['bytes in one line', [1e3, 1e5, 1e6, 1e7], (size) => `${head}\n${words.repeat(size / words.length)}\n`],
    [
      'bytes of base64 attachment',
      [1e4, 1e6, 2e7],
      (size) =>
        `${head}Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n${`${'QUJD'.repeat(19)}\n`.repeat(size / 77)}`,
    ],
    ['parts', [1, 10, 100, 1000, 10_000], parts],
    [
      'URIs',
      [1, 100, 1000, 10_000, 50_000],
      (size) => `${head}\n${numbers(size, (n) => `http://host${n}.example.com/p\n`)}`,
    ],
    ['nested messages', [1, 10, 100], nested],
    ['HTML tags', [100, 1000, 10_000, 100_000], (size) => html('<b>x</b>'.repeat(size / 2))],
    [
      'HTML tags left open',
      [100, 1000, 10_000, 100_000],
      (size) => html('<div><font size=2>x'.repeat(size / 2)),
    ],
    [
      'links',
      [10, 1000, 10_000],
      (size) => html(numbers(size, (n) => `<a href="http://h${n}.example/">http://h${n}.example/</a> `)),
    ],
    [
      'header fields',
      [10, 100, 1000, 10_000],
      (size) => `${numbers(size, (n) => `X-Field-${n}: value ${n}\n`)}${head}\nhello\n`,
    ],
    [
      'Received lines',
      [1, 10, 100, 1000],
      (size) =>
        `${numbers(size, (n) => `Received: from h${n}.example (h${n}.example [192.0.2.${n % 250}]) by mx with ESMTP id ${n}; Tue, 14 Jul 2026 10:00:00 +0000\n`)}${head}\nhello\n`,
    ],
    [
      'addresses in To',
      [1, 100, 10_000],
      (size) => `To: ${numbers(size, (n) => `u${n}@example.org,\n `)}z@example.org\n${head}\nhello\n`,
    ],
    [
      'bytes of a header field',
      [100, 1e4, 1e6],
      (size) => `X-Long: ${words.repeat(size / words.length)}\n${head}\nhello\n`,
    ],
    [
      'encoded words in Subject',
      [1, 100, 10_000],
      (size) => `Subject: ${'=?utf-8?B?w6TDtsO8?=\n '.repeat(size)}x\n${head}\nhello\n`,
    ],
  ]

const pingEveryMs = 5
/** Longest a PING may take, whatever is scanned meanwhile (issue 5). */
const pingMsMax = 50

/** The requests that bring a message; the first one is timed. */
function requestsOf(mail: Buffer): readonly Buffer[] {
  const spamd = (verb: string) => `${verb} SPAMC/1.5\r\nContent-length: ${mail.length}\r\n\r\n`
  const http = `POST /checkv2 HTTP/1.1\r\nURL-Format: extended\r\nContent-Length: ${mail.length}\r\n\r\n`
  return [spamd('SYMBOLS'), spamd('PROCESS'), http].map((head) => Buffer.concat([Buffer.from(head), mail]))
}

/** Sends one PING after the other, from a thread of its own: the main one is busy with 20 MB itself. Told to, it says the longest since. */
function startPings(port: number): void {
  let longest = 0
  parentPort!.on('message', () => {
    parentPort!.postMessage(longest)
    longest = 0
  })
  const next = async (): Promise<void> => {
    const sentAt = performance.now()
    await exchange(port, Buffer.from('PING SPAMC/1.5\r\n\r\n'))
    longest = Math.max(longest, performance.now() - sentAt)
    setTimeout(next, pingEveryMs)
  }
  void next()
}

/** Runs work; gives the longest time a PING took meanwhile. */
async function longestPing(pings: Worker, work: () => Promise<void>): Promise<number> {
  const ask = () =>
    new Promise<number>((resolve) => {
      pings.once('message', resolve)
      pings.postMessage('longest')
    })
  await ask()
  await work()
  return ask()
}

async function main(): Promise<void> {
  const server = await startHamd({
    stock: args.rules === 'stock',
    bayes: true,
    workers: 2,
  })
  await server.fastPath()
  console.log('| what | size | bytes | ms | ms per unit against the size before | longest PING ms |')
  console.log('|---|---|---|---|---|---|')
  const pings = new Worker(fileURLToPath(import.meta.url), { workerData: server.port })
  let longest = 0
  try {
    for (const [name, sizes, make] of shapes) {
      if (!name.includes(args.only)) continue
      let before: { size: number; ms: number } | undefined
      for (const size of sizes) {
        const mail = Buffer.from(make(size), 'latin1')
        const [timed, ...others] = requestsOf(mail)
        let ms = Number.POSITIVE_INFINITY
        const ping = await longestPing(pings, async () => {
          for (let turn = 0; turn < 3; turn++) {
            const startedAt = performance.now()
            await scanned(server.port, timed!, `${name} ${size}`)
            ms = Math.min(ms, performance.now() - startedAt)
          }
          for (const request of others) await scanned(server.port, request, `${name} ${size}`)
        })
        longest = Math.max(longest, ping)
        const growth = before ? ms / size / (before.ms / before.size) : 1
        console.log(
          `| ${name} | ${size} | ${mail.length} | ${ms.toFixed(1)} | ${growth.toFixed(2)} | ${ping.toFixed(0)} |`,
        )
        before = { size, ms }
      }
    }
  } finally {
    await pings.terminate()
    await server.stop()
  }
  console.log(
    `longest PING: ${longest.toFixed(0)} ms, ${longest <= pingMsMax ? 'within' : 'above'} ${pingMsMax}`,
  )
  if (longest > pingMsMax) process.exitCode = 1
}

async function scanned(port: number, request: Buffer, what: string): Promise<void> {
  const answer = await exchange(port, request)
  if (!/^(?:SPAMD\/1\.1 0 EX_OK|HTTP\/1\.1 200)/.test(answer ?? ''))
    throw new Error(`${what}: ${answer?.slice(0, 200)}`)
}

if (isMainThread) await main()
else startPings(workerData)
