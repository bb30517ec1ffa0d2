import type { ConfigurationFault } from '../../errors.ts'
import { createSpool } from '../../http/bodies/spool.ts'
import { spoolUnwritable } from '../../http/bodies/spool-fault.ts'

/** Recordings above 512 KB and scores above 128 KB are in temporary files during their save: one must be possible. */
export async function findSpoolFaults(): Promise<ConfigurationFault[]> {
  const spool = createSpool({ memoryBytes: 0 })
  try {
    await spool.write(Buffer.from('x'))
    await spool.finish()
    return []
  } catch (error) {
    const { cause } = error as Error
    return [
      spoolUnwritable(cause instanceof Error && cause.name === 'ConfigurationFault' ? cause.cause : cause)
    ]
  } finally {
    await spool.close()
  }
}
