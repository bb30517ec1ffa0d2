import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { PortSetting } from './settings.ts'

export interface ListenAddress {
  port: number
  host: string
  /** Environment variable that chooses the port, for the error message. */
  variable?: string
}

/** Starts to listen. Throws an error that names the port if it is in use. */
export async function listen(server: Server, { port, host, variable }: ListenAddress): Promise<void> {
  server.listen(port, host)
  await once(server, 'listening').catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    const remedy = variable === undefined ? 'choose another port' : `set ${variable} to another port`
    throw new Error(`Port ${port} of ${host} is taken: stop the program that listens there, or ${remedy}`)
  })
}

async function isTaken(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  } finally {
    server.close()
  }
}

/** The ports on which another program listens. */
export async function findTakenPorts(settings: PortSetting[]): Promise<PortSetting[]> {
  const taken = await Promise.all(settings.map(({ port }) => isTaken(port)))
  return settings.filter((_, i) => taken[i])
}
