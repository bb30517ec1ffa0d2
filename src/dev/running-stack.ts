import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findTakenPorts } from './ports.ts'
import type { PortSetting } from './settings.ts'

/** Path at which the practice journal of a running stack identifies itself. */
export const IDENTITY_PATH = '/.harmony-helper'
export const IDENTITY = 'Harmony Helper development stack'

const urlFile = (dataDir: string) => join(dataDir, 'journal-url')

/** Records where the stack of this data directory runs. */
export async function recordRunning(dataDir: string, journalUrl: string) {
  await writeFile(urlFile(dataDir), journalUrl)
  return { close: () => rm(urlFile(dataDir), { force: true }) }
}

async function isStack(url: string): Promise<boolean> {
  try {
    const response = await fetch(url + IDENTITY_PATH, { signal: AbortSignal.timeout(1000) })
    return (await response.text()) === IDENTITY
  } catch {
    return false
  }
}

/** URL of the stack that uses this data directory or this journal port, if one answers. */
async function findRunning(dataDir: string, journal: PortSetting): Promise<string | undefined> {
  const recorded = await readFile(urlFile(dataDir), 'utf8').catch(() => '')
  for (const url of [recorded, `http://localhost:${journal.port}`]) {
    if (url !== '' && (await isStack(url))) return url
  }
  return undefined
}

interface StartSettings {
  dataDir: string
  ports: { journal: PortSetting } & Record<string, PortSetting>
}

/**
 * Why the stack cannot start here: it runs already, or other programs use its ports. Undefined if it can
 * start.
 */
export async function findObstacle({ dataDir, ports }: StartSettings): Promise<string | undefined> {
  const taken = await findTakenPorts(Object.values(ports))
  const running = await findRunning(dataDir, ports.journal)
  if (running !== undefined) return describeRunning(running, taken)
  return taken.length === 0 ? undefined : taken.map(describeTaken).join('\n')
}

function describeRunning(url: string, taken: PortSetting[]): string {
  const inUse = taken.map(({ port, variable }) => `${port} (${variable})`).join(', ')
  return [
    `Harmony Helper is already running at ${url}`,
    ...(inUse === '' ? [] : [`Ports in use: ${inUse}`]),
    'To start a second one, set these variables to other ports and DATA_DIR to another directory.'
  ].join('\n')
}

function describeTaken({ port, service, variable }: PortSetting): string {
  return (
    `Port ${port} for ${service} is in use: stop the program that listens there, ` +
    `or set ${variable} to another port.`
  )
}
