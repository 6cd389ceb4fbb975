// The doors of a server: which addresses the configuration means, and opening them. What was asked for and cannot be had ends the start;
// a default that cannot be had is a warning while another serves.
import { readFileSync } from 'node:fs'
import { type Address, formatAddress, parseAddress } from '../src/config/address.js'
import type { Config } from '../src/config/schema.js'
import { firstLineBytesMax } from '../src/limits.js'
import type { Log } from '../src/log.js'
import type { Controller } from './controller/index.js'
import { type Listening, type ListenTo, listen } from './listen.js'
import { StartError } from './start-error.js'

const defaultScan = ['127.0.0.1:783', '127.0.0.1:11333']
const defaultController = ['127.0.0.1:11334']

/** Parses what the configuration gives; what was asked for and is no address ends the start. */
function addresses(asked: readonly string[] | null, fallback: readonly string[]): Address[] {
  return (asked ?? fallback).map((text) => {
    const address = parseAddress(text)
    if (!address) throw new StartError(64, `${text} is no address: write host:port, [v6]:port or unix:/path`)
    return address
  })
}

function readTls(key: string, cert: string): { key: Buffer; cert: Buffer } {
  try {
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } catch (error) {
    throw new StartError(78, `listen.tls_key or tls_cert cannot be read: ${(error as Error).message}`)
  }
}

/** The scan listeners that the configuration asks for. */
export function scanPorts({ listen: given }: Config): ListenTo[] {
  const tls =
    given.tls_key !== null && given.tls_cert !== null ? { tls: readTls(given.tls_key, given.tls_cert) } : {}
  return addresses(given.scan, defaultScan).map((address) => ({
    address,
    mode: Number.parseInt(given.socket_mode, 8),
    ...(given.socket_owner === null ? {} : { owner: given.socket_owner }),
    ...(given.socket_group === null ? {} : { group: given.socket_group }),
    ...tls,
  }))
}

/** Where commands of the same account reach this server. */
export async function openControlSocket(controller: Controller, path: string, log: Log): Promise<void> {
  try {
    await controller.listen({ kind: 'unix', path }, 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // A full or read-only folder costs learning, not the verdicts.
    if (code === 'EROFS' || code === 'ENOSPC')
      return log.warn(
        `${path} could not be bound: ${message}; commands such as hamd learn do not reach this server`,
      )
    throw new StartError(69, `${path} could not be bound: ${(error as Error).message}`)
  }
}

export async function openScanPorts(
  doors: readonly ListenTo[],
  config: Config,
  log: Log,
  fronts: Parameters<typeof listen>[1]['fronts'],
): Promise<Listening> {
  const { listen: given } = config
  const listening = await listen(doors, {
    fronts,
    limits: {
      firstLineBytesMax,
      firstLineMs: config.spamd.timeout_tcp_ms,
      connectionsMax: given.connections_max,
    },
    log,
    allowed: given.allowed_ips,
  })
  for (const { address, error } of listening.failed) {
    const text = `${address} could not be bound: ${error.message}`
    if (given.scan !== null || listening.addresses.length === 0) {
      await listening.close(0)
      throw new StartError(69, text)
    }
    log.warn(`${text}; give --scan with another address, or the right to bind ports below 1024`)
  }
  return listening
}

export async function openController(
  doors: readonly Address[],
  config: Config,
  controller: Controller,
  log: Log,
): Promise<string[]> {
  const bound: string[] = []
  for (const address of doors) {
    try {
      bound.push(await controller.listen(address))
    } catch (error) {
      const text = `${formatAddress(address)} could not be bound: ${(error as Error).message}`
      if (config.listen.controller !== null) throw new StartError(69, text)
      log.warn(`${text}; give --controller with another address`)
    }
  }
  return bound
}

/** The addresses of the controller that the configuration asks for. */
export function controllerPorts({ listen: given }: Config): Address[] {
  return addresses(given.controller, defaultController)
}
