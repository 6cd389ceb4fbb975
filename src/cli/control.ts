// How commands reach the server that owns a data folder: JSON and mails over its control socket. One directory has one writer; when no
// server runs the command opens the learner itself.
import { existsSync, mkdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { userInfo } from 'node:os'
import { defaultSettings, Learner } from '../../bayes/index.js'
import type { Config } from '../config/schema.js'
import { CliError, exits } from './exit.js'
import { controlSocket, dataDir } from './settings.js'

export interface Reply {
  readonly status: number
  readonly text: string
}

/** Who a learning of a command comes from, for the ledger. */
export function commandSource(): string {
  return `cli ${userInfo().username}`
}

/**
 * Works in place when nobody owns the folder, else through its owner.
 * @throws CliError 69 when the folder is taken by a process that has no control socket.
 */
export async function withLearner<T>(
  config: Config,
  here: (learner: Learner) => T | Promise<T>,
  there: (socket: string) => Promise<T>,
): Promise<T> {
  const dir = dataDir(config)
  mkdirSync(dir, { recursive: true, mode: 0o750 })
  let learner: Learner
  try {
    learner = openHere(config)
  } catch (error) {
    const socket = controlSocket(dir)
    if (!existsSync(socket)) throw new CliError(exits.unavailable, (error as Error).message)
    return there(socket)
  }
  try {
    return await here(learner)
  } finally {
    learner.close()
  }
}

function openHere(config: Config): Learner {
  const { learner: given } = config
  return Learner.open({
    ...defaultSettings,
    dataDir: dataDir(config),
    profile: given.profile,
    minSpam: given.spam_min,
    minHam: given.ham_min,
    scanDays: given.scan_days,
  })
}

/** One request over the control socket. Rejects with a CliError when nobody answers there. */
export function post(
  socketPath: string,
  path: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { socketPath, path, method: 'POST', headers: { ...headers, 'Content-Length': body.length } },
      (reply) => {
        let text = ''
        reply.setEncoding('utf8')
        reply.on('data', (chunk: string) => (text += chunk))
        // Under 204 only the reason phrase gets through.
        reply.on('end', () =>
          resolve({ status: reply.statusCode ?? 500, text: text || (reply.statusMessage ?? '') }),
        )
      },
    )
    request.on('error', (error) =>
      reject(
        new CliError(exits.unavailable, `the server at ${socketPath} does not answer: ${error.message}`),
      ),
    )
    request.end(body)
  })
}

/** JSON there, JSON back. @throws CliError with the server's words when it refuses. */
export async function ask<T>(socket: string, path: string, question: object): Promise<T> {
  const { status, text } = await post(socket, path, Buffer.from(JSON.stringify(question)))
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    throw new CliError(exits.unavailable, `the server answered ${status} with something unreadable`)
  }
  if (status === 200) return answer as T
  throw new CliError(
    exits.unavailable,
    (answer as { error?: string }).error ?? `the server answered ${status}`,
  )
}
