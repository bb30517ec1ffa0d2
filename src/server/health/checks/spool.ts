import type { ConfigurationFault } from '../../errors.ts'
import { createSpool } from '../../http/bodies/spool.ts'
import { spoolFault } from '../../http/bodies/spool-fault.ts'

/** Recordings of more than 512 KB are in a temporary file during their save: one must be possible. */
export async function findSpoolFaults(): Promise<ConfigurationFault[]> {
  const spool = createSpool({ memoryBytes: 0 })
  try {
    await spool.write(Buffer.from('x'))
    await spool.finish()
    return []
  } catch (error) {
    const { cause } = error as Error
    return [spoolFault(cause instanceof Error && cause.name === 'ConfigurationFault' ? cause.cause : cause)]
  } finally {
    await spool.close()
  }
}
